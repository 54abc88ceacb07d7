"""The delivery stream inside MiniStack: requests by boto3, functions, objects in S3."""

import base64
import gzip
import json
import re
import threading
from collections import Counter
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.support.emulator import Emulator, deploy, objects, put, settled, wait_until

STREAM = "clicks-1"


def delivered(cloud: Emulator) -> list[Any]:
    """Wait until everything has landed. Return the delivered lines."""
    settled(cloud)
    lines: list[Any] = cloud.get("/delivered")
    return lines


def test_records_land_transformed_and_compressed_under_their_hour(cloud: Emulator) -> None:
    before = {key for key, _ in objects(cloud, STREAM)}
    put(cloud, STREAM, b'{"userId":"u-1"}', b'{"userId":"u-2"}')
    assert delivered(cloud) == [{"userId": "u-1"}, {"userId": "u-2"}]
    new = {key: body for key, body in objects(cloud, STREAM) if key not in before}
    clicks, raw = sorted(new)
    folder = r"dt=\d{4}-\d\d-\d\d/hr=\d\d/clicks-1-1-\d{4}(-\d\d){5}-[0-9a-f-]{36}\.gz"
    assert re.fullmatch("clicks/" + folder, clicks)
    assert re.fullmatch("raw/" + folder, raw)
    assert gzip.decompress(new[clicks]) == b'{"userId": "u-1"}\n{"userId": "u-2"}\n'
    assert gzip.decompress(new[raw]) == b'{"userId":"u-1"}{"userId":"u-2"}'
    head = cloud.client("s3").head_object(Bucket=STREAM, Key=clicks)
    assert (head["ContentType"], head["ContentEncoding"]) == ("application/octet-stream", "gzip")


def test_bad_result_fails_only_its_own_record(cloud: Emulator) -> None:
    put(
        cloud,
        STREAM,
        b"before",
        b"fail",
        b"missing",
        b"twice",
        b"not base64",
        b"wrong result",
        b"drop",
        b"after",
    )
    assert [line["said"] for line in delivered(cloud)] == ["before", "after"]
    documents = cloud.get("/failed")
    failed = {base64.b64decode(document["rawData"]): document["errorCode"] for document in documents}
    assert failed == {
        b"fail": "Lambda.ProcessingFailedStatus",
        b"missing": "Lambda.MissingRecordId",
        b"twice": "Lambda.DuplicatedRecordId",
        b"not base64": "Lambda.FunctionError",
        b"wrong result": "Lambda.FunctionError",
    }
    assert len(cloud.get("/raw")) == 8


def test_failing_function_is_invoked_four_times_and_the_batch_is_kept(cloud: Emulator) -> None:
    put(cloud, STREAM, b"raise", b"neighbour")
    assert settled(cloud)["failed"] == 2
    for document in cloud.get("/failed"):
        assert (document["errorCode"], document["attemptsMade"]) == ("Lambda.FunctionError", 4)
        assert document["lambdaARN"].endswith(":function:clicks-1")
        assert document["attemptEndingTimestamp"] > document["arrivalTimestamp"] > 1_700_000_000_000


def test_timeout_and_too_large_response_are_function_errors(cloud: Emulator) -> None:
    deploy(cloud, "slow-1", retries=0, timeout=1)
    for command in (b"sleep", b"huge"):
        put(cloud, "slow-1", command)
        settled(cloud)
    documents = cloud.get("/failed")
    failures = [(document["errorCode"], document["attemptsMade"]) for document in documents]
    assert failures == [("Lambda.FunctionError", 1)] * 2


def test_throttled_and_missing_functions_have_their_error_codes(cloud: Emulator) -> None:
    deploy(cloud, "gone-1", retries=0)
    functions = cloud.client("lambda")
    functions.put_function_concurrency(FunctionName="gone-1", ReservedConcurrentExecutions=0)
    put(cloud, "gone-1", b"throttled")
    settled(cloud)
    functions.delete_function(FunctionName="gone-1")
    put(cloud, "gone-1", b"gone")
    settled(cloud)
    codes = [document["errorCode"] for document in cloud.get("/failed")]
    assert codes == ["Lambda.InvokeLimitExceeded", "Lambda.ResourceNotFound"]


def test_function_does_not_inherit_the_users_environment(cloud: Emulator) -> None:
    put(cloud, STREAM, b"environment")
    (line,) = delivered(cloud)
    assert "PATH" in line["environment"]
    assert "SECRET_OF_THE_USER" not in line["environment"]


def test_updated_destination_is_used(emulator: Emulator) -> None:
    deploy(emulator, "moving-1")
    firehose = emulator.client("firehose")
    put(emulator, "moving-1", b"a")
    settled(emulator)
    described = firehose.describe_delivery_stream(DeliveryStreamName="moving-1")["DeliveryStreamDescription"]
    firehose.update_destination(
        DeliveryStreamName="moving-1",
        CurrentDeliveryStreamVersionId=described["VersionId"],
        DestinationId=described["Destinations"][0]["DestinationId"],
        ExtendedS3DestinationUpdate={"Prefix": "moved/!{timestamp:yyyy}/"},
    )
    put(emulator, "moving-1", b"b")
    settled(emulator)
    moved = [key for key, _ in objects(emulator, "moving-1", "moved/")]
    assert len(moved) == 1
    assert "/moving-1-2-" in moved[0]


