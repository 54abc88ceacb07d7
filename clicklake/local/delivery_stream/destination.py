"""A delivery stream's destination: where records go, through which function, and for how long they wait."""

from dataclasses import dataclass, replace
from datetime import tzinfo


@dataclass(frozen=True)
class Hints:
    """When a buffer is full: by its size before compression, or by the age of its oldest record."""

    seconds: float
    size_bytes: int


@dataclass(frozen=True)
class Output:
    """Where objects go, and their format."""

    bucket: str
    prefix: str
    hints: Hints
    compressed: bool
    extension: str
    zone: tzinfo
    separator: bytes = b""


@dataclass(frozen=True)
class Processor:
    lambda_arn: str
    retries: int
    hints: Hints


@dataclass(frozen=True)
class Destination:
    delivered: Output
    failed: Output
    backup: Output | None
    processor: Processor | None

    def capped(self, seconds: float) -> "Destination":
        """Return the same destination with no buffer waiting longer than `seconds`."""

        def cap(output: Output) -> Output:
            return replace(output, hints=_capped(output.hints, seconds))

        return Destination(
            delivered=cap(self.delivered),
            failed=cap(self.failed),
            backup=self.backup and cap(self.backup),
            processor=self.processor
            and replace(self.processor, hints=_capped(self.processor.hints, seconds)),
        )


def _capped(hints: Hints, seconds: float) -> Hints:
    return replace(hints, seconds=min(hints.seconds, seconds))
