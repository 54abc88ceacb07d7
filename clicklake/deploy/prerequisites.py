"""What make prepares: the environments, and the processor's bundle for emulators on this machine."""

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
    """Return the copy of lake.yaml that refers to the processor's bundle for this machine.

    Raises DeployError with the make target that makes both.
    """
    template = STAGE / "cloudformation" / "lake.yaml"
    if not template.exists() or not (STAGE / "build" / "processor").exists():
        raise DeployError(
            f"the processor is not bundled for this machine. In {ROOT}, run: make .run/stage.ready"
        )
    return template
