"""The stage under test: where it is, and how long its clicks take to land."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from clicklake.deploy import names
from clicklake.deploy.aws import Aws
from clicklake.deploy.ingest import environment_of
from clicklake.deploy.resources.api import http_api, rest_api
from clicklake.deploy.resources.stacks import find_stack
from clicklake.deploy.target import Target
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake, find_lake

SLACK_SECONDS = 180  # for S3, the processor's start and a slow minute, beyond the buffers
RETRY_SECONDS = 300  # Firehose invokes a failing processor four times
CLOCK_DIFFERENCE = timedelta(minutes=5)  # between this machine and AWS, at most
RAW_BUFFER_SECONDS = 300  # of raw/ in cloudformation/lake.yaml


def new_mark() -> str:
    """Return the userId of the events of one verification."""
    return f"verify-{uuid.uuid4().hex[:16]}"


@dataclass(frozen=True)
class StageUnderTest:
    name: str
    target: Target
    lake: Lake
    api: str
    """The public address, without a slash at its end."""
    edge_secret: str
    parameters: dict[str, str]
    """Of the lake's stack."""
    item: str | None
    """An id of the catalogue that the user named."""
    mark: str = field(default_factory=new_mark)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def aws(self) -> Aws:
        return self.target.aws

    @property
    def processor(self) -> str:
        return self.lake.outputs["ProcessorFunctionName"]

    @property
    def landing_seconds(self) -> float:
        """The longest that a click may take to its line."""
        buffers = ("BufferIntervalSeconds", "ProcessorBufferIntervalSeconds")
        return sum(float(self.parameters[name]) for name in buffers) + SLACK_SECONDS

    @property
    def failing_seconds(self) -> float:
        """The longest that a record may take to failed/."""
        return self.landing_seconds + RETRY_SECONDS

    @property
    def raw_seconds(self) -> float:
        return RAW_BUFFER_SECONDS + SLACK_SECONDS


def find_stage(target: Target, name: str, api: str | None, item: str | None) -> StageUnderTest:
    """Raises CommandError if the stage has no lake, or no API and none is given."""
    aws = target.aws
    lake = find_lake(name, None, lambda service, **_: aws.client(service))
    stack = find_stack(aws, names.lake_stack(name))
    assert stack, "find_lake has found it"
    api_id = "" if api else http_api(aws, name) or rest_api(aws, name)
    if not api and not api_id:
        raise CommandError(
            f"stage {name} has no API that Zappa deployed; pass its public address with --api https://…"
        )
    return StageUnderTest(
        name=name,
        target=target,
        lake=lake,
        api=(api or target.api_url(api_id, name)).rstrip("/"),
        edge_secret=environment_of(aws, name).get("EDGE_SECRET", "").partition(",")[0],
        parameters=stack.parameters,
        item=item,
    )
