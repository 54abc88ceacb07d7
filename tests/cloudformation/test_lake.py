"""The lake's template: its parts fit together, and fit what reads its outputs."""

import json
import re
from typing import Any

import pytest

from tests.cloudformation.templates import as_list, resources_of, statements_of
from tests.processor.test_settings import BAD_PATTERNS, GOOD_PATTERNS

DATE = "!{timestamp:yyyy-MM-dd}"
HOUR = "!{timestamp:HH}"
FUNCTIONS = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function"


@pytest.fixture
def destination(lake: dict[str, Any]) -> dict[str, Any]:
    (stream,) = resources_of(lake, "AWS::KinesisFirehose::DeliveryStream").values()
    extended: dict[str, Any] = stream["ExtendedS3DestinationConfiguration"]
    return extended


def test_the_outputs_are_those_that_later_steps_need(lake: dict[str, Any]) -> None:
    assert set(lake["Outputs"]) == {
        *(
            "StreamName",
            "StreamArn",
            "BucketName",
            "IngestRoleArn",
            "ProcessorFunctionName",
            "ProcessorFunctionArn",
        ),
        *("GlueDatabaseName", "GlueTableName", "ColumnsTableName", "AthenaWorkGroupName"),
        *("KeeperFunctionName", "KeeperFailuresUrl"),
        *(
            "ProcessorLogGroupName",
            "IngestLogGroupName",
            "VisitorKeyTableName",
            "ReservedConcurrency",
            "Version",
        ),
    }


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("Stage", "production", True),
        ("Stage", "Dev", False),
        ("Stage", "dev-2", False),
        ("ItemIdField", "productId", True),
        ("ItemIdField", "product.id", False),
        ("CatalogueUrl", "https://shop.example/api/items/{id}.json?v=1", True),
        ("CatalogueUrl", "https://shop.example/api/items/", False),
        ("CatalogueUrl", "https://shop.example/{id}/{id}", False),
        ("CatalogueUrl", "https://{id}.shop.example/", False),
        ("CatalogueUrl", "ftp://shop.example/{id}", False),
        ("CatalogueUrl", "none", True),
        *(("ItemIdPattern", pattern, True) for pattern in GOOD_PATTERNS),
        *(("ItemIdPattern", pattern, False) for pattern in BAD_PATTERNS),
        ("CatalogueAttributes", "brand", True),
        ("CatalogueAttributes", "a,b,c,d,e", True),
        ("CatalogueAttributes", "a,b,c,d,e,f", False),
        ("CatalogueAttributes", "goodEvil", False),
        ("CatalogueAttributes", "brand, price", False),
        ("CatalogueAttributes", "", False),
    ],
)
def test_a_parameter_accepts_what_its_description_says(
    lake: dict[str, Any], parameter: str, value: str, allowed: bool
) -> None:
    pattern = lake["Parameters"][parameter]["AllowedPattern"]
    assert (re.fullmatch(pattern, value) is not None) is allowed


# --- the delivery stream ---


def test_clicks_raw_copies_and_failures_land_under_their_prefixes(destination: dict[str, Any]) -> None:
    failed = f"failed/!{{firehose:error-output-type}}/dt={DATE}/"
    backup = destination["S3BackupConfiguration"]
    assert (destination["Prefix"], destination["ErrorOutputPrefix"]) == (
        f"clicks/dt={DATE}/hr={HOUR}/",
        failed,
    )
    assert (backup["Prefix"], backup["ErrorOutputPrefix"]) == (f"raw/dt={DATE}/hr={HOUR}/", failed)
    assert destination["S3BackupMode"] == "Enabled"


def test_both_deliveries_are_compressed_and_log_their_errors(
    lake: dict[str, Any], destination: dict[str, Any]
) -> None:
    streams = resources_of(lake, "AWS::Logs::LogStream")
    for delivery in (destination, destination["S3BackupConfiguration"]):
        assert delivery["CompressionFormat"] == "GZIP"
        logging = delivery["CloudWatchLoggingOptions"]
        assert logging["Enabled"] is True
        assert logging["LogGroupName"] == streams[logging["LogStreamName"]["Ref"]]["LogGroupName"]


def test_both_buffers_are_parameters(destination: dict[str, Any]) -> None:
    (processor,) = destination["ProcessingConfiguration"]["Processors"]
    values = {
        parameter["ParameterName"]: parameter["ParameterValue"] for parameter in processor["Parameters"]
    }
    assert values["BufferIntervalInSeconds"] == {"Ref": "ProcessorBufferIntervalSeconds"}
    assert values["BufferSizeInMBs"] == {"Ref": "ProcessorBufferSizeMiB"}
    assert destination["BufferingHints"] == {
        "IntervalInSeconds": {"Ref": "BufferIntervalSeconds"},
        "SizeInMBs": {"Ref": "BufferSizeMiB"},
    }


