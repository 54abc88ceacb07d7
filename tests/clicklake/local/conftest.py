"""Fixtures of the local cloud: a stream with a fixed clock, an emulator, the live page's server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clicklake.local.delivery_stream.world import World
from tests.clicklake.local.live.served import Served
from tests.support.emulator import Emulator, deploy


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Make a World: `world(function, **changes of the configuration)`."""
    worlds: list[World] = []

    def make(*args: Any, **changes: Any) -> World:
        worlds.append(World(tmp_path, *args, **changes))
        return worlds[-1]

    yield make
    for created in worlds:
        created.journal.close()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for all tests here, with the stream "clicks-1" in it."""
    environment = {"CLICKLAKE_MAX_BUFFER_SECONDS": "0.05", "SECRET_OF_THE_USER": "x"}
    running = Emulator(tmp_path_factory.mktemp("emulator"), **environment).start()
    try:
        deploy(running, "clicks-1")
        yield running
    finally:
        running.stop()


@pytest.fixture
def cloud(emulator: Emulator) -> Emulator:
    """The emulator with nothing landed, nothing waiting and no faults."""
    emulator.post("/reset")
    return emulator


@pytest.fixture
def live() -> Iterator[Served]:
    served = Served()
    yield served
    served.close()
