"""A figure that several files state is the same in each; one in a link stands where the link leads."""

import gzip
import re
from pathlib import Path

import pytest

from tests.test_pages import PAGES, ROOT, text

FILES = [
    *PAGES,
    *ROOT.glob("cloudformation/*.yaml"),
    *(file for room in ("clicklake", "ingest_app", "processor") for file in ROOT.glob(f"{room}/**/*.py")),
]

# How a figure is stated, with the figure as the group. Add a row whenever a second place states a figure.
STATED = {
    "dollars of a million clicks in the workshop's design": [
        r"[Ww]orkshop(?:'s design)?:? (?:no batches.*)?\$(\d+\.\d\d)",
        r"in the workshop\*: .* \$(\d+\.\d\d) per million",
        r"the workshop's design: REST API to Firehose, 1 a request \|.* (\d+\.\d\d) \|$",
    ],
    "dollars of an idle month": [
        r"\$(\d\.\d\d) a month[^.|]*, for the alarms",
        r"the alarms cost at most (\d\.\d\d) USD a month",
        r"at most (\d\.\d\d) USD a month for the alarms",
        r"A stage without traffic costs about \$(\d\.\d\d) a month",
        r"about \$(\d\.\d\d) a month when idle",
    ],
    "megabytes of the ingest app's package": [r"\[(\d\.\d) MB (?:zipped|instead)"],
    "cold start as a part of what Zappa's defaults take": [
        r"cold start \| (\S+) of what Zappa's defaults take",
        r"The cold start is (\S+) of Zappa's defaults",
    ],
    "times that lines are larger than their envelope": [
        r"(\d+\.\d) times (?:as large as )?the envelope",
        r"(\d+\.\d) x 4/3 = 6\.22 MB",
        r"× (\d+\.\d) × 4/3 for base64",
    ],
    "dollars that Athena costs": [r"\$(\d+) per TB", r"Athena costs \$(\d+)", r"DOLLARS_PER_TB = (\d+)"],
    "dollars of a production click's million at the default wait": [
        r"\$(\d\.\d\d) in `production`, \$\d\.\d\d in `dev`, at the tracker's default",
        r"^\| \d+ s \(default\) \|.* \| (\d\.\d\d) \| \d\.\d\d \|$",
    ],
    "reserved executions": [r"reserves (\d+) executions", r"Why (\d+) executions"],
    "days that clicks are kept": [r"(\d+) days \| `ClicksDays`", r"ClicksDays:(?s:.{0,300}?)Default: (\d+)"],
    "days that the raw copy is kept": [
        r"(\d+) days \| `RawDays`",
        r"\(`RawDays`, (\d+)\)",
        r"RawDays:(?s:.{0,300}?)Default: (\d+)",
    ],
    "KiB of the largest body": [
        r"\| body \| (\d+) KiB",
        r"[Aa]ny body of (?:at most )?(\d+) KiB",
        r"\| a body \| (\d+) KiB",
        r"`body_too_large` \| over (\d+) KiB",
    ],
    "milliseconds that aws-lambda-powertools adds to a start": [
        r"aws-lambda-powertools\*\*: (\d+) ms more",
        r"aws-lambda-powertools for metrics \| it adds (\d+) ms",
    ],
}


def in_bytes(figure: str) -> str:
    return figure.replace(",", "")


@pytest.mark.parametrize("figure", STATED)
def test_a_figure_is_the_same_wherever_it_is_stated(figure: str) -> None:
    found = {
        (str(file.relative_to(ROOT)), in_bytes(match[1]))
        for file in FILES
        for pattern in STATED[figure]
        for match in re.finditer(pattern, file.read_text(), re.MULTILINE)
    }
    assert len(found) >= 2, f"stated once, so it needs no row: {found}"
    assert len({value for _, value in found}) == 1, sorted(found)


def section(page: Path, anchor: str) -> str:
    """Return the text from the heading up to the next one of its level or above."""
    lines = page.read_text().splitlines()
    for number, line in enumerate(lines):
        heading = re.fullmatch(r"(#+) (.+)", line)
        if heading and re.sub(r"[^\w\- ]", "", heading[2].lower()).replace(" ", "-") == anchor:
            level = len(heading[1])
            rest = lines[number + 1 :]
            end = next((at for at, each in enumerate(rest) if re.match(rf"#{{1,{level}}} ", each)), len(rest))
            return "\n".join(rest[:end])
    raise AssertionError(f"{page.name} has no section #{anchor}")


LINKED = [
    pytest.param(page, figure, target, id=f"{page.relative_to(ROOT)}: {figure}")
    for page in PAGES
    for words, target in re.findall(r"\[([^\]\[]*\d[^\]\[]*)\]\(([^):]*\.md#[^)]+)\)", page.read_text())
    for figure in re.findall(r"(?<![\w.])\d+(?:[.,]\d+)*(?![\w])", words)
]


@pytest.mark.parametrize(("page", "figure", "target"), LINKED)
def test_a_figure_in_a_link_stands_in_the_section_where_the_link_leads(
    page: Path, figure: str, target: str
) -> None:
    file, _, anchor = target.partition("#")
    assert re.search(rf"(?<![\d.]){re.escape(figure)}(?![\d])", section(page.parent / file, anchor))


@pytest.mark.parametrize("name", ["tracker.min.js", "tracker.full.min.js"])
def test_the_sizes_of_the_tracker_are_those_of_its_files(name: str) -> None:
    size = len(gzip.compress((ROOT / "web" / name).read_bytes(), 9, mtime=0))
    (stated,) = re.findall(rf"`web/{re.escape(name)}` \| ([\d,]+) bytes gzipped", text("docs/tracker.md"))
    assert int(in_bytes(stated)) == size
    if name == "tracker.min.js":
        (in_readme,) = re.findall(r"\(ours has (\d+\.\d)\)", text("README.md"))
        assert float(in_readme) == round(size / 1000, 1)