# --- the bucket ---


def test_the_bucket_is_versioned_encrypted_and_closed_to_the_public(lake: dict[str, Any]) -> None:
    (bucket,) = resources_of(lake, "AWS::S3::Bucket").values()
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert all(bucket["PublicAccessBlockConfiguration"].values())


def test_the_bucket_and_its_objects_require_tls(lake: dict[str, Any]) -> None:
    (policy,) = resources_of(lake, "AWS::S3::BucketPolicy").values()
    denied = list(statements_of(policy))
    assert {str(statement["Resource"]) for statement in denied} == {
        str({"Fn::GetAtt": ["DataBucket", "Arn"]}),
        str({"Fn::Sub": "${DataBucket.Arn}/*"}),
    }
    for statement in denied:
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    ("prefix", "condition", "days"),
    [
        ("raw/", "RawExpires", {"Ref": "RawDays"}),
        ("failed/", "FailedExpires", {"Ref": "FailedDays"}),
        ("replayed/", "FailedExpires", {"Ref": "FailedDays"}),
        ("parked/", "FailedExpires", {"Ref": "FailedDays"}),
        ("clicks/", "ClicksExpire", {"Ref": "ClicksDays"}),
        ("columns/", "ColumnsExpire", {"Ref": "ColumnsDays"}),
        ("athena/", None, 7),
    ],
)
def test_each_prefix_is_kept_as_long_as_its_parameter_says(
    lake: dict[str, Any], prefix: str, condition: str | None, days: Any
) -> None:
    found = [(c, rule["ExpirationInDays"]) for c, rule in lifecycle_of(lake) if rule.get("Prefix") == prefix]
    assert found == [(condition, days)]
    if condition:
        assert lake["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [days, 0]}]}


def test_old_versions_and_unfinished_uploads_of_every_prefix_expire(lake: dict[str, Any]) -> None:
    everywhere = [rule for condition, rule in lifecycle_of(lake) if not condition and "Prefix" not in rule]
    assert any("NoncurrentVersionExpiration" in rule for rule in everywhere)
    assert any("AbortIncompleteMultipartUpload" in rule for rule in everywhere)


def lifecycle_of(lake: dict[str, Any]) -> list[tuple[str | None, dict[str, Any]]]:
    """Return each rule with its condition, or None if it has none."""
    (bucket,) = resources_of(lake, "AWS::S3::Bucket").values()
    return [
        (rule["Fn::If"][0], rule["Fn::If"][1]) if "Fn::If" in rule else (None, rule)
        for rule in bucket["LifecycleConfiguration"]["Rules"]
    ]


# --- logs and rights ---


def test_every_log_is_kept_for_log_days(lake: dict[str, Any]) -> None:
    groups = resources_of(lake, "AWS::Logs::LogGroup")
    assert {group["LogGroupName"]["Fn::Sub"] for group in groups.values()} == {
        "/aws/lambda/clicklake-${Stage}",  # Zappa's function: <project>-<stage>
        "/aws/lambda/clicklake-processor-${Stage}",
        "/aws/lambda/clicklake-keeper-${Stage}",
        "/aws/kinesisfirehose/clicklake-${Stage}",
    }
    assert all(group["RetentionInDays"] == {"Ref": "LogDays"} for group in groups.values())


def test_the_processor_logs_where_its_role_may_write(lake: dict[str, Any]) -> None:
    function = resources_of(lake, "AWS::Serverless::Function")["Processor"]
    group = function["LoggingConfig"]["LogGroup"]["Ref"]
    role = lake["Resources"][function["Role"]["Fn::GetAtt"][0]]["Properties"]
    assert rights_of(role) == {
        ("logs:CreateLogStream", f"{group}.Arn"),
        ("logs:PutLogEvents", f"{group}.Arn"),
    }


def test_the_keeper_reads_lines_writes_columns_and_nothing_else(lake: dict[str, Any]) -> None:
    function = resources_of(lake, "AWS::Serverless::Function")["Keeper"]
    assert function["LoggingConfig"]["LogGroup"] == {"Ref": "KeeperLogs"}
    assert function["DeadLetterQueue"]["TargetArn"] == {"Fn::GetAtt": ["KeeperFailures", "Arn"]}
    itself = function["FunctionName"]["Fn::Sub"]
    columns = ("DeleteObjectVersion", "GetObject", "PutObject")
    assert rights_of(lake["Resources"]["KeeperRole"]["Properties"]) == {
        ("s3:ListBucket", "DataBucket.Arn"),
        ("s3:GetLifecycleConfiguration", "DataBucket.Arn"),
        ("s3:GetObject", "${DataBucket.Arn}/clicks/*"),
        *((f"s3:{action}", "${DataBucket.Arn}/columns/*") for action in columns),
        ("lambda:InvokeFunction", f"{FUNCTIONS}:{itself}"),
        ("sqs:SendMessage", "KeeperFailures.Arn"),
        ("logs:CreateLogStream", "KeeperLogs.Arn"),
        ("logs:PutLogEvents", "KeeperLogs.Arn"),
        *((f"kms:{action}", "KmsKeyArn") for action in ("Decrypt", "GenerateDataKey")),
    }


def test_the_schedule_starts_the_keeper_every_hour_and_reports_failures(lake: dict[str, Any]) -> None:
    (schedule,) = resources_of(lake, "AWS::Scheduler::Schedule").values()
    assert schedule["ScheduleExpression"] == "cron(25 * * * ? *)"
    target = schedule["Target"]
    assert (target["Arn"], json.loads(target["Input"])) == (
        {"Fn::GetAtt": ["Keeper", "Arn"]},
        {"job": "compact"},
    )
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["KeeperFailures", "Arn"]}}
    assert target["RoleArn"] == {"Fn::GetAtt": ["ScheduleRole", "Arn"]}
    role = lake["Resources"]["ScheduleRole"]["Properties"]
    assert rights_of(role) == {
        ("lambda:InvokeFunction", "Keeper.Arn"),
        ("sqs:SendMessage", "KeeperFailures.Arn"),
    }
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_keeper_gets_its_settings_from_the_parameters(lake: dict[str, Any]) -> None:
    function = resources_of(lake, "AWS::Serverless::Function")["Keeper"]
    assert function["Environment"]["Variables"] == {
        "BUCKET_NAME": {"Ref": "DataBucket"},
        "ITEM_ID_FIELD": {"Ref": "ItemIdField"},
        "CATALOGUE_ATTRIBUTES": {"Ref": "CatalogueAttributes"},
        "CLICKLAKE_DUCKDB_MEMORY": "1000MB",
        "XDG_CACHE_HOME": "/tmp",
    }
    assert (function["CodeUri"], function["Handler"]) == (
        "../build/keeper",
        "clicklake.keeper.handler.lambda_handler",
    )


