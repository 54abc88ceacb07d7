"""The response to accepted clicks: what became of each click.

A response is at most 4 KB, 90 B for each click of the request, and 8 KB of what the request's own size allows
for naming errors. What it does not name it counts (`more`). Otherwise a stranger could make the app send
many times what they sent.
"""

from collections.abc import Sequence
from uuid import uuid4

import msgspec
from msgspec import UNSET, Struct, UnsetType

from ingest_app.clicks import Click, ParsedRequest
from ingest_app.problems import FieldError, FieldErrors

MAX_ANSWER_HEAD_BYTES = 4096
MAX_ANSWER_BYTES_PER_CLICK = 90
MAX_DETAIL_BYTES = 8192
"""Of the request's size, so much may come back as names and reasons."""

_HEAD_BYTES = 512  # the members of a response beside receipts and errors, with room to spare
_RECEIPT_BYTES = {"accepted": 85, "duplicate": 86, "rejected": 86}
"""The longest receipt without details. A test holds these to real receipts."""
_NO_EVENT_ID_BYTES = 34  # what `null` is shorter than a UUID in quotes
_MORE_BYTES = 14  # ,"more":12345
_ERROR_BYTES = 40  # a named error beside its field and reason: {"index":499,"field":,"reason":""},


class Receipt(Struct, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """What became of one click. `index` is its position in the request, from 0."""

    index: int
    event_id: str | None
    result: str
    """accepted, rejected, or duplicate (an earlier click of the same request has the same id)."""
    field: str | UnsetType | None = UNSET
    reason: str | UnsetType = UNSET
    errors: Sequence[FieldError] = []
    """The errors of a rejected click, if it has more than one."""
    ignored: Sequence[FieldError] = []
    """The dropped fields of an accepted click."""
    more: int = 0
    """How many more errors or dropped fields this click has."""


class ClicksResponse(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """The body of a 202."""

    accepted: int
    rejected: int
    duplicates: int
    request_id: str
    receipts: list[Receipt]
    ignored: Sequence[FieldError] = []
    more: int = 0
    """How many more errors and dropped fields the request has than this response names."""


class DetailBudget:
    """The bytes that a response may still spend on naming errors."""

    def __init__(self, body_bytes: int, clicks: int) -> None:
        self._left = MAX_ANSWER_HEAD_BYTES - _HEAD_BYTES + min(body_bytes, MAX_DETAIL_BYTES)
        self._left += clicks * MAX_ANSWER_BYTES_PER_CLICK
        self.unnamed = 0

    def spend(self, count: int) -> None:
        """Take bytes for what a response must have."""
        self._left -= count

    def name(self, errors: FieldErrors, first_twice: bool = False) -> list[FieldError]:
        """Return the errors that fit, and count the others. Leave room to say how many those are."""
        named: list[FieldError] = []
        for error in errors.named:
            size = _ERROR_BYTES + len(msgspec.json.encode(error.field)) + len(error.reason)
            if first_twice and not named:
                size *= 2
            if size + _MORE_BYTES > self._left:
                break
            self._left -= size
            named.append(error)
        more = len(errors.named) - len(named) + errors.more
        self.unnamed += more
        if named and more:
            self._left -= _MORE_BYTES
        return named


def deduplicate_and_build_receipts(
    request: ParsedRequest, request_id: str, body_bytes: int
) -> tuple[list[Click], ClicksResponse]:
    """Return the accepted clicks and the response. Clicks without an eventId are given one here."""
    clicks: dict[str, Click] = {}
    receipts = []
    with_errors: list[tuple[Receipt, FieldErrors]] = []
    duplicates = 0
    for index, result in enumerate(request.results):
        click = result.click
        if click is None:
            receipt = Receipt(index=index, event_id=result.event_id, result="rejected")
        else:
            event_id = click.event_id = click.event_id or str(uuid4())
            if event_id in clicks:
                duplicates += 1
                receipts.append(Receipt(index=index, event_id=event_id, result="duplicate"))
                continue
            clicks[event_id] = click
            receipt = Receipt(index=index, event_id=event_id, result="accepted")
        receipts.append(receipt)
        if result.errors:
            with_errors.append((receipt, result.errors))
    response = ClicksResponse(
        accepted=len(clicks),
        rejected=len(receipts) - len(clicks) - duplicates,
        duplicates=duplicates,
        request_id=request_id,
        receipts=receipts,
    )
    if with_errors or request.ignored:
        _add_details(response, with_errors, request.ignored, body_bytes)
    return list(clicks.values()), response


def _add_details(
    response: ClicksResponse,
    with_errors: list[tuple[Receipt, FieldErrors]],
    ignored: FieldErrors | None,
    body_bytes: int,
) -> None:
    """Name errors and dropped fields, in order, as far as the response's size allows."""
    budget = DetailBudget(body_bytes, len(response.receipts))
    for receipt in response.receipts:
        budget.spend(_RECEIPT_BYTES[receipt.result] - (0 if receipt.event_id else _NO_EVENT_ID_BYTES))
    if ignored:
        response.ignored = budget.name(ignored)
    for receipt, errors in with_errors:
        several = len(errors.named) > 1
        named = budget.name(errors, first_twice=several and receipt.result == "rejected")
        if not named:
            continue
        receipt.more = len(errors.named) - len(named) + errors.more
        if receipt.result == "accepted":
            receipt.ignored = named
        else:
            receipt.field, receipt.reason = named[0].field, named[0].reason
            receipt.errors = named if several else []
    response.more = budget.unnamed


def name_errors(request: ParsedRequest, body_bytes: int) -> tuple[list[dict[str, object]], int]:
    """Return the errors of a request without a valid click, as far as they fit, and how many do not."""
    budget = DetailBudget(body_bytes, len(request.results))
    errors: list[dict[str, object]] = []
    for index, result in enumerate(request.results):
        if result.errors:
            named = budget.name(result.errors)
            errors += [{"index": index, "field": error.field, "reason": error.reason} for error in named]
    return errors, budget.unnamed
