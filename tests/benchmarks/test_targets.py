"""The promises, and the figures in the repository."""

import copy
from typing import Any

import pytest

from benchmarks.publish import read_results
from benchmarks.targets import targets


@pytest.fixture(scope="module")
def results() -> Any:
    return read_results()


def test_every_promise_has_a_figure_that_was_measured(results: Any) -> None:
    for target in targets():
        assert target.reached(results) >= 0, target.what


def test_each_promise_is_of_what_it_says(results: Any) -> None:
    """Ours twice as dear: what is a ratio to another doubles, and no promise stays as it was by mistake."""
    dearer = copy.deepcopy(results)
    for clicks in dearer["warm"]["clicklake"].values():
        clicks["cpu_us"] *= 2
    was = {target.what: target.reached(results) for target in targets()}
    now = {target.what: target.reached(dearer) for target in targets()}
    doubled = {what for what in was if now[what] == pytest.approx(2 * was[what]) and was[what]}
    assert doubled == {
        "warm CPU, one click ÷ Zappa's defaults",
        "the same ÷ the best of the frameworks",
    }


def test_names_of_promises_are_told_apart() -> None:
    names = [target.what for target in targets()]
    assert len(names) == len(set(names))
