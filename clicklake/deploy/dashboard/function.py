"""The dashboard's function with its API: deployed on request, and updated from then on."""

import urllib.error
from pathlib import Path

from clicklake.dashboard.access.password import NAME, parse_password
from clicklake.dashboard.deployed.settings import DashboardSettingsError, check_variables
from clicklake.dashboard.shared_state import SharedState
from clicklake.deploy import names
from clicklake.deploy.aws import Aws, DeployError, log
from clicklake.deploy.ingest import environment_of, is_deployed, model_of, put_environment, run_zappa
from clicklake.deploy.packaging.stage_settings import settings_file
from clicklake.deploy.resources.api import throttle_api
from clicklake.deploy.resources.stacks import Stack, delete_stack, deploy_stack
from clicklake.deploy.settings import DASHBOARD, StageSettings
from clicklake.deploy.target import Target
from clicklake.lake.bucket import Lake
from clicklake.lake.loopback import open_url

# A page asks for about 20 panels, and again for each that Athena is still reading. A flood beyond this rate
# takes no executions from the account's other functions.
REQUESTS_PER_SECOND = 50
BURST_REQUESTS = 100
HEALTH_SECONDS = 30
SAME_AS_THE_LAKES = ("LogDays", "KmsKeyArn", "PermissionsBoundary")  # parameters


def has_dashboard(aws: Aws, stage: str) -> bool:
    return is_deployed(aws, names.dashboard(stage))


def check_dashboard(variables: dict[str, str]) -> None:
    """Raise DeployError for a variable that would stop the function's start."""
    try:
        check_variables(variables)
    except DashboardSettingsError as error:
        raise DeployError(str(error)) from None


def deploy_dashboard(target: Target, stage: str, model: str, settings: StageSettings, lake: Stack) -> str:
    """Deploy or update the function. Return the dashboard's address. The password stays as it is."""
    aws, name, bucket = target.aws, names.dashboard(stage), lake.outputs["BucketName"]
    same = {parameter: lake.parameters[parameter] for parameter in SAME_AS_THE_LAKES}
    parameters = {"Stage": stage, "BucketName": bucket} | same | settings.templates[DASHBOARD]
    deploy_stack(aws, names.reader_stack(stage), DASHBOARD, parameters)
    command = "update" if has_dashboard(aws, stage) else "deploy"
    run_zappa(aws, command, names.dashboard_stage(stage), settings_file(stage, model))
    current = environment_of(aws, name)
    if current | settings.dashboard != current:
        put_environment(aws, name, current | settings.dashboard)
    else:
        aws.client("lambda").get_waiter("function_updated_v2").wait(FunctionName=names.zappa(name))
    api_id = throttle_api(
        aws, name, names.dashboard_stage(stage), rate=REQUESTS_PER_SECOND, burst=BURST_REQUESTS
    )
    address = f"{target.api_url(api_id, names.dashboard_stage(stage))}/"
    _check_health(address)
    state = SharedState(Lake(bucket, {}, aws.client("s3")))
    if parse_password(state.read(NAME).document) is None:
        log.info("   nobody can see it yet: clicklake dashboard-password --stage %s", stage)
    return address


def package_dashboard(aws: Aws, stage: str, model: str, target: Path) -> None:
    """Write the package that a deployment would upload."""
    file = settings_file(stage, model)
    run_zappa(aws, "package", names.dashboard_stage(stage), file, "--output", str(target))


def undeploy_dashboard(aws: Aws, stage: str) -> None:
    """Delete the function with its API and its role. The password and the day's bytes stay in the bucket."""
    if has_dashboard(aws, stage):
        file = settings_file(stage, model_of(aws, stage, None))
        run_zappa(aws, "undeploy", names.dashboard_stage(stage), file, "--yes")
    delete_stack(aws, names.reader_stack(stage))


def _check_health(address: str) -> None:
    try:
        with open_url(f"{address}health", timeout=HEALTH_SECONDS):
            return
    except (urllib.error.URLError, TimeoutError) as error:
        raise DeployError(
            f"{address}health does not answer ({error}); the log of the dashboard's function says why"
        ) from error
