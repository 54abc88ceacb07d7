"""Resolve a template's values as CloudFormation does, for what the emulator cannot deploy."""

import re
from typing import Any

ACCOUNT = "000000000000"
REGION = "us-east-1"
NO_VALUE = object()


def resolve(value: Any, names: dict[str, str]) -> Any:
    """Replace `Ref`, `GetAtt` (as `Name.Attribute`) and the variables of `Sub` with the values in `names`.

    A condition holds if it is in `names`.
    """
    if isinstance(value, list):
        items = [resolve(item, names) for item in value]
        return [item for item in items if item != NO_VALUE]
    if not isinstance(value, dict):
        return value
    match list(value.items()):
        case [("Ref", "AWS::NoValue")]:
            return NO_VALUE
        case [("Fn::If", [condition, if_true, if_false])]:
            return resolve(if_true if condition in names else if_false, names)
        case [("Ref", name)]:
            return names[name]
        case [("Fn::GetAtt", [name, attribute])]:
            return names[f"{name}.{attribute}"]
        case [("Fn::Sub", str(text))]:
            return re.sub(r"\$\{([^}]+)\}", lambda found: names[found[1]], text)
    resolved = {key: resolve(inner, names) for key, inner in value.items()}
    return {key: inner for key, inner in resolved.items() if inner is not NO_VALUE}


def names_of(stack: str) -> dict[str, str]:
    """Return the pseudo parameters of a stack."""
    return {
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack}/0",
        "AWS::StackName": stack,
    }
