"""`visitor-id`: print the visitor number that a person's clicks of one day have."""

from datetime import UTC, datetime

import click

from clicklake.cli.console import OUT, print_json
from clicklake.cli.options import json_option, lake_options
from clicklake.lake.bucket import Lake
from clicklake.privacy.visitor_key import VisitorKeyItem, key_of, truncated, visitor_id


@click.command()
@click.option("--address", required=True, help="The person's IP address on that day.")
@click.option("--agent", required=True, help="The User-Agent of their browser on that day.")
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="Day in UTC: today or yesterday.  [default: today]"
)
@lake_options
@json_option
def command(address: str, agent: str, day: datetime | None, lake: Lake, as_json: bool) -> None:
    """Print a person's visitor number of one day.

    It answers a request about somebody's data while the key of that day exists: today's and yesterday's.
    Everybody with the same browser in the same network (/24 or /48) has the same number. `clicklake erase
    --visitor-id` takes it.
    """
    today = datetime.now(UTC).date()
    wanted = day.date() if day else today
    key = key_of(VisitorKeyItem(lake).read(), wanted, today)
    number = visitor_id(key, wanted, address, agent)
    if as_json:
        print_json({"visitorId": number, "day": wanted.isoformat(), "network": truncated(address)})
    else:
        OUT.print(number, soft_wrap=True)
