"""The status among the data's quality: what landed last, what failed, what the keeper did."""

from datetime import timedelta

import pytest

from clicklake.lake.bucket import Lake
from clicklake.status.kept import KeptStatus
from tests.clicklake.dashboard.conftest import NOW, OpenDashboard
from tests.clicklake.dashboard.test_app import Elements
from tests.support.day import Day
from tests.support.emulator import Emulator
from tests.support.lakes import click, document, envelope, new_lake

pytestmark = pytest.mark.emulator


def test_the_page_has_the_panel_in_a_section_of_its_own(day: Day, open_dashboard: OpenDashboard) -> None:
    page = open_dashboard(day.lake).get("/").text
    section = page[page.index("Data quality: delivery") :]
    assert 'data-panel="status"' in section[: section.index("</section>")]


def test_an_empty_lake_has_no_status_but_says_so(emulator: Emulator, open_dashboard: OpenDashboard) -> None:
    panel = open_dashboard(new_lake(emulator)).get("/panel/status").text
    texts = " ".join(Elements(panel).texts)
    for words in ("clicks/ none yet", "none", "no day reconciled yet; nothing compacted yet"):
        assert words in texts
    assert "note" not in panel


def test_the_last_results_and_what_failed_are_shown_with_what_to_do(
    emulator: Emulator, open_dashboard: OpenDashboard
) -> None:
    lake, day = new_lake(emulator), NOW - timedelta(days=2)
    key = f"keeper/dt={day:%Y-%m-%d}/reconcile.json"
    lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=b'{"missing": 3}')
    lake.put("failed", [document(envelope([click()], day), "<script>\x1b[2J", at=day)], day)
    panel = open_dashboard(lake).get("/panel/status").text
    found = Elements(panel)
    texts = " ".join(found.texts)
    assert f"reconciled {day:%Y-%m-%d}, 3 missing, " in texts
    assert "1 in failed/: <script>\\x1b[2J 1" in texts
    assert "script" not in found.tags
    assert "\x1b" not in panel
    assert f"clicklake replay --bucket {lake.bucket}" in texts
    assert f"clicklake reconcile --bucket {lake.bucket} --from {day:%Y-%m-%d}" in texts


def test_the_lake_is_asked_again_only_after_half_a_minute(emulator: Emulator) -> None:
    lake = new_lake(emulator)
    status = KeptStatus(Lake(lake.bucket, {}, lake.s3))
    checked = [status.read(NOW + timedelta(seconds=seconds)).checked_at for seconds in (0, 29, 30, 59, 61)]
    assert [(moment - NOW).total_seconds() for moment in checked] == [0, 0, 30, 30, 61]
