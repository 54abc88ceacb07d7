"""The queries that a stack saves for Athena's console, run on a small lake."""

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
import sqlglot
from duckdb import DuckDBPyConnection

from tests.cloudformation.templates import resources_of

TODAY = datetime.now(UTC).date()
LONG_AGO = TODAY - timedelta(days=9)
A_CLICK = {
    "eventid": "1",
    "type": "click",
    "itemid": "gary",
    "visitor_key": 1,
    "session_key": -1,
    "receivedat": f"{TODAY}T10:00:00.000Z",
    "itemlookup": "unavailable",
    "enrichment": None,
    "utmcampaign": "autumn",
    "utmsource": "news",
    "referrerkind": "social",
    "referrerhost": "t.co",
    "browser": "Firefox",
    "bot": None,
    "dt": str(TODAY),
    "counted": True,
}
ROWS: list[dict[str, Any]] = [
    A_CLICK | {"itemlookup": "found"},
    A_CLICK | {"counted": False},  # the same event, in a later hour
    A_CLICK | {"eventid": "2", "type": "pageview", "itemid": None, "itemlookup": "none", "visitor_key": 2},
    A_CLICK | {"eventid": "3", "bot": "tool", "browser": "curl"},
    # written by 0.1.0
    A_CLICK | {"eventid": "5", "bot": "tool", "browser": "curl", "itemlookup": None, "enrichment": "ok"},
    A_CLICK
    | {"eventid": "6", "bot": "tool", "browser": "curl", "itemlookup": None, "enrichment": "unknown item"},
    A_CLICK | {"eventid": "4", "dt": str(LONG_AGO), "receivedat": f"{LONG_AGO}T10:00:00.000Z"},
]
ANSWERS: dict[str, list[tuple[Any, ...]]] = {
    "clicks by day": [(str(TODAY), 1, 1, 2, 1)],
    "items": [("gary", 1, 1)],
    "campaigns": [("autumn", "news", "social", "t.co", 1, 1)],
    "bots": [("tool", "curl", 3)],
    "enrichment": [(str(TODAY), "found", 2), (str(TODAY), "not_found", 1), (str(TODAY), "unavailable", 1)],
}


@pytest.fixture(scope="module")
def db() -> DuckDBPyConnection:
    db = duckdb.connect()
    types = {name: "boolean" if name == "counted" else "text" for name in A_CLICK}
    types |= dict.fromkeys(("visitor_key", "session_key"), "bigint")
    db.execute(f"create table columns ({', '.join(f'{name} {kind}' for name, kind in types.items())})")
    db.executemany(
        f"insert into columns values ({', '.join('?' * len(A_CLICK))})", [[*row.values()] for row in ROWS]
    )
    return db


def queries_of(lake: dict[str, Any]) -> dict[str, str]:
    return {
        query["Name"]: query["QueryString"]
        for query in resources_of(lake, "AWS::Athena::NamedQuery").values()
    }


@pytest.mark.parametrize("name", ANSWERS)
def test_saved_query_counts_each_event_of_the_last_week_once(
    lake: dict[str, Any], db: DuckDBPyConnection, name: str
) -> None:
    translated = sqlglot.transpile(queries_of(lake)[name], read="athena", write="duckdb")
    assert db.execute(translated[0]).fetchall() == ANSWERS[name]


def test_every_saved_query_is_tested_and_none_is_saved_by_default(lake: dict[str, Any]) -> None:
    assert queries_of(lake).keys() == ANSWERS.keys()
    resources = lake["Resources"].values()
    saved = [resource for resource in resources if resource["Type"] == "AWS::Athena::NamedQuery"]
    assert {query["Condition"] for query in saved} == {"SavesQueries"}
    assert lake["Conditions"]["SavesQueries"] == {"Fn::Equals": [{"Ref": "SavedQueries"}, "yes"]}
    assert lake["Parameters"]["SavedQueries"]["Default"] == "no"
