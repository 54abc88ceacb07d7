"""Who is here now: people of the last five minutes, wherever they are on the site."""

from datetime import timedelta

import pytest

from clicklake.dashboard.presence import WINDOW, present
from clicklake.lake.bucket import Lake
from tests.support.lakes import NOW, TestLake, line, new_id

pytestmark = pytest.mark.emulator


def test_people_of_the_last_five_minutes_are_counted_once_at_their_last_page(lake: TestLake) -> None:
    def seen(who: str, path: str, seconds: int, **fields: object) -> bytes:
        return line(new_id(), NOW - timedelta(seconds=seconds), visitorId=who, path=path, **fields)

    lake.put("clicks", [seen("a", "/", 200), seen("b", "/", 100), b"not JSON\n"], NOW)
    lake.put("clicks", [seen("a", "/adopt", 20), seen("c", "/x", 10, bot="crawler")], NOW)
    lake.put("clicks", [line(new_id(), NOW - timedelta(seconds=5), sessionId="s", path="/adopt")], NOW)
    lake.put("clicks", [seen("d", "/old", round(WINDOW.total_seconds()) + 60)], NOW)
    lake.put_broken(f"clicks/dt={NOW:%Y-%m-%d}/hr={NOW:%H}/x")
    found = present(Lake(lake.bucket, {}, lake.s3), NOW + timedelta(seconds=2))
    assert found.visitors == 3
    assert found.pages == [("/adopt", 2), ("/", 1)]


def test_nobody_is_here_in_an_empty_lake(lake: TestLake) -> None:
    assert present(Lake(lake.bucket, {}, lake.s3), NOW) == (0, [])
