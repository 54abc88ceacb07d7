import json
from typing import Any

import pytest

from processor.metrics import MAX_FAILURES_NAMED
from tests.processor.conftest import StartProcessor
from tests.processor.in_process_catalogue import InProcessCatalogue, Reply, item_reply
from tests.processor.loaded import LoadedProcessor
from tests.processor.records import make_click, make_envelope, make_event


def log_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the one line that a batch logged. It must log nothing else."""
    written = capsys.readouterr()
    assert written.err == ""
    (line,) = written.out.splitlines()
    log: dict[str, Any] = json.loads(line)
    return log


def test_one_line_counts_a_batch(
    start_processor: StartProcessor, catalogue: InProcessCatalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    replies = {"nobody": Reply(404), "broken": Reply(500)}
    catalogue.reply = lambda item_id: replies.get(item_id, item_reply())
    processor = start_processor()
    clicks = [make_click(item) for item in ("evangeline", "evangeline", "nobody", "broken", None)]
    event = make_event(
        make_envelope(*clicks), make_envelope(make_click(), make_click(), userAgent="curl/8"), b"?"
    )
    processor.handle(event)
    log = log_of(capsys)
    assert {name: log[name] for name in log if name[0].isupper() and name != "CatalogueMilliseconds"} == {
        "FunctionName": "clicklake-lake-test-processor",
        "Records": 3,
        "Clicks": 7,
        "Bots": 2,
        "UnknownItems": 1,
        "Unavailable": 1,
        "NotAsked": 0,
        "Failed": 1,
        "AgentsNotParsed": 0,
        "FailedSteps": 0,
        "CatalogueCalls": 4,
    }
    assert log["CatalogueMilliseconds"] >= 0
    assert log["failures"] == {event["records"][2]["recordId"]: "not JSON"}


def test_the_line_has_cloudwatchs_embedded_metric_format(
    processor: LoadedProcessor, capsys: pytest.CaptureFixture[str]
) -> None:
    processor.handle(make_event(make_envelope(make_click())))
    log = log_of(capsys)
    assert isinstance(log["_aws"]["Timestamp"], int)
    (directive,) = log["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Clicklake"
    assert directive["Dimensions"] == [["FunctionName"]]
    for metric in directive["Metrics"]:
        assert isinstance(log[metric["Name"]], int)
        assert metric["Unit"] == ("Milliseconds" if metric["Name"].endswith("Milliseconds") else "Count")


def test_only_clicks_that_land_are_counted(
    processor: LoadedProcessor, capsys: pytest.CaptureFixture[str]
) -> None:
    big = make_envelope(*[make_click(title=512 * "é")] * 500)
    results = processor.handle(make_event(*10 * [big]))
    landed = sum(record["result"] == "Ok" for record in results)
    log = log_of(capsys)
    assert (log["Clicks"], log["Failed"]) == (500 * landed, 10 - landed)
    assert set(log["failures"].values()) == {"no room in the answer"}


def test_the_line_stays_short_however_many_records_fail(
    processor: LoadedProcessor, capsys: pytest.CaptureFixture[str]
) -> None:
    processor.handle(make_event(*1000 * [b"?"]))
    log = log_of(capsys)
    assert log["Failed"] == 1000
    assert len(log["failures"]) == MAX_FAILURES_NAMED


def test_no_payload_address_or_user_id_is_logged(
    start_processor: StartProcessor, catalogue: InProcessCatalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "tell-nobody"
    catalogue.reply = lambda item_id: Reply(500, secret.encode())
    processor = start_processor()
    click = make_click(
        secret, userId=secret, sessionId=secret, url=f"https://shop.example/{secret}", title=secret
    )
    head = {"address": secret, "visitorId": secret, "userAgent": secret, "country": secret}
    processor.handle(
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


def test_clicks_whose_item_was_not_asked_are_counted(
    start_processor: StartProcessor, catalogue: InProcessCatalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue.reply = lambda item_id: Reply(404)
    processor = start_processor(CATALOGUE_CONNECTIONS="1", CATALOGUE_UNKNOWN_PER_BATCH="20")
    processor.lines(
        make_envelope(*[make_click(f"made-up-{number}") for number in range(5)], make_click(None))
    )
    log = log_of(capsys)
    assert (log["Clicks"], log["UnknownItems"], log["NotAsked"], log["CatalogueCalls"]) == (6, 2, 3, 2)
