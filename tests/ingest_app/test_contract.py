"""The code, the OpenAPI description and docs/events.md agree with each other."""

import json
import re
import tomllib
from typing import Any, cast, get_type_hints

import msgspec
import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate

import ingest_app
from ingest_app import clicks, metrics, problems, receipts, sender
from ingest_app.aws import stream
from ingest_app.clicks import ClickInput, Element
from ingest_app.envelope import Envelope
from ingest_app.headers import PREFLIGHT_SECONDS
from ingest_app.parsing import body, lenient, urls
from ingest_app.parsing.redact import DEFAULT_REDACTION
from ingest_app.parsing.strict_json import MAX_DEPTH
from ingest_app.receipts import ClicksResponse, Receipt
from ingest_app.routes import STATUS
from ingest_app.settings import FOREIGN_HOSTS, GPC_MODES, RESERVED_FIELDS, IngestSettings
from tests.ingest_app.conftest import MemoryStream, json_of
from tests.support.paths import ROOT

DOCS: str = (ROOT / "docs" / "events.md").read_text()
OPENAPI: dict[str, Any] = json.loads((ROOT / "ingest_app" / "openapi.json").read_text())
SCHEMAS = OPENAPI["components"]["schemas"]


def section(title: str) -> str:
    """Return a section of docs/events.md without its heading."""
    return DOCS.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def prose(title: str) -> str:
    """Return a section in one line."""
    return " ".join(section(title).split())


def rows(title: str) -> list[list[str]]:
    """Return the cells of every table of a section, without the head rows."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    tables = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    heads = {index - 1 for index, cells in enumerate(tables) if set(cells[0]) <= set("- |")}
    return [cells for index, cells in enumerate(tables) if index not in heads and index - 1 not in heads]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def json_names(struct: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(struct)]


def rule(struct: type[msgspec.Struct], field: str) -> msgspec.Meta:
    """Return the rule that msgspec checks."""
    attribute = {info.encode_name: info.name for info in msgspec.structs.fields(struct)}[field]
    hint = get_type_hints(struct, include_extras=True)[attribute]
    if field == "properties":
        return cast(msgspec.Meta, hint.__metadata__[0])
    (meta,) = [part.__metadata__[0] for part in hint.__args__ if hasattr(part, "__metadata__")]
    assert isinstance(meta, msgspec.Meta)
    return meta


ALIAS = IngestSettings.item_id_field
Rules = dict[str, tuple[type[msgspec.Struct], str]]
RULES: Rules = {name: (ClickInput, name) for name in json_names(ClickInput)}
RULES[ALIAS] = RULES["itemId"]
ELEMENT_RULES: Rules = {f"element.{name}": (Element, name) for name in json_names(Element)}


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


@pytest.mark.parametrize("field", [name for name in RULES if name != "properties"])
def test_example_of_each_field_is_kept_as_documented(
    client: FlaskClient, stream: MemoryStream, field: str
) -> None:
    _, _, _, example, kept = documented_fields()[field]
    sent = json.loads(names(example)[0])
    click = {field: sent} if field in ("itemId", ALIAS) else {"itemId": "1", field: sent}
    response = client.put("/clicks", json=click)
    assert "ignored" not in response.text
    if field == "itemId":
        assert names(kept) == [ALIAS]
        field = ALIAS
    expected = json.loads(names(kept)[0]) if kept.startswith("`") else sent
    assert stream.click[field] == expected


def test_example_of_properties_is_kept_as_documented(client: FlaskClient, stream: MemoryStream) -> None:
    _, _, _, example, kept = documented_fields()["properties"]
    client.put("/clicks", data=f'{{"itemId": "1", "properties": {names(example)[0]}}}')
    assert stream.click["properties"] == json.loads(names(kept)[0])


def test_openapi_has_every_field_with_its_rule() -> None:
    described = {**SCHEMAS["Click"]["properties"]}
    described |= {f"element.{name}": schema for name, schema in SCHEMAS["Element"]["properties"].items()}
    assert described.keys() == RULES.keys() | ELEMENT_RULES.keys()
    for field, (struct, name) in {**RULES, **ELEMENT_RULES}.items():
        meta, schema = rule(struct, name), described[field]
        if field == "properties":
            assert SCHEMAS["Properties"]["maxProperties"] == clicks.MAX_PROPERTIES
        else:
            assert schema.get("maxLength") == meta.max_length, field
            assert schema.get("minLength") == meta.min_length, field
        if field in ("type", "eventId"):
            assert as_ecma(meta.pattern) == schema["pattern"].replace("(?:", "("), field


def as_ecma(pattern: str | None) -> str:
    """Translate Python's anchors into those of ECMAScript, which OpenAPI uses."""
    assert pattern
    return pattern.replace(r"\A", "^").replace(r"\Z", "$").replace("(?:", "(")


