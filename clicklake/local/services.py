"""The two services of the local cloud, each a child process: the emulator and the ingest app."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from clicklake.cli.checkout import ROOT
from clicklake.deploy.prerequisites import environment_python
from clicklake.local.addresses import LocalKeys
from clicklake.local.ports import Ports
from clicklake.local.processes import Process

JSON_HEADER = "-H 'Content-Type: application/json'"
# Of each of the two buffers. The tracker waits for up to a second before them, so a click shows within two.
MAX_BUFFER_SECONDS = "0.25"
READY_SECONDS = 120  # a machine at load 16 needs half a minute


def start_emulator(folder: Path, ports: Ports, keys: LocalKeys, site: str, click: str) -> Process:
    """`click` is the example that the live page shows."""
    # Functions can read the emulator's whole environment, so it gets nothing of the user's.
    env = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "GATEWAY_PORT": str(ports.s3),
        "CLICKLAKE_LIVE_PORT": str(ports.live),
        "CLICKLAKE_SITE_URL": site,
        "CLICKLAKE_CURL": f"curl -X PUT http://127.0.0.1:{ports.api}/clicks {JSON_HEADER} -d '{click}'",
        "CLICKLAKE_STATE_DIR": str(folder / "state"),
        "CLICKLAKE_ACCESS_KEY_ID": keys.access_key_id,
        "CLICKLAKE_SECRET_ACCESS_KEY": keys.secret_access_key,
        "CLICKLAKE_MAX_BUFFER_SECONDS": os.environ.get("CLICKLAKE_MAX_BUFFER_SECONDS", MAX_BUFFER_SECONDS),
        # Saves 100 MB: otherwise glibc keeps freed memory in an arena per thread.
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_MMAP_THRESHOLD_": "65536",
    }
    command = [str(environment_python("emulator")), "-m", "clicklake.local.emulator"]
    return Process("the emulator", command, env=env, cwd=ROOT, log=folder / "log" / "emulator.log")


def start_dashboard(
    folder: Path, port: int, bucket: str, token: str, environment: Mapping[str, str]
) -> Process:
    env = {"PATH": os.defpath, "HOME": str(folder), **environment, "CLICKLAKE_DASHBOARD_TOKEN": token}
    env["XDG_CACHE_HOME"] = str(folder / "cache")
    command = [sys.executable, "-m", "clicklake", "dashboard", "--bucket", bucket, "--port", str(port)]
    return Process("the dashboard", command, env=env, cwd=ROOT, log=folder / "log" / "dashboard.log")


def start_ingest(folder: Path, port: int, lake: Mapping[str, str], environment: Mapping[str, str]) -> Process:
    """`lake` is what its stack puts out."""
    env = {"PATH": os.defpath, **environment}
    env |= {"CLICK_STREAM": lake["StreamName"], "VISITOR_KEY_TABLE": lake["VisitorKeyTableName"]}
    # `-m flask` and not the script `flask`: a script's first line holds a path, which must not have a space.
    flask = [str(environment_python("ingest")), "-m", "flask", "--app", "ingest_app", "run"]
    command = [*flask, "--host", "127.0.0.1", "--port", str(port)]
    return Process("the ingest app", command, env=env, cwd=ROOT, log=folder / "log" / "ingest.log")
