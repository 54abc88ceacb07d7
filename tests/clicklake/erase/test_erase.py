"""`erase` takes one person out of the lake, every version of it, and leaves every other byte."""

import base64
import gzip
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicklake.erase.query_results import RowRedactor, split_rows
from clicklake.erase.redactor import DataSubject, Redactor, split_lines
from clicklake.erase.versions import LINE_FOLDERS
from tests.support.emulator import Emulator
from tests.support.killing import requests_of, run_killed
from tests.support.lakes import Commands, TestLake, click, compact, document, envelope, line, new_id

THEM = "u-17"
PERSON = DataSubject(user_ids=frozenset([THEM]))


def bodies_of_all_versions(lake: TestLake, prefix: str = "") -> list[bytes]:
    pages = lake.s3.get_paginator("list_object_versions").paginate(Bucket=lake.bucket, Prefix=prefix)
    found = [each for page in pages for each in page.get("Versions", [])]
    return [lake.body(each["Key"], VersionId=each["VersionId"]) for each in found]


# What is left of a line.


@pytest.mark.parametrize(
    ("person", "fields"),
    [
        (DataSubject(user_ids=frozenset(["x"])), {"userId": "x"}),
        (DataSubject(visitor_ids=frozenset(["x"])), {"visitorId": "x"}),
        (DataSubject(session_ids=frozenset(["y", "x"])), {"sessionId": "x"}),
    ],
)
def test_a_line_with_one_of_the_ids_goes(person: DataSubject, fields: dict[str, Any]) -> None:
    assert Redactor(person).redact_line(line(new_id(), **fields)) == b""


@pytest.mark.parametrize(
    "fields", [{"title": THEM}, {"sessionId": THEM}, {"properties": {"userId": THEM}}, {"userId": THEM + " "}]
)
def test_a_line_that_says_the_id_elsewhere_stays_and_counts_as_a_mention(fields: dict[str, Any]) -> None:
    theirs = line(new_id(), **fields)
    redactor = Redactor(PERSON)
    assert redactor.redact_line(theirs) == theirs
    assert redactor.stats.mentions == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"path": f"/users/{THEM}/orders"},
        {"url": f"https://shop.example/?next=%2Fusers%2F{THEM}"},
        {"title": "Hello U-17!"},
        {"element": {"href": f"mailto:{THEM}@shop.example"}},
    ],
)
def test_a_text_is_found_in_any_field_and_any_case_but_only_as_a_whole_word(fields: dict[str, Any]) -> None:
    subject = DataSubject(texts=frozenset([THEM]))
    assert Redactor(subject).redact_line(line(new_id(), **fields)) == b""
    other = line(new_id(), title="u-170 and xu-17")
    redactor = Redactor(subject)
    assert redactor.redact_line(other) == other
    assert redactor.stats.mentions == 0


@pytest.mark.parametrize("spelling", [r"\u0075-17", r"u\u002d17", r"u-1\u0037"])
def test_an_id_is_found_however_a_stranger_escapes_it(spelling: str) -> None:
    bare = b'{"userId":"%s","mysfitId":"m"}\n' % spelling.encode()
    redactor = Redactor(PERSON)
    assert not redactor.cannot_be_in(bare)
    assert redactor.redact_record(bare) == b""


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_a_block_with_a_line_of_the_person_is_never_passed_over(user: str) -> None:
    redactor = Redactor(DataSubject(user_ids=frozenset([user])))
    written = [line(new_id(), userId=user), json.dumps({"userId": user}).encode() + b"\n"]
    assert not any(redactor.cannot_be_in(each) for each in written)


def test_an_id_in_another_case_is_named_and_its_clicks_stay() -> None:
    theirs = line(new_id(), userId="U-17")
    redactor = Redactor(PERSON)
    assert redactor.redact_line(theirs) == theirs
    assert redactor.stats.other_cases == {"U-17"}


def test_of_an_envelope_only_their_clicks_go() -> None:
    others = [click(title="é \\u00e9"), click()]
    record = envelope([others[0], click(userId=THEM), others[1]])
    left = Redactor(PERSON).redact_record(record)
    assert left == record.replace(compact(click_of(record, 1)) + b",", b"")


def click_of(record: bytes, number: int) -> Any:
    return json.loads(record)["clicks"][number]


