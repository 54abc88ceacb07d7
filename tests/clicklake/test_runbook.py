"""docs/operations.md documents every alarm, every error code and every option of the commands."""

import re
from importlib import import_module

import pytest

from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()


def test_every_alarm_is_in_the_runbook() -> None:
    template = (ROOT / "cloudformation" / "alarms.yaml").read_text()
    alarms = re.findall(
        r"^  (\w+):\n    Type: AWS::(?:CloudWatch::Alarm|Events::Rule)", template, re.MULTILINE
    )
    assert alarms
    assert [alarm for alarm in alarms if f"| `{alarm}`" not in PAGE] == []


def test_every_error_code_of_the_local_stream_is_in_the_runbook() -> None:
    folder = ROOT / "clicklake/local/delivery_stream"
    sources = [(folder / name).read_text() for name in ("outcomes.py", "transform.py")]
    codes = {code for source in sources for code in re.findall(r'"(Lambda\.\w+)"', source)}
    assert codes
    assert [code for code in sorted(codes) if f"`{code}`" not in PAGE] == []


@pytest.mark.parametrize("name", ["status", "reconcile", "replay", "reenrich", "erase", "tail"])
def test_every_option_is_in_the_runbook(name: str) -> None:
    command = import_module(f"clicklake.{name}.command").command
    part = PAGE.split(f"### {name}\n")[1].split("\n## ")[0].split("\n### ")[0]
    general = PAGE.split("## Alarms")[0]
    options = [option for parameter in command.params for option in parameter.opts]
    assert [option for option in options if option not in part + general] == []
