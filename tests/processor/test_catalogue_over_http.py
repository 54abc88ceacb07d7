"""The catalogue client against a real server, with every fault of a connection that we could think of."""

import time
from threading import Event, Thread

import pytest

from processor import catalogue as module
from processor.catalogue import CatalogueClient, CatalogueError
from processor.items import ItemCache
from processor.lookup import BatchLookup
from processor.settings import ProcessorSettings
from tests.processor.catalogue_server import CatalogueServer, Visit
from tests.processor.in_process_catalogue import ITEM
from tests.processor.wire_faults import WIRE_FAULTS, slow_headers

pytestmark = pytest.mark.e2e


@pytest.fixture
def client(catalogue_server: CatalogueServer) -> CatalogueClient:
    return CatalogueClient(catalogue_server.url, connections=4)


def test_one_connection_serves_many_calls(client: CatalogueClient, catalogue_server: CatalogueServer) -> None:
    def answer(visit: Visit) -> None:
        if visit.item_id == "nobody":
            visit.answer(404, b"<Error/>")
        else:
            visit.answer_item()

    catalogue_server.behaviour = answer
    items = [client.get(item_id) for item_id in ("evangeline", "nobody", "pauly", "nobody")]
    assert items == [ITEM, None, ITEM, None]
    assert catalogue_server.connections == 1


@pytest.mark.parametrize(
    "cookie", ["seen=1; Path=/", "{id}=1; Path=/", "a=b; Domain=127.0.0.1; Max-Age=9999"]
)
def test_no_cookie_is_kept_or_sent(
    client: CatalogueClient, catalogue_server: CatalogueServer, cookie: str
) -> None:
    def answer(visit: Visit) -> None:
        header = "Set-Cookie: " + cookie.replace("{id}", visit.item_id)
        if visit.item_id == "moved":
            visit.answer(302, b"", header, "Location: /mysfits/here")
        else:
            visit.answer(200, b"{}", header)

    catalogue_server.behaviour = answer
    for item_id in ("a", "b", "moved", "a"):
        client.get(item_id)
    assert not client.session.cookies
    assert [header for header in catalogue_server.headers if header.lower().startswith("cookie")] == []
    assert catalogue_server.calls.total() == 5


@pytest.mark.parametrize("fault", WIRE_FAULTS)
def test_a_fault_is_an_error_and_the_next_call_succeeds(
    client: CatalogueClient, catalogue_server: CatalogueServer, fault: str
) -> None:
    catalogue_server.behaviour = WIRE_FAULTS[fault]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "READ_TIMEOUT_SECONDS", 0.2)
        with pytest.raises(CatalogueError):
            client.get("evangeline")
    catalogue_server.behaviour = lambda visit: visit.answer_item()
    assert client.get("evangeline") == ITEM


def test_a_closed_port_is_an_error(catalogue_server: CatalogueServer) -> None:
    url = catalogue_server.url
    catalogue_server.socket.close()
    with pytest.raises(CatalogueError):
        CatalogueClient(url, connections=1).get("evangeline")


def assert_aborted(client: CatalogueClient, catalogue_server: CatalogueServer) -> None:
    has_begun = Event()

    def drip_headers(visit: Visit) -> None:
        has_begun.set()
        visit.drip(b"X-Slow: yes\r\n")

    catalogue_server.behaviour = drip_headers
    errors: list[CatalogueError] = []

    def call() -> None:
        try:
            client.get("evangeline")
        except CatalogueError as error:
            errors.append(error)

    caller = Thread(target=call)
    caller.start()
    has_begun.wait()
    client.abort_in_flight()
    caller.join()
    assert len(errors) == 1


def test_a_call_that_never_times_out_can_be_aborted(
    client: CatalogueClient, catalogue_server: CatalogueServer
) -> None:
    assert_aborted(client, catalogue_server)


def test_the_proxy_of_the_machine_is_ignored(
    catalogue_server: CatalogueServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert CatalogueClient(catalogue_server.url, connections=1).get("evangeline") == ITEM


# --- HTTPS ---


@pytest.fixture
def secure_server(catalogue_server: CatalogueServer) -> CatalogueServer:
    """A server with a self-signed certificate."""
    catalogue_server.speak_tls("tests/data/tls/catalogue.pem")
    return catalogue_server


def trusting_client(url: str) -> CatalogueClient:
    """A client that trusts this one certificate."""
    client = CatalogueClient(url, connections=1)
    client.adapter.trust.load_verify_locations("tests/data/tls/catalogue.pem")
    return client


def test_a_certificate_that_no_authority_signed_is_refused(secure_server: CatalogueServer) -> None:
    with pytest.raises(CatalogueError):
        CatalogueClient(secure_server.url, connections=1).get("evangeline")
    assert not secure_server.calls


def test_an_item_is_fetched_over_https(secure_server: CatalogueServer) -> None:
    assert trusting_client(secure_server.url).get("evangeline") == ITEM


def test_a_certificate_for_another_host_is_refused(secure_server: CatalogueServer) -> None:
    with pytest.raises(CatalogueError):
        trusting_client(secure_server.url.replace("127.0.0.1", "localhost")).get("evangeline")


def test_a_call_over_https_can_be_aborted(secure_server: CatalogueServer) -> None:
    assert_aborted(trusting_client(secure_server.url), secure_server)


# --- Batches ---


def fetch(items: ItemCache, *ids: str, seconds: float = 30) -> list[str]:
    """Return how each lookup ended."""
    lookup = BatchLookup(items)
    for item_id in ids:  # each in an envelope of its own
        lookup.add([item_id])
    lookup.fetch_missing(seconds)
    return [lookup.known[item_id].lookup for item_id in ids]


def test_a_batch_opens_no_more_connections_than_the_setting_and_keeps_none(
    catalogue_server: CatalogueServer,
) -> None:
    items = ItemCache(ProcessorSettings(catalogue_url=catalogue_server.url, catalogue_connections=4))
    ids = [f"item-{number}" for number in range(300)]
    assert fetch(items, *ids) == 300 * ["found"]
    first = catalogue_server.connections
    assert first <= 4
    assert fetch(items, "another") == ["found"]
    assert catalogue_server.connections == first + 1


def test_an_item_that_is_not_there_by_the_deadline_is_unavailable(catalogue_server: CatalogueServer) -> None:
    def answer(visit: Visit) -> None:
        visit.drip(b"HTTP/1.1 200 OK\r\n") if visit.item_id == "bad" else visit.answer_item()

    catalogue_server.behaviour = answer
    items = ItemCache(ProcessorSettings(catalogue_url=catalogue_server.url))
    assert fetch(items, "good") == ["found"]
    started = time.monotonic()
    assert fetch(items, "good", "bad", seconds=0.2) == ["found", "unavailable"]
    assert time.monotonic() - started < module.READ_TIMEOUT_SECONDS
    assert not catalogue_server.is_closing.is_set()  # the server would have gone on


def test_a_batch_without_time_does_not_harm_the_next(catalogue_server: CatalogueServer) -> None:
    catalogue_server.behaviour = slow_headers
    items = ItemCache(ProcessorSettings(catalogue_url=catalogue_server.url))
    ids = [f"item-{number}" for number in range(100)]
    assert fetch(items, *ids, seconds=0.1) == 100 * ["unavailable"]
    catalogue_server.behaviour = lambda visit: visit.answer_item()
    assert fetch(items, *ids) == 100 * ["found"]
