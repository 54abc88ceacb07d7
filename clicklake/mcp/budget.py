"""How much of the lake an assistant's session may read: it can ask more than a person would pay for."""

import threading

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import list_clicks, list_columns
from clicklake.lake.partitions import Span

DEFAULT_GIGABYTES = 20.0


class Budget:
    """The bytes that a session may read.

    A question counts as all objects of its span. It reads fewer: only the columns that it names.
    """

    def __init__(self, gigabytes: float) -> None:
        self.gigabytes = gigabytes
        self._left = round(gigabytes * 1e9)
        self._lock = threading.Lock()  # an assistant can ask several questions at once

    def spend(self, number: int) -> None:
        """Raise CommandError if less is left."""
        with self._lock:
            if number > self._left:
                raise CommandError(
                    f"the question is about {number / 1e9:.3f} GB, and {self._left / 1e9:.3f} GB of the"
                    f" session's {self.gigabytes:g} GB are left: ask about fewer days, or start with a larger"
                    " --budget-gb"
                )
            self._left -= number


def span_bytes(lake: Lake, span: Span) -> int:
    """Return how many bytes the objects of the span have: Parquet where an hour has it, else lines."""
    columns = list_columns(lake, span)
    lines = [objects for hour, objects in list_clicks(lake, span).items() if hour not in columns]
    return sum(found.size for found in columns.values()) + sum(found.size for each in lines for found in each)
