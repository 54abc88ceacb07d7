"""The model of batching sends what the tracker would."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from statistics import mean, median

import pytest

from benchmarks import public_gaps
from benchmarks.batching import DEFAULT_WAIT_SECONDS, PUBLIC, Sent, send, total, visits
from benchmarks.visits import PageVisit
from clicklake.cost.breakdown import interpolate

CASES = [
    ("a click goes after its wait", [PageVisit([0], 60)], 15, Sent(1, 1, 0)),
    ("clicks within the wait go together", [PageVisit([0, 5, 14], 60)], 15, Sent(1, 3, 0)),
    ("a later click goes alone", [PageVisit([0, 5, 40], 60)], 15, Sent(2, 3, 0)),
    ("the last page sends when it is left", [PageVisit([0, 5], 8)], 15, Sent(1, 2, 0)),
    ("what was sent on leaving goes again", [PageVisit([0], 8), PageVisit([8], 90)], 15, Sent(3, 2, 1)),
    ("and rides with a batch", [PageVisit([0], 8), PageVisit([35], 90)], 15, Sent(2, 2, 1)),
]


@pytest.mark.parametrize(
    ("visit", "wait", "sent"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_visit_sends(visit: list[PageVisit], wait: float, sent: Sent) -> None:
    assert send(visit, wait) == sent


def test_longer_wait_never_sends_more_requests_over_the_demos_day() -> None:
    day = list(visits())
    requests = [total(wait, day).requests for wait in (1, 5, DEFAULT_WAIT_SECONDS, 30)]
    assert requests == sorted(requests, reverse=True)


def test_price_between_two_measured_sizes_meets_both() -> None:
    assert interpolate(1.6, 0.2, 1, 0) == pytest.approx(1.6)
    assert interpolate(1.6, 0.2, 10, 0) == pytest.approx(0.2)
    assert interpolate(1.6, 0.2, 2, 0.5) == pytest.approx((1.6 + 0.4 / 9) * 1.5 / 2)


def test_gaps_have_the_published_figures() -> None:
    chance = Random(1)
    gaps = sorted(public_gaps.yoochoose_gap(chance) for _ in range(20_000))
    for share, seconds in public_gaps.YOOCHOOSE_GAPS[3:-2]:
        assert gaps[int(share * len(gaps))] == pytest.approx(seconds, rel=0.12)
    assert sum(public_gaps.YOOCHOOSE_CLICKS) == pytest.approx(1, abs=0.001)
    for shape in public_gaps.SHAPES:
        draw = public_gaps.weibull_gap(shape)
        drawn = [draw(chance) for _ in range(50_000)]
        assert mean(drawn) == pytest.approx(public_gaps.MEAN_SECONDS, rel=0.05)
        assert median(drawn) < public_gaps.MEAN_SECONDS


@pytest.mark.parametrize("of_visits", PUBLIC.values(), ids=PUBLIC)
def test_every_public_visit_is_one_that_the_model_can_send(
    of_visits: Callable[[int], Iterator[list[PageVisit]]],
) -> None:
    day = list(of_visits(1))[:200]
    for visit in day:
        for page, following in pairwise(visit):
            assert page.left == following.events[0]
        for page in visit:
            assert list(page.events) == sorted(page.events)
            assert page.events[-1] <= page.left
    events = sum(len(page.events) for visit in day for page in visit)
    for wait in (1, DEFAULT_WAIT_SECONDS):
        sent = total(wait, day)
        assert sent.clicks == events
        assert 0 < sent.requests <= events + sent.repeated