def test_an_envelope_of_the_visitor_goes_whole_and_its_neighbours_stay() -> None:
    visitor = DataSubject(visitor_ids=frozenset(["v"]))
    before, theirs, after = envelope([click()]), envelope([click(), click()], visitorId="v"), b"garbage"
    redactor = Redactor(visitor)
    assert redactor.redact_record(before + theirs + after) == before + after
    assert redactor.stats.clicks == 2


def test_bare_clicks_without_newlines_are_told_apart() -> None:
    bare = [compact({"userId": user, "mysfitId": "m"}) for user in ("a", THEM, "b")]
    assert Redactor(PERSON).redact_record(b"".join(bare)) == bare[0] + bare[2]


def test_of_an_error_document_only_the_records_data_changes() -> None:
    other = click()
    before = document(envelope([click(userId=THEM), other]))
    left = json.loads(Redactor(PERSON).redact_document(before))
    assert json.loads(base64.b64decode(left.pop("rawData")))["clicks"] == [other]
    assert left.items() <= json.loads(before).items()
    assert Redactor(PERSON).redact_document(document(envelope([click(userId=THEM)]))) == b""


@pytest.mark.parametrize("garbage", [b'{"userId":"u-17","title":', b'\x00"u-17"\n'])
def test_what_is_no_json_and_holds_the_id_goes_too(garbage: bytes) -> None:
    redactor = Redactor(PERSON)
    assert redactor.redact_record(garbage) == b""
    assert redactor.redact_document(document(garbage)) == b""
    assert redactor.redact_line(garbage) == b""
    assert redactor.stats.unreadable == 3


USERS = st.sampled_from(["guest", THEM, "u-170", 'quote"d', "é"])


@given(st.lists(st.lists(USERS, min_size=1, max_size=4), max_size=6), st.binary(max_size=20))
def test_everybody_elses_clicks_stay_and_theirs_are_gone(requests: list[list[str]], garbage: bytes) -> None:
    records = [envelope([click(userId=user) for user in users]) for users in requests]
    left = Redactor(PERSON).redact_record(b"".join(records) + garbage)
    kept = [each for record in records for each in json.loads(record)["clicks"] if each["userId"] != THEM]
    lines_left = split_lines(left.removesuffix(garbage))
    assert [each for part in lines_left for each in json.loads(part)["clicks"]] == kept
    untouched = [record for record, users in zip(records, requests, strict=True) if THEM not in users]
    assert [each for each in split_lines(left) if each in untouched] == untouched


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=3), max_size=5))
def test_rows_are_told_apart_whatever_stands_in_their_values(values: list[list[str]]) -> None:
    written = [
        ",".join('"' + each.replace('"', '""') + '"' for each in row).encode() + b"\n" for row in values
    ]
    assert list(split_rows([b"".join(written)])) == written
    ids = frozenset(values[0][:1]) if values else frozenset[str]()
    left = [RowRedactor(ids, frozenset()).redact_row(row) for row in written]
    assert left == [b"" if set(row) & ids else data for row, data in zip(values, written, strict=True)]


# What is left of a lake.


def fill(lake: TestLake) -> tuple[list[bytes], str]:
    """Something of the person and of others everywhere; answers the others' lines and an event of theirs."""
    theirs, ours = new_id(), new_id()
    their_click, our_click = click(theirs, userId=THEM), click(ours)
    lines = {
        "clicks": [line(theirs, userId=THEM), line(ours)],
        "raw": [envelope([their_click]), envelope([our_click])],
        "failed": [document(envelope([their_click])), document(envelope([our_click]))],
    }
    lines["replayed/failed"] = lines["parked/failed"] = lines["failed"]
    for folder, (_, our) in lines.items():
        lake.put(folder, lines[folder])
        lake.put(folder, [our])
        lake.put(folder, lines[folder][:1])
    csv = [b'"eventid","title"\n', f'"{theirs}","a"\n'.encode(), f'"{ours}","two\nlines"\n'.encode()]
    lake.s3.put_object(Bucket=lake.bucket, Key="athena/1.csv", Body=b"".join(csv))
    lake.s3.put_object(Bucket=lake.bucket, Key="athena/tables/1/a.gz", Body=gzip.compress(THEM.encode()))
    lake.s3.put_object(Bucket=lake.bucket, Key="athena/tables/1/b.gz", Body=gzip.compress(b"others"))
    return [our for _, our in lines.values() for _ in range(2)], theirs


