"""From the API to the line: where events land, and what becomes of them while something is broken."""

from datetime import UTC, datetime

from clicklake.lake.error_documents import FAILED
from clicklake.lake.partitions import HOUR, hour_of, hour_of_key
from clicklake.replay.batch_writer import FirehoseBatchWriter
from clicklake.replay.replayer import Replayer, ReplayFilter
from clicklake.replay.triage import triage
from clicklake.verify.landing import LandedLine, Landing
from clicklake.verify.processor_settings import ProcessorSettingsKeeper
from clicklake.verify.public_api import PublicApi
from clicklake.verify.rows import CheckFailedError, CheckSkippedError, Recorder, require
from clicklake.verify.stage import CLOCK_DIFFERENCE, StageUnderTest

ANSWERED = ("found", "not_found")  # by the catalogue


class PipelineChecks:
    def __init__(self, recorder: Recorder, stage: StageUnderTest, api: PublicApi, landing: Landing) -> None:
        self._recorder, self._stage, self._api, self._landing = recorder, stage, api, landing
        self._broken_at: datetime | None = None
        self._failing: set[str] = set()

    def check_landing(self) -> None:
        """Every event that was accepted so far lands."""
        check, sent = self._recorder.check, len(self._api.accepted)
        check("the lines", f"{sent} events in clicks/, marked as a bot's", self._lines)
        check("the partitions", "each line in the hour of its arrival", self._partitions)
        check("the raw copy", f"{sent} events in raw/", self._raw)

    def check_catalogue(self, processor: ProcessorSettingsKeeper | None) -> None:
        """Ask the catalogue; with `processor`, also while it does not answer."""
        if processor:
            self._recorder.check(
                "the catalogue is down",
                "the event lands with itemLookup unavailable",
                lambda: self._without_catalogue(processor),
            )
        expected = "found" if self._stage.item else " or ".join(ANSWERED)
        self._recorder.check("the catalogue is up", f"itemLookup {expected}", self._with_catalogue)

    def check_replay(self, processor: ProcessorSettingsKeeper) -> None:
        self._recorder.check(
            "the processor raises an error",
            "the event is in failed/ as Lambda.FunctionError",
            lambda: self._while_it_raises(processor),
        )
        self._recorder.check("replay", "the event lands", self.replay)

    def _lines(self) -> str:
        found = self._landing.wait_for_lines({*self._api.accepted}, self._stage.landing_seconds)
        people = [each for each in found if not each.line.get("bot")]
        strangers = [each for each in found if each.line.get("userId") != self._stage.mark]
        seen = f"{len(found)} events, {len(people)} not marked as a bot's, {len(strangers)} of another user"
        return require(not people and not strangers, seen)

    def _partitions(self) -> str:
        lines = [each for of_event in self._landing.lines.values() for each in of_event]
        wrong = [each.key for each in lines if not _is_in_its_hour(each)]
        example = f"; {wrong[0]} is not" if wrong else ""
        return require(bool(lines) and not wrong, f"{len(lines) - len(wrong)} of {len(lines)} are{example}")

    def _raw(self) -> str:
        wanted = {*self._api.accepted}

        def found(landing: Landing) -> str | None:
            return f"{len(wanted)} events" if wanted <= landing.raw else None

        return self._landing.wait_for(found, self._stage.raw_seconds, "not all in raw/")

    def _send_item(self) -> str:
        """Send an event of an item, and return its id. Raises CheckSkippedError without a catalogue."""
        if self._stage.parameters.get("CatalogueUrl") in ("", "none"):
            raise CheckSkippedError("the stage has no catalogue")
        if self._stage.parameters.get("ItemIdPattern") and not self._stage.item:
            raise CheckSkippedError("the stage has an ItemIdPattern: pass an id that matches with --item")
        event = self._api.event(itemId=self._stage.item or f"{self._stage.mark}-item")
        self._api.put(event)
        return str(event["eventId"])

    def _with_catalogue(self) -> str:
        lookup = self._lookup_of(self._send_item())
        return require(lookup == "found" if self._stage.item else lookup in ANSWERED, lookup)

    def _without_catalogue(self, processor: ProcessorSettingsKeeper) -> str:
        with processor.without_catalogue():
            lookup = self._lookup_of(self._send_item())
        return require(lookup == "unavailable", lookup)

    def _lookup_of(self, event_id: str) -> str:
        (found,) = self._landing.wait_for_lines({event_id}, self._stage.landing_seconds)
        return str(found.line.get("itemLookup"))

    def _while_it_raises(self, processor: ProcessorSettingsKeeper) -> str:
        self._broken_at = datetime.now(UTC)
        event = self._api.event()
        event_id = event["eventId"]
        self._failing.add(event_id)
        with processor.that_raises():
            self._api.put(event)
            code = self._landing.wait_for(
                lambda landing: landing.failed.get(event_id),
                self._stage.failing_seconds,
                "not in failed/",
            )
        return require(code == "Lambda.FunctionError", code)

    def replay(self) -> str:
        """Put back everything that failed while the processor was broken, also the clicks of visitors."""
        if self._broken_at is None:
            raise CheckSkippedError("the processor was not broken")
        lake = self._stage.lake
        since = self._broken_at - CLOCK_DIFFERENCE
        wanted = ReplayFilter(None, since, None)
        writer = FirehoseBatchWriter(lake.client("firehose"), lake.outputs["StreamName"])
        replayer = Replayer(lake, FAILED, triage, wanted, writer)
        for found in [*lake.objects(FAILED)]:
            if wanted.may_match_key(found.key) and found.modified >= since:
                replayer.replay_object(found.key)
        if replayer.unreadable:
            raise CheckFailedError(f"unreadable: {', '.join(replayer.unreadable)}")
        records = sum(counts.records for counts in replayer.counts.values())
        failing = self._failing & self._api.accepted
        self._landing.wait_for_lines(failing, self._stage.landing_seconds, were_replayed=True)
        number = "one record was" if records == 1 else f"{records} records were"
        return f"{number} put back, and the event landed"


def _is_in_its_hour(found: LandedLine) -> bool:
    """Firehose names a partition after the oldest record in the object, so it may be the hour before."""
    received = hour_of(datetime.fromisoformat(found.line["receivedAt"]))
    return hour_of_key(found.key) in (received, received - HOUR)
