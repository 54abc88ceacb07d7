"""How many clicks a request carries, by how long a click may wait, and what a million clicks then cost.

python -m benchmarks.batching

The visits are those of the demo's day, page by page, and visits with the page times of public data sets
(benchmarks/public_gaps.py). The rule is the tracker's: a page sends when its oldest click
has waited long enough, and when it is left. The response to what is sent on leaving reaches nobody, so the
next page sends those clicks again half a minute later.
"""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from benchmarks.machine import ENVS, ROOT
from benchmarks.public_gaps import (
    SHAPES,
    VISITS,
    visits_of_one_page,
    visits_of_pages,
    weibull_gap,
    yoochoose_gap,
)
from benchmarks.publish import Table, publish
from benchmarks.visits import PageVisit
from clicklake.cost.breakdown import interpolate
from clicklake.demo.traffic import day_of_traffic

WAITS_SECONDS = (1, 5, 15, 30)  # data-wait
DEFAULT_WAIT_SECONDS = 15  # of web/tracker.js; tests/tracker/test_files.py compares the two
TICK_SECONDS = 1.0  # TICK_MS
CLAIM_SECONDS = 30.0  # ANSWER_MS
FULL_CLICKS = 100
LAST_PAGE_SECONDS = 60.0  # how long a visit's last page stays open
SESSIONS, SEED = 2_000, 7
STAGES = ("production", "dev")


class Sent(NamedTuple):
    requests: int
    clicks: int
    """Different clicks."""
    repeated: int
    """Clicks sent a second time, because their page was gone when the response came."""


def send(visit: Sequence[PageVisit], wait: float) -> Sent:
    """Return what the tracker sends on one visit."""
    requests = repeated = 0
    unanswered: list[tuple[float, int]] = []  # free again at this time: so many clicks
    for number, page in enumerate(visit):
        is_last = number == len(visit) - 1
        waiting: list[float] = []
        events = list(page.events)
        opened = events[0]
        tick = opened + TICK_SECONDS
        while tick < page.left:
            while events and events[0] <= tick:
                waiting.append(events.pop(0))
            orphans = sum(count for at, count in unanswered if at <= tick)
            is_due = waiting and (tick - waiting[0] >= wait or len(waiting) >= FULL_CLICKS)
            if is_due or (orphans and not waiting):
                requests += 1
                repeated += orphans
                unanswered = [(at, count) for at, count in unanswered if at > tick]
                waiting = []
            tick += TICK_SECONDS
        waiting += events
        if waiting:
            requests += 1
            if not is_last:
                unanswered.append((page.left + CLAIM_SECONDS, len(waiting)))
    return Sent(requests, sum(len(page.events) for page in visit), repeated)


def visits() -> Iterator[list[PageVisit]]:
    """Yield the demo's visits. A page is left when the next one of its visit is viewed."""
    requests = [
        request
        for request in day_of_traffic(datetime(2026, 11, 24, tzinfo=UTC), SESSIONS, SEED)
        if request.clicks[0].get("sessionId")  # bots run no tracker
    ]
    requests.sort(key=lambda request: (request.clicks[0]["sessionId"], request.at))
    for _, group in groupby(requests, key=lambda request: request.clicks[0]["sessionId"]):
        pages = [
            [datetime.fromisoformat(click["occurredAt"]).timestamp() for click in request.clicks]
            for request in group
        ]
        leavings = [events[0] for events in pages[1:]] + [pages[-1][-1] + LAST_PAGE_SECONDS]
        yield [PageVisit(events, left) for events, left in zip(pages, leavings, strict=True)]


def total(wait: float, day: Sequence[Sequence[PageVisit]]) -> Sent:
    sent = [send(visit, wait) for visit in day]
    return Sent(*(sum(column) for column in zip(*sent, strict=True)))


Figures = dict[str, Any]
Usd = Mapping[str, Mapping[int, float]]

PUBLIC: dict[str, Callable[[int], Iterator[list[PageVisit]]]] = {
    "YOOCHOOSE, pages that load": partial(visits_of_pages, yoochoose_gap),
    "YOOCHOOSE, one page": partial(visits_of_one_page, yoochoose_gap),
    **{
        f"Weibull, shape {shape}, pages that load": partial(visits_of_pages, weibull_gap(shape))
        for shape in SHAPES
    },
}


def measure(wait: float, day: Sequence[Sequence[PageVisit]], usd_of: Usd) -> Figures:
    sent = total(wait, day)
    per_request, repeated = (sent.clicks + sent.repeated) / sent.requests, sent.repeated / sent.clicks
    usd = {
        stage: round(interpolate(usd_of[stage][1], usd_of[stage][10], per_request, repeated), 3)
        for stage in STAGES
    }
    return {
        "clicks_per_request": round(per_request, 4),
        "repeated_share": round(repeated, 4),
        "usd_per_million": usd,
    }


def _name(wait: float) -> str:
    return f"{wait} s" + (" (default)" if wait == DEFAULT_WAIT_SECONDS else "")


def _cells(measured: Figures) -> list[str]:
    usd = measured["usd_per_million"]
    return [
        f"{measured['clicks_per_request']:.2f}",
        f"{measured['repeated_share']:.0%}",
        *(f"{usd[stage]:.2f}" for stage in STAGES),
    ]


def main() -> None:
    command = [str(ENVS / "cli" / "bin" / "python"), "-m", "clicklake", "cost", "--json"]
    costs = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)  # noqa: S603
    usd_of = {
        stage: {size: costs["perMillionClicks"][f"{stage}, {size} a request"]["total"] for size in (1, 10)}
        for stage in STAGES
    }
    day = list(visits())
    figures, rows = {}, []
    for wait in WAITS_SECONDS:
        figures[str(wait)] = measured = measure(wait, day, usd_of)
        rows.append([_name(wait), *_cells(measured)])
    public_figures: dict[str, dict[str, Figures]] = {}
    public_rows = []
    for name, of_visits in PUBLIC.items():
        public_day = list(of_visits(SEED))
        public_figures[name] = {str(wait): measure(wait, public_day, usd_of) for wait in WAITS_SECONDS}
        public_rows += [
            [name if wait == WAITS_SECONDS[0] else "", _name(wait), *_cells(public_figures[name][str(wait)])]
            for wait in WAITS_SECONDS
        ]
    usd_columns = [f"USD per million, {stage}" for stage in STAGES]
    columns = ["`data-wait`", "clicks per request", "sent twice", *usd_columns]
    events = sum(len(page.events) for visit in day for page in visit)
    note = (
        f"The demo's day: {len(day):,} visits, {events:,} events. "
        "The range, as long as no click is sent twice: with one click per request, a million clicks cost "
        f"{usd_of['production'][1]:.2f} USD in production and {usd_of['dev'][1]:.2f} in dev. "
        f"With ten, they cost {usd_of['production'][10]:.2f} and {usd_of['dev'][10]:.2f}."
    )
    public_note = (
        f"{VISITS:,} visits each, with as many clicks as YOOCHOOSE's sessions have. "
        "`benchmarks/public_gaps.py` has the sources, and all figures taken from them. With pages that load, "
        "a page view comes first, and the click leaves the page: it is sent at once, and again by the next "
        "page. On one page, a click and the view that follows it are two events."
    )
    publish(
        "batching",
        [Table(columns, rows), note, Table(["visits", *columns], public_rows), public_note],
        {"waits": figures, "default": DEFAULT_WAIT_SECONDS, "public": public_figures},
        {},
    )


if __name__ == "__main__":
    main()
