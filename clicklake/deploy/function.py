"""The environment of the ingest app's function: what a person set stays, and the secret is made once.

The function is its only place but CloudFront. It is never on a command line, in a file or in a bundle.
"""

import secrets

import boto3

from clicklake.deploy import names

SECRETS = ("EDGE_SECRET",)
OLD_KEY = "VISITOR_KEY"
"""Up to 0.1.0 the key of the visitorId was a variable, and every published version kept it."""
SECRET_BYTES = 32


def set_environment(stage: str, wanted: dict[str, str]) -> dict[str, str]:
    """Merge what is wanted, and the secrets that are missing, into the environment; return all of it."""
    client, name = boto3.client("lambda"), names.zappa(stage)
    client.get_waiter("function_updated_v2").wait(FunctionName=name)  # Zappa's own change must be over
    now = client.get_function_configuration(FunctionName=name).get("Environment", {}).get("Variables", {})
    made = {secret: secrets.token_hex(SECRET_BYTES) for secret in SECRETS if not now.get(secret)}
    merged = now | wanted | made
    if merged != now:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": merged})
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
    return merged


def forget_old_key(stage: str) -> int:
    """Delete the key that 0.1.0 kept: from the environment, and every published version that has it.

    Return how many versions were deleted. The version that an alias needs is deleted by the next deploy.
    """
    client, name = boto3.client("lambda"), names.zappa(stage)
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    now = client.get_function_configuration(FunctionName=name).get("Environment", {}).get("Variables", {})
    if OLD_KEY in now:
        kept = {variable: value for variable, value in now.items() if variable != OLD_KEY}
        client.update_function_configuration(FunctionName=name, Environment={"Variables": kept})
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
    deleted = 0
    for page in client.get_paginator("list_versions_by_function").paginate(FunctionName=name):
        for version in page["Versions"]:
            has_key = OLD_KEY in version.get("Environment", {}).get("Variables", {})
            if has_key and version["Version"] != "$LATEST":
                try:
                    client.delete_function(FunctionName=name, Qualifier=version["Version"])
                    deleted += 1
                except client.exceptions.ResourceConflictException:
                    pass
    return deleted


def reserve_concurrency(stage: str, executions: int) -> str | None:
    """Reserve executions for the function; 0 reserves none. Return why AWS refuses, if it does.

    Zappa removes the reservation at every update, so this comes after it.
    """
    client, name = boto3.client("lambda"), names.zappa(stage)
    if not executions:
        client.delete_function_concurrency(FunctionName=name)
        return None
    try:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=executions)
    except client.exceptions.InvalidParameterValueException as error:  # a new account has only 10 in all
        return str(error)
    return None
