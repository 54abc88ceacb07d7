"""Where the checkout is: the command reads templates, settings and environments from it."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVS = ROOT / ".run" / "envs"


def checkout_version() -> str:
    """Return the version of this checkout. It is read as text: the ingest app's package imports Flask."""
    source = (ROOT / "ingest_app" / "__init__.py").read_text()
    found = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    assert found, "ingest_app/__init__.py names no version"
    return found[1]
