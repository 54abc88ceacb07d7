"""What a click loses when its sender asks for privacy (GPC_MODE `strip`)."""

from ingest_app.clicks import GUEST, Click
from ingest_app.urls import drop_query


def strip(click: Click) -> None:
    """Take out who it was and what might say so; sender.py has left out address and visitorId already."""
    click.user_id = GUEST
    click.session_id = click.title = click.properties = None
    click.url = click.url and drop_query(click.url)
    click.referrer = click.referrer and drop_query(click.referrer)
    if click.element and click.element.href:
        click.element.href = drop_query(click.element.href)
