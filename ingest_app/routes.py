"""The endpoints, and the only place that knows status codes."""

import hashlib
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

from ingest_app import metrics
from ingest_app.aws.stream import RETRY_AFTER_SECONDS, Stream, StreamUnavailable
from ingest_app.clicks import ParsedRequest
from ingest_app.envelope import build_record
from ingest_app.headers import is_origin_allowed, preflight_headers
from ingest_app.parsing.body import read_body
from ingest_app.parsing.lenient import LenientParser
from ingest_app.parsing.schema import ClickSchema
from ingest_app.parsing.strict import NotAllValidError, StrictParser
from ingest_app.privacy import privacy_signal, strip_identity
from ingest_app.problems import ApiProblem, echo
from ingest_app.receipts import ClicksResponse, deduplicate_and_build_receipts, name_errors
from ingest_app.sender import comes_from_edge, read_sender
from ingest_app.settings import IngestSettings
from ingest_app.visitor_keys import VisitorKeys

STATUS = {
    "bad_request": 400,
    "empty": 400,
    "not_json": 400,
    "too_deep": 400,
    "number_too_large": 400,
    "lone_surrogate": 400,
    "not_clicks": 400,
    "no_valid_click": 400,
    "edge_required": 403,
    "origin_not_allowed": 403,
    "privacy_signal": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "too_many_clicks": 413,
    "content_encoding": 415,
    "media_type": 415,
    "internal_error": 500,
    "stream_unavailable": 503,
}
"""The HTTP status of each problem code."""


OPENAPI_SECONDS = 3600
"""How long caches may keep the description."""

SIGNAL_HEADERS = {"gpc": "Sec-GPC", "dnt": "DNT"}


