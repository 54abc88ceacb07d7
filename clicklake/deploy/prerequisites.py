"""What make prepares: the environments, and the functions' bundles for emulators on this machine."""

from pathlib import Path

from clicklake.cli.checkout import ENVS, ROOT
from clicklake.deploy.aws import DeployError

STAGE = ROOT / ".run" / "stage"


def environment_python(name: str) -> Path:
    """Return the Python of .run/envs/<name>. Raises DeployError with the make target that installs it."""
    python = ENVS / name / "bin" / "python"
    if not python.exists():
        raise DeployError(f"{ENVS / name} is not installed. In {ROOT}, run: make .run/envs/{name}.ready")
    return python


def emulator_lake_template() -> Path:
    """Return the copy of lake.yaml that refers to the bundles for this machine.

    Raises DeployError with the make target that makes both.
    """
    template = STAGE / "cloudformation" / "lake.yaml"
    bundles = [STAGE / "build" / name for name in ("processor", "keeper")]
    if not all(path.exists() for path in (template, *bundles)):
        raise DeployError(
            f"the functions are not bundled for this machine. In {ROOT}, run: make .run/stage.ready"
        )
    return template
