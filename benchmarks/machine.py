"""What the figures were measured on, and the two cores: one for what is measured, one for all else."""

import os
import platform
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVS = ROOT / ".run" / "envs"
SUBJECTS_CORE = 1
OTHER_CORE = 0

# The Python that made the environments, without any of them: a bundle brings all that it needs.
PYTHON = sys._base_executable  # type: ignore[attr-defined]


def pinned(core: int) -> list[str]:
    """What to put before a command; nothing where cores cannot be chosen (macOS) or there is one."""
    if shutil.which("taskset") is None or (os.cpu_count() or 1) < 2:
        return []
    return ["taskset", "--cpu-list", str(core)]


def describe() -> dict[str, str]:
    return {
        "processor": f"{os.cpu_count()} × {_processor_name()}",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def versions(requirements: str, *names: str) -> dict[str, str]:
    """The pins of `names` in a file of this folder, which the environments are made of."""
    pins = dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / requirements).read_text(), re.MULTILINE))
    return {name: pins[name] for name in names}


def _processor_name() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()
