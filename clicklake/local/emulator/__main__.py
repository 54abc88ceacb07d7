"""Start the emulator: `python -m clicklake.local.emulator`. settings.py lists the variables that it reads.

It is ready when `GET /_ministack/health` on GATEWAY_PORT answers 200. Both ports answer then, and a line that
begins with "ready" is printed. It exits with 1 and names the port if one is taken. SIGTERM and SIGINT deliver
buffered records for up to FLUSH_SECONDS (the journal keeps the rest for the next start), save the control
plane, and exit with 0.
"""

import asyncio
import os
import shutil
import socket
import threading
import urllib.request

from clicklake.local.emulator.assembly import assemble
from clicklake.local.emulator.gateway import allow_resets, explain_taken_port, serve
from clicklake.local.emulator.ministack import MiniStack, environment_for
from clicklake.local.emulator.settings import EmulatorSettings, read_settings

FLUSH_SECONDS = 5.0
READY_SECONDS = 60
KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE")


def main() -> None:
    settings = read_settings(os.environ)
    with explain_taken_port(settings.gateway_port):
        gateway = socket.create_server(("127.0.0.1", settings.gateway_port))
    replace_environment(settings)
    ministack = MiniStack()
    emulator = assemble(settings, ministack)
    allow_resets()
    emulator.streams.start()
    threading.Thread(target=emulator.live.serve_forever, daemon=True).start()
    threading.Thread(target=announce_when_ready, args=(settings,), daemon=True).start()
    asyncio.run(
        serve(
            ministack.asgi_app,
            gateway,
            settings.log_level,
            on_stop=lambda: emulator.streams.flush(FLUSH_SECONDS),
        )
    )
    emulator.streams.stop()
    emulator.live.shutdown()
    emulator.journal.close()


def replace_environment(settings: EmulatorSettings) -> None:
    """Replace this process's environment with what MiniStack and the functions need.

    MiniStack reads its settings from os.environ alone, and passes os.environ on to every function. So nothing
    of the user's may stay in it. Must run before MiniStack is imported.
    """
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    temporary = settings.state / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)  # MiniStack leaves unpacked functions there
    temporary.mkdir(parents=True)
    os.environ.clear()
    os.environ |= kept | {"TMPDIR": str(temporary)} | environment_for(settings)


def announce_when_ready(settings: EmulatorSettings) -> None:
    """Print one line once both ports answer."""
    health = f"http://127.0.0.1:{settings.gateway_port}/_ministack/health"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(health, timeout=READY_SECONDS) as response:
        response.read()
    print(
        f"ready s3=http://127.0.0.1:{settings.gateway_port} live=http://127.0.0.1:{settings.live_port}",
        flush=True,
    )


if __name__ == "__main__":
    main()
