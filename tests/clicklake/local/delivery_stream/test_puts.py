"""PutRecord and PutRecordBatch: limits, responses, errors, faults."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from clicklake.local.delivery_stream.configuration import UnsupportedDestinationError
from clicklake.local.delivery_stream.faults import Faults, parse_plan
from clicklake.local.delivery_stream.puts import (
    MAX_BATCH_BYTES,
    MAX_RECORD_BYTES,
    ConnectionDroppedError,
    PutApi,
    PutError,
)
from tests.clicklake.local.delivery_stream.world import World


def record(data: bytes) -> dict[str, str]:
    return {"Data": base64.b64encode(data).decode()}


def one(data: bytes) -> dict[str, Any]:
    return {"DeliveryStreamName": "clicks", "Record": record(data)}


def batch(*data: bytes) -> dict[str, Any]:
    return {"DeliveryStreamName": "clicks", "Records": [record(payload) for payload in data]}


class Api(PutApi):
    """The API of one stream. `accepted` returns the records that were accepted."""

    def __init__(self, lake: World) -> None:
        self.lake = lake
        self.faults = Faults()
        super().__init__(lambda name: lake.stream if name == "clicks" else None, lambda: None, self.faults)

    def accepted(self) -> list[bytes]:
        return [record.data for record in self.lake.journal.waiting(self.lake.stream.arn)]


@pytest.fixture
def api(world: Callable[..., World]) -> Api:
    return Api(world())


def test_put_record_returns_an_id_of_its_own(api: Api) -> None:
    answer = api.put_record(one(b"a"))
    assert answer["Encrypted"] is False
    assert len(answer["RecordId"]) > 56
    assert api.accepted() == [b"a"]


def test_put_record_batch_has_one_result_per_record_in_order(api: Api) -> None:
    answer = api.put_record_batch(batch(b"a", b"b", b"c"))
    assert answer["FailedPutCount"] == 0
    assert len({entry["RecordId"] for entry in answer["RequestResponses"]}) == 3
    assert api.accepted() == [b"a", b"b", b"c"]


@pytest.mark.parametrize("data", [b"", b"x" * MAX_RECORD_BYTES])
def test_record_within_its_limits_is_accepted(api: Api, data: bytes) -> None:
    api.put_record(one(data))
    assert api.accepted() == [data]


def test_batch_within_its_limits_is_accepted(api: Api) -> None:
    api.put_record_batch(batch(*[b"x"] * 500))
    api.put_record_batch(batch(*[b"x" * (MAX_BATCH_BYTES // 8)] * 8))
    assert len(api.accepted()) == 508


TOO_LARGE = b"x" * (MAX_RECORD_BYTES + 1)
JUST_OVER = [b"x" * 1_000_000] * 4 + [b"x" * (MAX_BATCH_BYTES - 4_000_000 + 1)]


PUT, BATCH = PutApi.put_record, PutApi.put_record_batch


@pytest.mark.parametrize(
    ("operation", "request_body", "code", "message"),
    [
        (PUT, one(TOO_LARGE), "ValidationException", "'record.data' .* less than or equal to 1024000"),
        (PUT, {**one(b""), "Record": {}}, "ValidationException", "'record.data' .* must not be null"),
        (PUT, {"DeliveryStreamName": "clicks"}, "ValidationException", "must not be null"),
        (PUT, {**one(b""), "Record": {"Data": "!"}}, "SerializationException", "base64"),
        (PUT, {**one(b""), "DeliveryStreamName": "x"}, "ResourceNotFoundException", "Firehose x not found"),
        (BATCH, batch(), "ValidationException", "greater than or equal to 1$"),
        (BATCH, batch(*[b""] * 501), "ValidationException", "less than or equal to 500$"),
        (BATCH, batch(b"", TOO_LARGE), "ValidationException", "'records.2.member.data'"),
        (BATCH, batch(*JUST_OVER), "InvalidArgumentException", "^Records size exceeds 4 MB limit$"),
    ],
)
def test_request_beyond_a_limit_is_refused_whole(
    api: Api,
    operation: Callable[[PutApi, Mapping[str, Any]], dict[str, Any]],
    request_body: dict[str, Any],
    code: str,
    message: str,
) -> None:
    with pytest.raises(PutError, match=message) as refused:
        operation(api, request_body)
    assert (refused.value.code, refused.value.status) == (code, 400)
    assert api.accepted() == []


def test_put_on_an_unsupported_stream_is_refused_with_the_reason() -> None:
    def find(name: str) -> None:
        raise UnsupportedDestinationError("CompressionFormat Snappy is not supported")

    with pytest.raises(PutError, match="Snappy") as refused:
        PutApi(find, lambda: None, Faults()).put_record(one(b""))
    assert refused.value.code == "InvalidArgumentException"


def test_throttled_put_accepts_nothing(api: Api) -> None:
    api.faults.use(parse_plan({"throttleEvery": 2}))
    api.put_record(one(b"first"))
    with pytest.raises(PutError, match=r"^Slow down\.$") as refused:
        api.put_record_batch(batch(b"second"))
    assert (refused.value.code, refused.value.status) == ("ServiceUnavailableException", 503)
    api.put_record(one(b"third"))
    assert api.accepted() == [b"first", b"third"]


def test_partly_failed_batch_names_each_record_that_was_not_accepted(api: Api) -> None:
    api.faults.use(parse_plan({"failEvery": 3}))
    answer = api.put_record_batch(batch(b"a", b"b", b"c", b"d", b"e", b"f"))
    assert answer["FailedPutCount"] == 2
    assert [entry.get("ErrorCode") for entry in answer["RequestResponses"]] == [
        None, None, "ServiceUnavailableException", None, None, "ServiceUnavailableException",
    ]  # fmt: skip
    assert answer["RequestResponses"][2] == {
        "ErrorCode": "ServiceUnavailableException",
        "ErrorMessage": "Slow down.",
    }
    assert api.accepted() == [b"a", b"b", b"d", b"e"]


def test_put_record_that_fails_is_an_error(api: Api) -> None:
    api.faults.use(parse_plan({"failEvery": 1}))
    with pytest.raises(PutError, match="Slow down"):
        api.put_record(one(b"a"))
    assert api.accepted() == []


@pytest.mark.parametrize(("fault", "accepted"), [("dropBeforeEvery", []), ("dropAfterEvery", [b"a"])])
def test_connection_is_dropped_before_or_after_the_record_is_accepted(
    api: Api, fault: str, accepted: list[bytes]
) -> None:
    api.faults.use(parse_plan({fault: 1}))
    with pytest.raises(ConnectionDroppedError):
        api.put_record(one(b"a"))
    assert api.accepted() == accepted