def test_the_stream_may_deliver_and_nothing_else(lake: dict[str, Any]) -> None:
    assert rights_of(lake["Resources"]["StreamRole"]["Properties"]) == {
        *((f"s3:{action}", "DataBucket.Arn") for action in ("GetBucketLocation", "ListBucket")),
        ("s3:ListBucketMultipartUploads", "DataBucket.Arn"),
        *((f"s3:{action}Object", "${DataBucket.Arn}/*") for action in ("Get", "Put")),
        ("s3:AbortMultipartUpload", "${DataBucket.Arn}/*"),
        *((f"lambda:{action}", "Processor.Arn") for action in ("InvokeFunction", "GetFunctionConfiguration")),
        ("logs:PutLogEvents", "StreamLogs.Arn"),
        *((f"kms:{action}", "KmsKeyArn") for action in ("Decrypt", "GenerateDataKey")),
    }


def rights_of(role: dict[str, Any]) -> set[tuple[str, str]]:
    """Return each action with its resource, as the template names them."""
    resource: dict[str, Any]
    rights = set()
    for statement in statements_of(role["Policies"]):
        resource = statement["Resource"]
        if "Ref" in resource:
            name = resource["Ref"]
        else:
            name = resource["Fn::Sub"] if "Fn::Sub" in resource else ".".join(resource["Fn::GetAtt"])
        rights |= {(action, name) for action in as_list(statement["Action"])}
    return rights


def test_the_processor_gets_its_settings_from_the_parameters(lake: dict[str, Any]) -> None:
    function = resources_of(lake, "AWS::Serverless::Function")["Processor"]
    assert function["Environment"]["Variables"] == {
        "ITEM_ID_FIELD": {"Ref": "ItemIdField"},
        "CATALOGUE_URL": {"Fn::If": ["HasCatalogue", {"Ref": "CatalogueUrl"}, ""]},
        "CATALOGUE_ATTRIBUTES": {"Ref": "CatalogueAttributes"},
        "ITEM_ID_PATTERN": {"Ref": "ItemIdPattern"},
    }
    assert (function["CodeUri"], function["Handler"]) == (
        "../build/processor",
        "processor.handler.lambda_handler",
    )


def test_queries_write_into_the_bucket_and_are_bounded(lake: dict[str, Any]) -> None:
    (group,) = resources_of(lake, "AWS::Athena::WorkGroup").values()
    configuration = group["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["BytesScannedCutoffPerQuery"] == {"Ref": "AthenaScanLimitBytes"}
    assert configuration["ResultConfiguration"]["OutputLocation"] == {"Fn::Sub": "s3://${DataBucket}/athena/"}
    assert configuration["ResultConfiguration"]["EncryptionConfiguration"] == {"EncryptionOption": "SSE_S3"}
