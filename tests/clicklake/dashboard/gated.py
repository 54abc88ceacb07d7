"""A dashboard behind its password, and browsers that keep cookies."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from clicklake.dashboard.access.password import NAME, password_document
from clicklake.dashboard.access.sign_in import PasswordGate
from clicklake.dashboard.answers.duckdb_answers import DuckdbAnswers
from clicklake.dashboard.app import create_app
from clicklake.dashboard.shared_state import SharedState
from clicklake.lake.bucket import Lake

PASSWORD = "a dozen dragons dance"
HOST = "dashboard.example"
HOW = "clicklake dashboard-password --stage dev"


def set_password(lake: Lake, password: str, now: datetime) -> None:
    """As the command does."""
    state = SharedState(lake)
    assert state.replace(NAME, password_document(password, now), state.read(NAME).etag)


def gated_app(answers: DuckdbAnswers, lake: Lake, clock: Callable[[], datetime], *hosts: str) -> Flask:
    gate = PasswordGate(
        SharedState(lake),
        clock,
        is_own_host=lambda asked: asked.host in hosts,
        network_of=lambda asked: asked.remote_addr or "",
        how_to_set=HOW,
    )
    app = create_app(answers, gate.check, "--stage dev")
    gate.register(app)
    return app


@dataclass
class Visitor:
    """A browser: it keeps cookies, and sends the forms that it sees."""

    app: Flask
    address: str = "203.0.113.0"
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def get(self, path: str, **options: Any) -> TestResponse:
        return self._open(path, method="GET", **options)

    def post(self, path: str, form: dict[str, str], **options: Any) -> TestResponse:
        return self._open(path, method="POST", data=form, **options)

    def log_in(self, password: str = PASSWORD, path: str = "/log-in") -> TestResponse:
        return self.post("/log-in", hidden(self.get(path)) | {"password": password})

    def _open(self, path: str, **options: Any) -> TestResponse:
        headers = self.headers | options.pop("headers", {})
        return self.client.open(
            path,
            base_url=options.pop("base_url", f"https://{HOST}"),
            environ_overrides={"REMOTE_ADDR": self.address},
            headers=headers,
            **options,
        )


def hidden(page: TestResponse, form: str = "") -> dict[str, str]:
    """Return the hidden fields of the page's form with this label, or of all."""
    found = re.search(rf'<form [^>]*aria-label="{form}".*?</form>', page.text, re.DOTALL)
    text = found[0] if form and found else page.text
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', text)
    return {name: html.unescape(value) for name, value in pairs}


def cookies_of(answer: TestResponse) -> dict[str, str]:
    """Return the cookies that the answer sets, each with its attributes."""
    return {each.partition("=")[0]: each for each in answer.headers.getlist("Set-Cookie")}
