"""Every refusal is a problem document, is counted by its code, and logs nothing about the sender."""

import json
import logging
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException, InternalServerError, RequestTimeout

from ingest_app import create_app
from ingest_app.routes import STATUS
from ingest_app.settings import IngestSettings
from tests.ingest_app.conftest import BrokenStream, MakeClient, MemoryStream, UnavailableStream, json_of

CLICK = b'{"mysfitId":"1","userId":"secret-user"}'
MANY = json.dumps([{}] * 501)
FORM = "application/x-www-form-urlencoded"

PROBLEMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "empty": ({"data": b""}, {}),
    "not_json": ({"data": b"{"}, {}),
    "too_deep": ({"data": b"[" * 33}, {"limit": 32}),
    "number_too_large": ({"data": b"[1e400]"}, {}),
    "lone_surrogate": ({"data": b'["\\ud800"]'}, {}),
    "not_clicks": ({"data": b"5"}, {}),
    "no_valid_click": ({"data": b"{}"}, {"accepted": 0, "rejected": 1, "duplicates": 0}),
    "origin_not_allowed": (
        {"data": CLICK, "headers": {"Origin": "https://evil.example"}},
        {"field": "Origin"},
    ),
    "edge_required": ({"data": CLICK, "settings": {"require_edge": True, "edge_secret": b"x"}}, {}),
    "privacy_signal": ({"data": CLICK, "headers": {"DNT": "1"}}, {"field": "DNT"}),
    "not_found": ({"path": "/nothing"}, {}),
    "method_not_allowed": ({"method": "DELETE"}, {}),
    "body_too_large": ({"data": b" " * 262_145}, {"limit": 262_144}),
    "too_many_clicks": ({"data": MANY}, {"field": "clicks", "limit": 500}),
    "content_encoding": (
        {"data": b"x", "headers": {"Content-Encoding": "gzip"}},
        {"field": "Content-Encoding", "allowed": ["identity"]},
    ),
    "media_type": (
        {"data": CLICK, "content_type": FORM},
        {"field": "Content-Type", "allowed": ["application/json", "application/octet-stream", "text/plain"]},
    ),
}


@pytest.mark.parametrize("code", PROBLEMS)
def test_problem_names_its_field_or_limit_and_is_counted_once(
    make_client: MakeClient, stream: MemoryStream, capsys: pytest.CaptureFixture[str], code: str
) -> None:
    request, members = PROBLEMS[code]
    more = request.get("settings", {})
    client = make_client(allowed_origins=frozenset(["https://shop.example"]), gpc_mode="refuse", **more)
    request = {name: value for name, value in request.items() if name != "settings"}
    response = client.open(**{"path": "/clicks", "method": "PUT", **request})
    assert response.status_code == STATUS[code]
    assert response.mimetype == "application/problem+json"
    problem = json_of(response)
    assert problem["type"] == "about:blank"
    assert problem["status"] == STATUS[code]
    assert problem["code"] == code
    assert problem["title"]
    assert problem["detail"].endswith(".")
    assert len(problem["requestId"]) == 36
    assert problem.items() >= members.items()
    assert not stream.records
    (line,) = capsys.readouterr().out.splitlines()
    assert emf_counts(line)["Refused" + code.title().replace("_", "")] == 1
    assert "secret" not in line


def emf_counts(line: str) -> dict[str, int]:
    """Return the metrics of a log line as CloudWatch reads them."""
    document = json.loads(line)
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Clicklake"
    assert directive["Dimensions"] == [["FunctionName"]]
    assert document["FunctionName"] == "local"
    assert isinstance(document["_aws"]["Timestamp"], int)
    return {metric["Name"]: document[metric["Name"]] for metric in directive["Metrics"]}


def test_every_problem_code_has_a_test() -> None:
    elsewhere = {"bad_request", "internal_error", "stream_unavailable"}
    assert set(PROBLEMS) | elsewhere == set(STATUS)


