"""The lake's template, read once."""

from typing import Any

import pytest

from tests.cloudformation.templates import ROOT, load


@pytest.fixture(scope="session")
def lake() -> dict[str, Any]:
    return load(ROOT / "cloudformation" / "template.yaml")
