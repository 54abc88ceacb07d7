"""Visits whose pages are open as long as public data say, for benchmarks/batching.py.

YOOCHOOSE is the click data of a shop, from the RecSys Challenge 2015 (recsyschallenge.com/challenge.html).
The figures below are of its sample of 100,000 clicks, which github.com/rn5l/session-rec has in
data/rsc15/prepared: 21,210 sessions of two clicks or more, 83,846 clicks. Each click opens the page of an
item, so the gap between two clicks is how long a page was open.

Liu, White and Dumais (SIGIR 2010, doi.org/10.1145/1835449.1835513) measured 2 billion visits of pages. How
long a page stays open follows a Weibull distribution whose shape is below 1. Nielsen sums up that paper
(nngroup.com/articles/how-long-do-users-stay-on-web-pages): the mean is a little less than a minute.
"""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random

from benchmarks.visits import PageVisit

# Of 62,636 gaps: the share that is not longer, and seconds. The last one closes the distribution.
YOOCHOOSE_GAPS = (
    *((0.0, 0.0), (0.01, 0.9), (0.05, 3.0), (0.1, 9.8), (0.2, 19.6), (0.25, 24.4), (0.3, 29.3), (0.4, 40.6)),
    *((0.5, 55.0), (0.6, 74.9), (0.7, 105.0), (0.75, 127.3), (0.8, 159.5), (0.9, 296.1), (0.95, 525.7)),
    *((0.99, 1714.3), (1.0, 3600.0)),
)
YOOCHOOSE_CLICKS = (0.4315, 0.205, 0.1205, 0.0698, 0.0478, 0.031, 0.0214, 0.0167, 0.0133, 0.0086, 0.0343)
"""The share of sessions with 2, 3, … clicks. The last one is of 12 or more."""

MEAN_SECONDS = 55.0
SHAPES = (0.5, 0.7, 0.9)
"""Below 1, as Liu, White and Dumais found. They give no single value, so the table has a range."""

VISITS = 2_000

Gap = Callable[[Random], float]


def yoochoose_gap(chance: Random) -> float:
    """Draw a gap: linear between the published shares."""
    share = chance.random()
    for (low, shortest), (high, longest) in pairwise(YOOCHOOSE_GAPS):
        if share <= high:
            return shortest + (longest - shortest) * (share - low) / (high - low)
    raise AssertionError("shares end at 1")


def weibull_gap(shape: float) -> Gap:
    scale = MEAN_SECONDS / math.gamma(1 + 1 / shape)
    return lambda chance: chance.weibullvariate(scale, shape)


def visits_of_pages(gap: Gap, seed: int) -> Iterator[list[PageVisit]]:
    """Yield visits of a site whose links load pages: a page view first, and a click when the page is left."""
    for *gaps, last in _gaps_of_visits(gap, seed):
        at, pages = 0.0, []
        for seconds in gaps:
            pages.append(PageVisit([at, at + seconds], at + seconds))
            at += seconds
        yield [*pages, PageVisit([at], at + last)]


def visits_of_one_page(gap: Gap, seed: int) -> Iterator[list[PageVisit]]:
    """Yield visits of a site that is one page: each click also views the next page, and nothing is loaded."""
    for *gaps, last in _gaps_of_visits(gap, seed):
        at, events = 0.0, [0.0]
        for seconds in gaps:
            at += seconds
            events += [at, at]
        yield [PageVisit(events, at + last)]


def _gaps_of_visits(gap: Gap, seed: int) -> Iterator[list[float]]:
    """Yield the gaps before each further click of a visit, and how long its last page stays open."""
    chance = Random(seed)  # noqa: S311
    sizes = range(2, len(YOOCHOOSE_CLICKS) + 2)
    for _ in range(VISITS):
        (count,) = chance.choices(sizes, YOOCHOOSE_CLICKS)
        yield [gap(chance) for _ in range(count)]
