"""Faults on demand: what a cloud does to those who trust it, told to happen by a test or by a person."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

MAX_FAULT_SECONDS = 3600


@dataclass(frozen=True)
class PutFault:
    """What befalls one PutRecord or PutRecordBatch."""

    delay_seconds: float = 0.0
    drop_before: bool = False
    throttle: bool = False
    drop_after: bool = False


@dataclass(frozen=True)
class Plan:
    """The faults that are on, by the names that `POST /faults` knows. 0 is off; every 1 is always."""

    throttleEvery: int = 0  # noqa: N815  every n-th put is refused, "Slow down."
    failEvery: int = 0  # noqa: N815  every n-th record of a batch is refused alone
    delaySeconds: float = 0.0  # noqa: N815  each put is answered that much later
    dropBeforeEvery: int = 0  # noqa: N815  every n-th put: the connection is reset, nothing was taken
    dropAfterEvery: int = 0  # noqa: N815  every n-th put: the connection is reset, everything was taken
    s3DownSeconds: float = 0.0  # noqa: N815  from now on, the stream's objects are refused for so long
    deliverTwice: bool = False  # noqa: N815  each batch is transformed and delivered a second time


class S3DownError(Exception):
    """The fault, not the store."""


def parse_plan(given: Any) -> Plan:
    """Read the faults that shall be on from now; raise ValueError naming what is wrong."""
    if not isinstance(given, Mapping):
        raise ValueError("must be a JSON object")
    known = {each.name: each.type for each in fields(Plan)}
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"{name!r} is not a fault; these are: {', '.join(known)}")
        allowed = {int: int, float: int | float, bool: bool}[known[name]]  # type: ignore[index]
        if not isinstance(value, allowed) or (isinstance(value, bool) is not (allowed is bool)):
            raise ValueError(f"{name} must be of the type {known[name].__name__}")  # type: ignore[union-attr]
        if not 0 <= value <= MAX_FAULT_SECONDS:
            raise ValueError(f"{name} must be from 0 to {MAX_FAULT_SECONDS}")
    return Plan(**given)


class Faults:
    """The plan in force, and the counts since it was made. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.use(Plan())

    def use(self, plan: Plan) -> None:
        with self._lock:
            self.plan = plan
            self._puts = self._records = 0
            self._s3_up = time.monotonic() + plan.s3DownSeconds

    def next_put(self) -> PutFault:
        with self._lock:
            self._puts += 1
            plan, put = self.plan, self._puts
        return PutFault(
            delay_seconds=plan.delaySeconds,
            drop_before=_falls_on(put, plan.dropBeforeEvery),
            throttle=_falls_on(put, plan.throttleEvery),
            drop_after=_falls_on(put, plan.dropAfterEvery),
        )

    def next_record_fails(self) -> bool:
        with self._lock:
            self._records += 1
            return _falls_on(self._records, self.plan.failEvery)

    def deliver_twice(self) -> bool:
        return self.plan.deliverTwice

    def check_s3(self) -> None:
        """Raise S3DownError while the fault is on."""
        if time.monotonic() < self._s3_up:
            raise S3DownError


def _falls_on(count: int, every: int) -> bool:
    return every > 0 and count % every == 0