def test_rejected_clicks_are_counted_by_field(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    clicks = [
        {"mysfitId": "1"},
        {},
        {},
        5,
        {"type": "A"},
        {"mysfitId": "1", "userId": ""},
        {"eventId": "", "mysfitId": "1"},
    ]
    assert client.put("/clicks", json=clicks).status_code == 202
    (line,) = capsys.readouterr().out.splitlines()
    assert emf_counts(line) == {
        "RejectedItem": 2,
        "RejectedClick": 1,
        "RejectedType": 1,
        "RejectedUserId": 1,
        "RejectedEventId": 1,
    }


def test_accepted_clicks_log_nothing_even_with_dropped_fields(
    client: FlaskClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        client.put("/clicks", json=[{"mysfitId": "1", "title": 5}] * 3)
        client.get("/clicks.gif?mysfitId=1")
        client.get("/health")
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_unexpected_error_is_a_500_and_logged_without_payload(capfd: pytest.CaptureFixture[str]) -> None:
    client = create_app(IngestSettings("clicks"), BrokenStream()).test_client()
    response = client.put("/clicks", data=CLICK, headers={"User-Agent": "secret-agent"})
    assert response.status_code == 500
    assert response.mimetype == "application/problem+json"
    assert json_of(response)["code"] == "internal_error"
    assert "Traceback" not in response.text
    assert "digest" not in response.text
    out, err = capfd.readouterr()
    (line,) = out.splitlines()
    assert emf_counts(line) == {"RefusedInternalError": 1}
    logged = json.loads(line)
    assert logged["requestId"] == json_of(response)["requestId"]
    assert logged["error"] == "ValueError"
    assert any(frame.startswith("conftest.py:") for frame in logged["frames"])
    for secret in ("secret", "digest", "127.0.0"):
        assert secret not in out + err


@pytest.mark.parametrize("setting", ["DEBUG", "TESTING", "PROPAGATE_EXCEPTIONS"])
def test_unexpected_error_shows_no_stack_in_any_mode(setting: str) -> None:
    app = create_app(IngestSettings("clicks"), BrokenStream())
    app.config[setting] = True
    response = app.test_client().put("/clicks", data=CLICK)
    assert response.status_code == 500
    assert json_of(response)["code"] == "internal_error"


class AbortingStream:
    def __init__(self, error: HTTPException) -> None:
        self._error = error

    def put(self, record: bytes) -> None:
        raise self._error


def test_500_that_werkzeug_raises_is_logged_with_its_cause(capsys: pytest.CaptureFixture[str]) -> None:
    error = InternalServerError(original_exception=ValueError("secret"))
    app = create_app(IngestSettings("clicks"), AbortingStream(error))
    response = app.test_client().put("/clicks", data=CLICK)
    assert (response.status_code, json_of(response)["code"]) == (500, "internal_error")
    assert json.loads(capsys.readouterr().out)["error"] == "ValueError"


def test_other_errors_of_werkzeug_are_bad_requests() -> None:
    app = create_app(IngestSettings("clicks"), AbortingStream(RequestTimeout()))
    response = app.test_client().put("/clicks", data=CLICK)
    assert (response.status_code, json_of(response)["code"]) == (400, "bad_request")


def test_access_log_of_flask_run_is_dropped(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="werkzeug"):
        logging.getLogger("werkzeug").info('127.0.0.1 - - "GET /clicks.gif?userId=u-17 HTTP/1.1" 204 -')
        logging.getLogger("werkzeug").info(" * Running on http://127.0.0.1:5000")
    assert caplog.messages == [" * Running on http://127.0.0.1:5000"]


def test_unavailable_stream_is_a_503_with_retry_after(capsys: pytest.CaptureFixture[str]) -> None:
    client = create_app(IngestSettings("clicks"), UnavailableStream()).test_client()
    response = client.put("/clicks", data=CLICK)
    assert response.status_code == 503
    assert json_of(response)["code"] == "stream_unavailable"
    assert response.headers["Retry-After"] == "5"
    (line,) = capsys.readouterr().out.splitlines()
    assert emf_counts(line) == {"RefusedStreamUnavailable": 1}
    assert json.loads(line)["cause"] == "ServiceUnavailableException"
    assert json.loads(line)["requestId"] == json_of(response)["requestId"]
    assert client.get("/clicks.gif?mysfitId=1").status_code == 503


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "GZIP", "identity, gzip"])
def test_compressed_body_is_refused(client: FlaskClient, encoding: str) -> None:
    response = client.put("/clicks", data=CLICK, headers={"Content-Encoding": encoding})
    assert (response.status_code, json_of(response)["code"]) == (415, "content_encoding")


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_identity_is_accepted(client: FlaskClient, encoding: str) -> None:
    assert client.put("/clicks", data=CLICK, headers={"Content-Encoding": encoding}).status_code == 202


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 202),
        ("", 202),
        ("application/json", 202),
        ("APPLICATION/JSON; charset=utf-8", 202),
        ("text/plain", 202),
        ("text/plain;charset=UTF-8", 202),
        ("application/json; charset=latin-1", 202),
        ("application/octet-stream", 202),
        (FORM, 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/html", 415),
        ("application/xml", 415),
        ("application/vnd.api+json", 415),
        ("json", 415),
        (";", 202),
    ],
)
def test_four_content_types_are_accepted(client: FlaskClient, content_type: str | None, status: int) -> None:
    assert client.put("/clicks", data=CLICK, content_type=content_type).status_code == status


def test_body_of_exactly_256_kib_is_accepted(client: FlaskClient) -> None:
    assert client.put("/clicks", data=CLICK.ljust(262_144)).status_code == 202


def test_origin_is_checked_before_the_body(make_client: MakeClient) -> None:
    client = make_client(allowed_origins=frozenset(["https://shop.example"]))
    response = client.put("/clicks", data=b"{", headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
