"""`reenrich` brings old lines up to date; at every instant each click is in the lake and counts once."""

import json
import random
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.killing import requests_of, run_killed
from tests.support.lakes import (
    EVANGELINE,
    NOON,
    NOW,
    Commands,
    TestLake,
    bare_line,
    click,
    compact,
    envelope,
    line,
    new_id,
)

HOUR = timedelta(hours=1)
SPAN = ("--from", f"{NOON:%Y-%m-%dT%H:%M}", "--to", f"{NOON + HOUR:%Y-%m-%dT%H:%M}")
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)


class Catalogue(BaseHTTPRequestHandler):
    """Knows every item but those it is told not to, and goes down when told."""

    is_down = False

    def do_GET(self) -> None:
        self.send_response(503 if type(self).is_down else 200)
        body = json.dumps({"species": "Chimera", "goodevil": "Evil", "lawchaos": "Lawful"}).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def catalogue_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Catalogue)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{{id}}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def catalogue(catalogue_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Catalogue]]:
    monkeypatch.setenv("CATALOGUE_URL", catalogue_url)
    yield Catalogue
    Catalogue.is_down = False


@pytest.fixture
def reenrich(clicklake: Commands, catalogue: type[Catalogue]) -> Commands:
    return clicklake


def counted(lake: TestLake) -> dict[str, dict[str, Any]]:
    """The lines as a query counts them: of each id the greatest processedAt."""
    lines = [json.loads(each) for each in lake.lines("clicks/")]
    return {each["eventId"]: each for each in sorted(lines, key=lambda line: line["processedAt"])}


def of_0_1_0(line: dict[str, Any]) -> dict[str, Any]:
    """The line as 0.1.0 wrote it."""
    old = {"found": "ok", "not_found": "unknown item"}
    rest = {name: value for name, value in line.items() if name != "itemLookup"}
    return rest | {"enrichment": old.get(line["itemLookup"], line["itemLookup"])}


def test_a_line_gains_what_todays_processor_finds_out(reenrich: Commands, lake: TestLake) -> None:
    event_id = new_id()
    lake.put("raw", [envelope([click(event_id)], userAgent=CHROME)])
    old = lake.put("clicks", [line(event_id, itemLookup="unavailable", browser="Netscape", obsolete="x")])
    done = reenrich.json("reenrich", *SPAN)
    assert (done["lines"], done["changed"], done["objectsReplaced"]) == (1, 1, 1)
    assert done["fields"]["species"] == {"gained": 1, "lost": 0, "altered": 0}
    assert done["fields"]["browser"] == {"gained": 0, "lost": 0, "altered": 1}
    assert done["fields"]["obsolete"] == {"gained": 0, "lost": 1, "altered": 0}
    assert "processedAt" not in done["fields"]
    new = counted(lake)[event_id]
    assert (new["species"], new["itemLookup"], new["browser"]) == ("Chimera", "found", "Chrome")
    (key,) = lake.keys("clicks/")
    assert key != old
    assert key.rpartition("/")[0] == old.rpartition("/")[0]
    assert lake.keys("reenriching/") == []


def test_a_line_of_0_1_0_gets_the_new_name_and_that_alone_is_no_change(
    reenrich: Commands, lake: TestLake
) -> None:
    same, healed = new_id(), new_id()
    lake.put("raw", [envelope([click(same), click(healed)])])
    reenriched = {"goodevil": "Evil", "lawchaos": "Lawful", "species": "Chimera", "referrerKind": "direct"}
    lake.put("clicks", [line(same), line(healed)])
    reenrich("reenrich", *SPAN)
    written = counted(lake)
    (key,) = lake.keys("clicks/")
    lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    old = {event_id: of_0_1_0(written[event_id]) for event_id in (same, healed)}
    old[healed] = {name: value for name, value in old[healed].items() if name not in reenriched}
    lake.put("clicks", [compact(old[same]) + b"\n"])
    lake.put("clicks", [compact(old[healed] | {"enrichment": "unavailable"}) + b"\n"])
    done = reenrich.json("reenrich", *SPAN)
    assert (done["lines"], done["changed"], done["objectsReplaced"]) == (2, 1, 1)
    assert done["fields"]["itemLookup"] == {"gained": 0, "lost": 0, "altered": 1}
    assert "enrichment" not in done["fields"]
    assert counted(lake)[healed]["itemLookup"] == "found"


def test_a_second_run_changes_nothing(reenrich: Commands, lake: TestLake) -> None:
    event_id = new_id()
    lake.put("raw", [envelope([click(event_id)])])
    lake.put("clicks", [line(event_id)])
    reenrich("reenrich", *SPAN)
    keys = lake.keys()
    assert reenrich.json("reenrich", *SPAN)["changed"] == 0
    assert lake.keys() == keys


