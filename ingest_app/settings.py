"""The environment variables of this bundle, with their rules and defaults. Read once, when the app starts."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast

GpcMode = Literal["strip", "refuse", "ignore"]
GPC_MODES = ("strip", "refuse", "ignore")

# Names that ITEM_ID_FIELD cannot have, because other fields have them.
RESERVED_FIELDS = frozenset(
    [
        *("clicks", "element", "eventId", "occurredAt", "properties", "referrer"),
        *("sentAt", "sessionId", "title", "type", "url", "userId"),
    ]
)

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_T = TypeVar("_T")


class SettingsError(RuntimeError):
    """A variable is missing or invalid. The message names it and its rule."""


@dataclass(frozen=True)
class IngestSettings:
    """The settings of the ingest app. An empty variable counts as not set."""

    click_stream: str
    """CLICK_STREAM: name of the Firehose delivery stream."""
    allowed_origins: frozenset[str] | None = None
    """ALLOWED_ORIGINS: comma-separated origins, or `*` (None here) for every origin."""
    item_id_field: str = "mysfitId"
    """ITEM_ID_FIELD: name of the item id in the envelope and the line. Clicks may use it or itemId."""
    gpc_mode: GpcMode = "strip"
    """GPC_MODE: what happens to clicks from browsers that send Sec-GPC or DNT."""
    keep_query: bool = False
    """KEEP_QUERY: keep the whole query of URLs, not only the campaign parameters."""
    visitor_key: bytes | None = field(default=None, repr=False)
    """VISITOR_KEY: secret key of the visitorId. Without it there is no visitorId."""
    edge_secret: bytes | None = field(default=None, repr=False)
    """EDGE_SECRET: secret that proves requests to come from our CloudFront (header X-Clicklake-Edge)."""
    region: str | None = None
    """AWS_REGION: set by Lambda. Without it boto3 reads AWS_DEFAULT_REGION, then the AWS profile."""
    function_name: str = "local"
    """AWS_LAMBDA_FUNCTION_NAME: set by Lambda. The dimension of the app's metrics."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "IngestSettings":
        """Raise SettingsError for the first variable that is missing or invalid."""
        environ = os.environ if environ is None else environ
        read = _Reader(environ)
        return cls(
            click_stream=read("CLICK_STREAM", _stream_name),
            allowed_origins=read("ALLOWED_ORIGINS", _origins, None),
            item_id_field=read("ITEM_ID_FIELD", _field_name, cls.item_id_field),
            gpc_mode=read("GPC_MODE", _gpc_mode, cls.gpc_mode),
            keep_query=read("KEEP_QUERY", _boolean, cls.keep_query),
            visitor_key=read("VISITOR_KEY", str.encode, None),
            edge_secret=read("EDGE_SECRET", str.encode, None),
            region=read("AWS_REGION", str, None),
            function_name=read("AWS_LAMBDA_FUNCTION_NAME", str, cls.function_name),
        )


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __call__(self, name: str, parse: Callable[[str], _T], *default: _T) -> _T:
        text = self._environ.get(name, "").strip()
        if not text:
            if default:
                return default[0]
            raise SettingsError(f"{name} is not set")
        try:
            return parse(text)
        except ValueError as error:
            raise SettingsError(f"{name} {error}") from None


def _stream_name(text: str) -> str:
    # docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecord.html#API_PutRecord_RequestParameters
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", text):
        raise ValueError("must be a delivery stream name of 1 to 64 letters, digits and -_., not an ARN")
    return text


def _origins(text: str) -> frozenset[str] | None:
    origins = frozenset(part.strip().lower() for part in text.split(",") if part.strip())
    if origins == {"*"}:
        return None
    if not origins or not all(re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/?#*]+", origin) for origin in origins):
        raise ValueError("must be * or comma-separated origins such as https://shop.example")
    return origins


def _field_name(text: str) -> str:
    if text in RESERVED_FIELDS:
        raise ValueError(f"must not be {text}, which is another field of a click")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", text):
        raise ValueError("must be a name such as productId: a letter, then at most 63 letters, digits and _")
    return text


def _gpc_mode(text: str) -> GpcMode:
    if text not in GPC_MODES:
        raise ValueError(f"must be one of {', '.join(GPC_MODES)}")
    return cast(GpcMode, text)


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError("must be true or false")
    return _BOOLEANS[text.lower()]
