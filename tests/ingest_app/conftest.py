"""The app in this process, with a stream in memory."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ingest_app import create_app
from ingest_app.aws.stream import StreamUnavailable
from ingest_app.settings import IngestSettings
from ingest_app.visitor_keys import DayKeys, KeyStoreUnavailable
from tests.support.paths import ROOT

DATA = ROOT / "tests" / "data"

MakeClient = Callable[..., FlaskClient]


class MemoryStream:
    """Accepts and keeps every record."""

    def __init__(self) -> None:
        self.records: list[bytes] = []

    def put(self, record: bytes) -> None:
        self.records.append(record)

    @property
    def envelope(self) -> dict[str, Any]:
        """The only envelope on the stream."""
        (record,) = self.records
        assert record.endswith(b"\n")
        envelope: dict[str, Any] = json.loads(record)
        return envelope

    @property
    def click(self) -> dict[str, Any]:
        """The only click of the only envelope."""
        (click,) = self.envelope["clicks"]
        assert isinstance(click, dict)
        return click


class UnavailableStream:
    """Raises what FirehoseStream raises while Firehose is down."""

    def put(self, record: bytes) -> None:
        raise StreamUnavailable("ServiceUnavailableException")


class BrokenStream:
    """Raises an error that the app does not expect. Its message quotes the payload."""

    def put(self, record: bytes) -> None:
        raise ValueError(f"cannot digest {record!r}")


class MemoryKeyStore:
    """Holds the visitor key as the table does. It can be told to fail."""

    def __init__(self, keys: DayKeys | None = None) -> None:
        self.keys = keys
        self.is_available = True
        self.reads = self.writes = 0

    def read(self) -> DayKeys | None:
        self.reads += 1
        self._check()
        return self.keys

    def replace(self, old: DayKeys | None, new: DayKeys) -> bool:
        self.writes += 1
        self._check()
        if self.keys != old:
            return False
        self.keys = new
        return True

    def _check(self) -> None:
        if not self.is_available:
            raise KeyStoreUnavailable("ServiceUnavailable")


def json_of(response: TestResponse) -> Any:
    """Parse the body of a response, whatever its Content-Type."""
    return json.loads(response.data)


@pytest.fixture
def stream() -> MemoryStream:
    return MemoryStream()


@pytest.fixture
def make_client(stream: MemoryStream) -> MakeClient:
    def make(key_store: MemoryKeyStore | None = None, **settings: Any) -> FlaskClient:
        return create_app(IngestSettings("clicks", **settings), stream, key_store).test_client()

    return make


@pytest.fixture
def client(make_client: MakeClient) -> FlaskClient:
    return make_client()
