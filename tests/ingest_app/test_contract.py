"""Code, OpenAPI and docs/events.md agree: fields, limits, statuses, codes, reasons, settings, metrics."""

import json
import re
import tomllib
from typing import Any, get_type_hints

import msgspec
import pytest
from flask.testing import FlaskClient

import ingest_app
from ingest_app import body, clicks, metrics, salvage, sender, stream, urls
from ingest_app.clicks import Element, SentClick
from ingest_app.envelope import Envelope
from ingest_app.headers import PREFLIGHT_SECONDS
from ingest_app.json_text import MAX_DEPTH
from ingest_app.receipts import Answer, Receipt
from ingest_app.routes import STATUS
from ingest_app.settings import GPC_MODES, RESERVED_FIELDS, Settings
from tests.support.paths import ROOT

DOCS = (ROOT / "docs" / "events.md").read_text()
OPENAPI: dict[str, Any] = json.loads((ROOT / "ingest_app" / "openapi.json").read_text())
SCHEMAS = OPENAPI["components"]["schemas"]


def section(title: str) -> str:
    """Of docs/events.md, without its heading."""
    return DOCS.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def prose(title: str) -> str:
    """The same in one line."""
    return " ".join(section(title).split())


def rows(title: str) -> list[list[str]]:
    """The cells of every table of a section, without heads and rules."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    tables = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    heads = {index - 1 for index, cells in enumerate(tables) if set(cells[0]) <= set("- |")}
    return [cells for index, cells in enumerate(tables) if index not in heads and index - 1 not in heads]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def json_names(struct: type[msgspec.Struct]) -> list[str]:
    named = [field.encode_name for field in msgspec.structs.fields(struct)]
    return ["mysfitId" if name == "itemId" else name for name in named]


def rule(struct: type[msgspec.Struct], field: str) -> msgspec.Meta:
    """What msgspec checks of a field."""
    attribute = {info.encode_name: info.name for info in msgspec.structs.fields(struct)}[field]
    hint = get_type_hints(struct, include_extras=True)[attribute]
    (meta,) = [part.__metadata__[0] for part in hint.__args__ if hasattr(part, "__metadata__")]
    assert isinstance(meta, msgspec.Meta)
    return meta


RULES = {
    **{name: (SentClick, name) for name in json_names(SentClick) if name != "mysfitId"},
    "mysfitId": (SentClick, "itemId"),
}
ELEMENT_RULES = {f"element.{name}": (Element, name) for name in json_names(Element)}


def documented_fields() -> dict[str, list[str]]:
    return {
        name: cells
        for cells in rows("A click, field by field")
        if len(cells) == 5
        for name in names(cells[0])
    }


def test_docs_have_every_field_with_its_rule() -> None:
    assert documented_fields().keys() == RULES.keys() | ELEMENT_RULES.keys()
    for field, (struct, name) in {**RULES, **ELEMENT_RULES}.items():
        assert documented_fields()[field][2] == rule(struct, name).description, field


@pytest.mark.parametrize("field", [name for name in RULES if name not in ("properties",)])
def test_example_of_each_field_is_kept_as_documented(client: FlaskClient, stream: Any, field: str) -> None:
    _, _, _, example, kept = documented_fields()[field]
    sent = json.loads(names(example)[0])
    answer = client.put("/clicks", json={"mysfitId": "1", field: sent})
    assert "ignored" not in answer.text
    expected = json.loads(names(kept)[0]) if names(kept) else sent
    assert stream.click[field] == expected


def test_example_of_properties_is_kept_as_documented(client: FlaskClient, stream: Any) -> None:
    _, _, _, example, kept = documented_fields()["properties"]
    client.put("/clicks", data=f'{{"mysfitId": "1", "properties": {names(example)[0]}}}')
    assert stream.click["properties"] == json.loads(names(kept)[0])


def test_openapi_has_every_field_with_its_rule() -> None:
    described = {**SCHEMAS["Click"]["properties"]}
    described |= {f"element.{name}": schema for name, schema in SCHEMAS["Element"]["properties"].items()}
    assert described.keys() == RULES.keys() | ELEMENT_RULES.keys()
    for field, (struct, name) in {**RULES, **ELEMENT_RULES}.items():
        meta, schema = rule(struct, name), described[field]
        if field == "properties":
            assert schema["maxProperties"] == meta.max_length
        else:
            assert schema.get("maxLength") == meta.max_length, field
            assert schema.get("minLength") == meta.min_length, field
        if field in ("type", "eventId"):
            assert as_ecma(meta.pattern) == schema["pattern"].replace("(?:", "("), field


def as_ecma(pattern: str | None) -> str:
    """Python's anchors as ECMAScript's, which OpenAPI means."""
    assert pattern
    return pattern.replace(r"\A", "^").replace(r"\Z", "$").replace("(?:", "(")


def test_openapi_and_code_agree_on_urls() -> None:
    pattern = SCHEMAS["Click"]["properties"]["url"]["pattern"]
    assert SCHEMAS["Click"]["properties"]["referrer"]["pattern"] == pattern
    meta = rule(SentClick, "url")
    assert as_ecma(meta.pattern).replace(r"\x", r"\u00") == pattern.replace("(?:", "(")


def test_pixel_takes_every_field_that_is_a_string() -> None:
    parameters = OPENAPI["paths"]["/clicks.gif"]["get"]["parameters"]
    described = {parameter["name"]: parameter for parameter in parameters if "name" in parameter}
    assert described.keys() == RULES.keys() - {"element", "properties"}
    for name, parameter in described.items():
        schema = SCHEMAS["Click"]["properties"][name]
        for keyword in ("minLength", "maxLength", "pattern", "format"):
            assert parameter["schema"].get(keyword) == schema.get(keyword), name


def test_docs_have_every_reason() -> None:
    documented = prose("A click, field by field")
    for reason in (salvage.IS_REQUIRED, salvage.IS_UNKNOWN, salvage.MUST_BE_AN_OBJECT):
        assert f"| {reason} |" in documented
    for reason in (salvage.PROPERTY_NAME_REASON, salvage.PROPERTY_VALUE_REASON):
        assert reason in documented


def test_words_of_the_rules_have_the_numbers_of_the_limits() -> None:
    assert f"1 to {clicks.MAX_ID_CHARACTERS} characters" in str(rule(SentClick, "userId").description)
    assert f"at most {clicks.MAX_ID_CHARACTERS} characters" in str(rule(SentClick, "sessionId").description)
    assert f"at most {clicks.MAX_URL_CHARACTERS} characters" in str(rule(SentClick, "url").description)
    assert f"at most {clicks.MAX_TEXT_CHARACTERS} characters" in str(rule(SentClick, "title").description)
    assert f"at most {clicks.MAX_PROPERTIES} names" in str(rule(SentClick, "properties").description)
    assert f"at most {clicks.MAX_TEXT_CHARACTERS} characters" in salvage.PROPERTY_VALUE_REASON
    assert f"at most {clicks.MAX_PROPERTY_NAME_CHARACTERS} characters" in salvage.PROPERTY_NAME_REASON


def test_docs_have_every_limit() -> None:
    limits = {cells[0]: cells[1] for cells in rows("Limits")}
    assert limits == {
        "body": f"{body.MAX_BODY_BYTES // 1024} KiB ({body.MAX_BODY_BYTES} bytes), chunked or not",
        "clicks in a request": str(clicks.MAX_CLICKS),
        "nesting": f"{MAX_DEPTH} levels, the outermost included",
        "`userId`, the item's id, `sessionId`": f"{clicks.MAX_ID_CHARACTERS} characters",
        "`type`": "64 characters",
        "`url`, `referrer`": f"{clicks.MAX_URL_CHARACTERS} characters, before they are cleaned",
        "`title`, each of `element`, a property's value": f"{clicks.MAX_TEXT_CHARACTERS} characters",
        "properties": f"{clicks.MAX_PROPERTIES} names of {clicks.MAX_PROPERTY_NAME_CHARACTERS} characters",
        "user agent": f"cut after {sender.MAX_AGENT_CHARACTERS} characters",
    }
    assert f"remember for {PREFLIGHT_SECONDS} s" in prose("Endpoints")
    assert (
        f"asked up to {stream.MAX_ATTEMPTS} times (connect {stream.CONNECT_TIMEOUT_SECONDS} s, "
        f"read {stream.READ_TIMEOUT_SECONDS} s each, {stream.TOTAL_SECONDS} s in all)"
    ) in prose("Refusals")


def test_openapi_has_every_limit() -> None:
    assert SCHEMAS["Clicks"]["maxItems"] == clicks.MAX_CLICKS
    assert SCHEMAS["Receipts"]["properties"]["receipts"]["maxItems"] == clicks.MAX_CLICKS
    for method in ("put", "post"):
        described = OPENAPI["paths"]["/clicks"][method]["requestBody"]["description"]
        for limit in (body.MAX_BODY_BYTES, clicks.MAX_CLICKS, MAX_DEPTH):
            assert str(limit) in described
    assert (
        SCHEMAS["Click"]["properties"]["properties"]["propertyNames"]["maxLength"]
        == clicks.MAX_PROPERTY_NAME_CHARACTERS
    )


def test_docs_and_openapi_have_every_code_and_status() -> None:
    documented = {names(cells[1])[0]: int(cells[0]) for cells in rows("Refusals")}
    assert documented == STATUS
    assert set(SCHEMAS["Problem"]["properties"]["code"]["enum"]) == set(STATUS)
    described = {
        code: response["content"]["application/problem+json"]["example"]["status"]
        for response in OPENAPI["components"]["responses"].values()
        if "application/problem+json" in response.get("content", {})
        for code in names(response["description"])
        if code in STATUS
    }
    assert described == STATUS


def test_docs_and_openapi_have_every_member_of_an_answer() -> None:
    documented = {name for cells in rows("Receipts") for name in names(cells[0])}
    assert documented == {*json_names(Answer), *(f"receipts[].{name}" for name in json_names(Receipt))}
    assert SCHEMAS["Receipts"]["properties"].keys() == set(json_names(Answer))
    assert SCHEMAS["Receipt"]["properties"].keys() == set(json_names(Receipt))
    members = {name for cells in rows("Refusals") for name in names(cells[3])} - {"index", "reason"}
    always = {"type", "title", "status", "detail", "code", "requestId"}
    assert SCHEMAS["Problem"]["properties"].keys() == members | always


def test_docs_and_openapi_have_every_media_type() -> None:
    media_types = body.MEDIA_TYPES - {""}
    for method in ("put", "post"):
        assert OPENAPI["paths"]["/clicks"][method]["requestBody"]["content"].keys() == media_types
    for media_type in media_types:
        assert f"`{media_type}`" in section("Endpoints")


def test_docs_and_openapi_have_every_endpoint(client: FlaskClient) -> None:
    served = {
        (rule.rule, method)
        for rule in client.application.url_map.iter_rules()
        for method in rule.methods or ()
    }
    described = {(path, method.upper()) for path, methods in OPENAPI["paths"].items() for method in methods}
    assert served == described
    documented = " ".join(cells[0] for cells in rows("Endpoints"))
    for path, method in served - {(path, method) for path, method in served if method in ("OPTIONS", "HEAD")}:
        assert f"{method} {path}" in documented


def test_docs_have_every_setting_with_its_default() -> None:
    documented = {names(cells[0])[0]: cells[1] for cells in rows("Settings")}
    words = {None: "none", False: "`false`"}
    defaults = {"CLICK_STREAM": "required", "ALLOWED_ORIGINS": "`*`"}
    for info in Settings.__dataclass_fields__.values():
        variable = info.name.upper()
        if info.name not in ("region", "function_name") and variable not in defaults:
            defaults[variable] = words.get(info.default, f"`{info.default}`")
    assert documented == defaults
    for mode in GPC_MODES:
        assert f"`{mode}`" in section("Privacy")


def test_docs_have_every_metric() -> None:
    documented = {name for cells in rows("Counts") for name in names(cells[0])}
    fields = ["type", "userId", "eventId", "mysfitId", None]
    assert documented == {metrics.refused(code) for code in STATUS} | {
        metrics.rejected(field) for field in fields
    }
    assert f"`{metrics.NAMESPACE}`" in section("Counts")


def test_docs_have_every_key_of_the_envelope() -> None:
    documented = [name for cells in rows("The envelope") for name in names(cells[0])]
    assert documented == json_names(Envelope)


def test_docs_name_every_campaign_parameter() -> None:
    for name in urls.CLICK_IDS:
        assert f"`{name}`" in section("A click, field by field")


def test_docs_say_of_every_field_what_privacy_keeps() -> None:
    said = {name for cells in rows("Privacy") for name in names(cells[0])}
    head = set(json_names(Envelope)) - {"v", "replays", "clicks"}
    assert RULES.keys() - {"mysfitId", "element"} | ELEMENT_RULES.keys() | head == said


def test_no_field_can_take_the_item_s_name() -> None:
    assert RULES.keys() - {"mysfitId"} | {"clicks", "sentAt"} == RESERVED_FIELDS


def test_examples_of_the_description_are_what_the_app_answers(client: FlaskClient) -> None:
    content = OPENAPI["paths"]["/clicks"]["put"]["requestBody"]["content"]
    for example in content["application/json"]["examples"].values():
        answer = client.put("/clicks", json=example["value"])
        assert answer.status_code == 202
        assert "ignored" not in answer.text
    assert client.get("/health").json == example_of("/health")
    assert client.get("/").json.keys() == example_of("/").keys()


def example_of(path: str) -> Any:
    return OPENAPI["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["example"]


def test_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert ingest_app.__version__ == project["version"] == OPENAPI["info"]["version"]
    assert f'"version":"{ingest_app.__version__}"' in section("Endpoints")


def test_description_is_served_as_it_lies(client: FlaskClient) -> None:
    assert client.get("/openapi.json").data == (ROOT / "ingest_app" / "openapi.json").read_bytes()


def test_description_is_valid() -> None:
    from openapi_spec_validator import validate

    validate(OPENAPI)
