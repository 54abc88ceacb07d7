import json
from typing import Any

import pytest

from processor.metrics import MAX_FAILURES_NAMED
from tests.processor.catalogue_server import CatalogueServer, Visit
from tests.processor.conftest import StartProcessor
from tests.processor.records import make_click, make_envelope, make_event
from tests.processor.started import Processor


def log_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one line that a batch wrote, and nothing beside it."""
    written = capsys.readouterr()
    assert written.err == ""
    (line,) = written.out.splitlines()
    log: dict[str, Any] = json.loads(line)
    return log


def test_a_batch_is_counted_in_one_line(
    start_processor: StartProcessor, catalogue: CatalogueServer, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(visit: Visit) -> None:
        known = {"nobody": lambda: visit.answer(404), "broken": lambda: visit.answer(500)}
        known.get(visit.item_id, visit.answer_item)()

    catalogue.behaviour = answer
    processor = start_processor(CATALOGUE_URL=catalogue.url)
    clicks = [make_click(item) for item in ("evangeline", "evangeline", "nobody", "broken", None)]
    event = make_event(
        make_envelope(*clicks), make_envelope(make_click(), make_click(), userAgent="curl/8"), b"?"
    )
    processor.answer(event)
    log = log_of(capsys)
    assert {name: log[name] for name in log if name[0].isupper() and name != "CatalogueMilliseconds"} == {
        "FunctionName": "clicklake-lake-test-processor",
        "Records": 3,
        "Clicks": 7,
        "Bots": 2,
        "UnknownItems": 1,
        "Unavailable": 1,
        "Failed": 1,
        "FailedSteps": 0,
        "CatalogueCalls": 4,
    }
    assert log["CatalogueMilliseconds"] >= 0
    assert log["failures"] == {event["records"][2]["recordId"]: "not JSON"}


def test_the_line_is_what_cloudwatch_makes_metrics_of(
    processor: Processor, capsys: pytest.CaptureFixture[str]
) -> None:
    processor.answer(make_event(make_envelope(make_click())))
    log = log_of(capsys)
    assert isinstance(log["_aws"]["Timestamp"], int)
    (directive,) = log["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Clicklake"
    assert directive["Dimensions"] == [["FunctionName"]]
    for metric in directive["Metrics"]:
        assert isinstance(log[metric["Name"]], int)
        assert metric["Unit"] == ("Milliseconds" if metric["Name"].endswith("Milliseconds") else "Count")


def test_clicks_that_did_not_land_are_not_counted(
    processor: Processor, capsys: pytest.CaptureFixture[str]
) -> None:
    big = make_envelope(*[make_click(title=512 * "é")] * 500)
    answered = processor.answer(make_event(*10 * [big]))
    landed = sum(record["result"] == "Ok" for record in answered)
    log = log_of(capsys)
    assert (log["Clicks"], log["Failed"]) == (500 * landed, 10 - landed)
    assert set(log["failures"].values()) == {"no room in the answer"}


def test_the_line_stays_short_whatever_fails(
    processor: Processor, capsys: pytest.CaptureFixture[str]
) -> None:
    processor.answer(make_event(*1000 * [b"?"]))
    log = log_of(capsys)
    assert log["Failed"] == 1000
    assert len(log["failures"]) == MAX_FAILURES_NAMED


def test_no_payload_address_or_user_is_logged(
    start_processor: StartProcessor, catalogue: CatalogueServer, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "tell-nobody"
    catalogue.behaviour = lambda visit: visit.answer(500, secret.encode())
    processor = start_processor(CATALOGUE_URL=catalogue.url)
    click = make_click(
        secret, userId=secret, sessionId=secret, url=f"https://shop.example/{secret}", title=secret
    )
    head = {"address": secret, "visitorId": secret, "userAgent": secret, "country": secret}
    processor.answer(
        make_event(
            make_envelope(click, **head),
            make_envelope(click, v=secret),
            make_envelope(click | {"url": {secret: secret}}, **head),
            json.dumps({"userId": secret, "mysfitId": secret}).encode(),
            secret.encode(),
        )
    )
    written = capsys.readouterr()
    assert secret not in written.out + written.err
    assert '"Unavailable":2' in written.out
