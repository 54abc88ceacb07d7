"""Every field: what is kept, what is dropped and why, what gets the click rejected."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.ingest_app.conftest import MakeClient, MemoryStream, json_of

ITEM = "4e53920c-505a-4a90-a694-b9300791f0ae"
ID = "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"

KEPT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"userId": "u"}, {"userId": "u"}),
    ({"userId": "🐉" * 128}, {"userId": "🐉" * 128}),
    ({"mysfitId": "x" * 128}, {"mysfitId": "x" * 128}),
    ({"mysfitId": "../../admin?x=1#\n"}, {"mysfitId": "../../admin?x=1#\n"}),
    ({"type": "a" * 64}, {"type": "a" * 64}),
    ({"type": "add_to_cart2"}, {"type": "add_to_cart2"}),
    ({"eventId": ID}, {"eventId": ID}),
    ({"eventId": ID.upper()}, {"eventId": ID}),
    ({"occurredAt": "2026-11-24T02:38:01.5Z"}, {"occurredAt": "2026-11-24T02:38:01.500Z"}),
    ({"occurredAt": "2026-11-24T02:38:01Z"}, {"occurredAt": "2026-11-24T02:38:01.000Z"}),
    ({"occurredAt": "2026-11-24t02:38:01.123456789z"}, {"occurredAt": "2026-11-24T02:38:01.123Z"}),
    ({"occurredAt": "2026-11-24T08:08:01+05:30"}, {"occurredAt": "2026-11-24T02:38:01.000Z"}),
    ({"occurredAt": "2026-11-23T18:38:01-08:00"}, {"occurredAt": "2026-11-24T02:38:01.000Z"}),
    ({"occurredAt": "0002-01-01T00:00:00+23:59"}, {"occurredAt": "0001-12-31T00:01:00.000Z"}),
    ({"occurredAt": "2024-02-29T00:00:00-00:00"}, {"occurredAt": "2024-02-29T00:00:00.000Z"}),
    ({"sessionId": ""}, {"sessionId": ""}),
    ({"sessionId": "s" * 128}, {"sessionId": "s" * 128}),
    ({"title": ""}, {"title": ""}),
    ({"title": "<script>alert(1)</script>\u202e=cmd()"}, {"title": "<script>alert(1)</script>\u202e=cmd()"}),
    ({"url": "https://h/" + "x" * 2038}, {"url": "https://h/" + "x" * 2038}),
    ({"url": "https://h/x?utm_source=a#b"}, {"url": "https://h/x?utm_source=a"}),
    ({"referrer": "android-app://com.example.app/"}, {"referrer": "android-app://com.example.app/"}),
    ({"url": "https://h/a|b^c\"<d>%zz"}, {"url": "https://h/a|b^c\"<d>%zz"}),
    ({"userId": "a\u0000b\ufffe\u200b\u202e "}, {"userId": "a\u0000b\ufffe\u200b\u202e "}),
    ({"eventId": "00000000-0000-0000-0000-000000000000"},) * 2,
    ({"properties": {"a": "1", "A": "2", "__proto__": "3"}},) * 2,
    ({"element": {"tag": "a", "id": "b", "text": "c", "href": "/d"}},) * 2,
    ({"element": {"name": "Search", "selector": "#top>button"}},) * 2,
    ({"element": {"tag": "a", "id": None}}, {"element": {"tag": "a"}}),
    ({"element": {"href": "/x?token=1#y"}}, {"element": {"href": "/x"}}),
    ({"properties": {"n" * 64: "v" * 512}},) * 2,
    ({"properties": {f"p{n}": "v" for n in range(32)}},) * 2,
    ({"properties": {"": "v"}},) * 2,
]  # fmt: skip


@pytest.mark.parametrize(("sent", "kept"), KEPT)
def test_valid_field_is_kept(
    client: FlaskClient, stream: MemoryStream, sent: dict[str, Any], kept: dict[str, Any]
) -> None:
    response = client.put("/clicks", json={"mysfitId": ITEM, **sent})
    assert response.status_code == 202
    (receipt,) = json_of(response)["receipts"]
    assert receipt == {"index": 0, "eventId": stream.click["eventId"], "result": "accepted"}
    assert stream.click == {
        "type": "click",
        "userId": "guest",
        "mysfitId": ITEM,
        "eventId": receipt["eventId"],
        **kept,
    }


Case = tuple[dict[str, Any], str, str]


def broken(field: str, reason: str, *values: Any) -> list[Case]:
    return [({field: value}, field, reason) for value in values]


AN_ID = "must be a string of 1 to 128 characters"
A_TYPE = "must start with a letter and have at most 64 characters of a-z, 0-9 and _"
A_UUID = "must be a UUID"
FATAL: list[Case] = [
    *broken("userId", AN_ID, "", "u" * 129, 5, True, ["u"], {}),
    *broken("mysfitId", AN_ID, "", "u" * 129, 5, False, [], {}),
    ({"mysfitId": None}, "mysfitId", "is required"),
    ({"mysfitId": None, "type": "click"}, "mysfitId", "is required"),
    *broken("type", A_TYPE, "", "Click", "1a", "a-b", "a" * 65, "a\n", "é", 5),
    *broken("eventId", A_UUID, "", "1", 5, ID + "\n", ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "field", "reason"), FATAL)
def test_invalid_type_item_id_user_id_or_event_id_rejects_the_click(
    client: FlaskClient, stream: MemoryStream, sent: dict[str, Any], field: str, reason: str
) -> None:
    response = client.put("/clicks", json={"mysfitId": ITEM, **sent})
    assert response.status_code == 400
    assert json_of(response)["code"] == "no_valid_click"
    assert json_of(response)["errors"] == [{"index": 0, "field": field, "reason": reason}]
    assert not stream.records


A_TIME = "must be an RFC 3339 timestamp with a UTC offset"
A_URL = "must be an absolute URL of at most 2048 characters"
A_TEXT = "must be a string of at most 512 characters"
A_VALUE = "must be a string of at most 512 characters, a number, a boolean or null"
SOME_NAMES = "must be an object of at most 32 names"
DROPPED: list[Case] = [
    *broken(
        "occurredAt",
        A_TIME,
        *(
            "",
            "yesterday",
            "2026-11-24",
            "2026-11-24T02:38:01",
            "2026-02-30T00:00:00Z",
            "2026-11-24T02:38:60Z",
            "2026-11-24T24:00:00Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            1795487881500,
            True,
        ),
    ),
    ({"sessionId": "s" * 129}, "sessionId", "must be a string of at most 128 characters"),
    ({"sessionId": 5}, "sessionId", "must be a string of at most 128 characters"),
    *broken(
        "url",
        A_URL,
        *(
            "",
            "/relative",
            "//host/x",
            "www.example.com",
            "https:/host",
            "https://",
            "https://user:password@/x",
            "https://?x",
            "https://ho st/",
            "https://host/\u0000x",
            "https://user:pass\\@host/",
            "javascript:alert(1)",
            "data:text/html,x",
            "about:blank",
            5,
        ),
    ),
    *broken("referrer", A_URL, "", "/relative", "https://", 5),
    ({"title": ["t"]}, "title", A_TEXT),
    *broken("element", "must be an object", "a", 5, [], True),
    ({"element": {"tag": 5}}, "element.tag", A_TEXT),
    ({"element": {"onclick": "x"}}, "element.onclick", "is not a known field"),
    *broken("properties", SOME_NAMES, "a", 5, []),
    ({"properties": dict.fromkeys(map(str, range(33)), 1)}, "properties", SOME_NAMES),
    ({"properties": {"n" * 65: 1}}, f"properties.{'n' * 63}…", "must have a name of at most 64 characters"),
    ({"properties": {"a": "v" * 513}}, "properties.a", A_VALUE),
    ({"properties": {"a": []}}, "properties.a", A_VALUE),
    ({"properties": {"a": {}}}, "properties.a", A_VALUE),
    ({"colour": "red"}, "colour", "is not a known field"),
    ({"sentAt": "2026-11-24T02:38:01Z"}, "sentAt", "is not a known field"),
    ({"item_id": "1"}, "item_id", "is not a known field"),
    ({"userid": "1"}, "userid", "is not a known field"),
    ({"": None}, "", "is not a known field"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "field", "reason"), DROPPED)
def test_any_other_invalid_field_is_dropped_and_the_receipt_says_why(
    client: FlaskClient, stream: MemoryStream, sent: dict[str, Any], field: str, reason: str
) -> None:
    response = client.put("/clicks", json={"userId": "u-17", "mysfitId": ITEM, "eventId": ID, **sent})
    assert response.status_code == 202
    assert json_of(response)["receipts"] == [
        {"index": 0, "eventId": ID, "result": "accepted", "ignored": [{"field": field, "reason": reason}]}
    ]
    assert stream.click == {"type": "click", "userId": "u-17", "mysfitId": ITEM, "eventId": ID}


REPAIRED = [
    ("https://host/a b?x=y z", "https://host/a%20b"),
    ("https://host/x?path=C:\\temp&utm_source=news", "https://host/x?utm_source=news"),
    ("https://host/x?utm_source=spring news\\a", "https://host/x?utm_source=spring%20news%5Ca"),
    ("https://host/x?q=a b\t&utm_source=news", "https://host/x?utm_source=news"),
    ("https://host/x#a b\\c", "https://host/x"),
    ("https://host/x\\y\\z?a", "https://host/x/y/z"),
    ("https:\\\\host\\x", "https://host/x"),
    ("https://host/a\u3000b", "https://host/a%20b"),
    ("https://host/\n", "https://host/"),
    ("  https://ho\nst/x\u0000 ", "https://host/x"),
    ("https://u ser:p\u00e4ss@host/x", "https://host/x"),
    ("https://" + "u" * 3000 + "@host/x", "https://host/x"),
    ("https://host/x?" + "a=1&" * 900 + "utm_source=news", "https://host/x?utm_source=news"),
    ("https://host/x?" + "a" * 200_000, "https://host/x"),
    ("https://host/x?utm_source=news#" + "a" * 3000, "https://host/x?utm_source=news"),
    ("https://b\u00fccher.example:8080/a b", "https://b\u00fccher.example:8080/a%20b"),
    ("https://[2001:db8::7]:8080/x?a b", "https://[2001:db8::7]:8080/x"),
    ("https://host./x?a b", "https://host./x"),
    ("android-app://com.example.app/a b", "android-app://com.example.app/a%20b"),
]


@pytest.mark.parametrize("field", ["url", "referrer"])
@pytest.mark.parametrize(("sent", "kept"), REPAIRED)
def test_what_is_not_kept_of_a_url_cannot_cost_what_is_kept(
    client: FlaskClient, stream: MemoryStream, field: str, sent: str, kept: str
) -> None:
    response = client.put("/clicks", json={"mysfitId": ITEM, "eventId": ID, field: sent})
    assert json_of(response)["receipts"] == [{"index": 0, "eventId": ID, "result": "accepted"}]
    assert stream.click[field] == kept


CUT_URLS = [
    ("https://host/" + "x" * 3000, "https://host/" + "x" * 2035),
    ("https://host/xx" + "%C3%A9" * 500, "https://host/xx" + "%C3%A9" * 338 + "%C3"),
    ("https://host/x" + "%C3%A9" * 500, "https://host/x" + "%C3%A9" * 339),
    ("https://host/x?utm_source=news&utm_term=" + "x" * 3000, "https://host/x?utm_source=news"),
    ("https://host/x?utm_term=" + "x" * 3000 + "&utm_source=news", "https://host/x?utm_source=news"),
    ("https://host/x?utm_term=" + "x" * 3000, "https://host/x"),
]


@pytest.mark.parametrize(("sent", "kept"), CUT_URLS)
def test_long_url_is_cut_and_the_receipt_says_so(
    client: FlaskClient, stream: MemoryStream, sent: str, kept: str
) -> None:
    response = client.put("/clicks", json={"mysfitId": ITEM, "eventId": ID, "url": sent})
    receipt = {"index": 0, "eventId": ID, "result": "accepted", "cut": ["url"]}
    assert json_of(response)["receipts"] == [receipt]
    assert stream.click["url"] == kept


def test_query_that_is_kept_whole_is_the_first_to_go_but_for_the_campaign(
    make_client: MakeClient, stream: MemoryStream
) -> None:
    client = make_client(keep_query=True)
    short, long = "https://host/x?a=b c&utm_source=news", f"https://host/x?utm_source=news&a={'x' * 3000}"
    client.put("/clicks", json={"mysfitId": ITEM, "url": short, "referrer": long})
    assert stream.click["url"] == "https://host/x?a=b%20c&utm_source=news"
    assert stream.click["referrer"] == "https://host/x?utm_source=news"


def test_cut_does_not_hide_what_is_redacted(client: FlaskClient, stream: MemoryStream) -> None:
    path = "/" + "a/" * 1010
    client.put("/clicks", json={"mysfitId": ITEM, "url": f"https://host{path}{SECRET}/{'x' * 900}"})
    assert stream.click["url"].startswith(f"https://host{path}~/x")
    assert len(stream.click["url"]) == 2048


SECRET = "u8Xk2Pq9Lz4Rt7Vb1Nc3Wd"
CUT: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"title": "t" * 512}, {"title": "t" * 512}, []),
    ({"title": "t" * 513}, {"title": "t" * 512}, ["title"]),
    ({"title": "🐉" * 600}, {"title": "🐉" * 512}, ["title"]),
    ({"title": "t" * 200_000}, {"title": "t" * 512}, ["title"]),
    *(
        ({"element": {name: "x" * 513}}, {"element": {name: "x" * 512}}, [f"element.{name}"])
        for name in ("tag", "id", "text", "href", "name", "selector")
    ),
    # An href is cleaned before it is cut, so what cleaning removes costs nothing and is not kept by a cut.
    ({"element": {"href": "/x?q=" + "x" * 600}}, {"element": {"href": "/x"}}, []),
    ({"element": {"href": "/x#" + "x" * 600}}, {"element": {"href": "/x"}}, []),
    ({"element": {"href": "https://u:" + "p" * 600 + "@h/x"}}, {"element": {"href": "https://h/x"}}, []),
    ({"element": {"href": "data:text/csv;base64," + "QUJD" * 40_000}}, {"element": {"href": "data:"}}, []),
    (
        {"element": {"href": "/" + "a/" * 250 + SECRET + "/x"}},
        {"element": {"href": "/" + "a/" * 250 + "~/x"}},
        [],
    ),
    (
        {"element": {"href": "https://h/x?utm_source=" + "s" * 600}},
        {"element": {"href": "https://h/x?utm_source=" + "s" * 489}},
        ["element.href"],
    ),
    (
        {"title": "t" * 600, "element": {"text": "x" * 600, "href": "/" + "x" * 600}},
        {"title": "t" * 512, "element": {"text": "x" * 512, "href": "/" + "x" * 511}},
        ["element.text", "title", "element.href"],
    ),
]


@pytest.mark.parametrize(("sent", "kept", "cut"), CUT)
def test_long_text_is_cut_and_the_receipt_says_which(
    client: FlaskClient, stream: MemoryStream, sent: dict[str, Any], kept: dict[str, Any], cut: list[str]
) -> None:
    response = client.put("/clicks", json={"mysfitId": ITEM, "eventId": ID, **sent})
    assert response.status_code == 202
    expected = {"index": 0, "eventId": ID, "result": "accepted"} | ({"cut": cut} if cut else {})
    assert json_of(response)["receipts"] == [expected]
    assert stream.click == {"type": "click", "userId": "guest", "mysfitId": ITEM, "eventId": ID, **kept}


def test_pixel_cuts_a_long_title_too(client: FlaskClient, stream: MemoryStream) -> None:
    client.get("/clicks.gif", query_string={"mysfitId": ITEM, "title": "t" * 600})
    assert stream.click["title"] == "t" * 512


def test_rejected_click_has_nothing_cut(client: FlaskClient) -> None:
    clicks = [{"userId": "", "mysfitId": "1", "title": "t" * 600}, {"mysfitId": "1"}]
    receipt = json_of(client.put("/clicks", json=clicks))["receipts"][0]
    assert (receipt["field"], "cut" in receipt) == ("userId", False)


def test_valid_parts_of_an_invalid_object_are_kept(client: FlaskClient, stream: MemoryStream) -> None:
    click = {
        "mysfitId": ITEM,
        "element": {"tag": "a", "text": "x" * 600, "role": "button", "href": "https://u:p@h/?x=1"},
        "properties": {"good": 1, "bad": [], "n" * 70: 1},
        "title": "kept",
    }
    response = client.put("/clicks", json=click)
    (receipt,) = json_of(response)["receipts"]
    ignored = {error["field"] for error in receipt["ignored"]}
    assert ignored == {"element.role", "properties.bad", "properties." + "n" * 63 + "…"}
    assert receipt["cut"] == ["element.text"]
    assert stream.click["element"] == {"tag": "a", "text": "x" * 512, "href": "https://h/"}
    assert stream.click["properties"] == {"good": "1"}
    assert stream.click["title"] == "kept"


def test_response_names_every_error_of_every_click(client: FlaskClient) -> None:
    clicks = [{"type": "A", "userId": "", "eventId": "?", "title": 5, "x": 1}, 5, {"element": {"tag": 1}}]
    errors = json_of(client.put("/clicks", json=clicks))["errors"]
    fields = [{error["field"] for error in errors if error["index"] == index} for index in range(3)]
    assert fields == [{"type", "userId", "eventId", "title", "x"}, {None}, {"mysfitId", "element.tag"}]
    assert errors[5]["reason"] == "must be an object"


def test_click_with_an_invalid_type_is_not_also_missing_an_item_id(client: FlaskClient) -> None:
    """Nobody can say whether that type would need one."""
    errors = json_of(client.put("/clicks", json={"type": "A"}))["errors"]
    assert [error["field"] for error in errors] == ["type"]


def test_pageview_may_have_an_item_id_but_needs_none(client: FlaskClient, stream: MemoryStream) -> None:
    client.put("/clicks", json=[{"type": "pageview"}, {"type": "pageview", "mysfitId": ITEM}])
    first, second = stream.envelope["clicks"]
    assert "mysfitId" not in first
    assert second["mysfitId"] == ITEM


@pytest.mark.parametrize(
    "wrap", [lambda click: click, lambda click: [click], lambda click: {"clicks": [click]}]
)
def test_three_forms_of_a_body_are_equivalent(client: FlaskClient, stream: MemoryStream, wrap: Any) -> None:
    client.put("/clicks", json=wrap({"mysfitId": ITEM, "eventId": ID}))
    assert stream.click == {"type": "click", "userId": "guest", "mysfitId": ITEM, "eventId": ID}


def test_sent_at_is_kept_in_utc(client: FlaskClient, stream: MemoryStream) -> None:
    body = {"sentAt": "2026-11-24T03:38:01.9+01:00", "clicks": [{"mysfitId": ITEM}]}
    assert "ignored" not in json_of(client.put("/clicks", json=body))
    assert stream.envelope["sentAt"] == "2026-11-24T02:38:01.900Z"


def test_valid_fields_beside_an_invalid_one_are_kept(client: FlaskClient, stream: MemoryStream) -> None:
    click = {"itemId": ITEM, "occurredAt": "2026-11-24T03:38:01.5+01:00", "eventId": ID.upper(), "title": 5}
    client.put("/clicks", json={"sentAt": None, "clicks": [click]})
    assert stream.envelope["sentAt"] is None
    assert stream.click["occurredAt"] == "2026-11-24T02:38:01.500Z"
    assert stream.click["eventId"] == ID


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("sentAt", "yesterday", A_TIME),
        ("sentAt", "9999-12-31T23:59:59-00:01", A_TIME),
        ("sentAt", 5, A_TIME),
        ("version", 2, "is not a known field"),
        ("userId", "u-17", "is not a known field"),
    ],
)
def test_invalid_member_beside_the_clicks_is_dropped_and_named(
    client: FlaskClient, stream: MemoryStream, name: str, value: Any, reason: str
) -> None:
    response = client.put("/clicks", json={name: value, "clicks": [{"mysfitId": ITEM}]})
    assert response.status_code == 202
    assert json_of(response)["ignored"] == [{"field": name, "reason": reason}]
    assert stream.envelope["sentAt"] is None
    assert stream.click["userId"] == "guest"


def test_item_id_has_the_name_in_the_setting(make_client: MakeClient, stream: MemoryStream) -> None:
    client = make_client(item_id_field="productId")
    response = client.put("/clicks", json=[{"productId": "1"}, {"mysfitId": "1"}])
    assert stream.click["productId"] == "1"
    assert json_of(response)["receipts"][1]["errors"] == [
        {"field": "productId", "reason": "is required"},
        {"field": "mysfitId", "reason": "is not a known field"},
    ]
