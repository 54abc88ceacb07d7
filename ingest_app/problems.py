"""What is wrong with a request (ApiProblem) or with a field of a click (FieldError), in words.

Only routes.py knows which HTTP status each problem has.
"""

from collections.abc import Mapping, Sequence
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


MAX_NAMED_ERRORS = 8
"""Of one click, and of the members beside `clicks`. A response says how many more there are."""
MAX_ECHOED_CHARACTERS = 64
"""Longer names that a client chose are cut in responses."""


class FieldErrors(msgspec.Struct):
    """The first errors of one object, and how many more it has."""

    named: list[FieldError] = []
    more: int = 0

    def add(self, path: str, name: str, reason: str) -> None:
        """Add the error of the field at `path` + `name`, where the client may have chosen the name."""
        if len(self.named) < MAX_NAMED_ERRORS:
            self.named.append(FieldError(path + echo(name), reason))
        else:
            self.more += 1

    def add_all(self, names: Sequence[str], path: str, reason: str) -> None:
        """Add the same error for many fields. What is only counted costs nothing."""
        room = max(0, MAX_NAMED_ERRORS - len(self.named))
        for name in names[:room]:
            self.add(path, name, reason)
        self.more += max(0, len(names) - room)


def echo(name: str) -> str:
    """Cut a name that the client chose, and replace lone surrogates, which JSON cannot hold."""
    name = name if name.isascii() else name.encode(errors="replace").decode()
    return name if len(name) <= MAX_ECHOED_CHARACTERS else f"{name[: MAX_ECHOED_CHARACTERS - 1]}…"
