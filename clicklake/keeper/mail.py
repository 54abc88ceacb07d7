"""The keeper's job in the morning: a mail with yesterday's figures.

    {"job": "mail"}                        about yesterday, in MailZone
    {"job": "mail", "day": "2026-11-27"}   about that day; sent again only if its text has changed

A lake without traffic gets one mail that says so, and the next one after its next event.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from clicklake.cost.estimate import estimate_stage
from clicklake.keeper.invocation import Event, Invocation, parse_day
from clicklake.keeper.mail_text import DayFigures, MailFacts, subject_of, text_of
from clicklake.keeper.metrics import to_emf
from clicklake.keeper.results import FOLDER, Document, claimed, put_result, read_result, result_key
from clicklake.keeper.topic import publish
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import Span
from clicklake.query.duckdb_engine import run_queries
from clicklake.query.queries import saved_query

JOB = "mail"
DAY, WEEK = timedelta(days=1), timedelta(days=7)
QUERIES = ("totals", "items", "referrer_hosts")
ACCOUNT_AGE = 3  # days: how old the latest result of `reconcile` may be


def run_mail(invocation: Invocation, event: Event) -> dict[str, Any]:
    """Return the mail. Raises KeeperError for a malformed day."""
    today = invocation.now.astimezone(invocation.settings.zone).date()
    is_asked = "day" in event
    day = parse_day(event["day"], today) if is_asked else today - DAY
    with claimed(invocation.lake, JOB, day, invocation.context.aws_request_id) as is_ours:
        if not is_ours:
            return {"day": str(day), "running": True}
        stored = read_result(invocation.lake, result_key(JOB, day))
        before = stored.document if stored else {}
        if before.get("sent") and not is_asked:
            return before
        return _send(invocation, day, before)


def _send(invocation: Invocation, day: date, before: Document) -> Document:
    facts = _facts_of(invocation, day)
    document: Document = {
        "job": JOB,
        "day": str(day),
        "subject": subject_of(facts),
        "text": text_of(facts),
        "quiet": facts.current.is_quiet,
    }
    is_known = bool(before.get("sent")) and before["text"] == document["text"]
    is_wanted = not (facts.current.is_quiet and _was_quiet(invocation.lake, day))
    was_sent = is_wanted and not is_known and publish(invocation, document["subject"], document["text"])
    document["sent"] = was_sent or is_known
    put_result(invocation.lake, JOB, day, document)
    counts = {"MailsSent": int(was_sent)}
    print(to_emf(invocation.context.function_name, JOB, counts, datetime.now(UTC)), flush=True)
    return document


def _was_quiet(lake: Lake, day: date) -> bool:
    """Return whether the mail before, whenever that was, was about a day without events."""
    for earlier in sorted((each for each in lake.days(FOLDER) if each < day), reverse=True):
        if stored := read_result(lake, result_key(JOB, earlier)):
            return bool(stored.document.get("quiet"))
    return False


def _facts_of(invocation: Invocation, day: date) -> MailFacts:
    settings, lake = invocation.settings, invocation.lake
    estimate = estimate_stage(settings.stage)
    return MailFacts(
        stage=settings.stage,
        day=day,
        zone=str(settings.zone),
        current=_figures_of(invocation, day),
        earlier=_figures_of(invocation, day - WEEK),
        account=_latest_account(lake, day),
        usd_per_million=estimate.per_million_events,
        usd_idle_month=estimate.idle_month,
        dashboard=settings.dashboard,
    )


def _figures_of(invocation: Invocation, day: date) -> DayFigures:
    """Ask the saved queries about a day of the zone, as `clicklake query` does."""
    zone = invocation.settings.zone
    ends = (datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + DAY))
    queries = {name: saved_query(name) for name in QUERIES}
    results = run_queries(invocation.lake, Span(*ends), queries, zone).by_name
    (totals,) = results["totals"]
    return DayFigures(
        clicks=totals["clicks"],
        pageviews=totals["pageviews"],
        others=totals["others"],
        visitors=totals["visitors"],
        bots=totals["bots"],
        items={row["itemid"]: (row["name"] or row["itemid"], row["clicks"]) for row in results["items"]},
        sources={row["referrerhost"]: row["events"] for row in results["referrer_hosts"]},
    )


def _latest_account(lake: Lake, day: date) -> Document | None:
    """Return the result of `reconcile` of the day (UTC), or of one shortly before."""
    for number in range(ACCOUNT_AGE + 1):
        if stored := read_result(lake, result_key("reconcile", day - number * DAY)):
            return stored.document
    return None
