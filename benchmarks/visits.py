"""A visit of a site, as the model of batching sees it."""

from collections.abc import Sequence
from typing import NamedTuple


class PageVisit(NamedTuple):
    """The seconds of the events on one page, and the second in which the page is left."""

    events: Sequence[float]
    left: float
