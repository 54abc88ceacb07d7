"""Every environment variable of this bundle: name, unit, default."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from processor.line import RESERVED_NAMES

_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_CATALOGUE_URL = re.compile(
    r"https?://(?:\[[0-9A-Fa-f:.]+\]|[^\[\]/?#{}\s]+)(?::[0-9]+)?[/?][^{}\s]*\{id\}[^{}\s]*"
)


class InvalidSettingError(ValueError):
    """Stops the start; the message names the variable."""


@dataclass(frozen=True)
class Settings:
    item_field: str = "mysfitId"
    catalogue_url: str = ""  # with {id}; empty: there is no catalogue
    catalogue_attributes: tuple[str, ...] = ("goodevil", "lawchaos", "species")
    catalogue_cache_items: int = 10_000
    catalogue_cache_seconds: int = 300  # how long an answer is believed without asking again
    catalogue_unknown_seconds: int = 60  # the same for "no such item": a new item shall be seen soon
    catalogue_stale_seconds: int = 86_400  # how old an answer may be that serves while the catalogue is down
    catalogue_budget_seconds: int = 20  # per batch; never more than a third of the time the function has left
    catalogue_connections: int = 8


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises InvalidSettingError."""
    return Settings(
        item_field=_item_field(environment.get("ITEM_ID_FIELD", Settings.item_field)),
        catalogue_url=_catalogue_url(environment.get("CATALOGUE_URL", Settings.catalogue_url)),
        catalogue_attributes=_attributes(environment),
        catalogue_cache_items=_whole_number(environment, "catalogue_cache_items"),
        catalogue_cache_seconds=_whole_number(environment, "catalogue_cache_seconds"),
        catalogue_unknown_seconds=_whole_number(environment, "catalogue_unknown_seconds"),
        catalogue_stale_seconds=_whole_number(environment, "catalogue_stale_seconds"),
        catalogue_budget_seconds=_whole_number(environment, "catalogue_budget_seconds"),
        catalogue_connections=_whole_number(environment, "catalogue_connections", least=1),
    )


def _item_field(name: str) -> str:
    if name != "itemId":  # what the line itself calls it
        _check_field_name("ITEM_ID_FIELD", name)
    return name


def _attributes(environment: Mapping[str, str]) -> tuple[str, ...]:
    listed = environment.get("CATALOGUE_ATTRIBUTES", ",".join(Settings.catalogue_attributes))
    names = tuple(name.strip() for name in listed.split(",") if name.strip())
    for name in names:
        _check_field_name("CATALOGUE_ATTRIBUTES", name)
    item_field = environment.get("ITEM_ID_FIELD", Settings.item_field)
    if len({name.lower() for name in (item_field, *names)}) < 1 + len(names):
        raise InvalidSettingError("CATALOGUE_ATTRIBUTES names a field twice, or ITEM_ID_FIELD's")
    return names


def _check_field_name(variable: str, name: str) -> None:
    if not _FIELD_NAME.fullmatch(name):
        raise InvalidSettingError(
            f"{variable}: {name!r} is no field name (letters, digits and _, at most 64)"
        )
    if name.lower() in RESERVED_NAMES:
        raise InvalidSettingError(f"{variable}: {name!r} is a field of the line already")


def _catalogue_url(url: str) -> str:
    if url and not _CATALOGUE_URL.fullmatch(url):
        raise InvalidSettingError(
            f"CATALOGUE_URL: {url!r} is no http or https URL with {{id}} once, behind the host"
        )
    return url


def _whole_number(environment: Mapping[str, str], field: str, least: int = 0) -> int:
    variable = field.upper()
    text = environment.get(variable, str(getattr(Settings, field)))
    if not text.isdecimal() or int(text) < least:
        raise InvalidSettingError(f"{variable}: {text!r} is no whole number from {least} on")
    return int(text)
