"""Messages of the keeper to the alarms' topic, which mails them to AlarmMail."""

import re
import unicodedata
from typing import Any

from clicklake.keeper.invocation import Invocation

# docs.aws.amazon.com/sns/latest/api/API_Publish.html: ASCII, no line breaks, fewer than 100 characters
MAX_SUBJECT_CHARACTERS = 99
MAX_NAME_CHARACTERS = 40

_KEPT = ("L", "N", "Pd", "Pc", "Zs")  # letters, numbers, dashes, underscores, spaces
_KEPT_MARKS = ("Mn", "Mc")  # accents and vowel signs; at most two on one letter
_KEPT_PUNCTUATION = ".,'&+#()"
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that show nothing: unicode.org/reports/tr44 (Default_Ignorable_Code_Point)"""


def publish(invocation: Invocation, subject: str, text: str) -> bool:
    """Send a message. Return False if the stage has no topic: stack clicklake-alarms-<stage> makes it."""
    topic = invocation.settings.topic
    if not topic:
        return False
    options: dict[str, Any] = {"Subject": _ascii(subject)[:MAX_SUBJECT_CHARACTERS]}
    invocation.client("sns").publish(TopicArn=topic, Message=text, **options)
    return True


def for_mail(name: object) -> str:
    """Return a stranger's text for one line of a mail, shortened to 40 characters.

    What could end the line, hide or turn text, or make a link is replaced: a mail program links `://`.
    """
    text = unicodedata.normalize("NFC", str(name))
    kept = "".join(_kept(character) for character in text)
    kept = re.sub(r"\s+", " ", _without_stacked_marks(kept)).strip()
    return kept if len(kept) <= MAX_NAME_CHARACTERS else kept[: MAX_NAME_CHARACTERS - 1] + "…"


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    is_kept = category in _KEPT_MARKS or category.startswith(_KEPT) or character in _KEPT_PUNCTUATION
    return character if is_kept and not _INVISIBLE.match(character) else "?"


def _without_stacked_marks(text: str) -> str:
    """Keep two marks on one letter. More would reach into the lines above and below."""
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in _KEPT_MARKS else 0
        if marks <= 2:
            kept.append(character)
    return "".join(kept)


def _ascii(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text)