def test_of_two_lines_with_one_id_one_is_left(reenrich: Commands, lake: TestLake) -> None:
    event_id = new_id()
    lake.put("raw", [envelope([click(event_id)])])
    lake.put("clicks", [line(event_id), line(event_id)])
    lake.put("clicks", [line(event_id)])
    assert reenrich.json("reenrich", *SPAN)["duplicatesLeftOut"] == 2
    assert len(lake.lines("clicks/")) == 1


def test_days_mean_when_a_click_was_received_not_its_folder(reenrich: Commands, lake: TestLake) -> None:
    """Folders are named by an object's oldest record: each of these is in one beside its own hour."""
    early, late, other = new_id(), new_id(), new_id()
    before, after = NOON - timedelta(minutes=1), NOON + HOUR + timedelta(minutes=1)
    first, last = NOON + timedelta(minutes=1), NOON + HOUR - timedelta(minutes=1)
    lake.put("raw", [envelope([click(early)], first), envelope([click(other)], before)], at=before)
    lake.put("raw", [envelope([click(late)], last)], at=after)
    other_line = line(other, before)
    lake.put("clicks", [line(early, first), other_line], at=before)
    lake.put("clicks", [line(late, last)], at=after)
    assert reenrich.json("reenrich", *SPAN)["changed"] == 2
    lines = counted(lake)
    assert {lines[early]["species"], lines[late]["species"]} == {"Chimera"}
    assert other_line in lake.lines("clicks/")


def test_a_click_that_was_replayed_days_later_is_found(reenrich: Commands, lake: TestLake) -> None:
    event_id = new_id()
    later = NOON + 20 * HOUR
    lake.put("raw", [envelope([click(event_id)])])
    lake.put("raw", [envelope([click(event_id)], replays=1)], at=later)
    lake.put("clicks", [line(event_id)], at=later)
    key = lake.put("replayed/failed", [b"{}\n"])
    lake.s3.put_object(
        Bucket=lake.bucket,
        Key=key,
        Body=b"{}\n",
        Metadata={"replayed-at": f"{later:%Y-%m-%dT%H}:00:00+00:00"},
    )
    assert reenrich.json("reenrich", *SPAN)["changed"] == 1
    assert counted(lake)[event_id]["species"] == "Chimera"
    assert f"/dt={later:%Y-%m-%d}/hr={later:%H}/" in lake.keys("clicks/")[0]


def test_what_has_no_envelope_any_more_stays_as_it_was(reenrich: Commands, lake: TestLake) -> None:
    gone, there = new_id(), new_id()
    lake.put("raw", [envelope([click(there)])])
    kept = [line(gone), b"no JSON at all\n", b"{}\n"]
    lake.put("clicks", [kept[0], line(there), *kept[1:]])
    done = reenrich.json("reenrich", *SPAN)
    assert (done["changed"], done["withoutRaw"]) == (1, 1)
    assert [each for each in lake.lines("clicks/") if each in kept] == kept


def test_a_bare_clicks_line_is_enriched_from_itself(reenrich: Commands, lake: TestLake) -> None:
    event_id = new_id()
    lake.put("clicks", [bare_line(event_id)])
    reenrich("reenrich", *SPAN)
    new = counted(lake)[event_id]
    assert (new["species"], new["mysfitId"]) == ("Chimera", EVANGELINE)
    assert "v" not in new
    assert "bot" not in new


def test_an_object_that_cannot_be_read_is_named_and_left(reenrich: Commands, lake: TestLake) -> None:
    event_id = new_id()
    broken = [
        lake.put_broken(lake.put("raw", [envelope([click(event_id)])])),
        lake.put_broken(lake.put("clicks", [line(event_id)])),
    ]
    done = reenrich.json("reenrich", *SPAN, code=1)
    assert (done["changed"], sorted(done["unreadable"])) == (1, sorted(broken))
    assert set(broken) <= set(lake.keys())


def test_a_dry_run_tells_and_changes_nothing(reenrich: Commands, lake: TestLake) -> None:
    event_id = new_id()
    lake.put("raw", [envelope([click(event_id)])])
    lake.put("clicks", [line(event_id)])
    keys = lake.keys()
    assert reenrich.json("reenrich", "--dry-run", *SPAN)["fields"]["species"]["gained"] == 1
    assert lake.keys() == keys