def test_twenty_clients_at_once_lose_and_duplicate_nothing(cloud: Emulator) -> None:
    firehose = cloud.client("firehose", config=Config(max_pool_connections=20))

    def send(client: int) -> None:
        for at in range(25):
            firehose.put_record(DeliveryStreamName=STREAM, Record={"Data": b'{"n":%d}' % (client * 25 + at)})

    clients = [threading.Thread(target=send, args=(client,)) for client in range(20)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert Counter(line["n"] for line in delivered(cloud)) == Counter(range(500))
    assert Counter(record["n"] for record in cloud.get("/raw")) == Counter(range(500))


def put_as(cloud: Emulator, user: str, policy: dict[str, Any]) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName=user)
    document = {"Version": "2012-10-17", "Statement": [policy]}
    iam.put_user_policy(UserName=user, PolicyName="puts", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    firehose = cloud.client(
        "firehose", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    firehose.put_record(DeliveryStreamName=STREAM, Record={"Data": b"a"})


def test_iam_is_enforced_on_puts(cloud: Emulator) -> None:
    arn = f"arn:aws:firehose:us-east-1:000000000000:deliverystream/{STREAM}"
    put_as(cloud, "allowed", {"Effect": "Allow", "Action": "firehose:PutRecord", "Resource": arn})
    with pytest.raises(ClientError, match="not authorized to perform: firehose:PutRecord"):
        put_as(
            cloud, "other", {"Effect": "Allow", "Action": "firehose:PutRecord", "Resource": arn + "-other"}
        )
    assert settled(cloud)["raw"] == 1


def test_errors_have_the_shape_of_aws(cloud: Emulator) -> None:
    firehose = cloud.client("firehose")
    with pytest.raises(firehose.exceptions.ResourceNotFoundException, match="Firehose nowhere not found"):
        firehose.put_record(DeliveryStreamName="nowhere", Record={"Data": b"a"})
    with pytest.raises(firehose.exceptions.InvalidArgumentException, match="Records size exceeds 4 MB limit"):
        put(cloud, STREAM, *[b"x" * 1_000_000] * 5)
    with pytest.raises(ClientError, match="length less than or equal to 500") as refused:
        put(cloud, STREAM, *[b"x"] * 501)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ClientError, match="length less than or equal to 1024000"):
        put(cloud, STREAM, b"x" * 1_024_001)


def test_throttled_client_succeeds_when_it_retries(cloud: Emulator) -> None:
    cloud.post("/faults", {"throttleEvery": 2})
    firehose, patient = cloud.client("firehose"), cloud.client("firehose", attempts=3)
    firehose.put_record(DeliveryStreamName=STREAM, Record={"Data": b"first"})
    with pytest.raises(firehose.exceptions.ServiceUnavailableException, match=r"Slow down\."):
        firehose.put_record(DeliveryStreamName=STREAM, Record={"Data": b"refused"})
    firehose.put_record(DeliveryStreamName=STREAM, Record={"Data": b"second"})
    patient.put_record(DeliveryStreamName=STREAM, Record={"Data": b"third"})  # refused, then accepted
    assert [line["said"] for line in delivered(cloud)] == ["first", "second", "third"]


def test_partly_failed_batch_answers_200_and_names_the_failed_records(cloud: Emulator) -> None:
    cloud.post("/faults", {"failEvery": 2})
    records = [{"Data": b"taken"}, {"Data": b"failed"}]
    answer = cloud.client("firehose").put_record_batch(DeliveryStreamName=STREAM, Records=records)
    assert answer["FailedPutCount"] == 1
    assert answer["RequestResponses"][0]["RecordId"]
    assert answer["RequestResponses"][1]["ErrorCode"] == "ServiceUnavailableException"
    assert [line["said"] for line in delivered(cloud)] == ["taken"]


@pytest.mark.parametrize(("fault", "times"), [("dropBeforeEvery", 1), ("dropAfterEvery", 2)])
def test_client_retries_after_a_dropped_connection(cloud: Emulator, fault: str, times: int) -> None:
    cloud.post("/faults", {fault: 2})
    put(cloud, STREAM, b"first")
    with pytest.raises(ConnectionClosedError):
        put(cloud, STREAM, b"dropped")
    put(cloud, STREAM, b"dropped")
    counts = Counter(line["said"] for line in delivered(cloud))
    assert counts == {"first": 1, "dropped": times}


def test_delayed_put_is_accepted_although_the_client_has_left(
    cloud: Emulator,
) -> None:
    cloud.post("/faults", {"delaySeconds": 0.6})
    hasty = cloud.client("firehose", config=Config(read_timeout=0.3, retries={"total_max_attempts": 1}))
    with pytest.raises(ReadTimeoutError):
        hasty.put_record(DeliveryStreamName=STREAM, Record={"Data": b"late"})
    wait_until(lambda: cloud.get("/status")["delivered"])
    assert cloud.get("/delivered") == [{"said": "late"}]


def test_outage_of_s3_delays_and_loses_nothing(cloud: Emulator) -> None:
    cloud.post("/faults", {"s3DownSeconds": 3600})
    put(cloud, STREAM, b"a")
    wait_until(lambda: cloud.get("/status")["waiting"] == 1)
    assert cloud.get("/delivered") == cloud.get("/raw") == []
    cloud.post("/faults", {})
    assert delivered(cloud) == [{"said": "a"}]


def test_deliver_twice_delivers_a_batch_twice(cloud: Emulator) -> None:
    cloud.post("/faults", {"deliverTwice": True})
    put(cloud, STREAM, b"a")
    assert delivered(cloud) == [{"said": "a"}] * 2
    assert cloud.get("/raw") == ["a"]


def test_deleted_stream_delivers_the_records_it_had_accepted(cloud: Emulator) -> None:
    deploy(cloud, "deleted-1")
    put(cloud, "deleted-1", b"accepted")
    cloud.client("firehose").delete_delivery_stream(DeliveryStreamName="deleted-1")
    assert delivered(cloud) == [{"said": "accepted"}]
    with pytest.raises(ClientError, match="not found"):
        put(cloud, "deleted-1", b"too late")
