"""The agents of a batch have a budget, so that made-up ones cannot keep the processor busy."""

import json
import time

import pytest

from processor.parsing.agents import (
    AGENT_BUDGET,
    MAX_AGENT_CHARACTERS,
    MAX_AGENTS_CACHED,
    AgentBudget,
    AgentCache,
)
from tests.processor.conftest import StartProcessor
from tests.processor.records import make_click, make_envelope, make_event

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101 Firefox/{}.0"
NOT_ASCII = 340 * "é😀日"


def firefox(version: int) -> str:
    return FIREFOX.format(version, version)


def test_a_known_agent_costs_nothing() -> None:
    cache, budget = AgentCache(), AgentBudget()
    first = cache.parse(firefox(145), budget)
    left = budget.left
    assert cache.parse(firefox(145), budget) == first
    assert (first.user_agent.browser, first.bot) == ("Firefox", None)
    assert budget.left == left < AGENT_BUDGET


def test_a_batch_of_requests_with_a_browsers_agent_each_is_parsed() -> None:
    cache, budget = AgentCache(), AgentBudget()
    parsed = [cache.parse(firefox(version), budget) for version in range(300)]
    assert {agent.user_agent.browser for agent in parsed} == {"Firefox"}
    assert budget.not_parsed == 0


def test_long_agents_leave_room_for_short_ones() -> None:
    cache, budget = AgentCache(), AgentBudget()
    for number in range(1000):
        cache.parse(f"{number} " + 1000 * "x", budget)
    assert 0 < budget.not_parsed < 1000
    assert cache.parse(firefox(145), budget).user_agent.browser == "Firefox"


def test_what_is_left_of_the_budget_never_becomes_negative() -> None:
    cache, budget = AgentCache(), AgentBudget()
    for number in range(5000):
        cache.parse(f"agent {number}", budget)
    assert budget.left > 0
    assert budget.not_parsed > 0
    assert cache.parse("one more", budget) == cache.parse("one more", budget)
    assert cache.parse("one more", budget).user_agent.device is None


def test_an_agent_that_is_used_stays_in_the_cache() -> None:
    cache = AgentCache()
    cache.parse(firefox(145), AgentBudget())
    for number in range(2 * MAX_AGENTS_CACHED):
        cache.parse(f"agent {number}", AgentBudget())
        if number % 1000 == 0:
            assert cache.parse(firefox(145), AgentBudget(0)).user_agent.browser == "Firefox"
    assert cache.parse("agent 0", AgentBudget(0)).user_agent.device is None  # this one was evicted


def test_only_the_beginning_of_an_agent_counts() -> None:
    cache = AgentCache()
    long = firefox(145) + (MAX_AGENT_CHARACTERS - len(firefox(145))) * " "
    assert cache.parse(long + "curl/8", AgentBudget()) == cache.parse(long, AgentBudget(0))


@pytest.mark.parametrize(
    "agent", [NOT_ASCII, "é" + 1000 * "a ", 1000 * "\x01", 500 * "\u202e ", 1000 * "ſ", 1000 * "K"]
)
def test_characters_that_no_browser_sends_take_no_longer_than_others(agent: str) -> None:
    """With Unicode's word boundaries one such agent took 1.1 ms, and a batch can hold a hundred of them."""
    cache = AgentCache()
    cache.parse("warm up", AgentBudget())
    spent = []
    for number in range(5):
        started = time.thread_time()
        cache.parse(f"{number}{agent}", AgentBudget())
        spent.append(time.thread_time() - started)
    assert min(spent) < 0.000_5


def test_a_missing_agent_is_a_bot_and_costs_nothing() -> None:
    budget = AgentBudget(0)
    assert AgentCache().parse(None, budget).bot == AgentCache().parse("", budget).bot == "no-agent"
    assert budget.not_parsed == 0


def test_a_line_without_device_says_that_the_agent_was_not_parsed(
    start_processor: StartProcessor, capsys: pytest.CaptureFixture[str]
) -> None:
    processor = start_processor(CATALOGUE_URL="")
    envelopes = [make_envelope(make_click(), userAgent=f"{number}" + 1000 * "x") for number in range(100)]
    lines = processor.lines(*envelopes)
    without = [line for line in lines if "device" not in line]
    assert 0 < len(without) < 100
    assert not without[0].keys() & {"browser", "browserVersion", "os", "bot"}
    log = json.loads(capsys.readouterr().out)
    assert (log["AgentsNotParsed"], log["Clicks"]) == (len(without), 100)


def test_each_batch_has_a_budget_of_its_own(start_processor: StartProcessor) -> None:
    processor = start_processor(CATALOGUE_URL="")
    flood = [make_envelope(make_click(), userAgent=f"f{number}" + 1000 * "x") for number in range(100)]
    processor.handle(make_event(*flood))
    (line,) = processor.lines(make_envelope(make_click(), userAgent="F" + 1000 * "x"))
    assert line["device"] == "other"
