"""`deploy --plan`: find out what a deployment would change, and change nothing.

CloudFormation says what it would do, in a change set that is deleted again. A stack that does not exist is
listed with its resources, since a change set would create it. Of a function's code the files are compared.
"""

import io
import tempfile
import urllib.request
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import click
from botocore.exceptions import ClientError, WaiterError

from clicklake.deploy import names
from clicklake.deploy.aws import Aws
from clicklake.deploy.checks import parse_template
from clicklake.deploy.dashboard.function import has_dashboard, package_dashboard
from clicklake.deploy.ingest import SECRETS, environment_of, package_ingest
from clicklake.deploy.packaging.keeper_bundle import bundle_keeper
from clicklake.deploy.packaging.processor_bundle import bundle_processor
from clicklake.deploy.resources.stacks import compact_template, find_stack
from clicklake.deploy.settings import ALARMS, DASHBOARD, LAKE, SITE, StageSettings
from clicklake.deploy.target import Target

# CodeUri of each function in lake.yaml; a deployed template has the upload's address.
LOCAL_CODE = {"Processor": "../build/processor", "Keeper": "../build/keeper"}
CODE_SECONDS = 60


class CodeChange(NamedTuple):
    """A function's package against the one that is deployed. Compiled files are not listed."""

    package: str
    """A hash of its files."""
    files: int
    is_new: bool
    changed: list[str]
    added: list[str]
    removed: list[str]

    def document(self) -> dict[str, Any]:
        """Return the change as JSON prints it."""
        fields = self._asdict()
        return {"isNew": fields.pop("is_new"), **fields}


class DeploymentPlan(NamedTuple):
    stacks: dict[str, list[str]]
    """By stack: what CloudFormation would change, in words."""
    functions: dict[str, CodeChange]
    settings: dict[str, dict[str, str | None]]
    """Variables of both apps that would change, `before` and `after`; never a secret."""


