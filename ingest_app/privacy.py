"""Privacy signals of browsers, and what a click loses if its sender sends one (GPC_MODE `strip`)."""

from collections.abc import Mapping
from typing import Any

from ingest_app.clicks import GUEST, Click
from ingest_app.parsing.urls import drop_query


def privacy_signal(environ: Mapping[str, Any]) -> str | None:
    """Return gpc, dnt or None. Global Privacy Control comes first: browsers have given up Do Not Track."""
    if _is_on(environ.get("HTTP_SEC_GPC")):
        return "gpc"
    if _is_on(environ.get("HTTP_DNT")):
        return "dnt"
    return None


def _is_on(header: str | None) -> bool:
    """An HTTP API joins a header that was sent twice: `1,1`."""
    return header is not None and "1" in [value.strip() for value in header.split(",")]


def strip_identity(click: Click) -> None:
    """Remove what could identify the visitor. sender.py leaves out the address and the visitorId."""
    click.user_id = GUEST
    click.session_id = click.title = click.properties = None
    click.url = click.url and drop_query(click.url)
    click.referrer = click.referrer and drop_query(click.referrer)
    if click.element and click.element.href:
        click.element.href = drop_query(click.element.href)
