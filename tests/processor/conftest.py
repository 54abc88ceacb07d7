import threading
from collections.abc import Callable, Iterator

import pytest

from tests.processor.catalogue_server import CatalogueServer
from tests.processor.started import Processor

StartProcessor = Callable[..., Processor]


@pytest.fixture
def catalogue() -> Iterator[CatalogueServer]:
    server = CatalogueServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.stop()
    thread.join()


@pytest.fixture
def start_processor(monkeypatch: pytest.MonkeyPatch) -> StartProcessor:
    """Start a processor with these variables in its environment."""

    def start(**environment: str) -> Processor:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return Processor()

    return start


@pytest.fixture
def processor(start_processor: StartProcessor) -> Processor:
    return start_processor()
