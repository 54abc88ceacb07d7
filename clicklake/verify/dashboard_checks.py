"""The log-in of a deployed dashboard: nothing is seen without its password."""

import re
from html import unescape

import requests

from clicklake.deploy import names
from clicklake.deploy.ingest import is_deployed
from clicklake.deploy.resources.api import http_api, rest_api
from clicklake.verify.public_api import ANSWER_SECONDS, describe, new_session
from clicklake.verify.rows import CheckFailedError, CheckSkippedError, Recorder, require
from clicklake.verify.stage import StageUnderTest

WRONG_TRY = "no dashboard has this one"
NOT_SET = "no password is set: clicklake dashboard-password"
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


def check_dashboard(recorder: Recorder, stage: StageUnderTest, password: str | None) -> None:
    """The password itself is tried only if the user gave it."""
    dashboard = _Dashboard(stage)
    recorder.check("the dashboard without a password", "nothing is shown", dashboard.check_closed)
    wrong = "401, or 429 after many tries"
    recorder.check("the dashboard with a wrong password", wrong, dashboard.check_refusal)
    if password:
        recorder.check("the dashboard with its password", "303, then 200", lambda: dashboard.open(password))


class _Dashboard:
    def __init__(self, stage: StageUnderTest) -> None:
        self._stage = stage

    def check_closed(self) -> str:
        url = self._address()
        page, panel = self._get(f"{url}/"), self._get(f"{url}/panel/figures")
        seen = f"{page.status_code} {page.headers.get('Location', '')}, panel {panel.status_code}"
        is_closed = page.status_code in (303, 401, 503) and panel.status_code in (401, 503)
        if is_closed and 503 in (page.status_code, panel.status_code):
            raise CheckSkippedError(f"{seen}; {NOT_SET}")
        return require(is_closed, seen)

    def open(self, password: str) -> str:
        url = self._address()
        response = self._log_in(password)
        if response.status_code != 303:
            raise CheckFailedError(NOT_SET if response.status_code == 503 else describe(response))
        page = self._get(f"{url}/", cookies=_cookies(response))
        return require(page.status_code == 200, f"303, then {page.status_code}")

    def check_refusal(self) -> str:
        response = self._log_in(WRONG_TRY)
        if response.status_code == 503:
            raise CheckSkippedError(NOT_SET)
        return require(response.status_code in (401, 429), describe(response))

    def _log_in(self, password: str) -> requests.Response:
        url = self._address()
        form = self._get(f"{url}/log-in")
        if form.status_code != 200:
            return form
        fields = {name: unescape(value) for name, value in _HIDDEN.findall(form.text)}
        return new_session(url).post(
            f"{url}/log-in",
            data=fields | {"password": password},
            headers={"Cookie": _header(_cookies(form))},
            timeout=ANSWER_SECONDS,
            allow_redirects=False,
        )

    def _get(self, url: str, cookies: dict[str, str] | None = None) -> requests.Response:
        headers = {"Cookie": _header(cookies)} if cookies else {}
        return new_session(url).get(url, headers=headers, timeout=ANSWER_SECONDS, allow_redirects=False)

    def _address(self) -> str:
        """Return the dashboard's address. Raises CheckSkippedError if none is deployed."""
        name, aws = f"dashboard-{self._stage.name}", self._stage.aws
        if not is_deployed(aws, name):
            raise CheckSkippedError(f"not deployed: there is no function {names.zappa(name)}")
        api_id = http_api(aws, name) or rest_api(aws, name)
        if not api_id:
            raise CheckFailedError(f"the function {names.zappa(name)} has no API")
        return self._stage.target.api_url(api_id, f"dashboard_{self._stage.name}")


def _cookies(response: requests.Response) -> dict[str, str]:
    """Return the cookies that a response sets. An emulator speaks plain HTTP, which a jar refuses."""
    return {cookie.name: cookie.value or "" for cookie in response.cookies}


def _header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())
