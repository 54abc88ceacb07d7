"""Destinations: defaults, values, and settings that are refused."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clicklake.local.delivery_stream.configuration import UnsupportedDestinationError, parse_destination
from clicklake.local.delivery_stream.destination import Hints
from tests.clicklake.local.delivery_stream.world import LAMBDA_ARN, config, processing

MEBIBYTE = 1024 * 1024


def test_defaults_are_those_of_firehose() -> None:
    destination = parse_destination({"BucketARN": "arn:aws:s3:::lake"})
    assert destination.delivered.hints == Hints(300, 5 * MEBIBYTE)
    assert destination.delivered.prefix == "!{timestamp:yyyy/MM/dd/HH/}"
    assert destination.failed.prefix == "!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH/}"
    assert destination.backup is None
    assert destination.processor is None


def test_processor_defaults_are_those_of_firehose() -> None:
    parameters = [{"ParameterName": "LambdaArn", "ParameterValue": LAMBDA_ARN}]
    lambda_only = {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": parameters}]}
    processor = parse_destination(config(ProcessingConfiguration=lambda_only)).processor
    assert processor is not None
    assert processor.retries == 3
    assert processor.hints == Hints(60, MEBIBYTE)


def test_values_of_the_configuration_are_read() -> None:
    destination = parse_destination(
        config(
            CustomTimeZone="Asia/Tokyo",
            ProcessingConfiguration=processing(NumberOfRetries="1", BufferSizeInMBs="0.2"),
        )
    )
    assert destination.delivered.zone == ZoneInfo("Asia/Tokyo")
    assert destination.delivered.extension == ".gz"
    assert destination.failed.extension == ""
    assert destination.processor is not None
    assert destination.processor.retries == 1
    assert destination.processor.hints == Hints(10, int(0.2 * MEBIBYTE))


def test_disabled_processors_are_ignored() -> None:
    disabled = {**processing(), "Enabled": False}
    assert parse_destination(config(ProcessingConfiguration=disabled)).processor is None


def test_capping_shortens_buffers_and_never_lengthens_them() -> None:
    given = config(BufferingHints={"IntervalInSeconds": 0, "SizeInMBs": 1})
    capped = parse_destination(given).capped(0.5)
    assert capped.delivered.hints.seconds == 0
    assert capped.backup is not None
    assert capped.backup.hints.seconds == 0.5
    assert capped.processor is not None
    assert capped.processor.hints.seconds == 0.5


TWO_LAMBDAS = {"Enabled": True, "Processors": processing()["Processors"] * 2}
NO_ARN = {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": []}]}
UNBUFFERED = {"IntervalInSeconds": 0, "SizeInMBs": 1}
UNBUFFERED_BACKUP = config()["S3BackupConfiguration"] | {"BufferingHints": UNBUFFERED}
EXTRACTION = {"Enabled": True, "Processors": [{"Type": "MetadataExtraction", "Parameters": []}]}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"CompressionFormat": "Snappy"}, "CompressionFormat Snappy"),
        ({"BufferingHints": {"IntervalInSeconds": 0}}, "IntervalInSeconds and SizeInMBs"),
        ({"BufferingHints": {"SizeInMBs": 5}}, "IntervalInSeconds and SizeInMBs"),
        ({"S3BackupConfiguration": UNBUFFERED_BACKUP}, "not for the backup"),
        ({"DynamicPartitioningConfiguration": {"Enabled": True}}, "DynamicPartitioningConfiguration"),
        ({"DataFormatConversionConfiguration": {"Enabled": True}}, "DataFormatConversionConfiguration"),
        ({"BucketARN": "lake"}, "BucketARN"),
        ({"ErrorOutputPrefix": ""}, "can't be null when Prefix contains expressions"),
        ({"ErrorOutputPrefix": "failed/!{timestamp:yyyy}/"}, "error-output-type"),
        ({"Prefix": "clicks/!{timestamp:YYYY}/"}, "write yyyy"),
        ({"CustomTimeZone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"ProcessingConfiguration": TWO_LAMBDAS}, "twice"),
        ({"ProcessingConfiguration": NO_ARN}, "LambdaArn"),
        ({"ProcessingConfiguration": EXTRACTION}, "MetadataExtraction"),
    ],
)
def test_unsupported_setting_is_refused_by_name(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnsupportedDestinationError, match=reason):
        parse_destination(config(**changes))
