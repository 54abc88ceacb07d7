"""Every alarm watches a metric that exists, says what to do, and notifies the topic."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from clicklake.keeper import metrics as keeper_metrics
from ingest_app import metrics as ingest_metrics
from ingest_app.routes import STATUS
from processor import metrics as processor_metrics
from tests.cloudformation.templates import resources_of

ALARM = "AWS::CloudWatch::Alarm"
PROCESSOR = "clicklake-processor-${Stage}"  # as the lake's template names it
KEEPER = "clicklake-keeper-${Stage}"  # likewise
INGEST = "clicklake-${Stage}"  # as Zappa names it
EMF = json.loads(processor_metrics.Metrics(records=0).to_emf("", datetime.now(UTC)))["_aws"][
    "CloudWatchMetrics"
]

# Which metrics each of our functions counts.
OURS = {
    (processor_metrics.NAMESPACE, PROCESSOR): {metric["Name"] for metric in EMF[0]["Metrics"]},
    (keeper_metrics.NAMESPACE, KEEPER): {*keeper_metrics.METRICS["reconcile"]},
    (ingest_metrics.NAMESPACE, INGEST): {ingest_metrics.refused(code) for code in STATUS},
}
AWS_NAMES = {
    ("AWS/Firehose", "DeliveryStreamName", "clicklake-${Stage}"),
    ("AWS/Lambda", "FunctionName", PROCESSOR),
    ("AWS/Lambda", "FunctionName", KEEPER),
}


def watched_by(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the metrics of an alarm."""
    if "Metrics" not in alarm:
        return [alarm]
    return [query["MetricStat"]["Metric"] for query in alarm["Metrics"] if "MetricStat" in query]


def test_every_alarm_says_what_to_do_and_notifies_the_topic(alarms: dict[str, Any]) -> None:
    for name, alarm in resources_of(alarms, ALARM).items():
        description = alarm["AlarmDescription"]
        text = description["Fn::Sub"] if isinstance(description, dict) else description
        assert len(text) > 100, name
        assert alarm["AlarmActions"] == [{"Ref": "Alarms"}], name
        # An idle stage is healthy, but a keeper that does not run is not.
        assert alarm["TreatMissingData"] == ("breaching" if name == "KeeperIsLate" else "notBreaching"), name


def names_of(metric: dict[str, Any]) -> tuple[str, str, str]:
    (dimension,) = metric["Dimensions"]
    return metric["Namespace"], dimension["Name"], dimension["Value"]["Fn::Sub"]


def test_alarms_on_aws_metrics_use_the_names_of_the_stage(alarms: dict[str, Any]) -> None:
    metrics = [metric for alarm in resources_of(alarms, ALARM).values() for metric in watched_by(alarm)]
    assert {
        names_of(metric) for metric in metrics if metric["Namespace"] in ("AWS/Firehose", "AWS/Lambda")
    } == AWS_NAMES


def test_alarms_on_our_metrics_watch_what_the_code_counts(alarms: dict[str, Any]) -> None:
    metrics = [metric for alarm in resources_of(alarms, ALARM).values() for metric in watched_by(alarm)]
    ours = [metric for metric in metrics if not metric["Namespace"].startswith("AWS/")]
    assert {names_of(metric)[2] for metric in ours} == {PROCESSOR, KEEPER, INGEST}
    for metric in ours:
        namespace, dimension, name = names_of(metric)
        assert dimension == "FunctionName"
        assert metric["MetricName"] in OURS[namespace, name]


def test_failed_objects_of_the_lake_raise_an_event(alarms: dict[str, Any], lake: dict[str, Any]) -> None:
    assert alarms["Parameters"]["Stage"]["AllowedPattern"] == lake["Parameters"]["Stage"]["AllowedPattern"]
    (rule,) = resources_of(alarms, "AWS::Events::Rule").values()
    (stream,) = resources_of(lake, "AWS::KinesisFirehose::DeliveryStream").values()
    (prefix,) = rule["EventPattern"]["detail"]["object"]["key"]
    assert stream["ExtendedS3DestinationConfiguration"]["ErrorOutputPrefix"].startswith(prefix["prefix"])
    (bucket,) = resources_of(lake, "AWS::S3::Bucket").values()
    assert bucket["NotificationConfiguration"]["EventBridgeConfiguration"] == {"EventBridgeEnabled": True}


@pytest.mark.parametrize("api", ["rest", "http"])
def test_the_dashboard_is_json_and_shows_the_right_kind_of_api(alarms: dict[str, Any], api: str) -> None:
    (dashboard,) = resources_of(alarms, "AWS::CloudWatch::Dashboard").values()
    text, variables = dashboard["DashboardBody"]["Fn::Sub"]
    for name, either in variables.items():
        _, for_http, for_rest = either["Fn::If"]
        value = for_http if api == "http" else for_rest
        text = text.replace(f"${{{name}}}", value if isinstance(value, str) else "clicklake-dev")
    body = json.loads(re.sub(r"\$\{[A-Za-z:]+\}", "dev", text))
    titles = {widget["properties"]["title"] for widget in body["widgets"]}
    assert len(titles) == len(body["widgets"])
    assert ('"5xx"' in text) is (api == "http")
    assert ('"5XXError"' in text) is (api == "rest")
