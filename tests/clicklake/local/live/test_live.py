"""The live page's server over HTTP."""

import http.client
import json
from typing import Any

import pytest

from clicklake.local.delivery_stream.faults import FaultPlan
from tests.clicklake.local.live.served import LINKS, Served

pytestmark = pytest.mark.e2e  # starts a server


def test_each_kind_is_served_as_an_array(live: Served) -> None:
    live.land("delivered", b'{"eventId":"1"}\n{"eventId":"2"}\n')
    live.land("failed", b'{"errorCode":"Lambda.FunctionError"}\n')
    live.land("raw", b'{"v":1}\n')
    assert live.ask("GET", "/delivered")[1] == [{"eventId": "1"}, {"eventId": "2"}]
    assert live.ask("GET", "/failed")[1] == [{"errorCode": "Lambda.FunctionError"}]
    assert live.ask("GET", "/raw")[1] == [{"v": 1}]


def test_status_counts_and_names_the_faults(live: Served) -> None:
    live.land("raw", b"1", b"2")
    live.ask("POST", "/faults", {"throttleEvery": 3})
    status = live.ask("GET", "/status")[1]
    assert status["raw"] == 2
    assert status["waiting"] == 7
    assert status["faults"]["throttleEvery"] == 3


def test_reset_turns_faults_off_then_flushes_then_empties(live: Served) -> None:
    live.land("delivered", b"{}")
    live.ask("POST", "/faults", {"throttleEvery": 3})
    status, answer, _ = live.ask("POST", "/reset")
    assert (status, answer["delivered"]) == (200, 0)
    assert live.calls == [f"flush with {FaultPlan()}, 1 delivered"]
    assert live.ask("GET", "/delivered")[1] == []


def test_save_saves_the_control_plane(live: Served) -> None:
    assert live.ask("POST", "/save")[0] == 200
    assert live.calls == ["save"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"nothing":1}'])
def test_invalid_faults_are_refused_with_a_reason(live: Served, body: bytes) -> None:
    status, answer, _ = live.ask("POST", "/faults", body)
    assert status == 400
    assert answer["error"]
    assert live.faults.plan == FaultPlan()


def test_too_large_body_is_refused(live: Served) -> None:
    assert live.ask("POST", "/faults", b" " * 65_537)[0] == 413


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("GET", "/live.py"), ("POST", "/delivered")]
)
def test_other_paths_are_not_found(live: Served, method: str, path: str) -> None:
    assert live.ask(method, path)[0] == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4567", "127.0.0.1.evil.example", "", "127.0.0.1:x"]
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/delivered"), ("GET", "/"), ("POST", "/reset")])
def test_request_for_another_host_is_refused(live: Served, method: str, path: str, host: str) -> None:
    status, answer, _ = live.ask(method, path, Host=host)
    assert (status, answer) == (421, {"error": "this server answers to 127.0.0.1 and localhost"})
    assert live.calls == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:9999", "[::1]:4567"])
def test_request_for_one_of_our_hosts_is_answered(live: Served, host: str) -> None:
    assert live.ask("GET", "/status", Host=host)[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://localhost", "http://localhost:1"])
def test_post_from_another_origin_is_refused(live: Served, origin: str) -> None:
    assert live.ask("POST", "/reset", Host="localhost:4567", Origin=origin)[0] == 403
    assert live.calls == []


def test_post_from_our_own_page_is_accepted(live: Served) -> None:
    assert live.ask("POST", "/reset", Host="localhost:4567", Origin="http://localhost:4567")[0] == 200


def test_page_may_run_its_own_script_and_nothing_else(live: Served) -> None:
    status, page, headers = live.ask("GET", "/")
    assert status == 200
    assert "default-src 'none'; script-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    for name in (b"live.css", b"live.js"):
        assert name in page
        assert live.ask("GET", "/" + name.decode())[0] == 200


class Reader:
    """A reader of /events."""

    def __init__(self, live: Served, path: str = "/events", **headers: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=10)
        self.connection.request("GET", path, headers=headers)
        self.answer = self.connection.getresponse()

    def read(self) -> tuple[str, str, Any]:
        """Id, event and data of the next event."""
        lines = [self.answer.readline().decode().strip() for _ in range(4)]
        assert lines[3] == ""
        number, event, data = (line.partition(": ")[2] for line in lines[:3])
        return number, event, json.loads(data)

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


def test_events_follow_what_lands(live: Served) -> None:
    live.land("delivered", b'{"n":0}')
    reader = Reader(live)
    assert reader.answer.headers["Content-Type"] == "text/event-stream"
    live.land("delivered", b'{"n":1}\n{"n":2}')
    live.land("failed", b'{"errorCode":"x"}')
    events = [reader.read()[1:] for _ in range(3)]
    assert events == [("delivered", {"n": 1}), ("delivered", {"n": 2}), ("failed", {"errorCode": "x"})]
    live.ask("POST", "/reset")
    assert reader.read()[1] == "reset"
    reader.close()


def test_events_begin_with_the_recent_ones_when_asked(live: Served) -> None:
    live.land("delivered", b"1", b"2", b"3")
    reader = Reader(live, "/events?recent=2")
    assert [reader.read()[2] for _ in range(2)] == [2, 3]
    reader.close()


def test_events_continue_where_a_reader_left(live: Served) -> None:
    live.land("delivered", b"1", b"2")
    first = Reader(live, "/events?recent=2")
    number, _, _ = first.read()
    first.close()
    again = Reader(live, "/events?recent=2", **{"Last-Event-ID": number})
    assert again.read()[2] == 2
    again.close()


def test_line_cannot_forge_an_event(live: Served) -> None:
    forged = {"title": "x\n\nevent: reset\ndata: {}\n\n\r\u2028"}
    reader = Reader(live)
    live.land("delivered", json.dumps(forged).encode())
    live.land("delivered", b'"next"')
    assert reader.read()[2] == forged
    assert reader.read()[2] == "next"
    reader.close()


def test_deeply_nested_faults_are_refused(live: Served) -> None:
    status, answer, _ = live.ask("POST", "/faults", b"[" * 60_000)
    assert (status, bool(answer["error"])) == (400, True)


def test_number_of_too_many_digits_is_no_number(live: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=10)
    connection.request("GET", "/events?recent=" + "9" * 5000)
    assert connection.getresponse().status == 200
    connection.close()
    assert live.ask("POST", "/reset", **{"Content-Length": "9" * 5000})[0] == 413


def test_chunked_body_is_not_read_as_a_second_request(live: Served) -> None:
    smuggled = b"POST /save HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=10)
    connection.request(
        "POST", "/reset", iter([smuggled]), {"Transfer-Encoding": "chunked"}, encode_chunked=True
    )
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (411, "close")
    connection.close()
    assert live.calls == []


def test_links_and_the_last_minute_are_served(live: Served) -> None:
    live.land("delivered", b"{}", b"{}")
    assert live.ask("GET", "/links")[1] == LINKS
    last_minute = live.ask("GET", "/status")[1]["lastMinute"]
    assert {kind: (len(counts), sum(counts)) for kind, counts in last_minute.items()} == {
        "delivered": (60, 2),
        "failed": (60, 0),
        "raw": (60, 0),
    }
