"""Unusual JSON. Each case has a defined response (docs/events.md, "Unusual bodies")."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.ingest_app.conftest import MemoryStream, json_of


def click(value: bytes, field: bytes = b"title") -> bytes:
    """Return a click with this raw JSON as the value of a field."""
    return b'{"mysfitId": "1", "%s": %s}' % (field, value)


# ^ marks the position that the response names. It is not sent.
FORBIDDEN = {
    "nothing but an opening brace": b"{^",
    "trailing comma in an object": b'{"mysfitId": "1",^}',
    "trailing comma in an array": b'[{"mysfitId": "1"},^]',
    "leading comma": b'[^,{"mysfitId": "1"}]',
    "two values": b'{"mysfitId": "1"} ^{"mysfitId": "2"}',
    "a closing bracket too many": b'{"mysfitId": "1"}^]',
    "brackets that do not match": b'{"mysfitId": "1"^]',
    "single quotes": b"{^'mysfitId': '1'}",
    "no quotes around a name": b'{^mysfitId: "1"}',
    "a comment": b'{"mysfitId": "1"} ^// click',
    "no colon": b'{"mysfitId" ^"1"}',
    "a value without a name": b'{"mysfitId"^}',
    "a number as name": b'{^1: "1"}',
    "a string that does not end": b'{"mysfitId": ^"1}',
    "a string that ends in a backslash": b'{"mysfitId": ^"1\\',
    "a string of escaped quotes that does not end": b'^"' + rb"\"" * 130_000,
    "an unknown escape": click(b'"^\\x41"'),
    "a short unicode escape": click(b'"\\^u12"'),
    "a unicode escape with a sign": click(b'"\\^u+123"'),
    "a raw line feed in a string": click(b'"a^\nb"'),
    "a raw NUL in a string": click(b'"a^\x00b"'),
    "a raw NUL between tokens": b'{"mysfitId":^\x00"1"}',
    "a form feed between tokens": b'{"mysfitId":^\x0c"1"}',
    "a no-break space between tokens": b'{"mysfitId":^\xc2\xa0"1"}',
    "NaN": click(b"^NaN"),
    "Infinity": click(b"^Infinity"),
    "minus Infinity": click(b"^-Infinity"),
    "NaN, deep in a dropped field": click(b'{"a": [1, ^NaN]}'),
    "a leading zero": click(b"0^1"),
    "a leading plus": click(b"^+1"),
    "a point without digits after it": click(b"1^."),
    "a point without digits before it": click(b"^.5"),
    "an exponent without digits": click(b"1^e"),
    "a lone minus": click(b"^-"),
    "hexadecimal": click(b"0^x10"),
    "digits that are not ASCII": click("^１".encode()),
    "True": click(b"^True"),
    "undefined": click(b"^undefined"),
    "truncated UTF-8": click(b'"^\xc3"'),
    "UTF-8 of a surrogate": click(b'"^\xed\xa0\x80"'),
    "overlong UTF-8": click(b'"^\xc0\xaf"'),
    "UTF-8 beyond Unicode": click(b'"^\xf4\x90\x80\x80"'),
    "Latin-1": click(b'"^\xe9"'),
    "UTF-16 with a byte order mark": b"^" + '{"mysfitId":"1"}'.encode("utf-16"),
    "two byte order marks": b"\xef\xbb\xbf^\xef\xbb\xbf" + b'{"mysfitId": "1"}',
    "a byte order mark in the middle": b'{"mysfitId":^\xef\xbb\xbf"1"}',
    "a form": b"^userId=guest&mysfitId=1",
    "gzip": b"\x1f^\x8b\x08\x00\x00\x00\x00\x00",
}


@pytest.mark.parametrize("marked", FORBIDDEN.values(), ids=FORBIDDEN)
def test_json_that_rfc_8259_forbids_is_refused_with_its_position(
    client: FlaskClient, stream: MemoryStream, marked: bytes
) -> None:
    response = client.post("/clicks", data=marked.replace(b"^", b""))
    assert response.status_code == 400
    assert json_of(response)["code"] == "not_json"
    # Python 3.13 and later name the position of a trailing comma, earlier versions the one behind it.
    assert json_of(response)["at"]["offset"] in (
        marked.index(b"^"),
        marked.index(b",^") if b",^" in marked else None,
    )
    assert not stream.records


AMBIGUOUS = {
    "a high surrogate alone": ("lone_surrogate", click(b'"a^\\ud83d"')),
    "a low surrogate alone": ("lone_surrogate", click(b'"a^\\ude00b"')),
    "two high surrogates": ("lone_surrogate", click(b'"^\\ud83d\\ud83d\\ude00"')),
    "surrogates in the wrong order": ("lone_surrogate", click(b'"^\\ude00\\ud83d"')),
    "surrogates apart": ("lone_surrogate", click(b'"^\\ud83d \\ude00"')),
    "surrogates with an escape between them": ("lone_surrogate", click(b'"^\\ud83d\\n\\ude00"')),
    "a surrogate behind a backslash": ("lone_surrogate", click(b'"\\\\^\\ud83d"')),
    "a surrogate in a name": ("lone_surrogate", click(b"1", b"^\\uD83D")),
    "a number of 400 digits": ("number_too_large", click(b"^" + b"9" * 400)),
    "a large exponent": ("number_too_large", click(b"^1e400")),
    "a large negative number": ("number_too_large", click(b"^-1.8E+308")),
    "a number of 100,000 digits": ("number_too_large", click(b"^" + b"9" * 100_000)),
    "a large number in a property": ("number_too_large", click(b'{"a": ^1e400}', b"properties")),
    "a large integer in a property": ("number_too_large", click(b'{"a": ^%s}' % (b"9" * 400), b"properties")),
    "33 arrays deep": ("too_deep", click(b"[" * 31 + b"^[1]" + b"]" * 31)),
    "33 objects deep": ("too_deep", click(b'{"a":' * 31 + b'^{"a":1}' + b"}" * 31)),
    "a depth bomb of arrays": ("too_deep", b"[" * 32 + b"^" + b"[" * 200_000),
    "a depth bomb of objects": ("too_deep", b'{"a":' * 32 + b"^" + b'{"a":' * 50_000),
    "a depth bomb in an unknown field": ("too_deep", click(b"[" * 31 + b"^" + b"[" * 100_000, b"unknown")),
}


@pytest.mark.parametrize(("code", "marked"), AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_json_on_which_parsers_disagree_is_refused_with_its_position(
    client: FlaskClient, stream: MemoryStream, code: str, marked: bytes
) -> None:
    response = client.post("/clicks", data=marked.replace(b"^", b""))
    assert response.status_code == 400
    assert json_of(response)["code"] == code
    assert json_of(response)["at"]["offset"] == marked.index(b"^")
    assert not stream.records


ALLOWED: dict[str, tuple[bytes, dict[str, Any]]] = {
    "a byte order mark": (b"\xef\xbb\xbf" + click(b'"x"'), {"title": "x"}),
    "white space of all four kinds": (b' \t\r\n{ "mysfitId"\r:\t"1" \n} \t\r\n', {}),
    "a pair of surrogates": (click(b'"\\ud83d\\ude00"'), {"title": "😀"}),
    "an escaped NUL": (click(b'"a\\u0000b"'), {"title": "a\0b"}),
    "every short escape": (click(rb'"\"\\\/\b\f\n\r\t"'), {"title": '"\\/\b\f\n\r\t'}),
    "a backslash before what looks like a surrogate": (click(b'"\\\\ud83d"'), {"title": "\\ud83d"}),
    "DEL": (click(b'"a\x7fb"'), {"title": "a\x7fb"}),
    "a noncharacter": (click(b'"\\uffff"'), {"title": "\uffff"}),
    "a line separator": (click(b'"\xe2\x80\xa8"'), {"title": "\u2028"}),
    "an escaped name": (b'{"\\u006dysfitId": "1"}', {}),
    "a name twice: the last value wins": (click(b'"x"')[:-1] + b', "title": "y"}', {"title": "y"}),
    "a name twice: the first value is invalid": (b'{"mysfitId": 5, "mysfitId": "1"}', {}),
    "a number that underflows to zero": (
        click(b'{"a": 123.456e-789}', b"properties"),
        {"properties": {"a": "0.0"}},
    ),
    "minus zero": (click(b'{"a": -0, "b": -0.0}', b"properties"), {"properties": {"a": "0", "b": "-0.0"}}),
    "the largest double": (
        click(b'{"a": 1.7976931348623157e308}', b"properties"),
        {"properties": {"a": "1.7976931348623157e308"}},
    ),
    "an integer of 300 digits": (
        click(b'{"a": %s}' % (b"9" * 300), b"properties"),
        {"properties": {"a": "9" * 300}},
    ),
    "an integer that a double cannot hold exactly": (
        click(b'{"a": 9007199254740993}', b"properties"),
        {"properties": {"a": "9007199254740993"}},
    ),
    "all kinds of property": (
        click(b'{"a": "x", "b": 1, "c": 2.5, "d": true, "e": false, "f": null}', b"properties"),
        {"properties": {"a": "x", "b": "1", "c": "2.5", "d": "true", "e": "false"}},
    ),
    "null, which counts as absent": (
        b'{"mysfitId": "1", "userId": null, "type": null, "eventId": null, "occurredAt": null,'
        b' "sessionId": null, "url": null, "referrer": null, "title": null, "element": null,'
        b' "properties": null}',
        {},
    ),
    "empty objects": (click(b'{}, "properties": {}', b"element"), {}),
    "32 arrays deep, in an unknown field": (click(b"[" * 31 + b"1" + b"]" * 31, b"unknown"), {}),
    "a title of 512 characters, of four bytes each": (
        click(b'"%s"' % ("🐉" * 512).encode()),
        {"title": "🐉" * 512},
    ),
}


@pytest.mark.parametrize(("body", "kept"), ALLOWED.values(), ids=ALLOWED)
def test_json_that_rfc_8259_allows_is_accepted(
    client: FlaskClient, stream: MemoryStream, body: bytes, kept: dict[str, Any]
) -> None:
    response = client.post("/clicks", data=body)
    assert response.status_code == 202, json_of(response)
    event_id = json_of(response)["receipts"][0]["eventId"]
    assert stream.click == {"type": "click", "userId": "guest", "mysfitId": "1", "eventId": event_id, **kept}


@pytest.mark.parametrize("body", [b"", b" ", b"\n\t\r ", b"\xef\xbb\xbf", b"[]", b'{"clicks": []}'])
def test_body_without_clicks_is_empty(client: FlaskClient, body: bytes) -> None:
    response = client.post("/clicks", data=body)
    assert (response.status_code, json_of(response)["code"]) == (400, "empty")


@pytest.mark.parametrize(
    "body", [b"5", b'"click"', b"null", b"true", b'{"clicks": 5}', b'{"clicks": {"mysfitId": "1"}}']
)
def test_response_to_other_json_names_the_three_forms(client: FlaskClient, body: bytes) -> None:
    response = client.post("/clicks", data=body)
    assert (response.status_code, json_of(response)["code"]) == (400, "not_clicks")
    assert '{"clicks": [...]}' in json_of(response)["detail"]


def test_position_is_given_as_offset_line_and_column(client: FlaskClient) -> None:
    response = client.post("/clicks", data='{"title": "é",\n "mysfitId": 01}'.encode())
    assert json_of(response)["at"] == {"offset": 30, "line": 2, "column": 15}


def test_response_does_not_quote_the_body(client: FlaskClient) -> None:
    """The page may log it."""
    assert "secret" not in client.post("/clicks", data=json.dumps("secret")[:-1]).text
