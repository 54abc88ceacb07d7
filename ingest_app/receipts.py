"""What a page is told of each of its clicks."""

from collections.abc import Sequence
from uuid import uuid4

from msgspec import UNSET, Struct, UnsetType

from ingest_app.clicks import Batch, Click, Outcome
from ingest_app.refusals import FieldError


class Receipt(Struct, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """`index` is the click's place in the request, from 0."""

    index: int
    event_id: str | None
    result: str
    """accepted, duplicate (of a click of the same request) or rejected."""
    field: str | UnsetType | None = UNSET
    reason: str | UnsetType = UNSET
    errors: Sequence[FieldError] = []
    """All of them, where more than one rule was broken."""
    ignored: Sequence[FieldError] = []
    """What was left out of an accepted click."""


class Answer(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """The body of a 202."""

    accepted: int
    rejected: int
    duplicates: int
    request_id: str
    receipts: list[Receipt]
    ignored: list[FieldError] = []


def write_receipts(batch: Batch, request_id: str) -> tuple[list[Click], Answer]:
    """Give ids to the clicks that have none, and take each id of a request once."""
    clicks: dict[str, Click] = {}
    receipts = []
    duplicates = 0
    for index, outcome in enumerate(batch.outcomes):
        click = outcome.click
        if click is None:
            receipts.append(_rejected(index, outcome))
            continue
        event_id = click.event_id = click.event_id or str(uuid4())
        if event_id in clicks:
            duplicates += 1
            receipts.append(Receipt(index=index, event_id=event_id, result="duplicate"))
        else:
            clicks[event_id] = click
            receipts.append(
                Receipt(index=index, event_id=event_id, result="accepted", ignored=outcome.errors)
            )
    answer = Answer(
        accepted=len(clicks),
        rejected=len(receipts) - len(clicks) - duplicates,
        duplicates=duplicates,
        request_id=request_id,
        receipts=receipts,
        ignored=batch.ignored,
    )
    return list(clicks.values()), answer


def _rejected(index: int, outcome: Outcome) -> Receipt:
    first, *others = outcome.errors
    return Receipt(
        index=index,
        event_id=outcome.event_id,
        result="rejected",
        field=first.field,
        reason=first.reason,
        errors=outcome.errors if others else [],
    )
