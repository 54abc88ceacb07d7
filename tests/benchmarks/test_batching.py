"""The model of batching sends what the tracker would."""

import pytest

from benchmarks.batching import DEFAULT_WAIT_SECONDS, PageVisit, Sent, send, total, visits
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
