"""What is wrong with a request (ApiProblem) or with a field of a click (FieldError), in words.

Only routes.py knows which HTTP status each problem has.
"""

from collections.abc import Mapping
from typing import Any

import msgspec


class ApiProblem(Exception):  # noqa: N818 (the client made the error, not the app)
    """The whole request is refused. `code` is for programs and metrics, `detail` is for people.

    `members` are further members of the problem document (RFC 9457): field, limit, at, errors and so on.
    """

    def __init__(
        self, code: str, detail: str, /, counts: Mapping[str, int] | None = None, **members: Any
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.counts = counts or {}
        """Metrics to count in addition to the refused request: the rejected clicks by field."""
        self.members = members


class FieldError(msgspec.Struct, frozen=True):
    """One broken rule. `field` is a path such as `element.text`, or None for the click itself."""

    field: str | None
    reason: str
