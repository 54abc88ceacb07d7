import threading
from collections.abc import Callable, Iterator

import pytest

from tests.processor.catalogue_server import CatalogueServer
from tests.processor.in_process_catalogue import URL, InProcessCatalogue
from tests.processor.loaded import LoadedProcessor

StartProcessor = Callable[..., LoadedProcessor]


@pytest.fixture
def catalogue() -> InProcessCatalogue:
    return InProcessCatalogue()


@pytest.fixture
def start_processor(monkeypatch: pytest.MonkeyPatch, catalogue: InProcessCatalogue) -> StartProcessor:
    """Load a processor with the in-process catalogue and these environment variables."""

    def start(**environment: str) -> LoadedProcessor:
        for name, value in ({"CATALOGUE_URL": URL} | environment).items():
            monkeypatch.setenv(name, value)
        return LoadedProcessor(catalogue)

    return start


@pytest.fixture(scope="session")
def processor() -> LoadedProcessor:
    """A processor without a catalogue."""
    return LoadedProcessor()


@pytest.fixture
def catalogue_server() -> Iterator[CatalogueServer]:
    """A real server, for the tests that are marked e2e."""
    server = CatalogueServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.stop()
    thread.join()
