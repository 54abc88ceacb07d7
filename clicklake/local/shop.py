"""The shop whose clicks the local cloud takes: the Mysfits, or one's own items and catalogue.

The rules stand in the bundles' settings and in the template. They are asked before anything starts.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from clicklake.cli.checkout import ROOT
from clicklake.deploy.prerequisites import environment_python
from clicklake.errors import CommandError

EVANGELINE = "4e53920c-505a-4a90-a694-b9300791f0ae"  # an item of the sample site's catalogue
NO_CATALOGUE = "none"
VARIABLES = {
    "ITEM_ID_FIELD": "ItemIdField",
    "CATALOGUE_URL": "CatalogueUrl",
    "CATALOGUE_ATTRIBUTES": "CatalogueAttributes",
}

# Each prints the first rule that the environment breaks.
_INGEST_RULES = "from ingest_app.settings import IngestSettings as s; s.from_environment()"
_PROCESSOR_RULES = "from processor.settings import from_environment; from_environment()"


@dataclass(frozen=True)
class Shop:
    """The three settings as they were given; None stands for the Mysfits' own."""

    item_id_field: str | None = None
    catalogue_url: str | None = None
    catalogue_attributes: str | None = None

    @property
    def is_own(self) -> bool:
        return self != Shop()

    @property
    def item_field(self) -> str:
        return self.item_id_field or "mysfitId"

    def variables(self) -> dict[str, str]:
        """Return the environment variables of the bundles that were given."""
        values = (self.item_id_field, self.catalogue_url, self.catalogue_attributes)
        return {name: value for name, value in zip(VARIABLES, values, strict=True) if value is not None}

    def example_click(self) -> str:
        """Return a click as JSON, for a command to copy."""
        item = "your-item" if self.is_own else EVANGELINE
        return f'{{"userId":"guest","{self.item_field}":"{item}"}}'

    def parameters(self, template: Path, mysfits_catalogue: str) -> dict[str, str]:
        """Return the lake's parameters, all three, since a stack keeps those of the start before."""
        given = self.variables()
        values = {name: given.get(name) or _default(template, VARIABLES[name]) for name in VARIABLES}
        if "CATALOGUE_URL" in given:
            values["CATALOGUE_URL"] = self.catalogue_url or NO_CATALOGUE
        else:  # the Mysfits' catalogue knows no item of another shop
            values["CATALOGUE_URL"] = mysfits_catalogue if self.item_id_field is None else NO_CATALOGUE
        return {VARIABLES[name]: value for name, value in values.items()}

    def check(self, template: Path) -> None:
        """Raise CommandError that names the variable and its rule."""
        given = self.variables()
        if not given:
            return
        _ask_bundle(environment_python("ingest"), _INGEST_RULES, given | {"CLICK_STREAM": "any"})
        none = {"CATALOGUE_URL": ""} if self.catalogue_url == NO_CATALOGUE else {}
        _ask_bundle(Path(sys.executable), _PROCESSOR_RULES, given | none)
        for name, value in given.items():
            pattern, description = _rule(template, VARIABLES[name])
            if value and not re.search(pattern, value):
                raise CommandError(f"{name}={value!r}: {description}")


def _ask_bundle(python: Path, rules: str, variables: dict[str, str]) -> None:
    code = f"import sys\ntry:\n    {rules}\nexcept Exception as error:\n    sys.exit(str(error))"
    done = subprocess.run(
        [python, "-c", code],
        cwd=ROOT,
        env={"PATH": os.defpath, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandError(done.stderr.strip())


def _default(template: Path, parameter: str) -> str:
    return _line(template, parameter, "Default")


def _rule(template: Path, parameter: str) -> tuple[str, str]:
    """Return the parameter's pattern, and its description for people."""
    return _line(template, parameter, "AllowedPattern"), _line(template, parameter, "ConstraintDescription")


def _line(template: Path, parameter: str, name: str) -> str:
    """Return a one-line value of a parameter. (CloudFormation's tags keep a YAML parser out.)"""
    found = re.search(
        rf"^  {parameter}:\n(?:    .*\n)*?    {name}: *(.*)$", template.read_text(), re.MULTILINE
    )
    if found is None:
        raise CommandError(f"{template}: the parameter {parameter} has no {name}")
    return found[1].strip().strip('"')
