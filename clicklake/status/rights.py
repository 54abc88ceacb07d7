"""Which action each part needs, and what a part without its right becomes."""

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from clicklake.status.parts import Refusal

T = TypeVar("T")

LISTS, READS = "s3:ListBucket", "s3:GetObject"
METRICS, ALARMS = "cloudwatch:GetMetricData", "cloudwatch:DescribeAlarms"
FUNCTIONS, STACKS = "lambda:GetFunctionConfiguration", "cloudformation:DescribeStackResource"

# docs/operations.md has the same table; a test compares them.
ACTIONS: dict[str, tuple[str, ...]] = {
    "delivery": (LISTS,),
    "recent": (LISTS, READS),
    "failures": (LISTS, READS),
    "keeper": (LISTS, READS),
    "freshness": (METRICS,),
    "alarms": (ALARMS,),
    "month": (METRICS, LISTS, READS),
    "versions": (FUNCTIONS, STACKS),
}

_ACTION_OF_OPERATION = {
    "ListObjectsV2": LISTS,
    "GetObject": READS,
    "HeadObject": READS,
    "GetMetricData": METRICS,
    "DescribeAlarms": ALARMS,
    "GetFunctionConfiguration": FUNCTIONS,
    "DescribeStackResource": STACKS,
}
_REFUSALS = ("AccessDenied", "AccessDeniedException", "403", "UnauthorizedOperation", "AuthorizationError")


def if_allowed(read: Callable[[], T]) -> T | Refusal:
    """Return what `read` returns, or the action that it was refused."""
    try:
        return read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in _REFUSALS:
            raise
        operation = error.operation_name
        return Refusal(_ACTION_OF_OPERATION.get(operation, operation))
