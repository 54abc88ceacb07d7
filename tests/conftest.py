"""For every test: an importable checkout, the markers that fixtures imply, and a guard of the unit tests."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# A shell's background jobs ignore interrupts, and so do their children: commands that tests end by Ctrl-C
# would go on.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow machine is no fault: tests compare work, not seconds.
settings.register_profile("clicklake", deadline=None)
settings.load_profile("clicklake")

MARKERS = ("emulator", "browser", "e2e", "long", "spark")
MARKERS_OF_FIXTURES = {"emulator": "emulator", "browser": "browser"}
NOT_IN_UNIT_TESTS = {"subprocess.Popen": "starts a process", "socket.bind": "starts a server"}


class UnitTestGuard:
    """Fails a test without a marker that starts a process or a server.

    `make check` runs those tests alone, and promises that they start neither.
    """

    def __init__(self) -> None:
        self.running = ""
        sys.addaudithook(self.audit)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.running and event in NOT_IN_UNIT_TESTS:
            name, self.running = self.running, ""
            raise AssertionError(
                f"{name} {NOT_IN_UNIT_TESTS[event]}: it needs a marker, {' or '.join(MARKERS)}"
            )


GUARD = UnitTestGuard()


@pytest.fixture(autouse=True, scope="module")
def no_session_of_another_module() -> None:
    """boto3's default session keeps its first keys for good, and each emulator has its own."""
    if boto3 := sys.modules.get("boto3"):
        boto3.DEFAULT_SESSION = None  # type: ignore[attr-defined]


# Of a module, not of the session: while it runs, Playwright keeps an event loop that other tests would meet.
@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    from tests.support.chromium import started_browser

    yield from started_browser()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--api", help="the API of a deployed stage, instead of a cloud of our own")
    parser.addoption(
        "--bucket", help="the lake's bucket of that stage; read with the AWS credentials at hand"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in MARKERS_OF_FIXTURES:
                item.add_marker(MARKERS_OF_FIXTURES[fixture])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    is_unit = not any(item.get_closest_marker(marker) for marker in MARKERS)
    GUARD.running = item.nodeid if is_unit else ""


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    GUARD.running = ""