def test_nothing_of_them_is_left_and_everything_of_the_others(clicklake: Commands, lake: TestLake) -> None:
    others, theirs = fill(lake)
    report = clicklake.json("erase", "--user-id", THEM)
    assert {folder: report["folders"][folder]["clicks"] for folder in LINE_FOLDERS} == dict.fromkeys(
        LINE_FOLDERS, 2
    )
    assert report["folders"]["athena/"]["objects"] == 2
    for body in bodies_of_all_versions(lake):
        assert_holds_nothing_of(body, theirs)
    assert sorted(each for folder in LINE_FOLDERS for each in lake.lines(folder)) == sorted(others)
    assert b'"two\nlines"' in lake.body("athena/1.csv")
    assert lake.body("athena/tables/1/b.gz") == b"others"
    assert not clicklake.json("erase", "--user-id", THEM)["versions"]


def assert_holds_nothing_of(body: bytes, event_id: str) -> None:
    assert THEM.encode() not in body
    assert event_id.encode() not in body
    for each in body.splitlines():
        if each.startswith(b'{"rawData"'):
            assert event_id.encode() not in base64.b64decode(json.loads(each)["rawData"])


def test_versions_before_the_newest_go_too_and_none_comes_back(clicklake: Commands, lake: TestLake) -> None:
    theirs, ours = line(new_id(), userId=THEM), line(new_id())
    replaced, deleted, emptied = (lake.put("clicks", [theirs, ours]) for _ in range(3))
    for key, body in ((replaced, ours), (emptied, theirs)):
        lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=body)
    lake.s3.delete_object(Bucket=lake.bucket, Key=deleted)
    report = clicklake.json("erase", "--user-id", THEM)
    assert report["folders"]["clicks/"]["old_versions"] == 3
    assert bodies_of_all_versions(lake) == [ours]
    assert lake.keys() == [replaced]


def test_a_bucket_without_versions_works_as_well(emulator: Emulator, clicklake: Commands) -> None:
    lake = TestLake(f"lake-{new_id()}", emulator.client("s3"))
    lake.s3.create_bucket(Bucket=lake.bucket)
    clicklake.bucket = lake.bucket
    ours = line(new_id())
    kept = lake.put("clicks", [ours, line(new_id(), userId=THEM)])
    lake.put("clicks", [line(new_id(), userId=THEM)])
    clicklake("erase", "--user-id", THEM)
    assert lake.keys() == [kept]
    assert lake.body(kept) == ours


def test_an_object_keeps_its_form(clicklake: Commands, lake: TestLake) -> None:
    key = lake.put("replayed/failed", [document(envelope([click(userId=THEM), click()]))])
    body = lake.body(key)
    lake.s3.put_object(
        Bucket=lake.bucket,
        Key=key,
        Body=gzip.compress(body),
        ContentEncoding="gzip",
        Metadata={"replayed-at": "x"},
    )
    clicklake("erase", "--user-id", THEM)
    got = lake.s3.get_object(Bucket=lake.bucket, Key=key)
    assert (got["Metadata"], got["ContentEncoding"]) == ({"replayed-at": "x"}, "gzip")
    assert len(gzip.decompress(got["Body"].read())) < len(body)


def test_an_object_that_cannot_be_read_is_named_and_left(clicklake: Commands, lake: TestLake) -> None:
    broken = lake.put_broken(lake.put("clicks", [line(new_id(), userId=THEM)]))
    (named,) = clicklake.json("erase", "--user-id", THEM, code=1)["notSearched"]
    assert (named["key"], named["reason"]) == (broken, "it ends inside its gzip data")
    assert lake.keys() == [broken]


def test_copies_in_folders_that_are_not_ours_are_searched_too(clicklake: Commands, lake: TestLake) -> None:
    ours = line(new_id())
    copies = {
        "backup/2026/a.gz": gzip.compress(line(new_id(), userId=THEM) + ours),
        "lines.json": line(new_id(), userId=THEM) + ours,
        "export/raw": envelope([click(userId=THEM)]) + document(envelope([click(userId=THEM)])) + ours,
    }
    for key, body in copies.items():
        lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=body)
    report = clicklake.json("erase", "--user-id", THEM)
    assert [report["folders"][folder]["clicks"] for folder in ("backup/", "", "export/")] == [1, 1, 2]
    assert {lake.body(key) for key in copies} == {ours}


