"""The endpoints, and the only place that knows status codes."""

import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

import ingest_app
from ingest_app import metrics, privacy
from ingest_app.body import read_body
from ingest_app.clicks import Batch, GoodPath, Vocabulary
from ingest_app.envelope import build_record
from ingest_app.headers import is_allowed, preflight_headers
from ingest_app.receipts import Answer, write_receipts
from ingest_app.refusals import Refusal
from ingest_app.salvage import Salvage
from ingest_app.sender import read_sender, read_signal
from ingest_app.settings import Settings
from ingest_app.stream import RETRY_AFTER_SECONDS, Stream, StreamUnavailable

STATUS = {
    "bad_request": 400,
    "empty": 400,
    "not_json": 400,
    "too_deep": 400,
    "number_too_large": 400,
    "lone_surrogate": 400,
    "not_clicks": 400,
    "no_valid_click": 400,
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
"""Each code that a problem document can have."""


class Api:
    """The views, bound to the settings and the stream of one app."""

    def __init__(self, settings: Settings, stream: Stream) -> None:
        self._settings = settings
        self._stream = stream
        vocabulary = Vocabulary(settings.item_id_field, settings.keep_query)
        self._good_path = GoodPath(vocabulary)
        self._salvage = Salvage(vocabulary)

    def register(self, app: Flask) -> None:
        """Put every endpoint of the contract on the app, and one kind of answer for everything else."""
        for path, methods, view in (
            ("/clicks", ["PUT", "POST"], self.take_clicks),
            ("/clicks.gif", ["GET", "HEAD"], self.take_pixel),
            ("/health", ["GET", "HEAD"], self.show_health),
            ("/openapi.json", ["GET", "HEAD"], self.show_description),
            ("/", ["GET", "HEAD"], self.show_index),
        ):
            preflight = partial(self.answer_preflight, [*methods, "OPTIONS"])
            add = partial(app.add_url_rule, path, provide_automatic_options=False)
            add(None, view, methods=methods)
            add(f"preflight {path}", preflight, methods=["OPTIONS"])
        app.register_error_handler(Refusal, self.refuse)
        app.register_error_handler(StreamUnavailable, self.refuse_for_stream)
        app.register_error_handler(HTTPException, self.refuse_http)
        app.register_error_handler(Exception, self.refuse_unforeseen)

    # The endpoints

    def take_clicks(self) -> Response:
        self._refuse_origin()
        self._refuse_signal()
        # The request itself: each look through its proxy asks for the context first, 7 µs of them here.
        body = read_body(request._get_current_object())  # type: ignore[attr-defined]
        try:
            batch = self._good_path.parse(body)
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
            batch = self._salvage.parse(body)
        return _json(self._accept(batch), HTTPStatus.ACCEPTED)

    def take_pixel(self) -> Response:
        """One click of the query, for pages and mails without script; a link checker's HEAD is none."""
        self._refuse_origin()
        self._refuse_signal()
        if request.method == "GET":
            query = {name: values[-1] for name, values in request.args.lists() if values[-1]}
            self._accept(Batch([self._salvage.click(query)]))
        return Response(status=HTTPStatus.NO_CONTENT)

    def show_health(self) -> Response:
        return _json({"status": "ok", "version": ingest_app.__version__})

    def show_description(self) -> Response:
        return Response(Path(__file__).with_name("openapi.json").read_bytes(), mimetype="application/json")

    def show_index(self) -> Response:
        paths = {"clicks": "clicks", "pixel": "clicks.gif", "health": "health", "openapi": "openapi.json"}
        return _json(
            {
                "name": "Clicklake",
                "what": "Takes the clicks of a web site and puts them into a data lake.",
                "version": ingest_app.__version__,
                "links": {name: f"{request.script_root}/{path}" for name, path in paths.items()},
            }
        )

    def answer_preflight(self, methods: Sequence[str]) -> Response:
        self._refuse_origin()
        allowed = ", ".join(methods)
        return Response(
            status=HTTPStatus.NO_CONTENT, headers={"Allow": allowed, **preflight_headers(allowed)}
        )

    # The one way in

    def _accept(self, batch: Batch) -> Answer:
        """Return only when Firehose has taken the record."""
        now = datetime.now(UTC)
        sender = read_sender(request.environ, self._settings, now)
        clicks, answer = write_receipts(batch, _request_id())
        if not clicks:
            raise _no_valid_click(batch)
        if sender.privacy:
            for click in clicks:
                privacy.strip(click)
        self._stream.put(build_record(sender, clicks, answer.request_id, now, batch.sent_at))
        if answer.rejected:
            self._count(_rejections(batch))
        return answer

    def _refuse_origin(self) -> None:
        if not is_allowed(request.environ.get("HTTP_ORIGIN"), self._settings.allowed_origins):
            raise Refusal(
                "origin_not_allowed", "Pages of this origin may not send clicks here.", field="Origin"
            )

    def _refuse_signal(self) -> None:
        if self._settings.gpc_mode == "refuse" and (signal := read_signal(request.environ)):
            header = {"gpc": "Sec-GPC", "dnt": "DNT"}[signal]
            detail = f"No clicks are taken from browsers that send {header}: 1."
            raise Refusal("privacy_signal", detail, field=header)

    # Refusals

    def refuse(self, refusal: Refusal) -> Response:
        self._count({metrics.refused(refusal.code): 1, **refusal.counts})
        return _problem(refusal.code, refusal.detail, **refusal.members)

    def refuse_for_stream(self, unavailable: StreamUnavailable) -> Response:
        self._count(
            {metrics.refused("stream_unavailable"): 1}, requestId=_request_id(), cause=unavailable.cause
        )
        detail = (
            "The clicks were not taken, or nobody said so. Send them again with the same ids: that is safe."
        )
        response = _problem("stream_unavailable", detail)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    def refuse_http(self, error: HTTPException) -> Response:
        """What Flask and Werkzeug refuse before a view is reached."""
        if isinstance(error, MethodNotAllowed):
            response = self.refuse(Refusal("method_not_allowed", f"{request.method} is not taken here."))
            response.headers["Allow"] = ", ".join(error.valid_methods or ())
            return response
        if isinstance(error, InternalServerError):
            return self.refuse_unforeseen(error.original_exception or error)
        if error.code == HTTPStatus.NOT_FOUND:
            return self.refuse(Refusal("not_found", "There is nothing here; / names what there is."))
        return self.refuse(Refusal("bad_request", error.description or error.name))

    def refuse_unforeseen(self, error: BaseException) -> Response:
        """Log the error's type and where it was raised; never its message, which may quote the payload."""
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
        return _problem("internal_error", "An error that nobody foresaw; it was logged under this requestId.")

    def _count(self, counts: Mapping[str, int], **facts: Any) -> None:
        metrics.count(self._settings.function_name, counts, **facts)


def _request_id() -> str:
    request_id: str = g.setdefault("request_id", str(uuid4()))
    return request_id


def _no_valid_click(batch: Batch) -> Refusal:
    errors = [
        {"index": index, "field": error.field, "reason": error.reason}
        for index, outcome in enumerate(batch.outcomes)
        for error in outcome.errors
    ]
    return Refusal(
        "no_valid_click",
        "No click is valid; `errors` names each broken rule.",
        counts=_rejections(batch),
        accepted=0,
        rejected=len(batch.outcomes),
        duplicates=0,
        errors=errors,
    )


def _rejections(batch: Batch) -> Mapping[str, int]:
    return Counter(
        metrics.rejected(outcome.errors[0].field) for outcome in batch.outcomes if outcome.click is None
    )


def _json(value: Any, status: int = HTTPStatus.OK) -> Response:
    return Response(msgspec.json.encode(value), status, mimetype="application/json")


def _problem(code: str, detail: str, **members: Any) -> Response:
    """RFC 9457. `code` is ours; a type of about:blank says that the title is the status's own phrase."""
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
