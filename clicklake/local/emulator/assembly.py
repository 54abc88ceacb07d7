"""Put the emulator together: MiniStack, our delivery streams in it, and the live page."""

from dataclasses import dataclass

from clicklake.local.delivery_stream.dependencies import StreamDependencies
from clicklake.local.delivery_stream.faults import Faults
from clicklake.local.delivery_stream.journal import DiskJournal
from clicklake.local.delivery_stream.objects import SealedObject
from clicklake.local.delivery_stream.puts import PutApi
from clicklake.local.delivery_stream.registry import StreamRegistry
from clicklake.local.emulator.gateway import explain_taken_port
from clicklake.local.emulator.ministack import MiniStack
from clicklake.local.emulator.settings import EmulatorSettings
from clicklake.local.live.event_log import EventLog
from clicklake.local.live.server import LiveServer, LiveSources


@dataclass(frozen=True)
class RunningEmulator:
    """The parts that must be started and stopped."""

    streams: StreamRegistry
    journal: DiskJournal
    live: LiveServer


def assemble(settings: EmulatorSettings, ministack: MiniStack) -> RunningEmulator:
    """Build the streams and the live page, and install the streams in MiniStack."""
    log, faults = EventLog(), Faults()
    journal = DiskJournal(settings.state / "journal.sqlite")

    def put_object(sealed: SealedObject) -> None:
        faults.check_s3()
        ministack.put_object(sealed)

    deps = StreamDependencies(
        invoke=ministack.invoke,
        put_object=put_object,
        journal=journal,
        landed=log.add,
        deliver_twice=faults.deliver_twice,
    )
    streams = StreamRegistry(ministack.find_config, deps, journal, settings.max_buffer_seconds)
    ministack.install(PutApi(lambda name: streams.find(ministack.stream_arn(name)), streams.notify, faults))
    links = {"site": settings.site_url, "curl": settings.curl}
    sources = LiveSources(log, faults, streams.waiting, streams.flush, ministack.save, links)
    with explain_taken_port(settings.live_port):
        live = LiveServer(settings.live_port, sources)
    return RunningEmulator(streams, journal, live)
