"""What a delivery stream was told to do: CloudFormation's ExtendedS3DestinationConfiguration, checked.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-kinesisfirehose-deliverystream-extendeds3destinationconfiguration.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from clicklake.local.delivery_stream import prefix

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
    """A setting that Firehose refuses, or knows and this stream does not; names the setting."""


@dataclass(frozen=True)
class Hints:
    """When a buffer is full: by its bytes before compression, or by the age of its oldest record."""

    seconds: float
    size_bytes: int


@dataclass(frozen=True)
class Output:
    """Where objects go, and what they look like."""

    bucket: str
    prefix: str
    hints: Hints
    compressed: bool
    extension: str
    zone: tzinfo
    separator: bytes = b""


@dataclass(frozen=True)
class Processor:
    lambda_arn: str
    retries: int
    hints: Hints


@dataclass(frozen=True)
class Destination:
    delivered: Output
    failed: Output
    backup: Output | None
    processor: Processor | None

    def capped(self, seconds: float) -> "Destination":
        """The same, no buffer waiting longer: nobody at a laptop waits a minute for a click."""

        def cap(output: Output) -> Output:
            return replace(output, hints=_capped(output.hints, seconds))

        return Destination(
            delivered=cap(self.delivered),
            failed=cap(self.failed),
            backup=self.backup and cap(self.backup),
            processor=self.processor
            and replace(self.processor, hints=_capped(self.processor.hints, seconds)),
        )


def _capped(hints: Hints, seconds: float) -> Hints:
    return replace(hints, seconds=min(hints.seconds, seconds))


def parse_destination(config: Mapping[str, Any]) -> Destination:
    """Read it; raise UnsupportedDestinationError for what would otherwise be done wrong in silence."""
    for name in ("DynamicPartitioningConfiguration", "DataFormatConversionConfiguration"):
        if (config.get(name) or {}).get("Enabled"):
            raise UnsupportedDestinationError(f"{name} is not kept by the local delivery stream")
    delivered = _parse_output(config)
    failed = _parse_failed_output(config, delivered)
    backup = None
    if config.get("S3BackupMode") == "Enabled":
        backup = _parse_output(config.get("S3BackupConfiguration") or {})
    processor, separator = _parse_processors(config.get("ProcessingConfiguration") or {})
    return Destination(replace(delivered, separator=separator), failed, backup, processor)


def _parse_output(config: Mapping[str, Any]) -> Output:
    compression = config.get("CompressionFormat") or "UNCOMPRESSED"
    if compression not in _EXTENSIONS:
        raise UnsupportedDestinationError(
            f"CompressionFormat {compression} is not kept by the local delivery stream"
        )
    bucket_arn = str(config.get("BucketARN", ""))
    if not bucket_arn.startswith("arn:aws:s3:::"):
        raise UnsupportedDestinationError(f"BucketARN is not a bucket's: {bucket_arn!r}")
    hints = config.get("BufferingHints") or {}
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
    """Firehose's rules of ErrorOutputPrefix; error documents are never compressed, nor named .gz."""
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
    """Evaluate once now, so that a wrong prefix is told to whoever puts, not found at delivery."""
    try:
        prefix.evaluate(given, datetime.now(UTC), error_output_type)
    except prefix.PrefixError as error:
        raise UnsupportedDestinationError(str(error)) from error
    return given


def _parse_zone(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError) as error:
        raise UnsupportedDestinationError(f"CustomTimeZone {name!r} is not known") from error


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
                    f"a processor of type {unknown} is not kept here, or is there twice"
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
