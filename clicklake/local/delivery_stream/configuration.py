"""Parse a destination from CloudFormation's ExtendedS3DestinationConfiguration.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-kinesisfirehose-deliverystream-extendeds3destinationconfiguration.html
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from clicklake.local.delivery_stream import prefix
from clicklake.local.delivery_stream.destination import Destination, Hints, Output, Processor

MEBIBYTE = 1024 * 1024

# Firehose's own defaults: docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html,
# docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
S3_BUFFER_SECONDS = 300
S3_BUFFER_MEBIBYTES = 5
PROCESSOR_BUFFER_SECONDS = 60
PROCESSOR_BUFFER_MEBIBYTES = 1
PROCESSOR_RETRIES = 3

_EXTENSIONS = {"UNCOMPRESSED": "", "GZIP": ".gz"}


class UnsupportedDestinationError(ValueError):
    """Firehose refuses the setting, or this stream does not support it. The message names the setting."""


def parse_destination(config: Mapping[str, Any]) -> Destination:
    """Parse the configuration. Raises UnsupportedDestinationError instead of silently ignoring a setting."""
    for name in ("DynamicPartitioningConfiguration", "DataFormatConversionConfiguration"):
        if (config.get(name) or {}).get("Enabled"):
            raise UnsupportedDestinationError(f"{name} is not supported by the local delivery stream")
    delivered = _parse_output(config)
    failed = _parse_failed_output(config, delivered)
    backup = None
    if config.get("S3BackupMode") == "Enabled":
        backup = _parse_output(config.get("S3BackupConfiguration") or {})
        if backup.hints.seconds == 0:  # docs.aws.amazon.com/firehose/latest/dev/buffering-hints.html
            raise UnsupportedDestinationError(
                "S3BackupConfiguration: IntervalInSeconds 0 is for destinations, not for the backup"
            )
    processor, separator = _parse_processors(config.get("ProcessingConfiguration") or {})
    return Destination(replace(delivered, separator=separator), failed, backup, processor)


def _parse_output(config: Mapping[str, Any]) -> Output:
    compression = config.get("CompressionFormat") or "UNCOMPRESSED"
    if compression not in _EXTENSIONS:
        raise UnsupportedDestinationError(
            f"CompressionFormat {compression} is not supported by the local delivery stream"
        )
    bucket_arn = str(config.get("BucketARN", ""))
    if not bucket_arn.startswith("arn:aws:s3:::"):
        raise UnsupportedDestinationError(f"BucketARN must begin with arn:aws:s3:::, not {bucket_arn!r}")
    hints = config.get("BufferingHints") or {}
    if ("IntervalInSeconds" in hints) != ("SizeInMBs" in hints):
        raise UnsupportedDestinationError("BufferingHints need IntervalInSeconds and SizeInMBs, or neither")
    return Output(
        bucket=bucket_arn.removeprefix("arn:aws:s3:::"),
        prefix=_checked(prefix.with_timestamp(config.get("Prefix") or ""), None),
        hints=Hints(
            seconds=float(hints.get("IntervalInSeconds", S3_BUFFER_SECONDS)),
            size_bytes=int(float(hints.get("SizeInMBs", S3_BUFFER_MEBIBYTES)) * MEBIBYTE),
        ),
        compressed=compression == "GZIP",
        extension=config.get("FileExtension") or _EXTENSIONS[compression],
        zone=_parse_zone(config.get("CustomTimeZone") or "UTC"),
    )


def _parse_failed_output(config: Mapping[str, Any], delivered: Output) -> Output:
    """Apply Firehose's rules for ErrorOutputPrefix. Error objects are never compressed, nor named .gz."""
    given = config.get("ErrorOutputPrefix") or ""
    plain = config.get("Prefix") or ""
    if not given and prefix.has_expression(plain):
        raise UnsupportedDestinationError("ErrorOutputPrefix can't be null when Prefix contains expressions")
    if prefix.has_expression(given) and "!{firehose:error-output-type}" not in given:
        raise UnsupportedDestinationError("ErrorOutputPrefix needs !{firehose:error-output-type}")
    if not given:
        given = f"{plain}!{{firehose:error-output-type}}/{prefix.DEFAULT_TIMESTAMP}"
    return replace(delivered, prefix=_checked(given, "processing-failed"), compressed=False, extension="")


def _checked(given: str, error_output_type: str | None) -> str:
    """Evaluate the prefix once now: an invalid one should fail the put, not the delivery."""
    try:
        prefix.evaluate(given, datetime.now(UTC), error_output_type)
    except prefix.PrefixError as error:
        raise UnsupportedDestinationError(str(error)) from error
    return given


def _parse_zone(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError) as error:
        raise UnsupportedDestinationError(f"CustomTimeZone {name!r} is not a known time zone") from error


def _parse_processors(config: Mapping[str, Any]) -> tuple[Processor | None, bytes]:
    processor, separator = None, b""
    for entry in (config.get("Processors") or []) if config.get("Enabled") else []:
        parameters = {p["ParameterName"]: p["ParameterValue"] for p in entry.get("Parameters") or []}
        match entry.get("Type"):
            case "Lambda" if processor is None:
                processor = _parse_lambda(parameters)
            case "AppendDelimiterToRecord":
                separator = b"\n"
            case unknown:
                raise UnsupportedDestinationError(
                    f"a processor of type {unknown} is not supported here, or appears twice"
                )
    return processor, separator


def _parse_lambda(parameters: Mapping[str, Any]) -> Processor:
    if "LambdaArn" not in parameters:
        raise UnsupportedDestinationError("a Lambda processor needs the parameter LambdaArn")
    return Processor(
        lambda_arn=parameters["LambdaArn"],
        retries=int(parameters.get("NumberOfRetries", PROCESSOR_RETRIES)),
        hints=Hints(
            seconds=float(parameters.get("BufferIntervalInSeconds", PROCESSOR_BUFFER_SECONDS)),
            size_bytes=int(float(parameters.get("BufferSizeInMBs", PROCESSOR_BUFFER_MEBIBYTES)) * MEBIBYTE),
        ),
    )
