"""A template's values as CloudFormation resolves them, for what the emulator cannot deploy."""

import re
from typing import Any

ACCOUNT = "000000000000"
REGION = "us-east-1"


def resolve(value: Any, names: dict[str, str]) -> Any:
    """Put `names` (of `Ref`s, of `GetAtt`s as `Name.Attribute`, of what `Sub` holds) in their places."""
    if isinstance(value, list):
        return [resolve(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    match list(value.items()):
        case [("Ref", name)]:
            return names[name]
        case [("Fn::GetAtt", [name, attribute])]:
            return names[f"{name}.{attribute}"]
        case [("Fn::Sub", str(text))]:
            return re.sub(r"\$\{([^}]+)\}", lambda found: names[found[1]], text)
    return {key: resolve(inner, names) for key, inner in value.items()}


def names_of(stack: str) -> dict[str, str]:
    """What AWS knows of a stack by itself."""
    return {
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack}/0",
        "AWS::StackName": stack,
    }
