"""The catalogue by HTTP, from a real server that misbehaves in every way that we could think of."""

import gzip
import json
from threading import Event, Thread

import pytest

from processor import catalogue as module
from processor.catalogue import Catalogue, CatalogueError
from tests.processor.catalogue_server import ITEM, CatalogueServer, Visit
from tests.processor.faults import FAULTS


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_TIMEOUT_SECONDS", 0.5)


@pytest.fixture
def client(catalogue: CatalogueServer) -> Catalogue:
    return Catalogue(catalogue.url, connections=4)


def test_an_item_is_what_the_catalogue_says(client: Catalogue) -> None:
    assert client.get("evangeline") == ITEM


@pytest.mark.parametrize("status", [404, 403])
def test_no_such_item_is_an_answer(client: Catalogue, catalogue: CatalogueServer, status: int) -> None:
    catalogue.behaviour = lambda visit: visit.answer(status, b"<Error/>")
    assert client.get("nobody") is None


def test_a_connection_serves_many_calls(client: Catalogue, catalogue: CatalogueServer) -> None:
    def answer(visit: Visit) -> None:
        if visit.item_id == "nobody":
            visit.answer(404, b"<Error/>")
        else:
            visit.answer_item()

    catalogue.behaviour = answer
    for item_id in ["evangeline", "nobody", "pauly", "nobody"]:
        client.get(item_id)
    assert catalogue.connections == 1


@pytest.mark.parametrize(
    ("item_id", "path"),
    [
        ("evangeline", "/mysfits/evangeline"),
        ("../../admin", "/mysfits/..%2F..%2Fadmin"),
        ("?x=", "/mysfits/%3Fx%3D"),
        ("a#b", "/mysfits/a%23b"),
        ("a b", "/mysfits/a%20b"),
        ("100%", "/mysfits/100%25"),
        ("%2e%2e%2f", "/mysfits/%252e%252e%252f"),
        ("...", "/mysfits/..."),
        ("{id}", "/mysfits/%7Bid%7D"),
        ("\r\nHost: elsewhere", "/mysfits/%0D%0AHost%3A%20elsewhere"),
        ("\x00", "/mysfits/%00"),
        ("mañana", "/mysfits/ma%C3%B1ana"),
        ("//elsewhere.example/", "/mysfits/%2F%2Felsewhere.example%2F"),
        ("\\..\\admin", "/mysfits/%5C..%5Cadmin"),
    ],
)
def test_an_id_reaches_its_own_path_segment(
    client: Catalogue, catalogue: CatalogueServer, item_id: str, path: str
) -> None:
    client.get(item_id)
    assert list(catalogue.calls) == [path]


@pytest.mark.parametrize("item_id", [".", ".."])
def test_an_id_that_is_no_segment_is_no_item(
    client: Catalogue, catalogue: CatalogueServer, item_id: str
) -> None:
    assert client.get(item_id) is None
    assert not catalogue.calls


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_an_error_and_the_next_call_is_well(
    client: Catalogue, catalogue: CatalogueServer, fault: str
) -> None:
    catalogue.behaviour = FAULTS[fault]
    with pytest.raises(CatalogueError):
        client.get("evangeline")
    catalogue.behaviour = lambda visit: visit.answer_item()
    assert client.get("evangeline") == ITEM


def test_nobody_there_is_an_error(catalogue: CatalogueServer) -> None:
    url = catalogue.url
    catalogue.socket.close()
    with pytest.raises(CatalogueError):
        Catalogue(url, connections=1).get("evangeline")


def test_64_kib_are_not_too_much(client: Catalogue, catalogue: CatalogueServer) -> None:
    catalogue.behaviour = lambda visit: visit.answer(200, b"{}" + 65_534 * b" ")
    assert client.get("evangeline") == {}


def test_a_packed_answer_is_unpacked(client: Catalogue, catalogue: CatalogueServer) -> None:
    packed = gzip.compress(json.dumps(ITEM).encode())
    catalogue.behaviour = lambda visit: visit.answer(200, packed, "Content-Encoding: gzip")
    assert client.get("evangeline") == ITEM


def test_a_redirect_on_the_same_host_is_followed(client: Catalogue, catalogue: CatalogueServer) -> None:
    def move(visit: Visit) -> None:
        if visit.path.startswith("/new/"):
            visit.answer_item()
        else:
            visit.answer(301, b"", f"Location: /new/{visit.item_id}")

    catalogue.behaviour = move
    assert client.get("evangeline") == ITEM
    assert list(catalogue.calls) == ["/mysfits/evangeline", "/new/evangeline"]


def test_a_call_that_never_times_out_is_cut(client: Catalogue, catalogue: CatalogueServer) -> None:
    assert_cut(client, catalogue)


def assert_cut(client: Catalogue, catalogue: CatalogueServer) -> None:
    has_begun = Event()

    def drip_headers(visit: Visit) -> None:
        has_begun.set()
        visit.drip(b"X-Slow: yes\r\n")

    catalogue.behaviour = drip_headers
    errors: list[CatalogueError] = []

    def call() -> None:
        try:
            client.get("evangeline")
        except CatalogueError as error:
            errors.append(error)

    caller = Thread(target=call)
    caller.start()
    has_begun.wait()
    client.cut()
    caller.join()
    assert len(errors) == 1


def test_neither_proxy_nor_netrc_of_the_machine_is_used(
    catalogue: CatalogueServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert Catalogue(catalogue.url, connections=1).get("evangeline") == ITEM


@pytest.fixture
def secure_catalogue(catalogue: CatalogueServer) -> CatalogueServer:
    """With a certificate of its own, which nobody has signed."""
    catalogue.speak_tls("tests/data/tls/catalogue.pem")
    return catalogue


def test_a_catalogue_that_no_authority_knows_is_not_asked(secure_catalogue: CatalogueServer) -> None:
    with pytest.raises(CatalogueError):
        Catalogue(secure_catalogue.url, connections=1).get("evangeline")
    assert not secure_catalogue.calls


def test_a_catalogue_is_asked_by_https(secure_catalogue: CatalogueServer) -> None:
    client = Catalogue(secure_catalogue.url, connections=1)
    client._adapter.trust.load_verify_locations("tests/data/tls/catalogue.pem")
    assert client.get("evangeline") == ITEM


def test_a_certificate_for_another_host_is_not_believed(secure_catalogue: CatalogueServer) -> None:
    client = Catalogue(secure_catalogue.url.replace("127.0.0.1", "localhost"), connections=1)
    client._adapter.trust.load_verify_locations("tests/data/tls/catalogue.pem")
    with pytest.raises(CatalogueError):
        client.get("evangeline")


def test_a_call_by_https_is_cut_too(secure_catalogue: CatalogueServer) -> None:
    client = Catalogue(secure_catalogue.url, connections=1)
    client._adapter.trust.load_verify_locations("tests/data/tls/catalogue.pem")
    assert_cut(client, secure_catalogue)