def test_openapi_and_code_agree_on_urls() -> None:
    pattern = SCHEMAS["Click"]["properties"]["url"]["pattern"]
    assert SCHEMAS["Click"]["properties"]["referrer"]["pattern"] == pattern
    meta = rule(ClickInput, "url")
    assert as_ecma(meta.pattern).replace(r"\x", r"\u00") == pattern.replace("(?:", "(")


def test_pixel_describes_every_field_that_is_a_string() -> None:
    parameters = OPENAPI["paths"]["/clicks.gif"]["get"]["parameters"]
    described = {parameter["name"]: parameter for parameter in parameters if "name" in parameter}
    assert described.keys() == RULES.keys() - {"element", "properties", ALIAS}
    for name, parameter in described.items():
        schema = SCHEMAS["Click"]["properties"][name]
        for keyword in ("minLength", "maxLength", "pattern", "format"):
            assert parameter["schema"].get(keyword) == schema.get(keyword), name


def test_docs_have_every_reason() -> None:
    documented = prose("A click, field by field")
    for reason in (
        lenient.IS_REQUIRED,
        lenient.IS_UNKNOWN,
        lenient.MUST_BE_AN_OBJECT,
        lenient.MUST_EQUAL_ITEM_ID,
        lenient.MUST_BE_ALLOWED_HOST,
    ):
        assert f"| {reason} |" in documented
    for reason in (lenient.PROPERTY_NAME_REASON, lenient.PROPERTY_VALUE_REASON):
        assert reason in documented


def test_rules_in_words_have_the_numbers_of_the_limits() -> None:
    assert f"1 to {clicks.MAX_ID_CHARACTERS} characters" in str(rule(ClickInput, "userId").description)
    assert f"at most {clicks.MAX_ID_CHARACTERS} characters" in str(rule(ClickInput, "sessionId").description)
    assert f"at most {clicks.MAX_URL_CHARACTERS} characters" in str(rule(ClickInput, "url").description)
    assert f"at most {clicks.MAX_TEXT_CHARACTERS} characters" in str(rule(ClickInput, "title").description)
    assert f"at most {clicks.MAX_PROPERTIES} names" in str(rule(ClickInput, "properties").description)
    assert f"at most {clicks.MAX_TEXT_CHARACTERS} characters" in lenient.PROPERTY_VALUE_REASON
    assert f"at most {clicks.MAX_PROPERTY_NAME_CHARACTERS} characters" in lenient.PROPERTY_NAME_REASON


def test_docs_have_every_limit() -> None:
    limits = {cells[0]: cells[1] for cells in rows("Limits")}
    assert limits == {
        "body": f"{body.MAX_BODY_BYTES // 1024} KiB ({body.MAX_BODY_BYTES} bytes), chunked or not",
        "clicks in a request": str(clicks.MAX_CLICKS),
        "nesting": f"{MAX_DEPTH} levels, including the outermost",
        "`userId`, item id, `sessionId`": f"{clicks.MAX_ID_CHARACTERS} characters",
        "`type`": "64 characters",
        "`url`, `referrer`": (
            f"{clicks.MAX_URL_CHARACTERS} characters after they are cleaned, longer ones are cut"
        ),
        "`title`, each part of `element`, value of a property": f"{clicks.MAX_TEXT_CHARACTERS} characters",
        "properties": f"{clicks.MAX_PROPERTIES} names of {clicks.MAX_PROPERTY_NAME_CHARACTERS} characters",
        "user agent": f"{sender.MAX_AGENT_CHARACTERS} characters, longer ones are cut",
        "errors named in a response": f"{problems.MAX_NAMED_ERRORS} for each click",
    }
    bound = prose("Receipts")
    assert f"at most {receipts.MAX_ANSWER_HEAD_BYTES // 1024} KB" in bound
    assert f"{receipts.MAX_ANSWER_BYTES_PER_CLICK} bytes for each click" in bound
    assert f"at most {receipts.MAX_DETAIL_BYTES // 1024} KB are used" in bound
    assert f"to {problems.MAX_ECHOED_CHARACTERS} characters" in bound
    assert f"cache for {PREFLIGHT_SECONDS} s" in prose("Endpoints")
    assert (
        f"asked up to {stream.MAX_ATTEMPTS} times (connect {stream.CONNECT_TIMEOUT_SECONDS} s, "
        f"read {stream.READ_TIMEOUT_SECONDS} s each, {stream.DEADLINE_SECONDS} s in all)"
    ) in prose("Refusals")


