"""Fault injection: make the local cloud throttle, drop, delay or duplicate on request."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

MAX_FAULT_SECONDS = 3600


@dataclass(frozen=True)
class PutFault:
    """What happens to one PutRecord or PutRecordBatch."""

    delay_seconds: float = 0.0
    drop_before: bool = False
    throttle: bool = False
    drop_after: bool = False


@dataclass(frozen=True)
class FaultPlan:
    """The active faults, by the names that `POST /faults` takes. 0 switches a fault off; every 1st is all."""

    throttleEvery: int = 0  # noqa: N815  every n-th put is refused: "Slow down."
    failEvery: int = 0  # noqa: N815  every n-th record of a batch is refused alone
    delaySeconds: float = 0.0  # noqa: N815  each put is answered that much later
    dropBeforeEvery: int = 0  # noqa: N815  every n-th put: connection reset, nothing was accepted
    dropAfterEvery: int = 0  # noqa: N815  every n-th put: connection reset, everything was accepted
    s3DownSeconds: float = 0.0  # noqa: N815  for so long from now, S3 refuses the stream's objects
    deliverTwice: bool = False  # noqa: N815  each batch is transformed and delivered a second time


class S3DownError(Exception):
    """Raised by the fault, not by the store."""


def parse_plan(document: Any) -> FaultPlan:
    """Parse the body of `POST /faults`. Raises ValueError, which names the field and its rule."""
    if not isinstance(document, Mapping):
        raise ValueError("must be a JSON object")
    known = {field.name: field.type for field in fields(FaultPlan)}
    for name, value in document.items():
        if name not in known:
            raise ValueError(f"{name!r} is not a fault; these are: {', '.join(known)}")
        allowed = {int: int, float: int | float, bool: bool}[known[name]]  # type: ignore[index]
        if not isinstance(value, allowed) or (isinstance(value, bool) is not (allowed is bool)):
            raise ValueError(f"{name} must be of the type {known[name].__name__}")  # type: ignore[union-attr]
        if not 0 <= value <= MAX_FAULT_SECONDS:
            raise ValueError(f"{name} must be from 0 to {MAX_FAULT_SECONDS}")
    return FaultPlan(**document)


class Faults:
    """The active plan, and the counts since it was set. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.use(FaultPlan())

    def use(self, plan: FaultPlan) -> None:
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
            drop_before=_is_due(put, plan.dropBeforeEvery),
            throttle=_is_due(put, plan.throttleEvery),
            drop_after=_is_due(put, plan.dropAfterEvery),
        )

    def next_record_fails(self) -> bool:
        with self._lock:
            self._records += 1
            return _is_due(self._records, self.plan.failEvery)

    def deliver_twice(self) -> bool:
        return self.plan.deliverTwice

    def check_s3(self) -> None:
        """Raise S3DownError while the fault is active."""
        if time.monotonic() < self._s3_up:
            raise S3DownError


def _is_due(count: int, every: int) -> bool:
    return every > 0 and count % every == 0
