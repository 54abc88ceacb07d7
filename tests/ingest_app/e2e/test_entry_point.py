"""The shipped Lambda function: what it answers in both event shapes, and what it must never run."""

import base64
import hmac
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest_app.routes import PIXEL
from tests.ingest_app.e2e.conftest import EDGE_SECRET
from tests.ingest_app.e2e.firehose_server import FirehoseServer, deny
from tests.ingest_app.e2e.lambda_function import LambdaFunction
from tests.ingest_app.events import (
    ALMOST_HTTP,
    EVENT_SHAPES,
    OTHER_EVENTS,
    RAW_COMMAND,
    Event,
    MakeEvent,
    body_of,
    headers_of,
)

pytestmark = pytest.mark.e2e

CLICK = {"userId": "u-17", "mysfitId": "4e53920c-505a-4a90-a694-b9300791f0ae"}
ORIGIN = "https://mysfits.example"
JSON = {"Content-Type": "application/json", "Origin": ORIGIN}


@pytest.fixture(params=EVENT_SHAPES)
def make_event(request: pytest.FixtureRequest) -> MakeEvent:
    return EVENT_SHAPES[request.param]


def test_preflight_is_allowed_and_cached(function: LambdaFunction, make_event: MakeEvent) -> None:
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    response = function(make_event("OPTIONS", "/clicks", headers))
    assert response["statusCode"] == 204
    assert headers_of(response)["access-control-allow-origin"] == ORIGIN
    assert "PUT" in headers_of(response)["access-control-allow-methods"]
    assert headers_of(response)["access-control-allow-headers"] == "Content-Type"
    assert headers_of(response)["access-control-max-age"] == "7200"


def test_one_click_is_one_record(
    function: LambdaFunction, make_event: MakeEvent, firehose: FirehoseServer
) -> None:
    response = function(make_event("PUT", "/clicks", JSON, json.dumps(CLICK).encode()))
    assert response["statusCode"] == 202
    assert body_of(response)["accepted"] == 1
    (envelope,) = firehose.envelopes
    assert envelope["address"] == "203.0.113.0"
    assert envelope["clicks"][0]["userId"] == "u-17"


def test_batch_of_500_is_one_record(
    function: LambdaFunction, make_event: MakeEvent, firehose: FirehoseServer
) -> None:
    clicks = [{**CLICK, "url": f"https://mysfits.example/{index}"} for index in range(500)]
    response = function(make_event("POST", "/clicks", JSON, json.dumps({"clicks": clicks}).encode()))
    assert response["statusCode"] == 202
    assert body_of(response)["accepted"] == len(body_of(response)["receipts"]) == 500
    (envelope,) = firehose.envelopes
    assert [click["url"] for click in envelope["clicks"]] == [click["url"] for click in clicks]


@pytest.mark.parametrize("media_type", ["text/plain;charset=UTF-8", "application/octet-stream", None])
def test_beacon_is_accepted(
    function: LambdaFunction, make_event: MakeEvent, firehose: FirehoseServer, media_type: str | None
) -> None:
    headers = {"Origin": ORIGIN, **({"Content-Type": media_type} if media_type else {})}
    body = json.dumps({**CLICK, "title": "Évangéline 🐉"}, ensure_ascii=False).encode()
    response = function(make_event("POST", "/clicks", headers, body))
    assert response["statusCode"] == 202
    assert firehose.envelopes[0]["clicks"][0]["title"] == "Évangéline 🐉"