def make_plan(
    target: Target, stage: str, model: str, settings: StageSettings, *, with_dashboard: bool = False
) -> DeploymentPlan:
    stacks = {
        LAKE: names.lake_stack(stage),
        SITE: names.site_stack(stage),
        ALARMS: names.alarms_stack(stage),
    }
    is_shown = with_dashboard or has_dashboard(target.aws, stage)
    if is_shown:
        stacks[DASHBOARD] = names.reader_stack(stage)
    changes = {
        stack: [*_stack_changes(target.aws, template, stack, settings.templates[template])]
        for template, stack in stacks.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        processor, keeper, ingest = (Path(folder) / name for name in ("processor", "keeper", "ingest.zip"))
        machine = None if target.is_emulator else _architecture(target.aws, stage, settings)
        bundle_processor(processor, machine)
        bundle_keeper(keeper, machine)
        package_ingest(target.aws, stage, model, ingest)
        packages = {
            f"clicklake-processor-{stage}": _files_of_folder(processor),
            f"clicklake-keeper-{stage}": _files_of_folder(keeper),
            names.zappa(stage): _files_of_zip(ingest.read_bytes()),
        }
        if is_shown:
            dashboard = Path(folder) / "dashboard.zip"
            package_dashboard(target.aws, stage, model, dashboard)
            packages[names.zappa(names.dashboard(stage))] = _files_of_zip(dashboard.read_bytes())
    functions = {name: _code_change(target.aws, name, files) for name, files in packages.items()}
    changed = _changed_settings(environment_of(target.aws, stage), settings.ingest)
    changed |= _changed_settings(environment_of(target.aws, names.dashboard(stage)), settings.dashboard)
    return DeploymentPlan(changes, functions, changed)


def lines_of(plan: DeploymentPlan) -> Iterator[str]:
    """Yield the plan in words."""
    for stack, changes in plan.stacks.items():
        yield f"\n{stack}"
        yield from (f"   {change}" for change in changes)
    for function, code in plan.functions.items():
        yield f"\n{function}\n   package {code.package}, {code.files} files"
        if code.is_new:
            yield "   new"
        for word in ("changed", "added", "removed"):
            yield from (f"   {word} {name}" for name in getattr(code, word))
        if not (code.is_new or code.changed or code.added or code.removed):
            yield "   no change"
    for name, change in plan.settings.items():
        before = "not set" if change["before"] is None else repr(change["before"])
        yield f"   {name}: {before} becomes {change['after']!r}"


def _architecture(aws: Aws, stage: str, settings: StageSettings) -> str:
    stack = find_stack(aws, names.lake_stack(stage))
    current = stack.parameters["Architecture"] if stack else "arm64"
    return settings.templates[LAKE].get("Architecture", current)


def _stack_changes(aws: Aws, template: Path, name: str, parameters: Mapping[str, str]) -> Iterator[str]:
    before = find_stack(aws, name)
    if before is None:
        resources = parse_template(template.read_text())["Resources"]
        yield f"new, with up to {len(resources)} resources: {', '.join(resources)}"
        return
    for parameter, value in parameters.items():
        if before.parameters.get(parameter) != value:
            yield f"{parameter}: {before.parameters.get(parameter, 'not set')!r} becomes {value!r}"
    changes = _change_set(aws, template, name, before.parameters, parameters)
    for change in changes:
        resource = change["ResourceChange"]
        replaced = ", replaced" if resource.get("Replacement") == "True" else ""
        kind = f"{resource['ResourceType']}{replaced}"
        yield f"{resource['Action'].lower()} {resource['LogicalResourceId']} ({kind})"
    if not changes:
        yield "no change"


def _change_set(
    aws: Aws, template: Path, name: str, current: Mapping[str, str], parameters: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the changes of a change set, which is deleted again."""
    client, change_set = aws.client("cloudformation"), f"plan-{uuid.uuid4()}"
    body = compact_template(template)
    if any(code in body for code in LOCAL_CODE.values()):
        deployed = client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        parsed = deployed if isinstance(deployed, dict) else parse_template(deployed)
        for function, code in LOCAL_CODE.items():
            # A function that the stack does not have yet is new, whatever its code.
            deployed_as = parsed["Resources"].get(function) or parsed["Resources"]["Processor"]
            body = body.replace(code, _code_uri(deployed_as["Properties"]))
    known = parse_template(template.read_text())["Parameters"]
    values = [
        {"ParameterKey": key, "ParameterValue": parameters[key]}
        if key in parameters
        else {"ParameterKey": key, "UsePreviousValue": True}
        for key in known
        if key in parameters or key in current
    ]
    where = {"StackName": name, "ChangeSetName": change_set}
    client.create_change_set(
        **where,
        ChangeSetType="UPDATE",
        TemplateBody=body,
        Parameters=values,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    try:
        client.get_waiter("change_set_create_complete").wait(**where, WaiterConfig={"Delay": 2})
        changes: list[dict[str, Any]] = client.describe_change_set(**where)["Changes"]
        return changes
    except WaiterError:
        described = client.describe_change_set(**where)
        if "didn't contain changes" in described["StatusReason"] or "No updates" in described["StatusReason"]:
            return []
        raise click.ClickException(f"{name}: {described['StatusReason']}") from None
    finally:
        client.delete_change_set(**where)


def _code_uri(function: Mapping[str, Any]) -> str:
    """Return the upload's address; an emulator gives the template as the transform made it."""
    if "CodeUri" in function:
        return str(function["CodeUri"])
    return f"s3://{function['Code']['S3Bucket']}/{function['Code']['S3Key']}"


def _code_change(aws: Aws, function: str, files: Mapping[str, str]) -> CodeChange:
    deployed = _deployed_files(aws, function)
    known = deployed or {}
    changed = (name for name in files.keys() & known.keys() if files[name] != known[name])
    added = files.keys() - known.keys() if deployed is not None else ()
    removed = known.keys() - files.keys()
    return CodeChange(
        _hash_of(files), len(files), deployed is None, *map(_without_compiled, (changed, added, removed))
    )


def _without_compiled(files: Iterable[str]) -> list[str]:
    return sorted(name for name in files if not name.endswith(".pyc"))


def _deployed_files(aws: Aws, function: str) -> dict[str, str] | None:
    client = aws.client("lambda")
    try:
        location = client.get_function(FunctionName=function)["Code"]["Location"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    with urllib.request.urlopen(location, timeout=CODE_SECONDS) as answer:  # noqa: S310 (AWS's own address)
        return _files_of_zip(answer.read())


def _files_of_zip(packed: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {
            entry.filename: sha256(archive.read(entry)).hexdigest()
            for entry in archive.infolist()
            if not entry.is_dir()
        }


def _files_of_folder(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def _hash_of(files: Mapping[str, str]) -> str:
    return sha256("".join(f"{name} {files[name]}\n" for name in sorted(files)).encode()).hexdigest()[:16]


def _changed_settings(
    before: Mapping[str, str], changes: Mapping[str, str]
) -> dict[str, dict[str, str | None]]:
    return {
        name: {"before": before.get(name), "after": value}
        for name, value in changes.items()
        if before.get(name) != value and name not in SECRETS
    }
