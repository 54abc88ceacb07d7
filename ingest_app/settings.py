"""Every environment variable of this bundle: name, unit, default. Read once, when the app is made."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast

GpcMode = Literal["strip", "refuse", "ignore"]
GPC_MODES = ("strip", "refuse", "ignore")

RESERVED_FIELDS = frozenset(
    [
        *("clicks", "element", "eventId", "occurredAt", "properties", "referrer"),
        *("sentAt", "sessionId", "title", "type", "url", "userId"),
    ]
)

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_T = TypeVar("_T")


class SettingsError(RuntimeError):
    """A variable is missing or wrong. The message names it and says what it must be."""


@dataclass(frozen=True)
class Settings:
    """What the environment says; an empty variable counts as one that is not set."""

    click_stream: str
    """CLICK_STREAM: the delivery stream's name."""
    allowed_origins: frozenset[str] | None = None
    """ALLOWED_ORIGINS: comma list of origins, or `*` (None here): every origin."""
    item_id_field: str = "mysfitId"
    """ITEM_ID_FIELD: what a click calls its item's id."""
    gpc_mode: GpcMode = "strip"
    """GPC_MODE: what Sec-GPC or DNT does to a click."""
    keep_query: bool = False
    """KEEP_QUERY: keep the whole query of addresses, not only the campaign's parameters."""
    visitor_key: bytes | None = field(default=None, repr=False)
    """VISITOR_KEY: secret of the visitorId; without it there is none."""
    edge_secret: bytes | None = field(default=None, repr=False)
    """EDGE_SECRET: what our CloudFront sends as X-Clicklake-Edge; without it no header of its is believed."""
    region: str | None = None
    """AWS_REGION: Lambda's own. Without it boto3 asks AWS_DEFAULT_REGION, and the profile."""
    function_name: str = "local"
    """AWS_LAMBDA_FUNCTION_NAME: Lambda's own; the dimension of our metrics."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Raise SettingsError for the first variable that is missing or wrong."""
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


def adopt_zappa_environment() -> bool:
    """Set what Zappa baked into its settings module; False where there is none (not in Zappa's bundle).

    Zappa does the same, but only in its handler, which wants our app to exist already.
    """
    try:
        import zappa_settings  # type: ignore[import-not-found]
    except ModuleNotFoundError:
        return False
    os.environ.update(zappa_settings.ENVIRONMENT_VARIABLES)
    return True


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
        raise ValueError("must be the name of a delivery stream, not an ARN or anything else")
    return text


def _origins(text: str) -> frozenset[str] | None:
    origins = frozenset(part.strip().lower() for part in text.split(",") if part.strip())
    if origins == {"*"}:
        return None
    if not origins or not all(re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/?#*]+", origin) for origin in origins):
        raise ValueError("must be * or a comma list of origins such as https://shop.example")
    return origins


def _field_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", text) or text in RESERVED_FIELDS:
        raise ValueError("must be a field name such as productId that no other field of a click has")
    return text


def _gpc_mode(text: str) -> GpcMode:
    if text not in GPC_MODES:
        raise ValueError(f"must be one of {', '.join(GPC_MODES)}")
    return cast(GpcMode, text)


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError("must be true or false")
    return _BOOLEANS[text.lower()]
