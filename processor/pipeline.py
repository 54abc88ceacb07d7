"""What happens to an envelope, in order. A step adds to the line; it cannot alter the click, nor fail it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from processor.bots import bot_rule
from processor.campaign import parse_page
from processor.clocks import milliseconds_between
from processor.envelope import Envelope
from processor.items import Item
from processor.line import ClickFields, SharedFields
from processor.referrer import parse_referrer
from processor.user_agent import parse_user_agent

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Batch:
    """What the steps know beside the envelope: the time, and what the catalogue answered."""

    processed_at: str
    items: Mapping[str | None, Item]
    failed_steps: Counter[str]


Step = Callable[[T, Envelope, Batch], None]


# Of the envelope: once for all its clicks.


def put_request(shared: SharedFields, envelope: Envelope, batch: Batch) -> None:
    shared.v = envelope.v
    shared.request_id = envelope.request_id
    shared.country = envelope.country
    shared.address = envelope.address
    shared.visitor_id = envelope.visitor_id
    shared.privacy = envelope.privacy


def put_clocks(shared: SharedFields, envelope: Envelope, batch: Batch) -> None:
    shared.sent_at = envelope.sent_at
    shared.received_at = envelope.received_at
    shared.processed_at = batch.processed_at


def put_skew_and_lag(shared: SharedFields, envelope: Envelope, batch: Batch) -> None:
    shared.skew_ms = milliseconds_between(envelope.sent_at, envelope.received_at)
    shared.lag_ms = milliseconds_between(envelope.received_at, batch.processed_at)


def put_user_agent(shared: SharedFields, envelope: Envelope, batch: Batch) -> None:
    agent = parse_user_agent(envelope.user_agent)
    shared.browser, shared.browser_version, shared.os, shared.device = agent


def put_bot(shared: SharedFields, envelope: Envelope, batch: Batch) -> None:
    is_bare = envelope.v is None  # of its sender nothing is known, not even that it named no agent
    shared.bot = None if is_bare else bot_rule(envelope.user_agent)


# Of each click.


def put_item(click: ClickFields, envelope: Envelope, batch: Batch) -> None:
    item = batch.items[click.item_id]
    click.enrichment = item.enrichment
    for name, value in item.attributes:
        setattr(click, name, value)


def put_page_and_campaign(click: ClickFields, envelope: Envelope, batch: Batch) -> None:
    click.host, click.path, campaign = parse_page(click.url)
    (
        click.utm_source,
        click.utm_medium,
        click.utm_campaign,
        click.utm_term,
        click.utm_content,
        click.click_id,
    ) = campaign


def put_referrer(click: ClickFields, envelope: Envelope, batch: Batch) -> None:
    click.referrer_host, click.referrer_kind = parse_referrer(click.referrer, click.host)


ENVELOPE_STEPS: tuple[Step[SharedFields], ...] = (
    put_request,
    put_clocks,
    put_skew_and_lag,
    put_user_agent,
    put_bot,
)
CLICK_STEPS: tuple[Step[ClickFields], ...] = (
    put_item,
    put_page_and_campaign,
    put_referrer,  # behind the page: a referrer is internal by the page's host
)


def enrich(envelope: Envelope, batch: Batch) -> SharedFields:
    """Each click gains its own fields; what all of them share is returned."""
    shared = SharedFields()
    _take(ENVELOPE_STEPS, shared, envelope, batch)
    for click in envelope.clicks:
        _take(CLICK_STEPS, click, envelope, batch)
    return shared


def to_lines(envelope: Envelope, shared: SharedFields) -> bytes:
    """One line per click: the click without its last brace, and then what all of them share."""
    end = b"," + _encode(shared)[1:] + b"\n"
    return end.join([_encode(click)[:-1] for click in envelope.clicks]) + end


def _take(steps: tuple[Step[T], ...], fields: T, envelope: Envelope, batch: Batch) -> None:
    for step in steps:
        try:
            step(fields, envelope, batch)
        except Exception:  # a click never fails for its enrichment
            batch.failed_steps[step.__name__] += 1
