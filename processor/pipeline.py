"""What happens to a click, in order: a step adds to the line, and can neither alter the click nor fail it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from processor.bots import bot_rule
from processor.campaign import parse_page
from processor.envelope import Envelope
from processor.items import Item
from processor.line import Line
from processor.referrer import parse_referrer
from processor.user_agent import parse_user_agent


@dataclass(slots=True)
class Batch:
    """What the steps know beside the envelope: the time, and what the catalogue answered."""

    processed_at: str
    items: Mapping[str | None, Item]
    attributes: tuple[str, ...]
    failed_steps: Counter[str]


Step = Callable[[Line, Envelope[Line], Batch], None]


def put_sender(line: Line, envelope: Envelope[Line], batch: Batch) -> None:
    line.v = envelope.v
    line.request_id = envelope.request_id
    line.country = envelope.country
    line.address = envelope.address
    line.visitor_id = envelope.visitor_id
    line.privacy = envelope.privacy


def put_clocks(line: Line, envelope: Envelope[Line], batch: Batch) -> None:
    line.sent_at = envelope.sent_at
    line.received_at = envelope.received_at
    line.processed_at = batch.processed_at
    line.skew_ms = _milliseconds_between(envelope.sent_at, envelope.received_at)
    line.lag_ms = _milliseconds_between(envelope.received_at, batch.processed_at)


def put_item(line: Line, envelope: Envelope[Line], batch: Batch) -> None:
    item = batch.items[line.item_id]
    line.enrichment = item.enrichment
    for name, value in zip(batch.attributes, item.attributes, strict=True):
        setattr(line, name, value)


def put_page(line: Line, envelope: Envelope[Line], batch: Batch) -> None:
    page = parse_page(line.url)
    line.host = page.host
    line.path = page.path
    line.utm_source = page.utm_source
    line.utm_medium = page.utm_medium
    line.utm_campaign = page.utm_campaign
    line.utm_term = page.utm_term
    line.utm_content = page.utm_content
    line.click_id = page.click_id


def put_referrer(line: Line, envelope: Envelope[Line], batch: Batch) -> None:
    line.referrer_host, line.referrer_kind = parse_referrer(line.referrer, line.host)


def put_user_agent(line: Line, envelope: Envelope[Line], batch: Batch) -> None:
    line.browser, line.browser_version, line.os, line.device = parse_user_agent(envelope.user_agent or "")


def put_bot(line: Line, envelope: Envelope[Line], batch: Batch) -> None:
    is_bare = envelope.v is None  # of its sender nothing is known, not even that it sent no agent
    line.bot = None if is_bare else bot_rule(envelope.user_agent)


STEPS: tuple[Step, ...] = (
    put_sender,
    put_clocks,
    put_item,
    put_page,
    put_referrer,  # after put_page: a referrer is internal by the page's host
    put_user_agent,
    put_bot,
)


def enrich(line: Line, envelope: Envelope[Line], batch: Batch) -> None:
    for step in STEPS:
        try:
            step(line, envelope, batch)
        except Exception:  # a click never fails for its enrichment
            batch.failed_steps[step.__name__] += 1


@lru_cache(maxsize=1024)
def _milliseconds_between(earlier: str | None, later: str | None) -> int | None:
    if earlier is None or later is None:
        return None
    try:
        between = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    except (ValueError, TypeError):  # no time, or one without an offset
        return None
    return round(between.total_seconds() * 1000)
