"""reconcile counts a line as delivered exactly if the queries count it."""

import json
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clicklake.reconcile.delivered_lines import delivered_ids
from tests.support.lakes import line

ODD = [
    b'{"eventId":"plain"}',
    b'{"eventId":"version","v":"one"}',
    b'{"eventId":"version","v":1}',
    b'{"eventId":5}',
    b'{"eventId":true}',
    b'{"eventId":{"x":1}}',
    b'{"eventId":["x", 2]}',
    b'{"eventId":null}',
    b'{"eventId":"bad\xff"}',
    b'{"eventId":"elsewhere","title":"\xff"}',
    b'{"eventId":"first","eventId":"second"}',
    b'{"properties":{"eventId":"inside"},"eventId":"outside"}',
    b' {"eventId":"space"} ',
    b'{"eventId":"return"}\r',
    b'{"eventId":"trailing"} x',
    b'{"eventId":"two"}{"eventId":"in one line"}',
    b'[{"eventId":"array"}]',
    b'{"eventId":"not a number","lagMs":NaN}',
    b'{"eventId":"lone \\ud800"}',
    b'{"eventId":"pair \\ud83d\\ude00"}',
    b'{"eventId":"elsewhere lone","title":"\\udc00"}',
    b'{"EventId":"another case"}',
    b'{"eventId":""}',
    b'{"eventId":"nul \\u0000"}',
    b'{"eventId":"control\t"}',
    b'{"eventId":"text for a number","lagMs":"x"}',
    b'{"eventId":"text for a map","element":"x"}',
    b"{'eventId':'quotes'}",
    b"null",
    b'"text"',
    b"5",
    b"garbage",
    b"{",
]


def counted_by_queries(block: bytes, folder: Path) -> Counter[str]:
    """The event ids that DuckDB reads, as clicklake.query reads lines."""
    file = folder / "lines.json"
    file.write_bytes(block)
    sql = (
        "select eventId from read_json($file, columns = {'eventId': 'VARCHAR', 'v': 'BIGINT',"
        " 'lagMs': 'BIGINT', 'element': 'MAP(VARCHAR, VARCHAR)', 'properties': 'MAP(VARCHAR, VARCHAR)'},"
        " format = 'newline_delimited', ignore_errors = true) where eventId is not null"
    )
    return Counter(event_id for (event_id,) in duckdb.sql(sql, params={"file": str(file)}).fetchall())


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_line_counts_as_in_a_query(odd: bytes, tmp_path: Path) -> None:
    block = line("before") + odd + b"\n" + line("after")
    found = delivered_ids(block)
    assert Counter(found.event_ids) == counted_by_queries(block, tmp_path)
    assert len(found.event_ids) + found.malformed == 3


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8"), max_size=6)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text("abé", max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)
LINES = (
    st.sampled_from(ODD)
    | st.fixed_dictionaries({}, optional={"eventId": SCALARS, "v": JSON, "title": JSON, "element": JSON}).map(
        lambda fields: json.dumps(fields).encode()
    )
    | st.binary(max_size=8).map(lambda data: data.replace(b"\n", b"").replace(b"\r", b""))
)


@given(st.lists(LINES, min_size=1, max_size=6))
@settings(max_examples=60)
def test_any_lines_count_as_in_a_query(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    block = line("first") + b"\n".join(lines) + b"\n"
    folder = tmp_path_factory.getbasetemp()
    assert Counter(delivered_ids(block).event_ids) == counted_by_queries(block, folder)
