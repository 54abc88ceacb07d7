"""The gate of a deployed dashboard: a password, sessions, and links that show one view.

Nothing is seen without one of them but /health, the log-in and its style. Every form that changes something
is a POST from a page of ours, with a token of the session.
"""

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from flask import Flask, Request, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from clicklake.dashboard.access.attempts import DEVICE, NETWORK, Attempts, PausedError
from clicklake.dashboard.access.password import NAME, DashboardPassword, is_right, parse_password
from clicklake.dashboard.access.reader import Reader, current_reader, let_in
from clicklake.dashboard.access.signatures import Signatures
from clicklake.dashboard.shared_state import SharedState, StateConflictError
from clicklake.dashboard.view import parse_view
from clicklake.query.filters import ParameterError
from clicklake.report.words import sentence

SESSION, FORM, LINK_LIFETIME = timedelta(hours=12), timedelta(hours=1), timedelta(days=7)
KNOWN_DEVICE = timedelta(days=365)
SESSION_COOKIE, DEVICE_COOKIE, FORM_COOKIE = "clicklake-session", "clicklake-device", "clicklake-form"
PASSWORD_SECONDS = 10.0  # how old an instance's knowledge of the password may be
STYLE = frozenset(["/static/dashboard.css", "/static/icon.svg", "/charts.css"])
MAX_LINK_CHARACTERS = 6000  # a gateway takes 10 KB of headers and address
ID_BYTES = 16

Answer = Response | BaseResponse | tuple[str, int] | None


