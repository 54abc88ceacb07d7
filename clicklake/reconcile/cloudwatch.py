"""CloudWatch's own counts for the span: they include requests and records that never reached the lake."""

from typing import NamedTuple

from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import HOUR, Span, hour_of

# Kept for 15 months: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
PERIOD_SECONDS = 3600


class Metric(NamedTuple):
    label: str
    namespace: str
    name: str
    dimension: str
    value: str


def metrics_of(lake: Lake) -> list[Metric]:
    """Return the stage's metrics; none if only the bucket is known."""
    if not lake.outputs:
        return []
    stream, processor = lake.outputs["StreamName"], lake.outputs["ProcessorFunctionName"]
    return [
        # Zappa names the REST API `<project>-<stage>`, which is also the stream's name.
        Metric("requests at the gateway", "AWS/ApiGateway", "Count", "ApiName", stream),
        Metric("requests answered 5xx", "AWS/ApiGateway", "5XXError", "ApiName", stream),
        Metric("requests at the function", "AWS/Lambda", "Invocations", "FunctionName", stream),
        Metric("records throttled", "AWS/Firehose", "ThrottledRecords", "DeliveryStreamName", stream),
        Metric("records accepted", "AWS/Firehose", "IncomingRecords", "DeliveryStreamName", stream),
        Metric("records kept in raw/", "AWS/Firehose", "BackupToS3.Records", "DeliveryStreamName", stream),
        Metric("records delivered", "AWS/Firehose", "DeliveryToS3.Records", "DeliveryStreamName", stream),
        Metric("clicks enriched", "Clicklake", "Clicks", "FunctionName", processor),
        Metric("records failed", "Clicklake", "Failed", "FunctionName", processor),
    ]


def count(lake: Lake, span: Span) -> dict[str, int]:
    """Return the sum of each metric that has values, by label."""
    metrics = metrics_of(lake)
    if not metrics:
        return {}
    pages = lake.client("cloudwatch").get_paginator("get_metric_data").paginate(
        StartTime=hour_of(span.since),
        EndTime=hour_of(span.until - HOUR / 3600) + HOUR,
        MetricDataQueries=[
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": metric.namespace,
                        "MetricName": metric.name,
                        "Dimensions": [{"Name": metric.dimension, "Value": metric.value}],
                    },
                    "Period": PERIOD_SECONDS,
                    "Stat": "Sum",
                },
            }
            for number, metric in enumerate(metrics)
        ],
    )  # fmt: skip
    sums: dict[str, int] = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            if result["Values"]:
                label = metrics[int(result["Id"][1:])].label
                sums[label] = sums.get(label, 0) + round(sum(result["Values"]))
    return sums
