"""Where the checkout is: the command reads templates, settings and environments from it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVS = ROOT / ".run" / "envs"
