"""What each saved question asks, answered in plain Python: slow, simple, and nobody's SQL."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from tests.support.day import FAILURES, Line

Rows = list[tuple[Any, ...]]
LIMIT = 50


def answers(lines: Sequence[Line], zone: tzinfo = UTC) -> dict[str, Rows]:
    """Return the rows of every saved question, by its name. Hours, days and months are the zone's."""
    unique = _unique(lines)
    human = [line for line in unique if "bot" not in line]
    clicked = [line for line in human if line["type"] == "click" and "mysfitId" in line]
    outside = [line for line in human if line["referrerKind"] != "internal"]
    return {
        "totals": [_totals(unique, human)],
        "hours": _by_time(human, 13, zone),
        "days": _by_time(human, 10, zone),
        "months": _by_time(human, 7, zone),
        "types": _ranked(human, ["type"], [_distinct("visitorId")]),
        "items": [
            (item, None, *(_most(group, name) for name in ("species", "goodevil", "lawchaos")), *counts)
            for (item, *counts), group in _items(clicked)
        ],
        "alignment": _ranked([line for line in clicked if "species" in line], ["goodevil", "lawchaos"]),
        "species": _ranked(
            [line for line in clicked if "species" in line], ["species"], [_distinct("visitorId")]
        ),
        "pages": _pages(human),
        "paths": _paths(clicked),
        "entry_pages": _ends_of_sessions(human, min),
        "exit_pages": _ends_of_sessions(human, max),
        "elements": _elements(human),
        "properties": _properties(human),
        "browser_names": _ranked(
            [line for line in human if "browser" in line], ["browser"], [_distinct("visitorId")]
        ),
        "systems": _ranked([line for line in human if "os" in line], ["os"], [_distinct("visitorId")]),
        "referrer_kinds": _ranked(outside, ["referrerKind"], [_distinct("sessionId")]),
        "referrer_hosts": _ranked(
            [line for line in outside if "referrerHost" in line],
            ["referrerHost", "referrerKind"],
            [_distinct("sessionId")],
        ),
        "campaigns": _ranked(
            [line for line in human if "utmCampaign" in line or "utmSource" in line],
            ["utmCampaign", "utmSource", "utmMedium"],
            [_distinct("sessionId"), lambda group: sum(line["type"] == "click" for line in group)],
        ),
        "attribute_species": _of_attribute(clicked, "species"),
        "attribute_goodevil": _of_attribute(clicked, "goodevil"),
        "attribute_lawchaos": _of_attribute(clicked, "lawchaos"),
        "countries": _ranked(
            [line for line in human if "country" in line], ["country"], [_distinct("visitorId")]
        ),
        "browsers": _ranked(
            [line for line in human if "browser" in line], ["browser", "os"], [_distinct("visitorId")]
        ),
        "devices": _ranked(human, ["device"], [_distinct("visitorId")]),
        "bots": _ranked([line for line in unique if "bot" in line], ["bot"]),
        "enrichment": _ranked([line for line in unique if "mysfitId" in line], ["itemLookup"]),
        "lag": _within(
            [line["lagMs"] / 1000 for line in unique if "lagMs" in line], [1, 5, 30, 60, 120, 300, 3600]
        ),
        "skew": _within(
            [abs(line["skewMs"]) / 1000 for line in human if "skewMs" in line], [1, 10, 60, 600, 3600]
        ),
        "late": _within([_late(line) for line in human if "occurredAt" in line], [10, 60, 600, 3600, 86400]),
        "duplicates": sorted(Counter(Counter(line["eventId"] for line in lines).values()).items()),
        "failures": [
            (code, "as the test says", count, sum(count for _, count in FAILURES)) for code, count in FAILURES
        ],
    }


def _unique(lines: Iterable[Line]) -> list[Line]:
    found: dict[str, Line] = {}
    for line in lines:
        known = found.get(line["eventId"])
        if known is None or line["processedAt"] > known["processedAt"]:
            found[line["eventId"]] = line
    return list(found.values())


def _late(line: Line) -> float:
    whole = [datetime.fromisoformat(line[name][:19]) for name in ("occurredAt", "receivedAt")]
    return (whole[1] - whole[0]).total_seconds()


def _happened(line: Line) -> str:
    is_possible = "occurredAt" in line and 0 <= _late(line) <= 86400
    text: str = line["occurredAt"] if is_possible else line["receivedAt"]
    return text


def _distinct(field: str) -> Callable[[Iterable[Line]], int]:
    return lambda lines: len({line[field] for line in lines if field in line})


