"""What the commands make of the lake: reconcile, compact, the saved questions on both engines, erase."""

from datetime import UTC, datetime

from sqlglot import exp

from clicklake.compact.compactor import Compactor
from clicklake.compact.plan import first_kept_hour, read_state
from clicklake.erase.redactor import DataSubject
from clicklake.erase.search import Erasure
from clicklake.lake.columns import columns_key
from clicklake.lake.partitions import DELIVERY_WINDOW, HOUR, Span, hour_of_key
from clicklake.query import athena_engine, duckdb_engine
from clicklake.query.queries import NAMES, QueryResult, saved_query
from clicklake.reconcile.hour_window import reconcile_span
from clicklake.verify.landing import Landing, keys_that_hold
from clicklake.verify.public_api import PublicApi
from clicklake.verify.rows import CheckFailedError, CheckSkippedError, Recorder, require
from clicklake.verify.stage import CLOCK_DIFFERENCE, StageUnderTest

QUERY_ATTEMPTS = 3  # clicks may land between the two engines' answers


class LakeChecks:
    def __init__(self, recorder: Recorder, stage: StageUnderTest, api: PublicApi, landing: Landing) -> None:
        self._recorder, self._stage, self._api, self._landing = recorder, stage, api, landing
        self._written: set[datetime] = set()
        """Hours that had no object in columns/ before."""

    def check_lake(self) -> None:
        check = self._recorder.check
        check("reconcile", "nothing is missing or unreadable", self._reconcile)
        check("compact", "the hours of the events are in columns/, each event once", self._compact)
        check("the saved questions", f"{len(NAMES)} answers, the same on Athena and DuckDB", self._questions)

    def check_erase(self) -> None:
        self._recorder.check(
            "erase", "every version without the events", lambda: self.erase(self._landing.started)
        )
        self._recorder.check("what is left", "nothing of this verification", self._left)

    def _hours(self) -> list[datetime]:
        keys = {each.key for of_event in self._landing.lines.values() for each in of_event}
        hours = sorted({hour_of_key(key) for key in keys})
        if not hours:
            raise CheckFailedError("no event has landed")
        return hours

    def _span(self) -> Span:
        hours = self._hours()
        return Span(hours[0], hours[-1] + HOUR)

    def _reconcile(self) -> str:
        now = datetime.now(UTC)
        result = reconcile_span(self._stage.lake, self._span(), now - DELIVERY_WINDOW, lambda: None)
        counts = result.accepted
        failed = sum(codes.total() for codes in counts.failed.values())
        seen = (
            f"{counts.ids} accepted: {counts.delivered} delivered, {failed} failed, {counts.in_flight} in"
            f" flight, {counts.missing} missing; {len(result.unreadable)} objects unreadable"
        )
        is_whole = counts.ids >= len(self._api.accepted)
        return require(is_whole and not counts.missing and not result.unreadable, seen)

    def _compact(self) -> str:
        """Compact also the hour that goes on. The keeper writes it again once it is over."""
        lake = self._stage.lake
        state = read_state(lake, self._span(), first_kept_hour(lake, datetime.now(UTC)))
        self._written |= {hour for hour in self._hours() if hour not in state.objects}
        compactor = Compactor(lake, state)
        for hour in self._hours():
            compactor.compact(hour)
        if compactor.summary.unreadable:
            raise CheckFailedError(f"unreadable: {', '.join(compactor.summary.unreadable)}")
        count = exp.select("count(*) as n").from_("events")
        query = {"n": count.where(exp.column("userid").eq(self._stage.mark))}
        answers = [
            duckdb_engine.run_queries(lake, self._span(), query, lines_only=lines).by_name["n"].rows[0][0]
            for lines in (False, True)
        ]
        landed = len(self._landing.lines)
        seen = f"{answers[0]} events from columns/, {answers[1]} from clicks/, {landed} landed"
        return require(answers == [landed, landed], seen)

    def _questions(self) -> str:
        lake, span = self._stage.lake, self._span()
        if "AthenaWorkGroupName" not in lake.outputs:
            raise CheckSkippedError("the stage has no work group in Athena")
        queries = {name: saved_query(name) for name in NAMES}
        for _ in range(QUERY_ATTEMPTS):
            athena = athena_engine.run_queries(lake, span, queries).by_name
            duckdb = duckdb_engine.run_queries(lake, span, queries).by_name
            different = [name for name in NAMES if athena[name] != duckdb[name]]
            if not different:
                rows = sum(len(answer.rows) for answer in duckdb.values())
                return f"{len(NAMES)} answers with {rows} rows, all the same"
        name = different[0]
        where = _first_difference(athena[name], duckdb[name])
        raise CheckFailedError(f"{', '.join(different)} differ; {name}: {where}")

    def erase(self, started: datetime) -> str:
        """Erase the events from every version, and the objects in columns/ that were written for them."""
        lake = self._stage.lake
        erasure = Erasure(lake, DataSubject(user_ids=frozenset({self._stage.mark})))
        erasure.search(lambda: None)
        for version in erasure.found:
            erasure.erase(version)
        for version in erasure.search_columns_again():
            erasure.erase(version)
        for hour in self._written:
            self._delete_columns(hour, started)
        clicks = sum(counts.clicks for counts in erasure.counts.values())
        seen = f"{clicks} clicks in {len(erasure.found)} versions; {erasure.mentions} mentions"
        return require(clicks > 0 and not erasure.mentions, seen)

    def _delete_columns(self, hour: datetime, started: datetime) -> None:
        """Delete every version of the object; before, the hour had none."""
        lake = self._stage.lake
        pages = lake.s3.get_paginator("list_object_versions").paginate(
            Bucket=lake.bucket, Prefix=columns_key(hour)
        )
        for page in pages:
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                if version["LastModified"] >= started - CLOCK_DIFFERENCE:
                    lake.s3.delete_object(
                        Bucket=lake.bucket, Key=version["Key"], VersionId=version["VersionId"]
                    )

    def _left(self) -> str:
        keys = keys_that_hold(self._stage.lake, self._stage.mark, self._landing.started)
        return require(not keys, f"{len(keys)} objects{': ' if keys else ''}{', '.join(keys[:3])}")


def _first_difference(athena: QueryResult, duckdb: QueryResult) -> str:
    if athena.columns != duckdb.columns:
        return f"columns {athena.columns} and {duckdb.columns}"
    if len(athena.rows) != len(duckdb.rows):
        return f"{len(athena.rows)} rows on Athena, {len(duckdb.rows)} on DuckDB"
    pairs = zip(athena.rows, duckdb.rows, strict=True)
    return next(f"{one} on Athena, {other} on DuckDB" for one, other in pairs if one != other)
