"""The main job: a click sent over HTTP becomes an enriched line in S3."""

import base64
import gzip
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
import requests

from tests.support.landed import EVANGELINE, Lake, eventually

pytestmark = pytest.mark.e2e


def send(api: str, body: Any, *, session: Any = requests) -> dict[str, Any]:
    headers = {"Content-Type": "text/plain"}
    response = session.post(f"{api}/clicks", data=json.dumps(body), headers=headers, timeout=30)
    assert response.status_code == 202, response.text
    accepted: dict[str, Any] = response.json()
    return accepted


def test_the_workshops_own_request_lands_enriched(api: str, lake: Lake) -> None:
    body = '{"userId":"guest","mysfitId":"4e53920c-505a-4a90-a694-b9300791f0ae"}'
    response = requests.put(
        f"{api}/clicks", data=body, headers={"Content-Type": "application/json"}, timeout=30
    )
    assert response.status_code == 202
    line = lake.line_of(response.json()["receipts"][0]["eventId"])
    expected = {
        "userId": "guest",
        "mysfitId": EVANGELINE,
        "goodevil": "Evil",
        "lawchaos": "Lawful",
        "species": "Chimera",
    }
    assert expected.items() <= line.items()
    assert line["itemLookup"] == "found"


def test_lines_are_gzipped_under_the_hour_of_their_arrival(api: str, lake: Lake) -> None:
    event_id = send(api, {"mysfitId": EVANGELINE})["receipts"][0]["eventId"]
    line = lake.line_of(event_id)
    keys = [
        key for key, body in lake.objects("clicks/").items() if event_id.encode() in gzip.decompress(body)
    ]
    assert len(keys) == 1
    day, hour = line["receivedAt"][:10], line["receivedAt"][11:13]
    # Firehose names the folder after the arrival of the record, a moment after receivedAt.
    assert keys[0].startswith(f"clicks/dt={day}/hr={hour}/") or line["receivedAt"][14:19] >= "59:58"


def test_ten_clicks_in_one_request_are_one_record_and_ten_lines(api: str, lake: Lake) -> None:
    accepted = send(api, [{"mysfitId": EVANGELINE, "properties": {"n": n}} for n in range(10)])
    ids = [receipt["eventId"] for receipt in accepted["receipts"]]
    lines = lake.lines_of(set(ids))
    assert sorted(int(line["properties"]["n"]) for line in lines) == list(range(10))
    assert {line["requestId"] for line in lines} == {accepted["requestId"]}

    def envelopes() -> list[Any]:
        bodies = (gzip.decompress(body).splitlines() for body in lake.objects("raw/").values())
        return [
            json.loads(record)
            for records in bodies
            for record in records
            if accepted["requestId"].encode() in record
        ]

    raw = eventually(envelopes, seconds=lake.delivery_seconds)
    assert [[click["eventId"] for click in envelope["clicks"]] for envelope in raw] == [ids]


def test_a_thousand_requests_from_twenty_clients_land_exactly_once(api: str, lake: Lake) -> None:
    ids = [str(uuid.uuid4()) for _ in range(1000)]
    before = {line["eventId"] for line in lake.lines()}

    def client(mine: list[str]) -> None:
        with requests.Session() as session:
            for event_id in mine:
                send(api, {"mysfitId": EVANGELINE, "eventId": event_id}, session=session)

    with ThreadPoolExecutor(20) as clients:
        list(clients.map(client, [ids[n::20] for n in range(20)]))
    landed = lake.lines_of(set(ids))
    assert sorted(line["eventId"] for line in landed) == sorted(ids)
    assert {line["eventId"] for line in lake.lines()} - before == set(ids)


def test_an_item_that_the_catalogue_lacks_is_marked_as_unknown(api: str, lake: Lake) -> None:
    line = lake.line_of(send(api, {"mysfitId": "no-such-mysfit"})["receipts"][0]["eventId"])
    assert line["itemLookup"] == "not_found"
    assert "goodevil" not in line


def test_a_record_that_is_not_an_envelope_fails_alone(
    api: str, lake: Lake, addresses: dict[str, str]
) -> None:
    if "stream" not in addresses:
        pytest.skip("puts on the stream itself: run without --api")
    before = send(api, {"mysfitId": EVANGELINE})["receipts"][0]["eventId"]
    garbage = f"this is not JSON {uuid.uuid4()}"
    boto3.client("firehose").put_record(
        DeliveryStreamName=addresses["stream"], Record={"Data": garbage.encode()}
    )
    after = send(api, {"mysfitId": EVANGELINE})["receipts"][0]["eventId"]
    assert len(lake.lines_of({before, after})) == 2

    def error_documents() -> list[dict[str, Any]]:
        bodies = lake.objects("failed/processing-failed/dt=").values()
        documents = [json.loads(line) for body in bodies for line in _text(body).splitlines()]
        return [document for document in documents if _raw_data(document) == garbage]

    (document,) = eventually(error_documents)
    assert document["errorCode"] == "Lambda.ProcessingFailedStatus"


def _text(body: bytes) -> str:
    return (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode()


def _raw_data(document: dict[str, Any]) -> str:
    return base64.b64decode(document["rawData"]).decode(errors="replace")