class PasswordGate:
    """Lets in whoever knows the password, and guests with a share link to what the link shows.

    `is_own_host` says whether a request names us; `network_of` returns its sender's truncated address.
    """

    def __init__(
        self,
        state: SharedState,
        clock: Callable[[], datetime],
        is_own_host: Callable[[Request], bool],
        network_of: Callable[[Request], str],
        how_to_set: str,
    ) -> None:
        self._state, self._clock = state, clock
        self._is_own_host, self._network_of, self._how_to_set = is_own_host, network_of, how_to_set
        self._attempts = Attempts(state, clock)
        self._lock = threading.Lock()
        self._read_at = -PASSWORD_SECONDS
        self._password: DashboardPassword | None = None

    def register(self, app: Flask) -> None:
        """Add the pages of the log-in to an app that asks this gate about every request."""
        app.config["HAS_LOG_IN"] = True
        app.add_url_rule("/log-in", "log_in_page", self.log_in_page, methods=["GET"])
        app.add_url_rule("/log-in", "log_in", self.log_in, methods=["POST"])
        app.add_url_rule("/log-out", "log_out", self.log_out, methods=["POST"])
        app.add_url_rule("/share", "share", self.share, methods=["POST"])

    def check(self, asked: Request) -> Answer:
        """Return what to answer instead; None if the request may pass."""
        if not self._is_own_host(asked):
            return "This name does not lead to a dashboard.\n", 403
        if asked.path == "/health" or asked.path in STYLE:
            return None
        if asked.method not in ("GET", "HEAD") and not _is_from_our_page(asked):
            return _refuse(403, "Not from this page", "A form of another page cannot be sent here.")
        password = self._stored_password()
        if password is None:
            text = f"This dashboard has no password yet, so nobody can see it. To set one: {self._how_to_set}"
            return _refuse(503, "No password is set", text)
        signatures = Signatures(password.signing_key, self._clock)
        if "link" in asked.args:
            return self._admit_guest(asked, signatures)
        if asked.path == "/log-in":
            return None
        session = signatures.read("session", asked.cookies.get(SESSION_COOKIE, ""))
        if session is None:
            return _ask_to_log_in(asked)
        if asked.method == "POST" and signatures.read("csrf", asked.form.get("csrf", "")) != session:
            return _refuse(403, "This form is out of date", "Open the dashboard again, and repeat it.")
        let_in(Reader(csrf_token=signatures.sign("csrf", session, SESSION)))
        return None

    def _admit_guest(self, asked: Request, signatures: Signatures) -> Answer:
        link = asked.args["link"]
        view = signatures.read("share", link)
        if view is None:
            text = "It is older than a week, it was cut, or the password was changed. Ask for a new one."
            return _refuse(403, "This link is not valid", text)
        if len([*asked.args.items(multi=True)]) > 1:
            text = "A shared link shows one view, and nothing can be added to its address."
            return _refuse(400, "Only link is allowed here", text)
        if asked.method not in ("GET", "HEAD"):
            return _refuse(403, "A link cannot do that", "A shared link shows one view.")
        let_in(Reader(link=link, shared_view=view))
        return None

    def log_in_page(self) -> Response:
        return self._form(200, "")

    def log_in(self) -> Response | BaseResponse:
        """Check the password. The pause comes before the hash, so a flood of tries costs little."""
        password = self._known_password()
        signatures = Signatures(password.signing_key, self._clock)
        form_id = signatures.read("form", request.form.get("csrf", ""))
        if form_id is None or form_id != request.cookies.get(FORM_COOKIE):
            return self._form(
                400, "The page was open for too long, or the browser keeps no cookies. Try again."
            )
        device = signatures.read("device", request.cookies.get(DEVICE_COOKIE, ""))
        who = (
            f"{DEVICE}{signatures.pseudonym(device)}"
            if device
            else f"{NETWORK}{signatures.pseudonym(self._network_of(request))}"
        )
        try:
            self._attempts.enter(who)
        except PausedError as paused:
            minutes = -(-paused.seconds // 60)
            text = sentence("There were too many tries. Try again in {n:minute/minutes}.", n=minutes)
            response = self._form(429, text)
            response.headers["Retry-After"] = f"{paused.seconds}"
            return response
        except StateConflictError:
            return self._form(503, "Too many people are logging in. Try again in a moment.")
        if not is_right(password, request.form.get("password", "")):
            return self._form(401, "This is not the password.")
        # If others log in at the same time: the tries are forgotten in a quarter of an hour anyway.
        with suppress(StateConflictError):
            self._attempts.forgive(who)
        opened = redirect(f"./{_query_of(request.form.get('view', ''))}", 303)
        session = signatures.sign("session", secrets.token_urlsafe(ID_BYTES), SESSION)
        known = signatures.sign("device", device or secrets.token_urlsafe(ID_BYTES), KNOWN_DEVICE)
        _set_cookie(opened, SESSION_COOKIE, session, SESSION)
        _set_cookie(opened, DEVICE_COOKIE, known, KNOWN_DEVICE)
        return opened

    def log_out(self) -> BaseResponse:
        response = redirect("log-in", 303)
        _set_cookie(response, SESSION_COOKIE, "", timedelta())
        return response

    def share(self) -> str:
        """Make a link to the view. Its dates are fixed: "yesterday" keeps meaning the same day."""
        given = request.form.get("view", "").removeprefix("?")
        now = self._clock()
        view = parse_view(parse_qsl(given, keep_blank_values=True)).frozen(now)
        link = Signatures(self._known_password().signing_key, self._clock).sign(
            "share", urlencode([*view.pairs()]), LINK_LIFETIME
        )
        if len(link) > MAX_LINK_CHARACTERS:
            raise ParameterError("view", f"its link would have more than {MAX_LINK_CHARACTERS} characters")
        relative = f"./?{urlencode({'link': link})}"
        return render_template(
            "share.html",
            address=urljoin(request.base_url, relative),
            relative=relative,
            until=(now + LINK_LIFETIME).astimezone(view.zone),
            zone=view.zone_name,
            back=f"./{_query_of(given)}",
            csrf=current_reader().csrf_token,
        )

    def _form(self, code: int, problem: str) -> Response:
        form_id = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(ID_BYTES)
        csrf = Signatures(self._known_password().signing_key, self._clock).sign("form", form_id, FORM)
        view = request.values.get("view", "")
        response = make_response(
            render_template("log_in.html", csrf=csrf, problem=problem, view=_query_of(view)), code
        )
        _set_cookie(response, FORM_COOKIE, form_id, FORM)
        return response

    def _stored_password(self) -> DashboardPassword | None:
        with self._lock:
            if time.monotonic() - self._read_at >= PASSWORD_SECONDS:
                self._password = parse_password(self._state.read(NAME).document)
                # A password that is about to be set shows at once.
                self._read_at = time.monotonic() if self._password else -PASSWORD_SECONDS
            return self._password

    def _known_password(self) -> DashboardPassword:
        """Return the password of a request that `check` has let pass."""
        password = self._stored_password()
        assert password
        return password


def _is_from_our_page(asked: Request) -> bool:
    """Return whether the browser says that the form is ours. Old ones do not, so a token is needed too.

    Our pages send no referrer, and then a browser's Origin is null even for our own forms.
    """
    site = asked.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = asked.headers.get("Origin", "null")
    try:
        return origin == "null" or urlsplit(origin).netloc == asked.host
    except ValueError:  # such as https://[
        return False


def _refuse(code: int, title: str, text: str) -> tuple[str, int]:
    return render_template("error.html", title=title, text=text, is_alone=True), code


def _ask_to_log_in(asked: Request) -> Answer:
    """Send a person to the log-in, from which the view opens. A script gets 401, and loads the page again."""
    if asked.path == "/" and asked.method == "GET":
        query = asked.query_string.decode("latin-1")
        return redirect(f"log-in?{urlencode({'view': query})}" if query else "log-in", 303)
    return _refuse(401, "Log in first", "This page is for those who know the dashboard's password.")


def _query_of(view: str) -> str:
    """Return the view's query, such as ?period=today; empty if it is not a view's."""
    try:
        parsed = parse_view(parse_qsl(view.removeprefix("?"), keep_blank_values=True))
    except ParameterError:
        return ""
    return parsed.url().removesuffix("?")


def _set_cookie(response: Any, name: str, value: str, lifetime: timedelta) -> None:
    """Without a path: the browser takes that of the log-in, which is the dashboard's under any prefix."""
    response.set_cookie(name, value, max_age=lifetime, secure=True, httponly=True, samesite="Lax", path=None)
