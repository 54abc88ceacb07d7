"""The environment of the ingest app's function: what a person set stays, the two secrets are made once.

The function is their only place. They are never on a command line, in a file or in a bundle.
"""

import secrets

import boto3

from clicklake.deploy import names

SECRETS = ("VISITOR_KEY", "EDGE_SECRET")
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
