"""The keeper's job with AutoReplay=yes: put failed records back once, when the cause of the failure is over.

    {"job": "replay"}

The cause is over if the processor accepts the records. So the keeper sends some records of the failed object
to the processor, as Firehose would, and looks at the response. Nothing lands by that. If the processor
returns `Ok` for each of them, the object is replayed as `clicklake replay` does.

A record that was replayed before, by anyone, stays in failed/ for a person: nothing goes round. So do legacy
clicks and garbage, which cannot carry a replay count, and clicks that `reconcile --recover` filed.
"""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pybase64

from clicklake.keeper.invocation import MIN_HOUR_SECONDS, Event, Invocation, KeeperError
from clicklake.keeper.metrics import to_emf
from clicklake.keeper.results import Document, claimed, put_result, read_result, result_key
from clicklake.lake.bucket import S3Object
from clicklake.lake.error_documents import parse_document
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.lake.records import RECORDS
from clicklake.replay.batch_writer import FirehoseBatchWriter
from clicklake.replay.replayer import Replayer, ReplayFilter
from clicklake.replay.triage import ReplayDecision, raise_replay_count

JOB = "replay"
SOURCE = "failed/"
FOLDER = "failed/processing-failed/"
MAX_OBJECTS = 200  # looked at in a run, newest first
MAX_REFUSED_PROBES = 3  # then the processor is taken to be down, and the rest waits for the next run
PROBE_RECORDS, PROBE_BYTES = 100, 400_000  # a batch as Firehose makes it is not larger

log = logging.getLogger("clicklake.keeper")


def run_replay(invocation: Invocation, event: Event) -> dict[str, Any]:
    """Return the day's counts. Raises KeeperError if AutoReplay is off."""
    if not invocation.settings.replays:
        raise KeeperError("AUTO_REPLAY is no; deploy the stage with AutoReplay=yes")
    day = invocation.now.date()
    with claimed(invocation.lake, JOB, day, invocation.context.aws_request_id) as is_ours:
        if not is_ours:
            return {"day": str(day), "running": True}
        return _replay(invocation)


def triage_once(record: bytes | None) -> ReplayDecision:
    """Put back only records whose envelopes were never replayed. Everything else stays where it is."""
    segments = [segment for segment in RECORDS.read(record or b"") if not segment.is_unreadable]
    envelopes = [segment for segment in segments if segment.envelope and not segment.envelope.replays]
    is_whole = bool(envelopes) and len(envelopes) == len(segments)
    records = [raise_replay_count(segment.data, 0) for segment in envelopes] if is_whole else []
    return ReplayDecision(records, parks=False)


def _replay(invocation: Invocation) -> dict[str, Any]:
    lake, settings = invocation.lake, invocation.settings
    writer = FirehoseBatchWriter(invocation.client("firehose"), settings.stream)
    replayer = Replayer(lake, SOURCE, triage_once, ReplayFilter(None, None, None), writer)
    refused = 0
    for found in _newest(invocation):
        if refused >= MAX_REFUSED_PROBES or invocation.seconds_left() < MIN_HOUR_SECONDS:
            break
        records = _probe_records(invocation, found.key)
        if not records:
            continue
        if _accepts(invocation, records):
            replayer.replay_object(found.key)
        else:
            refused += 1
    return _report(invocation, replayer, refused)


def _newest(invocation: Invocation) -> list[S3Object]:
    """Return the newest failed objects first: old ones that always fail must not hold up new ones."""
    objects = sorted(invocation.lake.objects(FOLDER), key=lambda found: found.modified, reverse=True)
    return objects[:MAX_OBJECTS]


def _probe_records(invocation: Invocation, key: str) -> list[bytes]:
    """Return the object's first records that may be replayed, as many as fit into a batch."""
    chosen, size = list[bytes](), 0
    try:
        for record in _replayable(invocation, key):
            size += len(record)
            if chosen and (len(chosen) == PROBE_RECORDS or size > PROBE_BYTES):
                break
            chosen.append(record)
    except UnreadableObjectError:  # `clicklake replay` names it
        return []
    return chosen


def _replayable(invocation: Invocation, key: str) -> Iterator[bytes]:
    for line in invocation.lake.lines(key):
        document = parse_document(line)
        yield from triage_once(document.record if document else None).records


def _accepts(invocation: Invocation, records: list[bytes]) -> bool:
    """Return whether the processor returns Ok for every record."""
    event = {
        "invocationId": "clicklake-keeper",
        "deliveryStreamArn": "",
        "region": "",
        "records": [
            {
                "recordId": str(number),
                "approximateArrivalTimestamp": round(invocation.now.timestamp() * 1000),
                "data": pybase64.b64encode_as_string(record),
            }
            for number, record in enumerate(records)
        ],
    }
    response = invocation.client("lambda").invoke(
        FunctionName=invocation.settings.processor, Payload=json.dumps(event)
    )
    if "FunctionError" in response:
        return False
    answer = json.loads(response["Payload"].read())
    results = answer.get("records") if isinstance(answer, dict) else None
    if not isinstance(results, list):
        return False
    accepted = [result.get("recordId") for result in results if result.get("result") == "Ok"]
    return sorted(accepted) == sorted(str(number) for number in range(len(records)))


def _report(invocation: Invocation, replayer: Replayer, refused: int) -> Document:
    """Add this run's counts to the day's result."""
    day = invocation.now.date()
    stored = read_result(invocation.lake, result_key(JOB, day))
    known: dict[str, int] = stored.document.get("replayed", {}) if stored else {}
    counts = {code: found.records for code, found in replayer.counts.items() if found.records}
    total = {code: known.get(code, 0) + counts.get(code, 0) for code in {*known, *counts}}
    document = {"job": JOB, "day": str(day), "replayed": total, "refusedObjects": refused}
    if counts or refused or stored:
        put_result(invocation.lake, JOB, day, document)
    metrics = {"Replayed": sum(counts.values()), "RefusedObjects": refused}
    print(to_emf(invocation.context.function_name, JOB, metrics, datetime.now(UTC)), flush=True)
    return document
