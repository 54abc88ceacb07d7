"""How often a password may be tried in a quarter of an hour: five times, and fifty by all strangers together.

dashboard/attempts.json holds the tries of the last quarter of an hour. A try is entered before the password
is hashed, so hashing has a bound: a flood of tries costs reads of that object, and no more.

Who tries is one of two:

- A device, which is a browser that has logged in before: a signed cookie says so. It has five tries of its
  own, so no stranger can lock it out.
- A network: the sender's address, cut to /24 or /48. It has five tries, and all networks together have fifty.
  While strangers use these up, a new browser has to wait. Known ones get in, and open sessions go on.

A right password forgives the wrong ones of the same network or device. A new password forgives all.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from clicklake.dashboard.shared_state import Document, SharedState

NAME = "attempts.json"
WINDOW = timedelta(minutes=15)
TRIES_OF_ONE = 5
TRIES_OF_STRANGERS = 50
DEVICE, NETWORK = "device ", "network "


class PausedError(Exception):
    """Too many tries. The next one is possible after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"{seconds} s")
        self.seconds = seconds


class Attempts:
    def __init__(self, state: SharedState, clock: Callable[[], datetime]) -> None:
        self._state, self._clock = state, clock

    def enter(self, who: str) -> None:
        """Enter a try of a device or network. Raises PausedError, and then enters nothing."""
        now = self._clock()

        def with_try(document: Document) -> Document:
            tries = _recent(document, now)
            own = [at for at, name in tries if name == who]
            strangers = [at for at, name in tries if name.startswith(NETWORK)]
            if len(own) >= TRIES_OF_ONE:
                raise PausedError(_seconds_until_free(own, TRIES_OF_ONE, now))
            if who.startswith(NETWORK) and len(strangers) >= TRIES_OF_STRANGERS:
                raise PausedError(_seconds_until_free(strangers, TRIES_OF_STRANGERS, now))
            return {"tries": [*tries, (now.timestamp(), who)]}

        self._state.change(NAME, with_try)

    def forgive(self, who: str) -> None:
        """Forget the tries of a device or network that knew the password."""
        now = self._clock()
        self._state.change(
            NAME, lambda document: {"tries": [each for each in _recent(document, now) if each[1] != who]}
        )


def _recent(document: Document, now: datetime) -> list[tuple[float, str]]:
    since = (now - WINDOW).timestamp()
    try:
        tries = [(float(at), str(who)) for at, who in document.get("tries", [])]
    except (TypeError, ValueError):  # a damaged object must not lock anybody out
        return []
    return sorted(each for each in tries if each[0] > since)


def _seconds_until_free(times: list[float], most: int, now: datetime) -> int:
    """Return when the oldest of the last `most` tries leaves the window."""
    return max(1, round(times[-most] + WINDOW.total_seconds() - now.timestamp()))
