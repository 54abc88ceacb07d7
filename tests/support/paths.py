"""Where the checkout and its environments are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVS = ROOT / ".run" / "envs"