def test_openapi_has_every_limit() -> None:
    assert SCHEMAS["Clicks"]["maxItems"] == clicks.MAX_CLICKS
    assert SCHEMAS["Receipts"]["properties"]["receipts"]["maxItems"] == clicks.MAX_CLICKS
    for method in ("put", "post"):
        described = OPENAPI["paths"]["/clicks"][method]["requestBody"]["description"]
        for limit in (body.MAX_BODY_BYTES, clicks.MAX_CLICKS, MAX_DEPTH):
            assert str(limit) in described
    assert SCHEMAS["Properties"]["propertyNames"]["maxLength"] == clicks.MAX_PROPERTY_NAME_CHARACTERS


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


def test_docs_and_openapi_have_every_member_of_a_response() -> None:
    documented = {name for cells in rows("Receipts") for name in names(cells[0])}
    assert documented == {
        *json_names(ClicksResponse),
        *(f"receipts[].{name}" for name in json_names(Receipt)),
    }
    assert SCHEMAS["Receipts"]["properties"].keys() == set(json_names(ClicksResponse))
    assert SCHEMAS["Receipt"]["properties"].keys() == set(json_names(Receipt))
    members = {name for cells in rows("Refusals") for name in names(cells[3])} - {"index", "reason"}
    always = {"type", "title", "status", "detail", "code", "requestId"}
    assert SCHEMAS["Problem"]["properties"].keys() == members | always


def test_docs_and_openapi_have_every_media_type() -> None:
    """Generators of clients want one schema for one body, so the description names the others in words."""
    media_types = body.MEDIA_TYPES - {""}
    for method in ("put", "post"):
        described = OPENAPI["paths"]["/clicks"][method]["requestBody"]
        assert described["content"].keys() == {"application/json"}
        for media_type in media_types - {"application/json"}:
            assert f"`{media_type}`" in described["description"]
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
    words: dict[Any, str] = {None: "none", False: "`false`", DEFAULT_REDACTION: "`tokens,mails`"}
    defaults = {"CLICK_STREAM": "required", "ALLOWED_ORIGINS": "`*`"}
    for info in IngestSettings.__dataclass_fields__.values():
        variable = info.name.upper()
        if info.name not in ("region", "function_name") and variable not in defaults:
            defaults[variable] = words.get(info.default, f"`{info.default}`")
    assert documented == defaults
    for mode in (*GPC_MODES, *FOREIGN_HOSTS):
        assert f"`{mode}`" in section("Privacy") + section("Settings")
    for mode in GPC_MODES:
        assert f"`{mode}`" in section("Privacy")


def test_docs_have_every_metric() -> None:
    documented = {name for cells in rows("Metrics") for name in names(cells[0])}
    fields = ["type", "userId", "eventId", "itemId", ALIAS, "url", None]
    assert documented == {metrics.refused(code) for code in STATUS} | {
        metrics.rejected(field) for field in fields
    }
    assert f"`{metrics.NAMESPACE}`" in section("Metrics")


def test_docs_have_every_key_of_the_envelope() -> None:
    documented = [name for cells in rows("The envelope") for name in names(cells[0])]
    assert documented == json_names(Envelope)


def test_docs_name_every_campaign_parameter() -> None:
    for name in urls.CAMPAIGN_NAMES | urls.CLICK_IDS:
        assert f"`{name}`" in section("A click, field by field")


def test_docs_say_for_every_field_what_each_gpc_mode_keeps() -> None:
    documented = {name for cells in rows("Privacy") for name in names(cells[0])}
    of_the_envelope = set(json_names(Envelope)) - {"v", "replays", "clicks"}
    of_a_click = RULES.keys() - {"itemId", ALIAS, "element"} | ELEMENT_RULES.keys()
    assert documented == of_a_click | of_the_envelope


def test_item_id_cannot_be_named_like_another_field() -> None:
    assert RULES.keys() - {"itemId", ALIAS} | {"clicks", "sentAt"} == RESERVED_FIELDS


def test_examples_of_the_description_match_the_responses(client: FlaskClient) -> None:
    content = OPENAPI["paths"]["/clicks"]["put"]["requestBody"]["content"]
    for example in content["application/json"]["examples"].values():
        response = client.put("/clicks", json=example["value"])
        assert response.status_code == 202
        assert "ignored" not in response.text
    assert json_of(client.get("/health")) == example_of("/health")
    assert json_of(client.get("/")).keys() == example_of("/").keys()


def example_of(path: str) -> Any:
    return OPENAPI["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["example"]


def test_version_is_the_same_everywhere(client: FlaskClient) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project.get("version", ingest_app.__version__) == ingest_app.__version__
    assert OPENAPI["info"]["version"] == ingest_app.__version__
    assert f'"version":"{ingest_app.__version__}"' in section("Endpoints")
    assert json_of(client.get("/health"))["version"] == ingest_app.__version__


def test_description_is_served_unchanged(client: FlaskClient) -> None:
    assert client.get("/openapi.json").data == (ROOT / "ingest_app" / "openapi.json").read_bytes()


def test_description_is_valid() -> None:
    validate(OPENAPI)