def test_what_cannot_be_searched_is_named_and_the_exit_code_says_so(
    clicklake: Commands, lake: TestLake
) -> None:
    for name, start in (("a.parquet", b"PAR1"), ("b.orc", b"ORC"), ("c.zip", b"PK\x03\x04")):
        lake.s3.put_object(Bucket=lake.bucket, Key=f"compact/{name}", Body=start + b"...")
    report = clicklake.json("erase", "--user-id", THEM, code=1)
    assert {each["key"]: each["reason"] for each in report["notSearched"]} == {
        "compact/a.parquet": "Parquet cannot be searched",
        "compact/b.orc": "ORC cannot be searched",
        "compact/c.zip": "zip cannot be searched",
    }
    assert "not searched: compact/a.parquet" in clicklake("erase", "--user-id", THEM, code=1).stdout


def test_mentions_are_counted_and_a_text_erases_them(clicklake: Commands, lake: TestLake) -> None:
    mentioning, other = line(new_id(), title=f"Profile of {THEM}"), line(new_id(), userId="U-17")
    lake.put("clicks", [line(new_id(), userId=THEM), mentioning, other])
    report = clicklake.json("erase", "--user-id", THEM, code=1)
    assert (report["mentions"], report["otherCases"]) == (2, ["U-17"])
    assert lake.lines("clicks") == [mentioning, other]
    shown = clicklake("erase", "--user-id", THEM, "--dry-run", code=1).stdout
    assert "--containing TEXT" in shown
    assert "U-17" in shown
    clicklake("erase", "--user-id", THEM, "--containing", THEM)
    assert lake.lines("clicks") == []


def test_a_visitor_id_is_erased_with_a_warning_about_its_neighbours(
    clicklake: Commands, lake: TestLake
) -> None:
    lake.put("clicks", [line(new_id(), visitorId="v")])
    (warning,) = clicklake.json("erase", "--visitor-id", "v")["warnings"]
    assert "other people's clicks" in warning


def test_a_dry_run_tells_and_removes_nothing(clicklake: Commands, lake: TestLake) -> None:
    fill(lake)
    before = bodies_of_all_versions(lake)
    assert clicklake.json("erase", "--user-id", THEM, "--dry-run")["folders"]["raw/"]["clicks"] == 2
    assert "nothing was removed" in clicklake("erase", "--user-id", THEM, "--dry-run").stdout
    assert bodies_of_all_versions(lake) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "pass a non-empty"),
        (["--user-id", "guest"], "every visitor"),
        (["--user-id", ""], "pass a non-empty"),
        (["--containing", "ab"], "must have at least 4 characters"),
    ],
)
def test_everybody_is_not_a_person(clicklake: Commands, arguments: list[str], says: str) -> None:
    assert says in clicklake("erase", *arguments, code=2).output


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
def test_killed_anywhere_the_others_stay_and_the_next_run_finishes(
    clicklake: Commands, lake: TestLake, aws_env: dict[str, str], kills: int
) -> None:
    arguments = ["erase", "--bucket", lake.bucket, "--user-id", THEM]
    chance = random.Random(kills)
    others: list[bytes] = []
    for _ in range(kills):
        raw = [envelope([click(userId=user)]) for user in (THEM, "another")]
        lines = [line(new_id(), userId=user) for user in (THEM, "another")]
        lake.put("raw", raw)
        lake.put("clicks", lines)
        others += [raw[1], lines[1]]
        searching = requests_of([*arguments, "--dry-run"], aws_env)
        assert run_killed(
            arguments, aws_env, searching + chance.randint(1, 8), chance.choice(["before", "after"])
        )
        kept = lake.lines("")
        assert not [each for each in others if each not in kept]
    clicklake("erase", "--user-id", THEM)
    assert not [body for body in bodies_of_all_versions(lake) if THEM.encode() in body]
    assert sorted(lake.lines("")) == sorted(others)