def _totals(unique: Sequence[Line], human: Sequence[Line]) -> tuple[int, ...]:
    types = Counter(line["type"] for line in human)
    return (
        types["click"],
        types["pageview"],
        len(human) - types["click"] - types["pageview"],
        _distinct("visitorId")(human),
        _distinct("sessionId")(human),
        sum(line["type"] == "click" and "sessionId" in line for line in human),
        len(unique) - len(human),
        sum("privacy" in line for line in human),
    )


def _by_time(human: Sequence[Line], length: int, zone: tzinfo) -> Rows:
    groups = defaultdict(list)
    for line in human:
        local = datetime.fromisoformat(_happened(line)).astimezone(zone)
        groups[local.isoformat()[:length]].append(line)
    return [
        (
            time,
            sum(line["type"] == "click" for line in group),
            sum(line["type"] == "pageview" for line in group),
            _distinct("visitorId")(group),
            _distinct("sessionId")(group),
        )
        for time, group in sorted(groups.items())
    ]


def _groups(lines: Iterable[Line], fields: Sequence[str]) -> dict[tuple[Any, ...], list[Line]]:
    groups = defaultdict(list)
    for line in lines:
        groups[tuple(line.get(field) for field in fields)].append(line)
    return groups


def _in_order(rows: Iterable[tuple[Any, ...]], at: int) -> Rows:
    """The largest number at that place first; then by what stands before it, nulls last."""
    return sorted(rows, key=lambda row: (-row[at], [(each is None, each or "") for each in row[:at]]))[:LIMIT]


def _ranked(
    lines: Sequence[Line], fields: Sequence[str], measures: Sequence[Callable[[list[Line]], int]] = ()
) -> Rows:
    rows = [
        (*key, len(group), len(lines), *(measure(group) for measure in measures))
        for key, group in _groups(lines, fields).items()
    ]
    return _in_order(rows, len(fields))


def _items(clicked: Sequence[Line]) -> list[tuple[tuple[Any, ...], list[Line]]]:
    groups = _groups(clicked, ["mysfitId"])
    return [(row, groups[row[:1]]) for row in _ranked(clicked, ["mysfitId"], [_distinct("visitorId")])]


def _of_attribute(clicked: Sequence[Line], name: str) -> Rows:
    return _ranked([line for line in clicked if name in line], [name], [_distinct("visitorId")])


def _most(group: Iterable[Line], field: str) -> str | None:
    return max((line[field] for line in group if field in line), default=None)


def _pages(human: Sequence[Line]) -> Rows:
    views = [line for line in human if line["type"] == "pageview" and "path" in line]
    clicking = {
        (line["path"], line.get("sessionId")) for line in human if line["type"] == "click" and "path" in line
    }
    rows = []
    for (path,), group in _groups(views, ["path"]).items():
        sessions = {line["sessionId"] for line in group if "sessionId" in line}
        rows.append(
            (path, len(group), len(views), len(sessions), sum((path, each) in clicking for each in sessions))
        )
    return _in_order(rows, 1)


def _paths(clicked: Sequence[Line]) -> Rows:
    named = [line | {"item": line.get("species", line["mysfitId"])} for line in clicked if "path" in line]
    return _ranked(named, ["path", "item"], [_distinct("sessionId")])


def _ends_of_sessions(human: Sequence[Line], end: Callable[..., Line]) -> Rows:
    sessions = _groups([line for line in human if "sessionId" in line and "path" in line], ["sessionId"])
    pages = [
        end(group, key=lambda line: (_happened(line), line["eventId"]))["path"] for group in sessions.values()
    ]
    return _in_order([(page, count, len(pages)) for page, count in Counter(pages).items()], 1)


def _elements(human: Sequence[Line]) -> Rows:
    clicked = [line for line in human if line["type"] == "element_click" and "tag" in line.get("element", {})]
    named = [
        line
        | {
            "tag": line["element"]["tag"],
            "name": next(
                line["element"][each] for each in ("name", "selector", "tag") if each in line["element"]
            ),
        }
        for line in clicked
    ]
    return _ranked(named, ["name", "tag"], [_distinct("visitorId")])


def _properties(human: Sequence[Line]) -> Rows:
    named = [
        line | {"property": name, "value": value}
        for line in human
        for name, value in line.get("properties", {}).items()
    ]
    return _ranked(named, ["type", "property", "value"], [_distinct("visitorId")])


def _within(seconds: Sequence[float], bounds: Sequence[int]) -> Rows:
    found: Counter[int | None] = Counter()
    for each in seconds:
        found[0 if each < 0 else next((bound for bound in bounds if each <= bound), None)] += 1
    return [(bound, found[bound]) for bound in (0, *bounds, None) if found[bound]]
