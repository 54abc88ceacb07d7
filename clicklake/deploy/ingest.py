"""The ingest app's function: Zappa deploys, updates and deletes it; we set its environment.

The function and CloudFront are the only places where EDGE_SECRET is kept. It is never on a command line, in a
file or in a bundle.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from clicklake.cli.checkout import ROOT
from clicklake.deploy import names
from clicklake.deploy.aws import Aws, DeployError, log, run_tool
from clicklake.deploy.packaging.stage_settings import COMMITTED, MODELS, settings_file
from clicklake.deploy.prerequisites import environment_python
from clicklake.deploy.resources.api import http_api, rest_api

SECRETS = ("EDGE_SECRET",)
OLD_KEY = "VISITOR_KEY"
"""In 0.1.0 the key of the visitorId was a variable, which every published version of the function kept."""
SECRET_BYTES = 32


def model_of(aws: Aws, stage: str, wanted: str | None) -> str:
    """Return which stage of zappa_settings.json this one is like: for a new one the wanted, or dev.

    Raises DeployError if the stage exists and is like another. A stage cannot change the kind of its API.
    """
    if stage in MODELS:
        model = stage
    elif http_api(aws, stage):
        model = "production"
    elif rest_api(aws, stage):
        model = "dev"
    else:
        return wanted or "dev"
    if wanted and wanted != model:
        raise DeployError(f"--like {wanted}: the stage {stage} is like {model}, and its API cannot change")
    return model


def deploy_ingest(aws: Aws, stage: str, model: str) -> None:
    """Deploy or update the function. Its role is one of the lake's stack; 0.1.0 had Zappa make one."""
    if is_deployed(aws, stage):
        forget_old_key(aws, stage)  # before Zappa publishes one more version with it
        run_zappa(aws, "update", stage, settings_file(stage, model))
    else:
        run_zappa(aws, "deploy", stage, settings_file(stage, model))
    _delete_zappas_role(aws, stage)


def package_ingest(aws: Aws, stage: str, model: str, target: Path) -> None:
    """Write the package that a deployment would upload."""
    run_zappa(aws, "package", stage, settings_file(stage, model), "--output", str(target))


def undeploy_ingest(aws: Aws, stage: str) -> None:
    """Delete the function with its API."""
    if is_deployed(aws, stage):
        run_zappa(aws, "undeploy", stage, settings_file(stage, model_of(aws, stage, None)), "--yes")
    _delete_zappas_role(aws, stage)


def _delete_zappas_role(aws: Aws, stage: str) -> None:
    iam, role = aws.client("iam"), names.zappa_role(stage)
    try:
        policies = iam.list_role_policies(RoleName=role)["PolicyNames"]
    except iam.exceptions.NoSuchEntityException:
        return
    for policy in policies:
        aws.cli("iam", "delete-role-policy", "--role-name", role, "--policy-name", policy)
    aws.cli("iam", "delete-role", "--role-name", role)


def is_deployed(aws: Aws, stage: str) -> bool:
    client = aws.client("lambda")
    try:
        client.get_function(FunctionName=names.zappa(stage))
    except client.exceptions.ResourceNotFoundException:
        return False
    return True


def environment_of(aws: Aws, stage: str) -> dict[str, str]:
    """Return the function's environment variables; none if there is no function."""
    client = aws.client("lambda")
    try:
        configuration = client.get_function_configuration(FunctionName=names.zappa(stage))
    except client.exceptions.ResourceNotFoundException:
        return {}
    variables: dict[str, str] = configuration.get("Environment", {}).get("Variables", {})
    return variables


def put_environment(aws: Aws, stage: str, variables: dict[str, str]) -> None:
    """Replace the function's environment, and wait until it is in force. The key of 0.1.0 is left out."""
    client, name = aws.client("lambda"), names.zappa(stage)
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    kept = {variable: value for variable, value in variables.items() if variable != OLD_KEY}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": kept})
    client.get_waiter("function_updated_v2").wait(FunctionName=name)


def set_environment(aws: Aws, stage: str, variables: dict[str, str]) -> dict[str, str]:
    """Merge `variables` and any missing secrets into the function's environment. Return all of it."""
    client, name = aws.client("lambda"), names.zappa(stage)
    client.get_waiter("function_updated_v2").wait(FunctionName=name)  # Zappa's own update must be finished
    current = environment_of(aws, stage)
    new_secrets = {secret: secrets.token_hex(SECRET_BYTES) for secret in SECRETS if not current.get(secret)}
    merged: dict[str, str] = current | variables | new_secrets
    if merged != current:
        put_environment(aws, stage, merged)
    return merged


def forget_old_key(aws: Aws, stage: str) -> None:
    """Delete the key that 0.1.0 kept, from the environment and from every published version.

    A version that an alias refers to stays until the next deployment, when Zappa has moved the alias.
    """
    client, name = aws.client("lambda"), names.zappa(stage)
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    current = environment_of(aws, stage)
    if OLD_KEY in current:
        put_environment(aws, stage, current)
    for page in client.get_paginator("list_versions_by_function").paginate(FunctionName=name):
        for version in page["Versions"]:
            has_key = OLD_KEY in version.get("Environment", {}).get("Variables", {})
            if has_key and version["Version"] != "$LATEST":
                with suppress(client.exceptions.ResourceConflictException):
                    client.delete_function(FunctionName=name, Qualifier=version["Version"])


def reserve_concurrency(aws: Aws, stage: str, executions: int) -> str | None:
    """Reserve executions for the function; 0 reserves none. Return why AWS refuses, if it does.

    Zappa removes the reservation at every update, so this comes after it.
    """
    client, name = aws.client("lambda"), names.zappa(stage)
    if not executions:
        client.delete_function_concurrency(FunctionName=name)
        return None
    try:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=executions)
    except client.exceptions.InvalidParameterValueException as error:  # a new account has only 10 in all
        return str(error)
    return None


def run_zappa(aws: Aws, command: str, stage: str, file: Path, *options: str) -> None:
    """Run Zappa in the environment that it packs, which it requires to be the active one.

    `stage` is one of Zappa's: that of the ingest app, or of its dashboard.
    """
    named = ["-s", str(file.relative_to(ROOT))] if file != COMMITTED else []
    arguments = [command, stage, *named, *options]
    shown = " ".join(["zappa", *arguments])
    log.info("   $ %s", shown)
    python = environment_python("ingest")
    path = os.pathsep.join([str(python.parent), aws.environment.get("PATH", os.defpath)])
    active = dict(aws.environment) | {"VIRTUAL_ENV": str(python.parents[1]), "PATH": path}
    run_tool([python, "-m", "zappa.cli", *arguments], shown, active, cwd=ROOT)
