"""What a person must look at in a day's account, and the message that says so.

An alarm's text is fixed, so this message names the objects.
"""

from collections.abc import Iterator
from typing import Any

from clicklake.keeper.invocation import Invocation
from clicklake.keeper.results import FOLDER, Document
from clicklake.keeper.topic import for_mail

MAX_IDS_NAMED = 10


def findings_of(document: Document) -> list[Any]:
    """Return what is wrong in a result of reconcile; empty if all is well."""
    found = [
        document.get("missing"),
        document.get("replayed", {}).get("missing"),
        document.get("unreadable"),
        document.get("columns", {}).get("faults"),
    ]
    return found if any(found) else []


def message_of(invocation: Invocation, document: Document, missing: list[Document]) -> tuple[str, str]:
    """Return the subject and the text of the message about a result with findings."""
    stage, day = invocation.settings.stage, document["day"]
    number = missing_in(document)
    what = f"a click of {day} is" if number == 1 else f"{number:,} clicks of {day} are"
    subject = f"Clicklake {stage}: {what} missing"
    if not number:
        subject = f"Clicklake {stage}: {day} could not be proved complete"
    return subject, "\n".join(_lines(invocation, document, missing))


def missing_in(document: Document) -> int:
    """Return the number of missing clicks, with those that went missing after a replay."""
    number: int = document["missing"] + document["replayed"]["missing"]
    return number


def _lines(invocation: Invocation, document: Document, missing: list[Document]) -> Iterator[str]:
    bucket, stage, day = invocation.lake.bucket, invocation.settings.stage, document["day"]
    yield f"Of {document['accepted']:,} clicks accepted on {day} (UTC), {missing_in(document):,} are missing."
    yield f"Result: s3://{bucket}/{FOLDER}dt={day}/{document['job']}.json"
    if document["missingObject"]:
        yield f"Missing clicks, one a line: s3://{bucket}/{document['missingObject']}"
        yield from (f"  {for_mail(click['eventId'])}" for click in missing[:MAX_IDS_NAMED])
        yield "They are in raw/. Put them back:"
        yield f"  clicklake reconcile --stage {stage} --from {day} --to {day} --recover"
        yield f"  clicklake replay --stage {stage} --type missing"
    if unreadable := document["unreadable"]:
        yield f"Objects that cannot be read, so their clicks were not counted: {len(unreadable):,}"
    if faults := document["columns"]["faults"]:
        yield f"Differences between columns/ and its lines: {len(faults):,}."
        yield "Delete these hours in columns/, then run:"
        yield f"  clicklake compact --stage {stage} --from {day} --to {day}"