def test_a_catalogue_that_is_down_takes_nothing_away(
    reenrich: Commands, lake: TestLake, catalogue: type[Catalogue]
) -> None:
    event_id = new_id()
    lake.put("raw", [envelope([click(event_id, mysfitId=new_id())])])
    before = line(event_id, species="Hydra")
    lake.put("clicks", [before])
    catalogue.is_down = True
    assert reenrich.json("reenrich", *SPAN, code=1)["withoutCatalogue"] == 1
    assert lake.lines("clicks/") == [before]


def test_a_line_whose_item_was_not_asked_is_completed(reenrich: Commands, lake: TestLake) -> None:
    """The processor asks for 100 ids of an envelope; this command asks for all."""
    ids = [new_id() for _ in range(150)]
    lake.put("raw", [envelope([click(each, mysfitId=each) for each in ids])])
    lake.put("clicks", [line(each, mysfitId=each, itemLookup="not_asked") for each in ids])
    done = reenrich.json("reenrich", *SPAN)
    assert (done["lines"], done["changed"], done["withoutCatalogue"]) == (150, 150, 0)
    assert done["fields"]["itemLookup"] == {"gained": 0, "lost": 0, "altered": 150}
    assert done["fields"]["species"] == {"gained": 150, "lost": 0, "altered": 0}
    assert {each["itemLookup"] for each in counted(lake).values()} == {"found"}


def test_a_line_whose_item_was_not_asked_may_become_unavailable(
    reenrich: Commands, lake: TestLake, catalogue: type[Catalogue]
) -> None:
    event_id = new_id()
    lake.put("raw", [envelope([click(event_id, mysfitId=new_id())], userAgent=CHROME)])
    lake.put("clicks", [line(event_id, itemLookup="not_asked")])
    catalogue.is_down = True
    done = reenrich.json("reenrich", *SPAN)
    assert (done["changed"], done["withoutCatalogue"]) == (1, 0)
    new = counted(lake)[event_id]
    assert (new["itemLookup"], new["browser"]) == ("unavailable", "Chrome")


def test_a_catalogue_that_does_not_answer_at_all_stops_the_run(
    reenrich: Commands, lake: TestLake, catalogue: type[Catalogue]
) -> None:
    ids = [new_id() for _ in range(10)]
    lake.put("raw", [envelope([click(each, mysfitId=each) for each in ids])])
    lake.put("clicks", [line(each) for each in ids])
    catalogue.is_down = True
    assert "the catalogue does not answer" in reenrich("reenrich", *SPAN, code=2).output
    assert len(lake.keys("clicks/")) == 1


def test_what_is_younger_than_25_hours_is_refused(reenrich: Commands) -> None:
    refusal = reenrich("reenrich", "--from", f"{NOW:%Y-%m-%d}", "--to", f"{NOW:%Y-%m-%dT%H:%M}", code=2)
    assert "younger than 25 hours" in refusal.output


def test_without_a_word_about_the_catalogue_nothing_is_done(
    clicklake: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CATALOGUE_URL", raising=False)
    assert "CATALOGUE_URL" in clicklake("reenrich", *SPAN, code=2).output


def test_a_note_whose_new_objects_are_not_there_deletes_nothing(reenrich: Commands, lake: TestLake) -> None:
    key = lake.put("clicks", [bare_line(new_id(), NOON - 9 * HOUR)], at=NOON - 9 * HOUR)
    note = json.dumps({"new": ["clicks/gone.gz"], "old": [key]})
    lake.s3.put_object(Bucket=lake.bucket, Key="reenriching/note.json", Body=note)
    reenrich("reenrich", *SPAN)
    assert lake.keys() == [key]


@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
def test_killed_anywhere_every_click_stays_in_the_lake_and_counts_once(
    reenrich: Commands, lake: TestLake, aws_env: dict[str, str], catalogue_url: str, kills: int
) -> None:
    env = aws_env | {"CATALOGUE_URL": catalogue_url}
    arguments = ["reenrich", "--bucket", lake.bucket, *SPAN]
    ids: set[str] = set()

    def add_old_lines() -> None:
        some = [new_id() for _ in range(5)]
        lake.put("raw", [envelope([click(each) for each in some], userAgent=CHROME)])
        lake.put("clicks", [line(each) for each in some])
        ids.update(some)

    add_old_lines()
    requests = requests_of(arguments, env)
    chance = random.Random(kills)
    for _ in range(kills):
        add_old_lines()
        run_killed(arguments, env, requests - chance.randint(0, 12), chance.choice(["before", "after"]))
        assert counted(lake).keys() == ids
    reenrich("reenrich", *SPAN)
    lines = [json.loads(each) for each in lake.lines("clicks/")]
    assert sorted(each["eventId"] for each in lines) == sorted(ids)
    assert {(each["species"], each["browser"]) for each in lines} == {("Chimera", "Chrome")}
    assert lake.keys("reenriching/") == []
