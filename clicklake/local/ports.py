"""The four ports of the local cloud, checked all at once.

`python -m clicklake.local.ports --api-port 5050 …` is the first step of `make run`. It also says if a cloud
runs here already. It runs before anything is installed, so this module needs nothing but the standard
library.
"""

import argparse
import socket
import sys
from dataclasses import astuple, dataclass
from pathlib import Path

from clicklake.local.instance import InstanceError, only_instance

MAX_PORT = 65_535
NAMES = ("API_PORT", "S3_PORT", "LIVE_PORT", "DASHBOARD_PORT")


class PortError(Exception):
    """A port cannot be used. The message names every such port and the setting that changes it."""


@dataclass(frozen=True)
class Ports:
    """Where to serve, on loopback; 0 means any free port."""

    api: int
    s3: int
    live: int
    dashboard: int

    def check(self) -> None:
        """Raise PortError unless each port is valid, free and named once."""
        problems = []
        chosen: dict[int, str] = {}
        for name, port in zip(NAMES, astuple(self), strict=True):
            if not 0 <= port <= MAX_PORT:
                problems.append(f"{name}={port} is not a port: it must be 0 to {MAX_PORT}")
            elif port in chosen:
                problems.append(f"{name}={port} is also {chosen[port]}: each needs a port of its own")
            elif port and not is_free(port):
                problems.append(f"{name}={port} is in use: stop what uses it, or choose another port")
            if port:
                chosen[port] = name
        if problems:
            example = " ".join(f"{name}={free_port()}" for name in NAMES)
            raise PortError("\n".join([*problems, f"Free ports now: make run {example}"]))

    def filled(self) -> "Ports":
        """Return the same ports, with a free one in place of each 0."""
        return Ports(*(port or free_port() for port in astuple(self)))


def is_free(port: int) -> bool:
    """Return whether a server can bind this port on loopback now (one in TIME_WAIT counts as free)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m clicklake.local.ports", description="Check the ports.")
    for name in NAMES:
        parser.add_argument(f"--{name.lower().replace('_', '-')}", type=int, required=True)
    parser.add_argument("--dir", type=Path, default=Path(__file__).resolve().parents[2] / ".run")
    options = parser.parse_args()
    try:
        with only_instance(options.dir):
            Ports(options.api_port, options.s3_port, options.live_port, options.dashboard_port).check()
    except (PortError, InstanceError) as error:
        print(f"clicklake: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
