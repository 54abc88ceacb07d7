"""Everything that `make run` starts, in the order that it needs: emulator, site, lake, ingest app."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from clicklake.cli.checkout import ENVS, ROOT
from clicklake.deploy.buckets import make_bucket, open_bucket
from clicklake.deploy.publish import publish
from clicklake.deploy.steps import deploy_lake
from clicklake.deploy.target import Target
from clicklake.errors import CommandError
from clicklake.local.ports import PortError, Ports
from clicklake.local.processes import Process

TEMPLATE = ROOT / ".run" / "stage" / "cloudformation" / "lake.yaml"
STAGE = "dev"
SITE_BUCKET = f"clicklake-site-{STAGE}"
ACCOUNT = "000000000000"

# Any account will do; these are the keys that emulators know as root.
AWS_ENV = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,  # no profile of this machine's user can lead anything to real AWS
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_PAGER": "",
}


@dataclass(frozen=True)
class LocalCloud:
    """What runs and where; `addresses` is what .run/addresses.json says."""

    addresses: dict[str, str]
    processes: tuple[Process, ...]


@contextmanager
def running_cloud(folder: Path, wanted: Ports) -> Iterator[LocalCloud]:
    """Run the whole cloud with its state and logs under `folder`; stop every process on the way out.

    Raises CommandError.
    """
    try:
        wanted.check()
    except PortError as error:
        raise CommandError(str(error)) from None
    ports = wanted.filled()
    s3_url = f"http://127.0.0.1:{ports.s3}"
    os.environ.update(AWS_ENV, AWS_ENDPOINT_URL=s3_url)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stop:
        emulator = _start_emulator(folder, ports)
        stop.callback(emulator.stop)
        emulator.wait_until_answers(f"{s3_url}/_ministack/health", seconds=30)
        _publish_site(f"http://127.0.0.1:{ports.api}/clicks")
        lake = _deploy_lake(folder, s3_url)
        ingest = _start_ingest(folder, ports.api, lake["StreamName"], lake["VisitorKeyTableName"])
        stop.callback(ingest.stop)
        ingest.wait_until_answers(f"http://127.0.0.1:{ports.api}/health", seconds=30)
        addresses = {
            "site": f"{s3_url}/{SITE_BUCKET}/index.html",
            "api": f"http://127.0.0.1:{ports.api}",
            "live": f"http://127.0.0.1:{ports.live}/",
            "s3": s3_url,
            "bucket": lake["BucketName"],
            "siteBucket": SITE_BUCKET,
            "stream": lake["StreamName"],
        }
        _save_control_plane(addresses["live"])
        stop.callback((folder / "addresses.json").unlink, missing_ok=True)
        _write_whole(folder / "addresses.json", addresses)
        yield LocalCloud(addresses, (emulator, ingest))


def _save_control_plane(live: str) -> None:
    """MiniStack writes what was deployed when it ends; killed before that, it would orphan the lake."""
    with urlopen(Request(f"{live}save", method="POST"), timeout=30):
        pass


def _publish_site(endpoint: str) -> None:
    make_bucket(SITE_BUCKET, ACCOUNT)
    publish(SITE_BUCKET, ROOT / "web", endpoint=endpoint, cache_control="no-cache")
    open_bucket(SITE_BUCKET)


def _deploy_lake(folder: Path, s3_url: str) -> dict[str, str]:
    parameters = {
        "CatalogueUrl": f"{s3_url}/{SITE_BUCKET}/mysfits/{{id}}",
        "Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}",
    }
    target = Target(ACCOUNT, AWS_ENV["AWS_REGION"], s3_url)
    return deploy_lake(target, STAGE, TEMPLATE, folder / "packaged.yaml", parameters).outputs


def _start_emulator(folder: Path, ports: Ports) -> Process:
    # A clean environment: what the emulator has, every function that it runs can read.
    env = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "GATEWAY_PORT": str(ports.s3),
        "CLICKLAKE_LIVE_PORT": str(ports.live),
        "CLICKLAKE_STATE_DIR": str(folder / "state"),
        # Two buffers, and before them up to a second in the tracker: a click shows within two seconds.
        "CLICKLAKE_MAX_BUFFER_SECONDS": "0.25",
        # Else glibc keeps what was freed, for each of many threads and between what was not: 100 MB.
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_MMAP_THRESHOLD_": "65536",
    }
    command = [str(ENVS / "emulator" / "bin" / "python"), "-m", "clicklake.local.emulator.ministack"]
    return Process("the emulator", command, env=env, cwd=ROOT, log=folder / "log" / "emulator.log")


def _start_ingest(folder: Path, port: int, stream: str, key_table: str) -> Process:
    env: Mapping[str, str] = {
        "PATH": os.defpath,
        **AWS_ENV,
        "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        "CLICK_STREAM": stream,
        "VISITOR_KEY_TABLE": key_table,
    }
    command = [
        str(ENVS / "ingest" / "bin" / "flask"),
        "--app",
        "ingest_app",
        "run",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    return Process("the ingest app", command, env=env, cwd=ROOT, log=folder / "log" / "ingest.log")


def _write_whole(file: Path, content: dict[str, str]) -> None:
    """So that whoever waits for the file never reads half of it."""
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n")
    partial.replace(file)
