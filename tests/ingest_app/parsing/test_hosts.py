"""ALLOWED_HOSTS: clicks of other hosts are marked, or rejected. ITEM_ID_PATTERN: other ids are rejected."""

from typing import Any

import pytest

from ingest_app.parsing.urls import AllowedHosts, host_of
from tests.ingest_app.conftest import MakeClient, MemoryStream, json_of

HOSTS = ("shop.example", "*.shop.example", "[2001:db8::1]", "192.0.2.1")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://shop.example/x", "shop.example"),
        ("HTTPS://Shop.Example:8443", "shop.example"),
        ("https://shop.example.:443/", "shop.example"),
        ("https://u:p@shop.example?x", "shop.example"),
        ("https://shop.example@evil.example/", "evil.example"),
        ("https://[2001:db8::1]:8080/x", "[2001:db8::1]"),
        ("https://shop.example\\@evil.example/", "shop.example"),
    ],
)
def test_host_is_the_one_that_a_browser_would_ask(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://shop.example/", True),
        ("https://www.shop.example/", True),
        ("https://a.b.shop.example:8080/x", True),
        ("https://[2001:db8::1]/", True),
        ("http://192.0.2.1/", True),
        ("https://evilshop.example/", False),
        ("https://shop.example.evil.example/", False),
        ("https://evil.example/shop.example", False),
        ("https://evil.example/?https://shop.example/", False),
        ("https://192.0.2.11/", False),
    ],
)
def test_stars_stand_for_subdomains_only(url: str, is_allowed: bool) -> None:
    assert AllowedHosts(HOSTS).has(url) == is_allowed


def test_click_of_a_foreign_host_is_marked(make_client: MakeClient, stream: MemoryStream) -> None:
    client = make_client(allowed_hosts=HOSTS)
    clicks = [
        {"itemId": str(number), "url": url}
        for number, url in enumerate(["https://shop.example/", "https://evil.example/"])
    ]
    response = client.put("/clicks", json=[*clicks, {"itemId": "2"}])
    assert json_of(response)["accepted"] == 3
    assert [click.get("foreignHost") for click in stream.envelope["clicks"]] == [None, True, None]


@pytest.mark.parametrize("more", [{}, {"title": 5}])
def test_click_of_a_foreign_host_is_rejected_where_set(
    make_client: MakeClient, stream: MemoryStream, capsys: pytest.CaptureFixture[str], more: dict[str, Any]
) -> None:
    client = make_client(allowed_hosts=HOSTS, foreign_hosts="reject")
    clicks = [
        {"itemId": "1", "url": "https://shop.example/"},
        {"itemId": "2", "url": "https://evil.example/", **more},
    ]
    receipt = json_of(client.put("/clicks", json=clicks))["receipts"][1]
    assert receipt["result"] == "rejected"
    assert (receipt["field"], receipt["reason"]) == ("url", "must have a host that ALLOWED_HOSTS lists")
    assert stream.click["mysfitId"] == "1"
    assert '"RejectedUrl":1' in capsys.readouterr().out


def test_click_cannot_mark_itself(make_client: MakeClient, stream: MemoryStream) -> None:
    response = make_client().put("/clicks", json={"itemId": "1", "foreignHost": False})
    assert json_of(response)["receipts"][0]["ignored"][0]["field"] == "foreignHost"
    assert "foreignHost" not in stream.click


@pytest.mark.parametrize("name", ["itemId", "mysfitId"])
@pytest.mark.parametrize("value", ["abcde", "ABC-12", "abc-1234", "abc-12\n", "xabc-12", "abc-１２", ""])
def test_item_id_that_does_not_match_its_pattern_rejects_the_click(
    make_client: MakeClient, stream: MemoryStream, name: str, value: str
) -> None:
    client = make_client(item_id_pattern=r"[a-z]{3}-\d{1,3}")
    response = client.put("/clicks", json={name: value})
    (error,) = json_of(response)["errors"]
    assert error["field"] == name
    assert error["reason"] == r"must be a string of 1 to 128 characters that matches [a-z]{3}-\d{1,3}"
    assert not stream.records


def test_item_id_that_matches_its_pattern_is_accepted(make_client: MakeClient, stream: MemoryStream) -> None:
    client = make_client(item_id_pattern=r"^[a-z]{3}-\d+$", item_id_field="itemId")
    assert client.put("/clicks", json={"itemId": "abc-12"}).status_code == 202
    assert client.put("/clicks", json={"type": "pageview"}).status_code == 202
