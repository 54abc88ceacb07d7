"""README and the docs agree with each other and with the files beside them."""

import re
from pathlib import Path

import pytest

from clicklake import __version__
from tests.test_readme import DEPLOY, LOCAL, NOT_RUN, README

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
MAX_README_LINES = 150


def text(path: str) -> str:
    return (ROOT / path).read_text()


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that a renderer makes of the headings: lower case, hyphens, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_is_short() -> None:
    assert len(text("README.md").splitlines()) <= MAX_README_LINES


def test_every_section_with_commands_is_run_or_says_why_not() -> None:
    readme = {"Run it", "What you get", "Deploy it"}
    deploy = {"Settings", "By hand", "By hand, production", "Undeploying"}
    local = {"Read the lake", "Run the ingest app alone"}
    assert {*README, *DEPLOY, *LOCAL} == readme | deploy | local | NOT_RUN.keys()


def test_dollars_in_readme_are_those_of_the_performance_page() -> None:
    table = text("README.md").partition("## What it costs")[2].partition("\n## ")[0]
    dollars = re.findall(r"\$(\d+\.\d\d)", table)
    assert len(dollars) == 10
    assert [
        amount for amount in dollars if not re.search(rf"\b{amount}\b", text("docs/performance.md"))
    ] == []


def test_cold_start_in_readme_is_that_of_the_performance_page() -> None:
    (ratio,) = re.findall(r"cold start \| (\S+) of what Zappa's defaults take", text("README.md"))
    (row,) = re.findall(r"^\| Zappa's defaults, Flask \| 28.*$", text("docs/performance.md"), re.MULTILINE)
    assert ratio in row.split(" | ")


def test_readme_counts_the_faults_of_the_faults_page() -> None:
    (counted,) = re.findall(r"(\d+) faults injected, no accepted click lost", text("README.md"))
    rows = re.findall(r"^\| (?!none |fault ).* \| 0 \|$", text("docs/faults.md"), re.MULTILINE)
    assert len(rows) == int(counted)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_its_heading(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)]+))?\)", page.read_text()):
        linked = (page.parent / target) if target else page
        assert linked.exists(), target
        if anchor and linked.suffix == ".md":
            assert anchor in anchors_of(linked), f"{target}#{anchor}"


def test_the_index_of_decisions_lists_every_page() -> None:
    pages = {page.name for page in ROOT.glob("docs/decisions/*.md")} - {"README.md"}
    assert set(re.findall(r"\]\((\w[\w-]*\.md)\)", text("docs/decisions/README.md"))) == pages


def test_the_changelog_begins_with_unreleased_and_dates_each_release() -> None:
    first, *released = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.MULTILINE)
    assert first == "Unreleased"
    assert [each for each in released if not re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", each)] == []


def test_the_version_is_the_same_everywhere() -> None:
    version = __version__
    assert f'\n__version__ = "{version}"\n' in text("ingest_app/__init__.py")
    (of_lake,) = re.findall(
        r"^  Version:\n.*\n    Value: (.+)$", text("cloudformation/lake.yaml"), re.MULTILINE
    )
    assert of_lake == version
    released = re.findall(r"^## (\S+) \(", text("CHANGELOG.md"), re.MULTILINE)
    assert released[0] == version
    assert f" to {version}\n" in text("docs/upgrading.md")


def test_the_release_begins_with_what_those_must_do_who_deployed_the_last() -> None:
    changelog = text("CHANGELOG.md")
    newest, last = re.findall(r"^## (\S+) \(", changelog, re.MULTILINE)[:2]
    begins = changelog.split(f"\n## {newest} ")[1].split("\n", 2)[2]
    assert begins.startswith(f"### If you deployed {last}\n")


def test_the_upgrade_page_or_the_deploy_page_names_every_new_parameter() -> None:
    parameters = re.compile(r"^  (\w+):\n(?:    #.*\n)*    Type: (?:String|Number)$", re.MULTILINE)
    old, new = (
        {*parameters.findall(text(template))}
        for template in ("tests/data/0.1.0/cloudformation/template.yaml", "cloudformation/lake.yaml")
    )
    pages = text("docs/upgrading.md") + text("docs/deploy.md")
    assert new - old
    assert [name for name in sorted(new - old) if f"`{name}`" not in pages] == []


def test_pre_commit_runs_the_ruff_of_the_tests() -> None:
    (pinned,) = re.findall(r"^ruff==(\S+)", text("tests/requirements.txt"), re.MULTILINE)
    assert set(re.findall(r"ruff==([\d.]+)", text(".pre-commit-config.yaml"))) == {pinned}


def test_the_hosted_workflow_checks_every_supported_python() -> None:
    workflow = text(".github/workflows/ci.yml")
    (versions,) = re.findall(r'python: (\["3\.11", "3\.12".*\])', workflow)
    assert versions == '["3.11", "3.12", "3.13", "3.14"]'
    supported = re.findall(r"^\| (3\.\d+(?:, 3\.\d+)*) \|", text("docs/support.md"), re.MULTILINE)
    assert ", ".join(supported) == "3.11, 3.12, 3.13, 3.14"
