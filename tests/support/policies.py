"""Decide what a policy allows, as IAM does for one identity: a denial wins, then a permission, else nothing.

Only what our templates use: actions and resources with `*`, and conditions StringEquals. It fills the key
iam:PermissionsBoundary, which the emulator never does.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any


def allows(
    statements: Iterable[dict[str, Any]], action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    matching = [
        statement["Effect"]
        for statement in statements
        if _is_named(statement["Action"], action.lower())
        and _is_named(statement["Resource"], resource.lower())
        and _holds(statement.get("Condition", {}), context or {})
    ]
    return "Deny" not in matching and "Allow" in matching


def _is_named(patterns: str | list[str], name: str) -> bool:
    listed = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatchcase(name, pattern.lower()) for pattern in listed)


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    assert set(condition) <= {"StringEquals"}, f"unknown condition: {condition}"
    keys = condition.get("StringEquals", {})
    return all(
        context.get(key) in (values if isinstance(values, list) else [values]) for key, values in keys.items()
    )