def test_form_post_is_refused(
    function: LambdaFunction, make_event: MakeEvent, firehose: FirehoseServer
) -> None:
    headers = {"Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
    response = function(make_event("POST", "/clicks", headers, b"userId=u-17&mysfitId=1"))
    assert response["statusCode"] == 415
    assert body_of(response)["code"] == "media_type"
    assert headers_of(response)["access-control-allow-origin"] == ORIGIN
    assert not firehose.accepted


FORGED = {
    "X-Forwarded-For": "198.51.100.1, 198.51.100.2, 198.51.100.3",
    "CloudFront-Viewer-Address": "198.51.100.7:46532",
    "CloudFront-Viewer-Country": "FR",
    "X-Real-Ip": "198.51.100.9",
    "Forwarded": "for=198.51.100.10",
}


@pytest.mark.parametrize("secret", [None, "", "wrong", EDGE_SECRET[:-1], EDGE_SECRET + "x", "é"])
def test_forged_address_is_not_believed(
    function: LambdaFunction, make_event: MakeEvent, firehose: FirehoseServer, secret: str | None
) -> None:
    headers = {**JSON, **FORGED, **({} if secret is None else {"X-Clicklake-Edge": secret})}
    response = function(make_event("PUT", "/clicks", headers, json.dumps(CLICK).encode()))
    assert response["statusCode"] == 202
    assert firehose.envelopes[0]["address"] == "203.0.113.0"
    assert firehose.envelopes[0]["country"] is None


@pytest.mark.parametrize(
    ("viewer", "address"),
    [
        ("198.51.100.7:46532", "198.51.100.0"),
        ("2001:db8:85a3:8d3:1319:8a2e:370:7348:46532", "2001:db8:85a3::"),
    ],
)
def test_our_cloudfront_passes_on_address_and_country(
    function: LambdaFunction, make_event: MakeEvent, firehose: FirehoseServer, viewer: str, address: str
) -> None:
    headers = {
        **JSON,
        "X-Clicklake-Edge": EDGE_SECRET,
        "CloudFront-Viewer-Address": viewer,
        "CloudFront-Viewer-Country": "DE",
        "X-Forwarded-For": f"{viewer.rpartition(':')[0]}, 198.51.100.200",
    }
    function(make_event("PUT", "/clicks", headers, json.dumps(CLICK).encode()))
    assert firehose.envelopes[0]["address"] == address
    assert firehose.envelopes[0]["country"] == "DE"


def test_gpc_removes_the_sender(
    function: LambdaFunction, make_event: MakeEvent, firehose: FirehoseServer
) -> None:
    function(make_event("PUT", "/clicks", {**JSON, "Sec-GPC": "1"}, json.dumps(CLICK).encode()))
    (envelope,) = firehose.envelopes
    assert envelope["privacy"] == "gpc"
    assert envelope["address"] is None
    assert envelope["visitorId"] is None
    assert envelope["clicks"][0]["userId"] == "guest"


def test_both_event_shapes_give_the_same_visitor_id(
    function: LambdaFunction, firehose: FirehoseServer
) -> None:
    for make_event in EVENT_SHAPES.values():
        function(make_event("PUT", "/clicks", JSON, json.dumps(CLICK).encode()))
    first, second = (envelope["visitorId"] for envelope in firehose.envelopes)
    assert len(first) == 64
    assert first == second


def test_foreign_page_can_read_why_it_is_refused(function: LambdaFunction, make_event: MakeEvent) -> None:
    headers = {"Content-Type": "text/plain", "Origin": "https://evil.example"}
    response = function(make_event("POST", "/clicks", headers, json.dumps(CLICK).encode()))
    assert response["statusCode"] == 403
    assert body_of(response)["code"] == "origin_not_allowed"
    assert headers_of(response)["access-control-allow-origin"] == "https://evil.example"


def test_pixel_is_one_click(
    function: LambdaFunction, make_event: MakeEvent, firehose: FirehoseServer
) -> None:
    response = function(make_event("GET", "/clicks.gif", query="userId=u-17&mysfitId=a%20b&title=caf%C3%A9"))
    assert response["statusCode"] == 200
    assert response["isBase64Encoded"]
    assert base64.b64decode(response["body"]) == PIXEL
    assert firehose.envelopes[0]["clicks"][0]["mysfitId"] == "a b"
    assert firehose.envelopes[0]["clicks"][0]["title"] == "café"


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/health", 200), ("/openapi.json", 200), ("/no", 404)]
)
def test_paths_work_below_the_stage(
    function: LambdaFunction, make_event: MakeEvent, path: str, status: int
) -> None:
    response = function(make_event("GET", path, {"Origin": ORIGIN}))
    assert response["statusCode"] == status
    assert body_of(response)
    assert headers_of(response)["access-control-allow-origin"] == ORIGIN


def test_address_of_the_stage_is_the_index(function: LambdaFunction, make_event: MakeEvent) -> None:
    response = function(make_event("GET", ""))
    assert response["statusCode"] == 200
    stage = {"dev", "production"} & set(body_of(response)["links"]["clicks"].split("/"))
    assert stage


def test_failing_stream_is_a_503_with_retry_after(function: LambdaFunction, firehose: FirehoseServer) -> None:
    firehose.behave(deny)
    response = function(EVENT_SHAPES["REST"]("PUT", "/clicks", JSON, json.dumps(CLICK).encode()))
    assert response["statusCode"] == 503
    assert body_of(response)["code"] == "stream_unavailable"
    assert int(headers_of(response)["retry-after"]) > 0
    assert headers_of(response)["access-control-expose-headers"] == "Retry-After"


def test_body_that_claims_to_be_chunked_is_accepted(function: LambdaFunction, make_event: MakeEvent) -> None:
    headers = {**JSON, "Transfer-Encoding": "chunked"}
    assert function(make_event("PUT", "/clicks", headers, json.dumps(CLICK).encode()))["statusCode"] == 202


