"""The enrichment steps, in order. A step adds fields to the line. It never changes or fails the click."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TypeVar

import msgspec

from processor.enriched_event import EventFields, RequestFields
from processor.envelope import ReceivedEnvelope
from processor.items import CatalogueItem
from processor.parsing.agents import AGENTS, AgentBudget
from processor.parsing.campaign import parse_page
from processor.parsing.referrer import parse_referrer
from processor.timestamps import milliseconds_between

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class EnrichmentContext:
    """What the steps know besides the envelope: the time, the batch's items, and what agents may cost."""

    processed_at: str
    items: Mapping[str | None, CatalogueItem]
    failed_steps: Counter[str]
    agents: AgentBudget = field(default_factory=lambda: AgentBudget(inf))


Step = Callable[[T, ReceivedEnvelope, EnrichmentContext], None]


# Steps that run once per envelope, for all of its clicks.


def put_request(request: RequestFields, envelope: ReceivedEnvelope, context: EnrichmentContext) -> None:
    request.v = envelope.v
    request.request_id = envelope.request_id
    request.country = envelope.country
    request.address = envelope.address
    request.visitor_id = envelope.visitor_id
    request.privacy = envelope.privacy


def put_clocks(request: RequestFields, envelope: ReceivedEnvelope, context: EnrichmentContext) -> None:
    request.sent_at = envelope.sent_at
    request.received_at = envelope.received_at
    request.processed_at = context.processed_at


def put_skew_and_lag(request: RequestFields, envelope: ReceivedEnvelope, context: EnrichmentContext) -> None:
    request.skew_ms = milliseconds_between(envelope.sent_at, envelope.received_at)
    request.lag_ms = milliseconds_between(envelope.received_at, context.processed_at)


def put_user_agent(request: RequestFields, envelope: ReceivedEnvelope, context: EnrichmentContext) -> None:
    if envelope.v is None:  # a legacy click: the sender is unknown, so a missing user agent proves nothing
        return
    agent, request.bot = AGENTS.parse(envelope.user_agent, context.agents)
    request.browser, request.browser_version, request.os, request.device = agent


# Steps that run for each click.


def put_item(event: EventFields, envelope: ReceivedEnvelope, context: EnrichmentContext) -> None:
    item = context.items[event.item_id]
    event.item_lookup = item.lookup
    for name, value in item.attributes:
        setattr(event, name, value)


def put_page_and_campaign(event: EventFields, envelope: ReceivedEnvelope, context: EnrichmentContext) -> None:
    event.host, event.path, campaign = parse_page(event.url)
    (
        event.utm_source,
        event.utm_medium,
        event.utm_campaign,
        event.utm_term,
        event.utm_content,
        event.click_id,
    ) = campaign


def put_referrer(event: EventFields, envelope: ReceivedEnvelope, context: EnrichmentContext) -> None:
    event.referrer_host, event.referrer_kind = parse_referrer(event.referrer, event.host)


ENVELOPE_STEPS: tuple[Step[RequestFields], ...] = (
    put_request,
    put_clocks,
    put_skew_and_lag,
    put_user_agent,
)
CLICK_STEPS: tuple[Step[EventFields], ...] = (
    put_item,
    put_page_and_campaign,
    put_referrer,  # needs the page's host, to recognize an internal referrer
)


def enrich(envelope: ReceivedEnvelope, context: EnrichmentContext) -> RequestFields:
    """Set the fields of each click in place. Return the fields that all of them share."""
    request = RequestFields()
    _run_steps(ENVELOPE_STEPS, request, envelope, context)
    for click in envelope.clicks:
        _run_steps(CLICK_STEPS, click, envelope, context)
    return request


def to_lines(envelope: ReceivedEnvelope, request: RequestFields) -> bytes:
    """Return one line per click: the click's JSON without its closing brace, then the shared fields."""
    end = b"," + _encode(request)[1:] + b"\n"
    return end.join([_encode(click)[:-1] for click in envelope.clicks]) + end


def _run_steps(
    steps: tuple[Step[T], ...], fields: T, envelope: ReceivedEnvelope, context: EnrichmentContext
) -> None:
    for step in steps:
        try:
            step(fields, envelope, context)
        except Exception:  # a failed step never fails the click
            context.failed_steps[step.__name__] += 1
