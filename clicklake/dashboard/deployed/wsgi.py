"""The deployed app: Athena's answers behind the password. On Lambda, Zappa loads it (lambda_entry.py)."""

from datetime import UTC, datetime

import boto3
from botocore.config import Config
from flask import Flask

from clicklake.dashboard.access.reader import budget_share
from clicklake.dashboard.access.sign_in import PasswordGate
from clicklake.dashboard.answers.athena_answers import AthenaAnswers
from clicklake.dashboard.app import create_app
from clicklake.dashboard.deployed.sender import is_own_host, network_of
from clicklake.dashboard.deployed.settings import DashboardSettings, dashboard_settings
from clicklake.dashboard.shared_state import SharedState
from clicklake.lake.bucket import Lake

MAX_FORM_BYTES = 32_768
CONNECTIONS = 20
AWS_SECONDS = 5  # for one request to AWS; a request of a browser has half a minute


def deployed_app(settings: DashboardSettings) -> Flask:
    config = Config(
        max_pool_connections=CONNECTIONS,
        connect_timeout=AWS_SECONDS,
        read_timeout=AWS_SECONDS,
        retries={"mode": "standard"},
    )
    lake = Lake(
        settings.outputs["BucketName"],
        settings.outputs,
        boto3.client("s3", config=config),
        lambda service: boto3.client(service, config=config),
    )
    answers = AthenaAnswers(lake, _clock, daily_bytes=settings.daily_bytes, share=budget_share)
    gate = PasswordGate(
        SharedState(lake),
        _clock,
        is_own_host=lambda asked: is_own_host(asked, settings.hosts, settings.endpoint),
        network_of=network_of,
        how_to_set=f"clicklake dashboard-password --stage {settings.stage}",
    )
    app = create_app(answers, gate.check, f"--stage {settings.stage}")
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM_BYTES
    gate.register(app)
    return app


def _clock() -> datetime:
    return datetime.now(UTC)


app = deployed_app(dashboard_settings())