HEADERS = [
    *(
        "Host",
        "Origin",
        "User-Agent",
        "Content-Type",
        "Content-Encoding",
        "Content-Length",
        "Transfer-Encoding",
    ),
    *(
        "X-Clicklake-Edge",
        "CloudFront-Viewer-Address",
        "CloudFront-Viewer-Country",
        "Sec-GPC",
        "DNT",
        "Cookie",
    ),
    *("X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "Authorization", "Expect", "Range", "Te"),
]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "HEAD", "PUT", "POST", "OPTIONS", "DELETE", "get", "<>"]),
    path=st.sampled_from(["/clicks", "/clicks.gif", "/", "/openapi.json"])
    | st.text(max_size=9).map("/".__add__),
    headers=st.dictionaries(st.sampled_from(HEADERS), st.text(max_size=20), max_size=4),
    body=st.none() | st.binary(max_size=60),
    query=st.text(max_size=30),
)
def test_no_request_gets_a_5xx(
    function: LambdaFunction,
    make_event: MakeEvent,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes | None,
    query: str,
) -> None:
    response = function(make_event(method, path, headers, body, query))
    assert response["statusCode"] < 500
    assert headers_of(response)["x-content-type-options"] == "nosniff"


def test_body_over_the_limit_is_refused(function: LambdaFunction, make_event: MakeEvent) -> None:
    response = function(make_event("PUT", "/clicks", JSON, b" " * (4 * 1024 * 1024)))
    assert response["statusCode"] == 413
    assert body_of(response)["limit"] == 262_144


def test_other_events_run_nothing(
    function: LambdaFunction, firehose: FirehoseServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every one of them in turn; test_lambda_entry.py has them one by one."""
    others = [json.loads(file.read_text()) for file in OTHER_EVENTS]
    for event in [*others, *({**event, **RAW_COMMAND} for event in ALMOST_HTTP)]:
        assert list(function(event)) == ["refused"]
    assert not firehose.request_count
    assert not list(tmp_path_factory.getbasetemp().glob("bundle*/mark")), "the command of an event was run"


@pytest.mark.parametrize("field", ["raw_command", "command", "manage"])
def test_command_in_an_http_event_is_not_run(
    function: LambdaFunction,
    make_event: MakeEvent,
    field: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    response = function({**make_event("GET", "/health"), field: RAW_COMMAND["raw_command"]})
    assert body_of(response)["status"] == "ok"
    assert not list(tmp_path_factory.getbasetemp().glob("bundle*/mark"))


def test_stage_variables_do_not_change_settings(
    function: LambdaFunction, make_event: MakeEvent, firehose: FirehoseServer
) -> None:
    event: Event = make_event("PUT", "/clicks", JSON, json.dumps(CLICK).encode())
    event["stageVariables"] = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "MARK": "changed"}
    assert function(event)["statusCode"] == 202
    assert function(event)["statusCode"] == 202
    assert len(firehose.accepted) == 2


def test_accepted_clicks_log_nothing(function: LambdaFunction, make_event: MakeEvent) -> None:
    function(make_event("GET", "/health"))
    before = function.log
    for _ in range(3):
        assert function(make_event("PUT", "/clicks", JSON, json.dumps(CLICK).encode()))["statusCode"] == 202
        assert function(make_event("GET", "/clicks.gif", query="mysfitId=1"))["statusCode"] == 200
    assert function.log == before


def test_refused_request_logs_one_line_of_counts_without_the_sender(
    function: LambdaFunction, make_event: MakeEvent
) -> None:
    before = function.log
    clicks = [
        {"userId": "", "mysfitId": "secret-item"},
        {"userId": "secret-user", "type": "Bad", "title": "secret"},
    ]
    function(
        make_event("PUT", "/clicks", {**JSON, "User-Agent": "secret-agent"}, json.dumps(clicks).encode())
    )
    (line,) = function.log.removeprefix(before).splitlines()
    counts = json.loads(line)
    assert counts["RefusedNoValidClick"] == 1
    assert counts["RejectedUserId"] == 1
    assert counts["RejectedType"] == 1
    assert "secret" not in line
    assert "203.0.113" not in line


def test_visitor_id_comes_from_the_key_in_the_table(
    function: LambdaFunction, make_event: MakeEvent, firehose: FirehoseServer
) -> None:
    function(make_event("PUT", "/clicks", JSON, json.dumps(CLICK).encode()))
    (envelope,) = firehose.envelopes
    assert firehose.key_item
    key = base64.b64decode(firehose.key_item["key"]["B"])
    agent = envelope["userAgent"] or ""
    message = f"{firehose.key_item['day']['S']}\n{envelope['address']}\n{agent}"
    assert envelope["visitorId"] == hmac.new(key, message.encode(), "sha256").hexdigest()


def test_odd_events_never_get_zappas_own_answer(function: LambdaFunction, make_event: MakeEvent) -> None:
    event = make_event("PUT", "/clicks", JSON, b"[]") | {"body": "A", "isBase64Encoded": True}
    response = function(event)
    assert (response["statusCode"], body_of(response)["code"]) == (400, "bad_request")
    assert headers_of(response)["access-control-allow-origin"] == ORIGIN
