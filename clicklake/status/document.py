"""A status as JSON, for a monitor. docs/json.md lists the keys."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any

from clicklake.status.parts import Refusal, Status


def to_json(status: Status) -> dict[str, Any]:
    parts = vars(status.lake) | vars(status.aws)
    return {
        "bucket": status.bucket,
        "stage": status.stage,
        "checkedAt": _plain(status.checked_at),
        **{name: None if isinstance(part, Refusal) else _plain(part) for name, part in parts.items()},
        "refused": status.refusals,
        "attention": [_plain(each) for each in status.attention],
    }


def _plain(value: Any) -> Any:
    """Return the value as JSON has it: fields by name in camelCase, times as RFC 3339."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {_camel(field.name): _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {_camel(name): _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
