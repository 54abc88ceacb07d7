import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.enriched_event import RESERVED_NAMES
from processor.settings import InvalidSettingError, ProcessorSettings, from_environment

# What ITEM_ID_PATTERN and the template's ItemIdPattern take. The template cannot see that [z-a] is wrong.
GOOD_PATTERNS = (
    "",
    "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    r"sku-\d+",
    "[A-Za-z0-9_-]{1,64}",
    r"[\w.-]+",
    "p:[^-]{2,}~x@",
    r"v\.1-\w?",
)
BAD_PATTERNS = (
    "(a+)+$",
    "(a|aa)*",
    "a|b",
    "[a-z]+[a-z]+",
    "a*b*",
    "a?" * 20,
    "a{1,20}b{1,20}",
    "a++",
    ".*",
    "(?=a)",
    r"\1",
    r"\s",
    r"\D",
    "[a",
    "[]",
    "a{1000}",
    "a b",
    "é",
    "$a",
    "[a&&b]",
    "[[:alpha:]]",
)


def test_every_setting_has_a_default() -> None:
    settings = from_environment({})
    assert settings == ProcessorSettings()
    assert settings.item_field == "mysfitId"
    assert settings.catalogue_attributes == ("name", "goodevil", "lawchaos", "species")


def test_every_setting_is_read() -> None:
    environment = {
        "ITEM_ID_FIELD": "productId",
        "CATALOGUE_URL": "https://shop.example/products/{id}.json",
        "CATALOGUE_ATTRIBUTES": " price , colour,",
        "CATALOGUE_CACHE_ITEMS": "1",
        "CATALOGUE_CACHE_SECONDS": "2",
        "CATALOGUE_UNKNOWN_SECONDS": "3",
        "CATALOGUE_STALE_SECONDS": "4",
        "CATALOGUE_BUDGET_SECONDS": "5",
        "CATALOGUE_CONNECTIONS": "6",
        "CATALOGUE_IDS_PER_BATCH": "7",
        "CATALOGUE_IDS_PER_ENVELOPE": "8",
        "CATALOGUE_UNKNOWN_PER_BATCH": "9",
        "ITEM_ID_PATTERN": "[a-z]+",
    }
    url = "https://shop.example/products/{id}.json"
    pattern = re.compile("[a-z]+", re.ASCII)
    expected = ProcessorSettings("productId", url, ("price", "colour"), 1, 2, 3, 4, 5, 6, 7, 8, 9, pattern)
    assert from_environment(environment) == expected


def test_a_deployment_may_have_no_attributes() -> None:
    assert from_environment({"CATALOGUE_ATTRIBUTES": ""}).catalogue_attributes == ()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ITEM_ID_FIELD", ""),
        ("ITEM_ID_FIELD", "product id"),
        ("ITEM_ID_FIELD", "1st"),
        ("ITEM_ID_FIELD", "a" * 65),
        ("ITEM_ID_FIELD", "itemid"),  # differs from itemId, which is allowed
        ("CATALOGUE_ATTRIBUTES", "good-evil"),
        ("CATALOGUE_ATTRIBUTES", "itemId"),
        ("CATALOGUE_ATTRIBUTES", "species,species"),
        ("CATALOGUE_ATTRIBUTES", "species,Species"),
        ("CATALOGUE_ATTRIBUTES", "species,mysfitid"),
        ("CATALOGUE_URL", "shop.example/{id}"),
        ("CATALOGUE_URL", "ftp://shop.example/{id}"),
        ("CATALOGUE_URL", "https:///{id}"),
        ("CATALOGUE_URL", "https://shop.example/"),
        ("CATALOGUE_URL", "https://{id}.shop.example/"),
        ("CATALOGUE_URL", "https://shop.example/{id}/{id}"),
        ("CATALOGUE_URL", "https://[shop/{id}"),
        ("CATALOGUE_CACHE_SECONDS", "-1"),
        ("CATALOGUE_CACHE_SECONDS", "soon"),
        ("CATALOGUE_BUDGET_SECONDS", "1.5"),
        ("CATALOGUE_CONNECTIONS", "0"),
        ("CATALOGUE_IDS_PER_BATCH", "1"),
        ("CATALOGUE_IDS_PER_ENVELOPE", "0"),
        ("CATALOGUE_UNKNOWN_PER_BATCH", "0"),
        ("ITEM_ID_PATTERN", "[z-a]"),
        ("ITEM_ID_PATTERN", "[a--z]"),
        ("ITEM_ID_PATTERN", "a{3,2}"),
    ],
)
def test_the_error_for_a_wrong_setting_names_the_variable(variable: str, value: str) -> None:
    with pytest.raises(InvalidSettingError, match=f"^{variable}"):
        from_environment({variable: value})


@pytest.mark.parametrize("variable", ["ITEM_ID_FIELD", "CATALOGUE_ATTRIBUTES"])
def test_no_setting_can_take_the_name_of_a_field(variable: str) -> None:
    for name in [*RESERVED_NAMES, "URL", "skewMs", "DT", "Enrichment"]:
        with pytest.raises(InvalidSettingError, match=name):
            from_environment({variable: name})


def test_the_item_id_may_be_called_item_id() -> None:
    assert from_environment({"ITEM_ID_FIELD": "itemId"}).item_field == "itemId"


@pytest.mark.parametrize("pattern", GOOD_PATTERNS)
def test_a_simple_pattern_for_ids_is_accepted(pattern: str) -> None:
    compiled = from_environment({"ITEM_ID_PATTERN": pattern}).item_id_pattern
    assert (compiled.pattern if compiled else "") == pattern


@pytest.mark.parametrize("pattern", [*BAD_PATTERNS, "a" * 257])
def test_a_pattern_that_strangers_could_make_slow_is_refused(pattern: str) -> None:
    with pytest.raises(
        InvalidSettingError, match=r"^ITEM_ID_PATTERN: .* is not a pattern of at most 256 characters"
    ):
        from_environment({"ITEM_ID_PATTERN": pattern})


pieces = st.sampled_from(["a", "[a-c]", r"\w", "[^-]", "-", "a{3}", r"[\w.]{20}"])
variable = st.sampled_from(["a*", "[a-c]+", r"\w{1,}", "[^-]?", r"[\w.]{1,99}", ""])


@settings(max_examples=200)
@given(
    st.lists(pieces, max_size=12), variable, st.lists(pieces, max_size=12), st.text("abc-.é", max_size=128)
)
def test_no_id_takes_an_accepted_pattern_long(
    before: list[str], one: str, after: list[str], text: str
) -> None:
    compiled = from_environment({"ITEM_ID_PATTERN": "".join([*before, one, *after])}).item_id_pattern
    started = time.thread_time()
    for item_id in (text, "a" * 128, "a" * 127 + "!", "ab" * 64):
        if compiled:
            compiled.fullmatch(item_id)
    assert time.thread_time() - started < 0.01
