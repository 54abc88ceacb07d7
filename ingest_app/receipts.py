"""The response to accepted clicks: what became of each click."""

from collections.abc import Sequence
from uuid import uuid4

from msgspec import UNSET, Struct, UnsetType

from ingest_app.clicks import Click, ParsedRequest, ParseResult
from ingest_app.problems import FieldError


class Receipt(Struct, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """What became of one click. `index` is its position in the request, from 0."""

    index: int
    event_id: str | None
    result: str
    """accepted, rejected, or duplicate (an earlier click of the same request has the same id)."""
    field: str | UnsetType | None = UNSET
    reason: str | UnsetType = UNSET
    errors: Sequence[FieldError] = []
    """All errors of a rejected click, if it has more than one."""
    ignored: Sequence[FieldError] = []
    """The dropped fields of an accepted click."""


class ClicksResponse(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """The body of a 202."""

    accepted: int
    rejected: int
    duplicates: int
    request_id: str
    receipts: list[Receipt]
    ignored: list[FieldError] = []


def deduplicate_and_build_receipts(
    request: ParsedRequest, request_id: str
) -> tuple[list[Click], ClicksResponse]:
    """Return the accepted clicks and the response. Clicks without an eventId are given one here."""
    clicks: dict[str, Click] = {}
    receipts = []
    duplicates = 0
    for index, result in enumerate(request.results):
        click = result.click
        if click is None:
            receipts.append(_rejection(index, result))
            continue
        event_id = click.event_id = click.event_id or str(uuid4())
        if event_id in clicks:
            duplicates += 1
            receipts.append(Receipt(index=index, event_id=event_id, result="duplicate"))
        else:
            clicks[event_id] = click
            receipts.append(Receipt(index=index, event_id=event_id, result="accepted", ignored=result.errors))
    response = ClicksResponse(
        accepted=len(clicks),
        rejected=len(receipts) - len(clicks) - duplicates,
        duplicates=duplicates,
        request_id=request_id,
        receipts=receipts,
        ignored=request.ignored,
    )
    return list(clicks.values()), response


def _rejection(index: int, result: ParseResult) -> Receipt:
    first, *others = result.errors
    return Receipt(
        index=index,
        event_id=result.event_id,
        result="rejected",
        field=first.field,
        reason=first.reason,
        errors=result.errors if others else [],
    )
