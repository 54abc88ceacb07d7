"""The public address, asked as a page asks it."""

import json
import uuid
from typing import Any

import requests

from clicklake.lake.loopback import is_loopback
from clicklake.verify.rows import CheckFailedError
from clicklake.verify.stage import StageUnderTest

# A type of its own and a bot's user agent: no report counts the events as clicks or as visitors.
EVENT_TYPE = "verify_check"
USER_AGENT = "clicklake-verify/1 (bot)"
ANSWER_SECONDS = 30


def new_session(url: str) -> requests.Session:
    """Return a session that follows no redirect by itself and, on this machine, uses no proxy."""
    session = requests.Session()
    session.trust_env = not is_loopback(url)
    session.headers["User-Agent"] = USER_AGENT
    return session


class PublicApi:
    """Sends marked events, and remembers which were accepted."""

    def __init__(self, stage: StageUnderTest) -> None:
        self.accepted: set[str] = set()
        self._stage = stage
        self._session = new_session(stage.api)
        if stage.edge_secret:  # with REQUIRE_EDGE the API refuses other requests
            self._session.headers["X-Clicklake-Edge"] = stage.edge_secret

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask once. Raises OSError if there is no answer."""
        url = f"{self._stage.api}{path}"
        return self._session.request(method, url, timeout=ANSWER_SECONDS, allow_redirects=False, **options)

    def event(self, **fields: Any) -> dict[str, Any]:
        """Return a marked event. Without an item id it is of no item."""
        return {
            "type": EVENT_TYPE,
            "userId": self._stage.mark,
            "eventId": str(uuid.uuid4()),
            **fields,
        }

    def put(self, *events: dict[str, Any]) -> dict[str, Any]:
        """Send the events in one request. Return the receipts. Raises CheckFailedError if it is refused."""
        response = self.ask("PUT", "/clicks", json=[*events])
        if response.status_code != 202:
            raise CheckFailedError(describe(response))
        answer: dict[str, Any] = response.json()
        self.accepted |= {
            receipt["eventId"] for receipt in answer["receipts"] if receipt["result"] == "accepted"
        }
        return answer


def describe(response: requests.Response) -> str:
    """Return status, media type and, of a problem document, its detail."""
    kind = response.headers.get("Content-Type", "no type").partition(";")[0]
    try:
        detail = json.loads(response.text).get("detail", "")
    except (ValueError, AttributeError):
        detail = ""
    return f"{response.status_code} {kind} {detail}".strip()
