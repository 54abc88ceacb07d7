"""Parse the user agents of a batch, within a limit of work, and keep the results from batch to batch.

Parsing takes 5 µs for a browser's agent, but a made-up one can take a hundred times that: its time grows
with the square of its length. So a batch has a budget for agents that the cache does not know. Clicks whose
agent was not parsed land without `device` and `bot`, and `clicklake reenrich` completes them later.
"""

from typing import NamedTuple

from processor.parsing.bots import NO_AGENT, bot_rule
from processor.parsing.user_agent import UserAgent, parse_user_agent

MAX_AGENT_CHARACTERS = 512  # the rest is ignored; in-app browsers have the longest agents, of about 500
MAX_AGENTS_CACHED = 8192

# What a batch may spend on new agents, in squared characters: about 300 agents of 150 characters, or 6 ms
# at worst (benchmarks/worst_case.py). An agent may take a sixteenth of what is left, so long ones leave
# room for short ones.
AGENT_BUDGET = 10_000_000
MAX_SHARE = 16
BASE_WEIGHT = 12_000  # what an agent costs however short it is

_UNPRINTABLE = dict.fromkeys((*range(32), 127), "?")


class ParsedAgent(NamedTuple):
    user_agent: UserAgent
    bot: str | None


_MISSING = ParsedAgent(UserAgent(), NO_AGENT)
_NOT_PARSED = ParsedAgent(UserAgent(), None)


class AgentBudget:
    """What is left for the new agents of one batch."""

    def __init__(self, left: float = AGENT_BUDGET) -> None:
        self.left = left
        self.not_parsed = 0  # envelopes

    def take(self, agent: str) -> bool:
        weight = BASE_WEIGHT + len(agent) ** 2
        is_allowed = weight * MAX_SHARE <= self.left
        if is_allowed:
            self.left -= weight
        else:
            self.not_parsed += 1
        return is_allowed


class AgentCache:
    """Keeps agents in two generations. Those that are used while a generation fills up survive it."""

    def __init__(self) -> None:
        self._young: dict[str, ParsedAgent] = {}
        self._old: dict[str, ParsedAgent] = {}

    def parse(self, agent: str | None, budget: AgentBudget) -> ParsedAgent:
        if not agent:
            return _MISSING
        agent = agent[:MAX_AGENT_CHARACTERS]
        return self._young.get(agent) or self._add(agent, budget)

    def clear(self) -> None:
        self._young, self._old = {}, {}

    def _add(self, agent: str, budget: AgentBudget) -> ParsedAgent:
        parsed = self._old.get(agent)
        if parsed is None:
            if not budget.take(agent):
                return _NOT_PARSED
            text = _to_printable_ascii(agent)
            parsed = ParsedAgent(parse_user_agent(text), bot_rule(text))
        if len(self._young) >= MAX_AGENTS_CACHED // 2:
            self._young, self._old = {}, self._young
        self._young[agent] = parsed
        return parsed


def _to_printable_ascii(agent: str) -> str:
    """Replace other characters by "?", which fits no rule better than they do.

    Outside ASCII the rules take 100 times as long, because \\b then needs Unicode's tables.
    """
    if agent.isascii() and agent.isprintable():
        return agent
    return agent.encode("ascii", "replace").decode().translate(_UNPRINTABLE)


AGENTS = AgentCache()
