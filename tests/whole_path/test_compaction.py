"""The keeper of the local cloud compacts a closed hour: its function, its role and the bucket let it."""

import json
from datetime import UTC, datetime

import boto3
import pytest

from clicklake.lake.columns import columns_key
from clicklake.lake.partitions import HOUR, hour_of
from tests.support.lakes import TestLake, line, new_id
from tests.support.landed import Lake

pytestmark = pytest.mark.e2e


def test_the_keeper_compacts_a_closed_hour(addresses: dict[str, str], lake: Lake) -> None:
    if "s3" not in addresses:
        pytest.skip("it writes a made-up line, which a deployed lake should not get")
    hour = hour_of(datetime.now(UTC)) - 5 * HOUR
    stored = TestLake(lake.bucket, boto3.client("s3"))
    stored.put("clicks", [line(new_id(), hour)], hour)
    event = {"job": "compact", "hour": f"{hour:%Y-%m-%dT%H:%M:%SZ}"}
    answer = boto3.client("lambda").invoke(FunctionName="clicklake-keeper-dev", Payload=json.dumps(event))
    done = json.loads(answer["Payload"].read())
    assert done["written"]["events"] == 1, done
    assert columns_key(hour) in stored.keys("columns/")
