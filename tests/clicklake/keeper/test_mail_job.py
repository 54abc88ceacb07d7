"""The keeper's mail: its figures are those that plain Python counts, and each day is mailed once."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from clicklake.keeper.results import claimed, put_result, read_result, result_key
from clicklake.lake.bucket import Lake
from tests.clicklake.keeper.conftest import Mailbox, SelfCalls, metrics_in
from tests.support.compacted import compact_span
from tests.support.day import END, SPAN, lay_day
from tests.support.emulator import Emulator
from tests.support.lakes import TestLake, line, new_id
from tests.support.plain_answers import answers

pytestmark = pytest.mark.emulator

MAIL = {"job": "mail"}
DAY = SPAN.since.date()
MORNING = END + timedelta(hours=7)

Clock = Callable[[datetime], SelfCalls]


def put_click(lake: TestLake, at: datetime, **fields: str) -> None:
    lake.put("clicks", [line(new_id(), at, **fields)], at)


def stored_mail(lake: Lake, day: date) -> dict[str, object]:
    found = read_result(lake, result_key("mail", day))
    assert found
    return found.document


def test_the_figures_are_those_that_plain_python_counts(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox
) -> None:
    day = lay_day(lake, sessions=12)
    compact_span(keeper, SPAN)
    clock(MORNING).run(MAIL)
    (message,) = mailbox.read()
    lines = message["Message"].splitlines()
    expected = answers(day.lines)
    clicks, pageviews, _, visitors, _, _, bots, _ = expected["totals"][0]
    assert f"Clicks: {clicks:,} (0 before)" in lines
    assert f"Page views: {pageviews:,} (0 before)" in lines
    assert f"Visitors: {visitors:,} (0 before)" in lines
    assert f"Events of bots, left out above: {bots:,}. Each event counts once." in lines
    sources = [f"{host} {events:,}" for host, _, events, *_ in expected["referrer_hosts"][:5]]
    assert f"Sources: {', '.join(sources)}" in lines
    (items,) = (text for text in lines if text.startswith("Items: "))
    names = [f"{item} {clicks:,}" for item, _, _, _, _, clicks, *_ in expected["items"][:5]]
    assert items == f"Items: {', '.join(names)}"


def test_yesterday_is_a_day_of_the_zone_and_is_compared_with_a_week_before(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = ZoneInfo("America/New_York")  # five hours behind UTC
    monkeypatch.setenv("MAIL_ZONE", zone.key)
    midnight = datetime(2026, 11, 18, tzinfo=zone)
    put_click(lake, (midnight - timedelta(minutes=1)).astimezone(UTC))
    for hours in (0, 23):
        put_click(lake, (midnight + timedelta(hours=hours)).astimezone(UTC), name="Evangeline")
    put_click(lake, (midnight - timedelta(days=6, hours=12)).astimezone(UTC))
    clock(datetime(2026, 11, 19, 7, tzinfo=zone).astimezone(UTC)).run(MAIL)
    (message,) = mailbox.read()
    assert message["Message"].splitlines()[:2] == [
        "Wednesday 2026-11-18 (America/New_York), compared with 2026-11-11",
        "Clicks: 2 (1 before, +100 %)",
    ]
    assert "Items: Evangeline 2 (1)" in message["Message"]


def test_each_day_is_mailed_once(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    put_click(lake, SPAN.since)
    first, second = (clock(MORNING).run(MAIL) for _ in range(2))
    assert first == second
    assert len(mailbox.read()) == 1
    assert metrics_in(capsys.readouterr().out) == [{"MailsSent": 1}]


def test_a_day_that_is_asked_for_is_mailed_again_only_if_its_text_has_changed(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox
) -> None:
    asked = MAIL | {"day": str(DAY)}
    put_click(lake, SPAN.since)
    for _ in range(2):
        clock(MORNING).run(asked)
    assert len(mailbox.read()) == 1
    put_click(lake, SPAN.since)
    clock(MORNING).run(asked)
    assert len(mailbox.read()) == 1


def test_a_lake_without_traffic_mails_once_and_again_after_its_next_event(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox
) -> None:
    subjects = []
    for number in range(6):
        if number == 3:
            put_click(lake, MORNING + timedelta(days=number - 1))
        clock(MORNING + timedelta(days=number)).run(MAIL)
        subjects.append([message["Subject"] for message in mailbox.read()])
    assert [len(sent) for sent in subjects] == [1, 0, 0, 1, 1, 0]
    assert "no clicks" in subjects[0][0]
    assert ": 1 click on" in subjects[3][0]
    assert "no clicks" in subjects[4][0]


def test_only_one_of_two_runs_at_once_sends_the_mail(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox
) -> None:
    put_click(lake, SPAN.since)
    with claimed(keeper, "mail", DAY, "another run"):
        assert clock(MORNING).run(MAIL) == {"day": str(DAY), "running": True}
    assert mailbox.read() == []


def test_without_a_topic_the_mail_is_stored_and_the_next_run_sends_it(
    keeper: Lake, lake: TestLake, clock: Clock, emulator: Emulator, request: pytest.FixtureRequest
) -> None:
    put_click(lake, SPAN.since)
    assert clock(MORNING).run(MAIL)["sent"] is False
    mailbox: Mailbox = request.getfixturevalue("mailbox")
    assert clock(MORNING).run(MAIL)["sent"] is True
    assert len(mailbox.read()) == 1


def test_no_visitor_and_no_user_is_in_the_mail_and_hostile_names_are_harmless(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox
) -> None:
    put_click(
        lake,
        SPAN.since,
        mysfitId="item\r\nSubject: hello",
        userId="user-1",
        visitorId="visitor-1",
        sessionId="session-1",
        referrerHost="https://evil.example/\n<script>",
        referrerKind="other",
    )
    clock(MORNING).run(MAIL)
    (message,) = mailbox.read()
    text = message["Message"]
    assert len(text.splitlines()) == 9  # there is no dashboard
    assert "Items: item??Subject? hello 1" in text
    for secret in ("user-1", "visitor-1", "session-1", "<script>", "://"):
        assert secret not in text


def test_the_account_is_the_latest_result_of_reconcile(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox
) -> None:
    put_click(lake, SPAN.since)
    counts = {"accepted": 3, "delivered": 1, "failed": {"a": 1}, "parked": {}, "movedByReplay": {}}
    result = {"day": str(DAY), "inFlight": 1, "missing": 0, "replayed": {"missing": 0}, **counts}
    put_result(keeper, "reconcile", DAY, result)
    clock(MORNING).run(MAIL)
    (message,) = mailbox.read()
    assert "3 = 1 delivered + 1 failed + 1 in flight. Missing: 0" in message["Message"]
