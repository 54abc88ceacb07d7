"""Which hours need a new object in columns/, and why: found from listings and metadata alone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from botocore.exceptions import ClientError

from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.columns import (
    SCHEMA_VERSION,
    ColumnsMetadata,
    before_fingerprint,
    has_source,
    head_columns,
    ids_by_hour,
    is_closed,
    list_clicks,
    list_columns,
    read_metadata,
)
from clicklake.lake.partitions import DELIVERY_WINDOW, HOUR, Span, hours_between

Reason = Literal["new", "schema", "source", "before"]
"""It has no object; its object is of an older version; its lines changed; the ids of earlier hours did."""

_NO_RULES = ("NoSuchLifecycleConfiguration", "404")


def first_kept_hour(lake: Lake, now: datetime) -> datetime | None:
    """Return the oldest hour whose lines cannot have expired; None if lines do not expire.

    The bucket's lifecycle says after how many days (ClicksDays). S3 deletes an object at the midnight after.
    """
    try:
        rules = lake.s3.get_bucket_lifecycle_configuration(Bucket=lake.bucket)["Rules"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_RULES:
            raise
        return None
    days = [
        rule["Expiration"]["Days"]
        for rule in rules
        if rule["Status"] == "Enabled"
        and "Days" in rule.get("Expiration", {})
        and "clicks/".startswith(_prefix_of(rule))
    ]
    return now - timedelta(days=min(days)) + HOUR if days else None


def _prefix_of(rule: Mapping[str, Any]) -> str:
    """Return which keys a lifecycle rule is for: S3 has three forms of it."""
    chosen = rule.get("Filter", {})
    prefix = chosen.get("And", chosen).get("Prefix", rule.get("Prefix", ""))
    return str(prefix)


@dataclass
class LakeState:
    """What is stored of the hours of a span, and of the 25 hours before and after it."""

    clicks: dict[datetime, list[S3Object]]
    objects: dict[datetime, S3Object]  # in columns/
    metadata: dict[datetime, ColumnsMetadata]  # of these objects
    frozen: set[datetime]  # hours that have an object, and whose lines have expired or are gone

    def reason(self, hour: datetime) -> Reason | None:
        """Return why the hour needs a new object; None if it needs none."""
        if hour not in self.clicks:
            return None
        own = self.metadata.get(hour)
        if own is None:
            return "new"
        if own.schema < SCHEMA_VERSION:
            return "schema"
        if not has_source(own, self.clicks[hour]):
            return "source"
        return None if own.before == self.before(hour) else "before"

    def before(self, hour: datetime) -> str:
        return before_fingerprint(ids_by_hour(self.metadata, self.clicks), hour)

    def is_current(self, hour: datetime) -> bool:
        """Return whether the object has the ids of the hour's lines, so that they can be read from it."""
        own = self.metadata.get(hour)
        return own is not None and has_source(own, self.clicks.get(hour))

    def to_compact(self, span: Span, now: datetime) -> Iterator[datetime]:
        """Yield, in order, the hours to look at: the closed ones, then those whose `counted` may change."""
        for hour in hours_between(span.since, span.until + DELIVERY_WINDOW):
            if hour in self.clicks and is_closed(hour, now) and (hour < span.until or hour in self.objects):
                yield hour

    def refresh(self, lake: Lake, hours: Iterable[datetime]) -> None:
        """Look again at the objects in columns/ of these hours."""
        for hour in hours:
            self.objects.pop(hour, None)
            self.metadata.pop(hour, None)
            if found := head_columns(lake, hour):
                self.objects[hour], self.metadata[hour] = found

    def refresh_lines(self, lake: Lake, hour: datetime) -> None:
        """List the hour's lines again."""
        self.clicks.pop(hour, None)
        if found := lake.objects_of_hour("clicks", hour):
            self.clicks[hour] = found


def read_state(lake: Lake, span: Span, first_kept: datetime | None) -> LakeState:
    around = Span(span.since - DELIVERY_WINDOW, span.until + DELIVERY_WINDOW)
    clicks = {
        hour: objects
        for hour, objects in list_clicks(lake, around).items()
        if first_kept is None or hour >= first_kept
    }
    objects = list_columns(lake, around)
    found = read_metadata(lake, objects.values())
    metadata = {hour: found[each.key] for hour, each in objects.items() if each.key in found}
    return LakeState(clicks, objects, metadata, objects.keys() - clicks.keys())
