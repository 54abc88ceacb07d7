"""Run the keeper's function in this process, as Lambda would: for tests that kill it or start it twice."""

import json
from dataclasses import dataclass
from datetime import datetime

from clicklake.keeper.handler import run


@dataclass
class LambdaStandIn:
    """What Lambda hands to a function. A retry of Lambda's has the request id of the first attempt."""

    aws_request_id: str
    function_name: str = "clicklake-keeper-dev"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def run_event(event: str, now: str, request_id: str) -> None:
    """Print the result as JSON."""
    done = run(json.loads(event), LambdaStandIn(request_id), datetime.fromisoformat(now))
    print(json.dumps(done))
