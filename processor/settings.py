"""The processor's environment variables, with units and defaults."""

import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from processor.enriched_event import GENERIC_ITEM_FIELD, RESERVED_NAMES

_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_CATALOGUE_URL = re.compile(
    r"https?://(?:\[[0-9A-Fa-f:.]+\]|[^\[\]/?#{}\s]+)(?::[0-9]+)?[/?][^{}\s]*\{id\}[^{}\s]*"
)

# What ITEM_ID_PATTERN may say. Strangers choose the ids, so no id may take long. A pattern has at most one
# piece of variable length, no groups and no alternatives. So an id of 128 characters is compared 128 times
# at most. The parameter ItemIdPattern in cloudformation/lake.yaml has the same rule.
MAX_PATTERN_CHARACTERS = 256
_PIECE = r"(?:[A-Za-z0-9_:~@-]|\\[.dw-]|\[\^?(?:[A-Za-z0-9_.:~@-]|\\[.dw-])+\])"
_FIXED = rf"(?:{_PIECE}(?:\{{[0-9]{{1,3}}\}})?)*"
_SAFE_PATTERN = re.compile(
    rf"\^?{_FIXED}(?:{_PIECE}(?:[+*?]|\{{[0-9]{{1,3}},(?:[0-9]{{1,3}})?\}}){_FIXED})?\$?"
)


class InvalidSettingError(ValueError):
    """Stops the start. The message names the variable."""


@dataclass(frozen=True)
class ProcessorSettings:
    item_field: str = "mysfitId"
    catalogue_url: str = ""  # contains {id}; empty means that there is no catalogue
    catalogue_attributes: tuple[str, ...] = ("name", "goodevil", "lawchaos", "species")
    catalogue_cache_items: int = 10_000
    catalogue_cache_seconds: int = 300  # how long a found item counts as fresh
    catalogue_unknown_seconds: int = 60  # the same for "not found", shorter so that new items appear soon
    catalogue_stale_seconds: int = 86_400  # how old an item may be while the catalogue is down
    catalogue_budget_seconds: int = 20  # per batch; at most a third of the function's remaining time
    catalogue_connections: int = 8
    catalogue_ids_per_batch: int = 500  # distinct ids to ask for; at most half of them for old answers
    catalogue_ids_per_envelope: int = 100  # ids that the cache has no answer for
    catalogue_unknown_per_batch: int = 100  # ids without an item, until a batch asks for no more new ids
    item_id_pattern: re.Pattern[str] | None = None  # ids that do not match are never asked


def from_environment(environment: Mapping[str, str] = os.environ) -> ProcessorSettings:
    """Raise InvalidSettingError if a variable breaks its rule."""
    return ProcessorSettings(
        item_field=_item_field(environment.get("ITEM_ID_FIELD", ProcessorSettings.item_field)),
        catalogue_url=_catalogue_url(environment.get("CATALOGUE_URL", ProcessorSettings.catalogue_url)),
        catalogue_attributes=_attributes(environment),
        catalogue_cache_items=_whole_number(environment, "catalogue_cache_items"),
        catalogue_cache_seconds=_whole_number(environment, "catalogue_cache_seconds"),
        catalogue_unknown_seconds=_whole_number(environment, "catalogue_unknown_seconds"),
        catalogue_stale_seconds=_whole_number(environment, "catalogue_stale_seconds"),
        catalogue_budget_seconds=_whole_number(environment, "catalogue_budget_seconds"),
        catalogue_connections=_whole_number(environment, "catalogue_connections", least=1),
        catalogue_ids_per_batch=_whole_number(environment, "catalogue_ids_per_batch", least=2),
        catalogue_ids_per_envelope=_whole_number(environment, "catalogue_ids_per_envelope", least=1),
        catalogue_unknown_per_batch=_whole_number(environment, "catalogue_unknown_per_batch", least=1),
        item_id_pattern=_item_id_pattern(environment.get("ITEM_ID_PATTERN", "")),
    )


def _item_field(name: str) -> str:
    if name != GENERIC_ITEM_FIELD:  # reserved, but not for the item id
        _check_field_name("ITEM_ID_FIELD", name)
    return name


def _attributes(environment: Mapping[str, str]) -> tuple[str, ...]:
    listed = environment.get("CATALOGUE_ATTRIBUTES", ",".join(ProcessorSettings.catalogue_attributes))
    names = tuple(name.strip() for name in listed.split(",") if name.strip())
    for name in names:
        _check_field_name("CATALOGUE_ATTRIBUTES", name)
    item_field = environment.get("ITEM_ID_FIELD", ProcessorSettings.item_field)
    if len({name.lower() for name in (item_field, *names)}) < 1 + len(names):
        raise InvalidSettingError("CATALOGUE_ATTRIBUTES names a field twice, or the field of ITEM_ID_FIELD")
    return names


def _check_field_name(variable: str, name: str) -> None:
    if not _FIELD_NAME.fullmatch(name):
        raise InvalidSettingError(
            f"{variable}: {name!r} is not a field name (a letter, then letters, digits or _; at most 64)"
        )
    if name.lower() in RESERVED_NAMES:
        raise InvalidSettingError(f"{variable}: {name!r} is already a field of the line")


def _catalogue_url(url: str) -> str:
    if url and not _CATALOGUE_URL.fullmatch(url):
        raise InvalidSettingError(
            f"CATALOGUE_URL: {url!r} is not an http or https URL that contains {{id}} once, after the host"
        )
    return url


def _item_id_pattern(text: str) -> re.Pattern[str] | None:
    if not text:
        return None
    if len(text) > MAX_PATTERN_CHARACTERS or not _SAFE_PATTERN.fullmatch(text):
        raise InvalidSettingError(
            f"ITEM_ID_PATTERN: {text!r} is not a pattern of at most {MAX_PATTERN_CHARACTERS} characters. It "
            r"has letters, digits, _ : ~ @ - \. \d \w and [classes], each of them once or {n} times, and "
            "one of them with {m,n}, {m,}, +, * or ?"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as "possible set difference" for [a--z]
            return re.compile(text, re.ASCII)
    except (re.error, FutureWarning) as error:
        raise InvalidSettingError(f"ITEM_ID_PATTERN: {text!r}: {error}") from None


def _whole_number(environment: Mapping[str, str], field: str, least: int = 0) -> int:
    variable = field.upper()
    text = environment.get(variable, str(getattr(ProcessorSettings, field)))
    if not text.isdecimal() or int(text) < least:
        raise InvalidSettingError(f"{variable}: {text!r} is not a whole number of at least {least}")
    return int(text)
