"""The catalogue client, without a network. test_catalogue_over_http.py has the faults of connections."""

import gzip
import json
from collections.abc import Callable

import pytest
import requests
from urllib3.exceptions import ProtocolError

from processor.catalogue import CatalogueClient, CatalogueError
from processor.settings import InvalidSettingError
from tests.processor.in_process_catalogue import ITEM, URL, InProcessCatalogue, Reply, item_reply


@pytest.fixture
def client(catalogue: InProcessCatalogue) -> CatalogueClient:
    client = CatalogueClient(URL, connections=4)
    client.session.mount("http://", catalogue)
    return client


def test_an_item_is_the_document_that_the_catalogue_returns(client: CatalogueClient) -> None:
    assert client.get("evangeline") == ITEM


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_missing_item_is_none(client: CatalogueClient, catalogue: InProcessCatalogue, status: int) -> None:
    catalogue.reply = lambda item_id: Reply(status, b"<Error/>")
    assert client.get("nobody") is None


def test_the_body_of_a_404_may_be_too_long(client: CatalogueClient, catalogue: InProcessCatalogue) -> None:
    catalogue.reply = lambda item_id: Reply(404, 65_537 * b" ")
    assert client.get("nobody") is None


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
def test_an_id_stays_in_its_path_segment(
    client: CatalogueClient, catalogue: InProcessCatalogue, item_id: str, path: str
) -> None:
    client.get(item_id)
    assert list(catalogue.calls) == [path]


@pytest.mark.parametrize("item_id", [".", ".."])
def test_a_dot_segment_is_not_an_item(
    client: CatalogueClient, catalogue: InProcessCatalogue, item_id: str
) -> None:
    assert client.get(item_id) is None
    assert not catalogue.calls


def fail(error: Exception) -> Callable[[str], Reply]:
    def reply(item_id: str) -> Reply:
        raise error

    return reply


def redirect(location: str) -> Callable[[str], Reply]:
    return lambda item_id: Reply(302, headers={"Location": location})


BOMB = gzip.compress(json.dumps(ITEM).encode() + 10_000_000 * b" ")

FAULTS: dict[str, Callable[[str], Reply]] = {
    "400": lambda item_id: Reply(400),
    "414": lambda item_id: Reply(414),
    "401": lambda item_id: Reply(401),
    "429": lambda item_id: Reply(429),
    "500": lambda item_id: Reply(500, json.dumps(ITEM).encode()),
    "503": lambda item_id: Reply(503),
    "204": lambda item_id: Reply(204),
    "empty": lambda item_id: Reply(200),
    "HTML": lambda item_id: Reply(200, b"<!doctype html><title>Sign in</title>"),
    "array": lambda item_id: item_reply([ITEM]),
    "number": lambda item_id: item_reply(5),
    "null": lambda item_id: item_reply(None),
    "not UTF-8": lambda item_id: Reply(200, b'{"species": "\xff"}'),
    "deep JSON": lambda item_id: Reply(200, b'{"species":' + b"[" * 60_000),
    "64 KiB and a byte": lambda item_id: Reply(200, b"{}" + 65_535 * b" "),
    "gzip bomb": lambda item_id: Reply(200, BOMB, {"Content-Encoding": "gzip"}),
    "broken gzip": lambda item_id: Reply(200, BOMB[2:], {"Content-Encoding": "gzip"}),
    "redirect to another host": redirect("http://127.0.0.2:1/mysfits/x"),
    "redirect to another port": redirect("http://catalogue.example:1/mysfits/x"),
    "redirect to the metadata service": redirect("http://169.254.169.254/latest/meta-data/"),
    "redirect without a scheme": redirect("//169.254.169.254/latest/meta-data/"),
    "redirect with our host as user": redirect("http://catalogue.example@169.254.169.254/"),
    "redirect with a backslash": redirect("http://169.254.169.254\\@catalogue.example/"),
    "redirect with our host in front": redirect("http://catalogue.example.attacker.example/"),
    "redirect to a file": redirect("file:///etc/passwd"),
    "redirect to nonsense": redirect("http://[/"),
    "redirect in a circle": redirect("/mysfits/evangeline"),
    "redirect without a location": lambda item_id: Reply(302),
    "no connection": fail(requests.ConnectionError()),
    "timeout": fail(requests.ReadTimeout()),
    "broken HTTP": fail(ProtocolError()),
    "reset": fail(ConnectionResetError()),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_an_error_and_the_next_call_succeeds(
    client: CatalogueClient, catalogue: InProcessCatalogue, fault: str
) -> None:
    catalogue.reply = FAULTS[fault]
    with pytest.raises(CatalogueError):
        client.get("evangeline")
    catalogue.reply = lambda item_id: item_reply()
    assert client.get("evangeline") == ITEM


def test_a_body_that_takes_too_long_is_an_error(
    client: CatalogueClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processor.catalogue.READ_TIMEOUT_SECONDS", -1)
    with pytest.raises(CatalogueError, match="too slow"):
        client.get("evangeline")


def test_64_kib_are_not_too_long(client: CatalogueClient, catalogue: InProcessCatalogue) -> None:
    catalogue.reply = lambda item_id: Reply(200, b"{}" + 65_534 * b" ")
    assert client.get("evangeline") == {}


def test_a_compressed_response_is_decompressed(
    client: CatalogueClient, catalogue: InProcessCatalogue
) -> None:
    packed = gzip.compress(json.dumps(ITEM).encode())
    catalogue.reply = lambda item_id: Reply(200, packed, {"Content-Encoding": "gzip"})
    assert client.get("evangeline") == ITEM


def test_a_redirect_on_the_same_host_is_followed(
    client: CatalogueClient, catalogue: InProcessCatalogue
) -> None:
    def move(item_id: str) -> Reply:
        return item_reply() if item_id == "moved" else Reply(301, headers={"Location": "/new/moved"})

    catalogue.reply = move
    assert client.get("evangeline") == ITEM
    assert list(catalogue.calls) == ["/mysfits/evangeline", "/new/moved"]


def test_a_second_redirect_is_not_followed(client: CatalogueClient, catalogue: InProcessCatalogue) -> None:
    catalogue.reply = lambda item_id: Reply(301, headers={"Location": f"/next/{item_id}x"})
    with pytest.raises(CatalogueError, match="too many redirects"):
        client.get("a")
    assert list(catalogue.calls) == ["/mysfits/a", "/next/ax"]


def test_every_request_is_announced_and_can_be_stopped(
    client: CatalogueClient, catalogue: InProcessCatalogue
) -> None:
    catalogue.reply = lambda item_id: Reply(301, headers={"Location": "/new/moved"})
    calls = 0

    def before_call() -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise CatalogueError("no time left")

    with pytest.raises(CatalogueError, match="no time left"):
        client.get("evangeline", before_call)
    assert list(catalogue.calls) == ["/mysfits/evangeline"]


def test_a_catalogue_url_that_no_request_can_use_is_a_wrong_setting() -> None:
    with pytest.raises(InvalidSettingError, match=r"^CATALOGUE_URL: "):
        CatalogueClient("http://*.example/{id}", connections=1)


def test_the_url_is_normalized_as_requests_does(catalogue: InProcessCatalogue) -> None:
    client = CatalogueClient("http://CATALOGUE.example/straße/{id}.json?q=ü", connections=1)
    client.session.mount("http://", catalogue)
    client.get("a b")
    assert list(catalogue.calls) == ["/stra%C3%9Fe/a%20b.json?q=%C3%BC"]
