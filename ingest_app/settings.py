"""The environment variables of this bundle, with their rules and defaults. Read once, when the app starts."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast

from ingest_app.parsing.item_id_pattern import check_item_id_pattern
from ingest_app.parsing.redact import DEFAULT_REDACTION, MAILS, TOKENS, RedactionRules

GpcMode = Literal["strip", "refuse", "ignore"]
GPC_MODES = ("strip", "refuse", "ignore")
ForeignHosts = Literal["mark", "reject"]
FOREIGN_HOSTS = ("mark", "reject")
MAX_EDGE_SECRETS = 2

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
    redact_paths: RedactionRules = DEFAULT_REDACTION
    """REDACT_PATHS: which path segments of URLs are redacted: tokens, mails, patterns such as /reset/*."""
    allowed_hosts: tuple[str, ...] | None = None
    """ALLOWED_HOSTS: comma-separated hosts that `url` may have, such as shop.example,*.shop.example."""
    foreign_hosts: ForeignHosts = "mark"
    """FOREIGN_HOSTS: what happens to clicks whose url has another host than ALLOWED_HOSTS lists."""
    item_id_pattern: str | None = None
    """ITEM_ID_PATTERN: a pattern that item ids must match. Others get their click rejected."""
    visitor_key_table: str | None = None
    """VISITOR_KEY_TABLE: DynamoDB table that holds the key of the visitorId. Without it there is none."""
    edge_secret: bytes | None = field(default=None, repr=False)
    """EDGE_SECRET: proves requests to come from our CloudFront. Two, with a comma, while one is replaced."""
    require_edge: bool = False
    """REQUIRE_EDGE: refuse requests that do not come from our CloudFront."""
    region: str | None = None
    """AWS_REGION: set by Lambda. Without it boto3 reads AWS_DEFAULT_REGION, then the AWS profile."""
    function_name: str = "local"
    """AWS_LAMBDA_FUNCTION_NAME: set by Lambda. The dimension of the app's metrics."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "IngestSettings":
        """Raise SettingsError for the first variable that is missing or invalid."""
        environ = os.environ if environ is None else environ
        read = _Reader(environ)
        settings = cls(
            click_stream=read("CLICK_STREAM", _stream_name),
            allowed_origins=read("ALLOWED_ORIGINS", _origins, None),
            item_id_field=read("ITEM_ID_FIELD", _field_name, cls.item_id_field),
            gpc_mode=read("GPC_MODE", _gpc_mode, cls.gpc_mode),
            keep_query=read("KEEP_QUERY", _boolean, cls.keep_query),
            redact_paths=read("REDACT_PATHS", _redaction_rules, cls.redact_paths),
            allowed_hosts=read("ALLOWED_HOSTS", _hosts, None),
            foreign_hosts=read("FOREIGN_HOSTS", _foreign_hosts, cls.foreign_hosts),
            item_id_pattern=read("ITEM_ID_PATTERN", _item_id_pattern, None),
            visitor_key_table=read("VISITOR_KEY_TABLE", _table_name, None),
            edge_secret=read("EDGE_SECRET", _edge_secrets, None),
            require_edge=read("REQUIRE_EDGE", _boolean, cls.require_edge),
            region=read("AWS_REGION", str, None),
            function_name=read("AWS_LAMBDA_FUNCTION_NAME", str, cls.function_name),
        )
        if settings.require_edge and not settings.edge_secret:
            raise SettingsError("REQUIRE_EDGE needs EDGE_SECRET, which proves that CloudFront sent a request")
        if settings.foreign_hosts == "reject" and not settings.allowed_hosts:
            raise SettingsError("FOREIGN_HOSTS=reject needs ALLOWED_HOSTS, the hosts that are not foreign")
        return settings


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


def _redaction_rules(text: str) -> RedactionRules:
    if text == "none":
        return RedactionRules(tokens=False, mails=False)
    parts = [part.strip() for part in text.split(",")]
    paths = [part for part in parts if part not in (TOKENS, MAILS)]
    if not all(re.fullmatch(r"(?:/(?:\*|[^/*?#\s]+))+", path) and "*" in path for path in paths):
        raise ValueError(
            "must be none, or a comma-separated list of tokens, mails and patterns such as /reset/*,"
            " in which each * is a segment to redact"
        )
    return RedactionRules(
        tokens=TOKENS in parts,
        mails=MAILS in parts,
        paths=tuple(tuple(path.split("/")[1:]) for path in paths),
    )


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if not hosts or not all(re.fullmatch(r"(?:\*\.)?[a-z0-9_.-]+|\[[0-9a-f:.]+\]", host) for host in hosts):
        raise ValueError("must be comma-separated hosts such as shop.example,*.shop.example, without ports")
    return hosts


def _foreign_hosts(text: str) -> ForeignHosts:
    if text not in FOREIGN_HOSTS:
        raise ValueError(f"must be one of {', '.join(FOREIGN_HOSTS)}")
    return cast(ForeignHosts, text)


def _item_id_pattern(text: str) -> str:
    check_item_id_pattern(text)
    return text


def _table_name(text: str) -> str:
    # docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html#API_PutItem_RequestParameters
    if not re.fullmatch(r"[A-Za-z0-9_.-]{3,255}", text):
        raise ValueError("must be a DynamoDB table's name of 3 to 255 letters, digits and -_., not an ARN")
    return text


def _edge_secrets(text: str) -> bytes:
    secrets = [part.strip() for part in text.split(",")]
    if not all(secrets) or len(secrets) > MAX_EDGE_SECRETS:
        raise ValueError("must be one secret, or two with a comma between them")
    return ",".join(secrets).encode()
