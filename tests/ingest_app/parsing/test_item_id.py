"""The item id has two names: `itemId`, and the name in ITEM_ID_FIELD, which the envelope uses."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.ingest_app.conftest import MakeClient, MemoryStream, json_of

AN_ID = "must be a string of 1 to 128 characters"
MUST_BE_EQUAL = "must equal itemId if a click has both"


@pytest.mark.parametrize(
    "names",
    [
        {"itemId": "1"},
        {"mysfitId": "1"},
        {"itemId": "1", "mysfitId": "1"},
        {"itemId": "1", "mysfitId": None},
        {"itemId": None, "mysfitId": "1"},
        {"itemId": "1", "title": 5},
        {"itemId": "1", "mysfitId": "1", "title": 5},
    ],
)
def test_either_name_and_both_with_one_value_are_accepted(
    client: FlaskClient, stream: MemoryStream, names: dict[str, Any]
) -> None:
    assert client.put("/clicks", json=names).status_code == 202
    assert stream.click["mysfitId"] == "1"
    assert "itemId" not in stream.click


@pytest.mark.parametrize("more", [{}, {"title": 5}, {"type": "pageview"}])
def test_two_different_values_are_rejected_by_both_names(
    client: FlaskClient, stream: MemoryStream, more: dict[str, Any]
) -> None:
    response = client.put("/clicks", json={"itemId": "1", "mysfitId": "2", **more})
    assert response.status_code == 400
    error = json_of(response)["errors"][0]
    assert error == {"index": 0, "field": "mysfitId", "reason": MUST_BE_EQUAL}
    assert not stream.records


def test_conflict_rejects_one_click_and_counts_it(
    client: FlaskClient, stream: MemoryStream, capsys: pytest.CaptureFixture[str]
) -> None:
    clicks = [{"itemId": "1", "mysfitId": "2"}, {"itemId": "3"}]
    response = json_of(client.put("/clicks", json=clicks))
    assert (response["accepted"], response["rejected"]) == (1, 1)
    assert stream.click["mysfitId"] == "3"
    assert '"RejectedItem":1' in capsys.readouterr().out


@pytest.mark.parametrize("value", ["", "x" * 129, 5, [], {}, True])
@pytest.mark.parametrize("other", [{}, {"mysfitId": "1"}])
def test_invalid_item_id_rejects_the_click(client: FlaskClient, value: Any, other: dict[str, str]) -> None:
    errors = json_of(client.put("/clicks", json={"itemId": value, **other}))["errors"]
    assert errors == [{"index": 0, "field": "itemId", "reason": AN_ID}]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("itemId=1", 200),
        ("mysfitId=1", 200),
        ("itemId=1&mysfitId=1", 200),
        ("itemId=1&mysfitId=", 200),
        ("itemId=1&mysfitId=2", 400),
        ("itemId=&mysfitId=", 400),
    ],
)
def test_pixel_takes_both_names_too(
    client: FlaskClient, stream: MemoryStream, query: str, status: int
) -> None:
    assert client.get(f"/clicks.gif?{query}").status_code == status
    assert len(stream.records) == (status == 200)


@pytest.mark.parametrize("click", [{"itemId": "1"}, {"itemId": "1", "title": 5}])
def test_item_id_can_be_the_only_name(
    make_client: MakeClient, stream: MemoryStream, click: dict[str, Any]
) -> None:
    client = make_client(item_id_field="itemId")
    assert client.put("/clicks", json=click).status_code == 202
    assert stream.click["itemId"] == "1"


def test_without_an_alias_the_workshops_name_is_unknown(make_client: MakeClient) -> None:
    errors = json_of(make_client(item_id_field="itemId").put("/clicks", json={"mysfitId": "1"}))["errors"]
    assert [(error["field"], error["reason"]) for error in errors] == [
        ("itemId", "is required"),
        ("mysfitId", "is not a known field"),
    ]


@pytest.mark.parametrize("name", ["itemAlias", "item_alias", "item_id", "itemid"])
def test_no_other_name_is_known(make_client: MakeClient, name: str) -> None:
    for setting in ("mysfitId", "itemId"):
        errors = json_of(make_client(item_id_field=setting).put("/clicks", json={name: "1"}))["errors"]
        assert {"index": 0, "field": name, "reason": "is not a known field"} in errors
