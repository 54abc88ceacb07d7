"""Who is here now: people of the last five minutes, wherever they are on the site."""

from datetime import UTC, datetime, timedelta

import pytest

from clicklake.dashboard.presence import WINDOW, KeptVisits, present
from clicklake.lake.bucket import Lake
from tests.clicklake.dashboard.conftest import OpenDashboard
from tests.support.lakes import TestLake, line, new_id

pytestmark = pytest.mark.emulator


def test_people_of_the_last_five_minutes_are_counted_once_at_their_last_page(lake: TestLake) -> None:
    now = datetime.now(UTC)

    def seen(who: str, path: str, seconds: int, **fields: object) -> bytes:
        return line(new_id(), now - timedelta(seconds=seconds), visitorId=who, path=path, **fields)

    lake.put("clicks", [seen("a", "/", 200), seen("b", "/", 100), b"not JSON\n"], now)
    lake.put("clicks", [seen("a", "/adopt", 20), seen("c", "/x", 10, bot="crawler")], now)
    lake.put("clicks", [line(new_id(), now - timedelta(seconds=5), sessionId="s", path="/adopt")], now)
    lake.put("clicks", [seen("d", "/old", round(WINDOW.total_seconds()) + 60)], now)
    lake.put_broken(f"clicks/dt={now:%Y-%m-%d}/hr={now:%H}/x")
    found = present(Lake(lake.bucket, {}, lake.s3), now + timedelta(seconds=2))
    assert found.visitors == 3
    assert found.pages == [("/adopt", 2), ("/", 1)]


def test_nobody_is_here_in_an_empty_lake(lake: TestLake) -> None:
    assert present(Lake(lake.bucket, {}, lake.s3), datetime.now(UTC)) == (0, [])


def test_an_object_is_read_once_while_the_page_is_open(lake: TestLake) -> None:
    now = datetime.now(UTC)  # S3 dates the objects
    read: list[str] = []
    lake.s3.meta.events.register("before-call.s3.GetObject", lambda params, **_: read.append(params["url"]))
    kept: KeptVisits = {}

    def visitors(seconds: int) -> int:
        at = now + timedelta(seconds=seconds)
        return present(Lake(lake.bucket, {}, lake.s3), at, kept).visitors

    lake.put("clicks", [line(new_id(), now, visitorId="a")], now)
    assert [visitors(seconds) for seconds in (2, 4, 6)] == [1, 1, 1]
    assert len(read) == 1
    lake.put("clicks", [line(new_id(), now + timedelta(seconds=7), visitorId="b")], now)
    assert [visitors(seconds) for seconds in (8, 10)] == [2, 2]
    assert len(read) == 2
    assert visitors(2 * round(WINDOW.total_seconds())) == 0
    assert not kept


def test_the_pages_that_people_look_at_are_shown_on_demand(
    lake: TestLake, open_dashboard: OpenDashboard
) -> None:
    now = datetime.now(UTC)
    lake.put("clicks", [line(new_id(), now, visitorId="a", path="/<b>adopt</b>")], now)
    shown = open_dashboard(lake, now + timedelta(seconds=2)).get("/panel/now").text
    assert "<b>1</b> visitor in the last five minutes</summary>" in shown
    assert "<li><bdi>/&lt;b&gt;adopt&lt;/b&gt;</bdi> <b>1</b></li>" in shown
    later = open_dashboard(lake, now + 2 * WINDOW).get("/panel/now").text
    assert "<b>0</b> visitors in the last five minutes</p>" in later