class Api:
    """The views and error handlers of one app."""

    def __init__(
        self, settings: IngestSettings, stream: Stream, visitor_keys: VisitorKeys, version: str
    ) -> None:
        self._settings = settings
        self._stream = stream
        self._visitor_keys = visitor_keys
        self._version = version
        schema = ClickSchema(settings)
        self._strict = StrictParser(schema)
        self._lenient = LenientParser(schema)

    def register(self, app: Flask) -> None:
        """Add the endpoints to the app, and make every error a problem document."""
        for path, methods, view in (
            ("/clicks", ["PUT", "POST"], self.collect),
            ("/clicks.gif", ["GET", "HEAD"], self.collect_pixel),
            ("/health", ["GET", "HEAD"], self.health),
            ("/openapi.json", ["GET", "HEAD"], self.openapi),
            ("/", ["GET", "HEAD"], self.index),
        ):
            preflight = partial(self.preflight, [*methods, "OPTIONS"])
            add = partial(app.add_url_rule, path, provide_automatic_options=False)
            add(None, view, methods=methods)
            add(f"preflight {path}", preflight, methods=["OPTIONS"])
        app.register_error_handler(ApiProblem, self.handle_problem)
        app.register_error_handler(StreamUnavailable, self.handle_stream_unavailable)
        app.register_error_handler(HTTPException, self.handle_http_error)
        app.register_error_handler(Exception, self.handle_unexpected_error)

    # Views

    def collect(self) -> Response:
        self._check_source()
        self._check_signal()
        body = read_body(request)
        try:
            parsed = self._strict.parse(body)
        except NotAllValidError as invalid:
            parsed = self._lenient.parse(body, invalid.results)
        except StrictParser.ERRORS:
            parsed = self._lenient.parse(body)
        return _json(self._accept(parsed, len(body)), HTTPStatus.ACCEPTED)

    def collect_pixel(self) -> Response:
        """Accept one click from the query. HEAD, which link checkers send, is not a click."""
        self._check_source()
        self._check_signal()
        if request.method == "GET":
            query = {name: values[-1] for name, values in request.args.lists() if values[-1]}
            self._accept(self._lenient.parse_query(query), len(request.query_string))
        return Response(status=HTTPStatus.NO_CONTENT)

    def health(self) -> Response:
        return _json({"status": "ok", "version": self._version})

    def openapi(self) -> Response:
        """Return the description. Caches may keep it: it is the largest response, and rarely changes."""
        self._check_source()
        response = Response(_openapi(), mimetype="application/json")
        response.headers["Cache-Control"] = f"public, max-age={OPENAPI_SECONDS}"
        response.set_etag(hashlib.sha256(_openapi()).hexdigest())
        return response.make_conditional(request)  # type: ignore[return-value]

    def index(self) -> Response:
        self._check_source()
        paths = {"clicks": "clicks", "pixel": "clicks.gif", "health": "health", "openapi": "openapi.json"}
        return _json(
            {
                "name": "Clicklake",
                "what": "Collects the clicks of a website into a data lake.",
                "version": self._version,
                "links": {name: f"{request.script_root}/{path}" for name, path in paths.items()},
            }
        )

    def preflight(self, methods: Sequence[str]) -> Response:
        self._check_source()
        return Response(status=HTTPStatus.NO_CONTENT, headers=preflight_headers(methods))

    # What collect and collect_pixel share

    def _accept(self, parsed: ParsedRequest, body_bytes: int) -> ClicksResponse:
        """Put the clicks on the stream. Return only after Firehose has accepted the record."""
        now = datetime.now(UTC)
        clicks, response = deduplicate_and_build_receipts(parsed, _request_id(), body_bytes)
        if not clicks:
            raise _no_valid_click(parsed, body_bytes)
        sender = read_sender(request.environ, self._settings, self._visitor_keys, now)
        if sender.privacy:
            for click in clicks:
                strip_identity(click)
        self._stream.put(build_record(sender, clicks, response.request_id, now, parsed.sent_at))
        if response.rejected:
            self._count(_rejections(parsed))
        return response

    def _check_source(self) -> None:
        """Refuse requests that go round CloudFront, and pages of other origins."""
        if self._settings.require_edge and not comes_from_edge(request.environ, self._settings.edge_secret):
            detail = "This address does not take requests. Send them to the site's own domain."
            raise ApiProblem("edge_required", detail)
        if not is_origin_allowed(request.environ.get("HTTP_ORIGIN"), self._settings.allowed_origins):
            detail = "Pages of this origin are not allowed to send clicks."
            raise ApiProblem("origin_not_allowed", detail, field="Origin")

    def _check_signal(self) -> None:
        if self._settings.gpc_mode == "refuse" and (signal := privacy_signal(request.environ)):
            header = SIGNAL_HEADERS[signal]
            detail = f"Clicks from browsers that send {header}: 1 are not accepted."
            raise ApiProblem("privacy_signal", detail, field=header)

    # Error handlers

    def handle_problem(self, problem: ApiProblem) -> Response:
        self._count({metrics.refused(problem.code): 1, **problem.counts})
        return _problem(problem.code, problem.detail, **problem.members)

    def handle_stream_unavailable(self, unavailable: StreamUnavailable) -> Response:
        self._count(
            {metrics.refused("stream_unavailable"): 1}, requestId=_request_id(), cause=unavailable.cause
        )
        detail = "The clicks may not have been accepted. Sending them again with the same eventIds is safe."
        response = _problem("stream_unavailable", detail)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    def handle_http_error(self, error: HTTPException) -> Response:
        """Handle what Flask and Werkzeug raise before a view runs."""
        if isinstance(error, MethodNotAllowed):
            detail = f"{echo(request.method)} is not allowed here. See the Allow header."
            response = self.handle_problem(ApiProblem("method_not_allowed", detail))
            response.headers["Allow"] = ", ".join(error.valid_methods or ())
            return response
        if isinstance(error, InternalServerError):
            return self.handle_unexpected_error(error.original_exception or error)
        if error.code == HTTPStatus.NOT_FOUND:
            detail = "Nothing is at this path. / lists what there is."
            return self.handle_problem(ApiProblem("not_found", detail))
        return self.handle_problem(ApiProblem("bad_request", error.description or error.name))

    def handle_unexpected_error(self, error: BaseException) -> Response:
        """Log the type of the error and where it was raised. Its message might quote the payload."""
        frames = [
            f"{Path(frame.filename).name}:{frame.lineno}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        self._count(
            {metrics.refused("internal_error"): 1},
            requestId=_request_id(),
            error=type(error).__name__,
            frames=frames,
        )
        return _problem("internal_error", "Unexpected error. The log has it under this requestId.")

    def _count(self, counts: Mapping[str, int], **facts: Any) -> None:
        metrics.count(self._settings.function_name, counts, **facts)


def _request_id() -> str:
    request_id: str = g.setdefault("request_id", str(uuid4()))
    return request_id


def _no_valid_click(parsed: ParsedRequest, body_bytes: int) -> ApiProblem:
    errors, more = name_errors(parsed, body_bytes)
    return ApiProblem(
        "no_valid_click",
        "No click is valid. `errors` names broken rules, and `more` says how many others there are.",
        counts=_rejections(parsed),
        accepted=0,
        rejected=len(parsed.results),
        duplicates=0,
        errors=errors,
        **({"more": more} if more else {}),
    )


def _rejections(parsed: ParsedRequest) -> Mapping[str, int]:
    return Counter(
        metrics.rejected(result.errors.named[0].field)
        for result in parsed.results
        if result.click is None and result.errors
    )


@cache
def _openapi() -> bytes:
    return Path(__file__).with_name("openapi.json").read_bytes()


def _json(value: Any, status: int = HTTPStatus.OK) -> Response:
    return Response(msgspec.json.encode(value), status, mimetype="application/json")


def _problem(code: str, detail: str, **members: Any) -> Response:
    """Build a problem document (RFC 9457). With type about:blank, title is the phrase of the HTTP status."""
    status = STATUS[code]
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "requestId": _request_id(),
        **members,
    }
    return Response(msgspec.json.encode(document), status, mimetype="application/problem+json")
