"""What is wrong with a request or a field, in words; routes.py alone knows the status of each code."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Refusal(Exception):  # noqa: N818 (it is the answer, no fault of ours)
    """A request that is refused as a whole. `code` is for machines and counts, `detail` for people."""

    def __init__(
        self, code: str, detail: str, /, counts: Mapping[str, int] | None = None, **members: Any
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.counts = counts or {}
        """What to count besides the request: the rejected clicks by their field."""
        self.members = members
        """What the problem document says besides: field, limit, at, errors, …"""


class FieldError(msgspec.Struct, frozen=True):
    """One broken rule. `field` is a path such as `element.text`; None means the click itself."""

    field: str | None
    reason: str
