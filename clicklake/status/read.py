"""Read the whole status of a stage."""

from datetime import datetime

from clicklake.deploy import names
from clicklake.lake.bucket import Lake
from clicklake.status.lake_parts import read_lake_status
from clicklake.status.parts import StageStatus, Status
from clicklake.status.stage_parts import read_stage_status

_NOTHING = StageStatus(None, None, None, None)


def read_status(lake: Lake, now: datetime) -> Status:
    """Return the status. A part that these credentials may not read is a Refusal."""
    stage = stage_of(lake)
    aws = read_stage_status(lake, stage, now) if stage else _NOTHING
    return Status(lake.bucket, stage, now, read_lake_status(lake, now), aws)


def stage_of(lake: Lake) -> str | None:
    """Return the stage whose stack has the lake; None if only the bucket is known."""
    stream = lake.outputs.get("StreamName")
    return stream.removeprefix(names.stream("")) if stream else None
