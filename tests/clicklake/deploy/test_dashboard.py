"""The dashboard as Zappa deploys it: through the gateway, under the stage's path, with its role's rights."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import requests

from clicklake.dashboard.access.password import NAME
from tests.clicklake.dashboard.gated import hidden
from tests.cloudformation.resolved import REGION
from tests.support.checkout import Stage
from tests.support.landed import EVANGELINE
from tests.support.paths import ENVS, ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PASSWORD = "seven sleepy sphinxes"
FUNCTION = "clicklake-dashboard-dev"
ANSWER_SECONDS = 90
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"  # no bot
GROUPS = "!Sub arn:${AWS::Partition}:athena:${AWS::Region}:${AWS::AccountId}:"
OTHER_EVENTS = sorted((ROOT / "tests/data/other-events").glob("*.json"))


@dataclass
class Page:
    """A browser that keeps cookies, also those for HTTPS: the emulator speaks plain HTTP."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str = "") -> requests.Response:
        return self._keep(
            requests.get(self.url + path, cookies=self.cookies, allow_redirects=False, timeout=60)
        )

    def post(self, path: str, form: dict[str, str]) -> requests.Response:
        return self._keep(
            requests.post(self.url + path, form, cookies=self.cookies, allow_redirects=False, timeout=60)
        )

    def answered(self, path: str) -> requests.Response:
        """Ask as the page does, until Athena is done."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while (answer := self.get(path)).status_code == 202:
            assert time.monotonic() < deadline
            time.sleep(float(answer.headers["Retry-After"]) / 4)
        return answer

    def _keep(self, answer: requests.Response) -> requests.Response:
        self.cookies |= dict(answer.cookies)
        return answer


@pytest.fixture(scope="module")
def dashboard(dev: Stage) -> Iterator[str]:
    """The dashboard's address. It is deployed with the AWS CLI and Zappa, as docs/deploy.md says."""
    # The emulator knows the work group only of a request that names it. AWS finds it by the query's id.
    group = "workgroup/clicklake-dashboard-${Stage}"
    dev.checkout.replace("cloudformation/dashboard.yaml", f"{GROUPS}{group}", '"*"')
    parameters = ["Stage=dev", f"BucketName={dev.bucket}"]
    stack = ["--template-file", "cloudformation/dashboard.yaml", "--stack-name", "clicklake-reader-dev"]
    options = ["--capabilities", "CAPABILITY_IAM", "--parameter-overrides", *parameters]
    cli = [str(ENVS / "cli/bin/python"), "-P", "-m", "awscli"]
    done = dev.checkout.run(*cli, "cloudformation", "deploy", *stack, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    dev.checkout.zappa("deploy", "dashboard_dev")
    apis = dev.client("apigateway").get_rest_apis()["items"]
    (api,) = [api["id"] for api in apis if api["name"] == FUNCTION]
    yield f"{dev.checkout.emulator.gateway}/_aws/execute-api/{api}/dashboard_dev/"
    dev.checkout.zappa("undeploy", "dashboard_dev", "--yes")
    assert FUNCTION not in [
        each["FunctionName"] for each in dev.client("lambda").list_functions()["Functions"]
    ]
    assert dev.client("s3").head_object(Bucket=dev.bucket, Key=f"dashboard/{NAME}")


def set_password(dev: Stage, *options: str, password: str = PASSWORD) -> "subprocess.CompletedProcess[str]":
    command = [
        str(ENVS / "cli/bin/python"),
        "-m",
        "clicklake",
        "dashboard-password",
        "--stage",
        "dev",
        *options,
    ]
    return subprocess.run(
        command,
        cwd=dev.checkout.folder,
        env=dev.checkout.env | {"PYTHONPATH": str(dev.checkout.folder)},
        input=f"{password}\n",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def member(dashboard: str, dev: Stage) -> Page:
    """Whoever has logged in, after a click has landed."""
    page = Page(dashboard)
    before = page.get()
    assert before.status_code == 503
    assert "clicklake dashboard-password --stage dev" in before.text
    short = set_password(dev, password="short")
    assert short.returncode == 2
    assert "the password has 5 characters: it needs 12 to 256" in short.stderr
    done = set_password(dev, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bucket"] == dev.bucket
    dev.line_of(dev.put({"userId": "guest", "mysfitId": EVANGELINE}, User_Agent=BROWSER))
    sent = page.get("?period=today")
    assert sent.status_code == 303
    form = hidden_of(page.get(sent.headers["Location"]))
    opened = page.post("log-in", form | {"password": PASSWORD})
    assert (opened.status_code, opened.headers["Location"]) == (303, "./?period=today"), opened.text
    return page


def hidden_of(answer: requests.Response, form: str = "") -> dict[str, str]:
    return hidden(answer, form)  # type: ignore[arg-type]  # both have a text


def test_nothing_is_seen_without_the_password(member: Page) -> None:
    stranger = Page(member.url)
    assert stranger.get("health").json()["status"] == "ok"
    for path in ("panel/figures", "newest", "static/dashboard.js", "panel/items.csv"):
        assert stranger.get(path).status_code == 401, path
    assert stranger.get("static/dashboard.css").headers["Content-Type"].startswith("text/css")


def test_the_page_and_its_files_work_under_the_stages_path(member: Page) -> None:
    page = member.get("?period=today")
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    links = re.findall(r'(?:href|src|action)="([^"]*)"', page.text)
    assert links
    assert not [link for link in links if link.startswith(("/", "http"))]
    for file in re.findall(r'(?:href|src)="\./((?:static|charts)[^"]*)"', page.text):
        assert member.get(file).status_code == 200, file
    assert member.get("static/icon.svg").text.startswith("<svg")


def test_every_panel_appears(member: Page) -> None:
    page = member.get("?period=today")
    panels = [name for name in re.findall(r'data-panel="(\w+)"', page.text) if name != "now"]
    assert len(panels) > 8
    for panel in panels:
        answer = member.answered(f"panel/{panel}?period=today")
        assert answer.status_code == 200, (panel, answer.text)
    figures = member.answered("panel/figures?period=today").text
    assert re.search(r'Clicks</dt>\s*<dd class="number">1<', figures), figures
    assert "Evangeline" in member.answered("panel/items?period=today").text
    rows = member.answered("panel/items.csv?period=today")
    assert rows.headers["Content-Type"].startswith("text/csv")
    assert EVANGELINE in rows.text
    assert "of at most 100 GB" in member.get("panel/budget").text


def test_every_panel_of_every_tab_is_allowed_by_the_role(member: Page) -> None:
    for panel in ("entry_pages", "exit_pages", "properties", "failures", "duplicates", "late", "campaigns"):
        answer = member.answered(f"panel/{panel}?period=today")
        assert answer.status_code == 200, (panel, answer.text)


def test_a_link_shows_the_view_to_whoever_has_it(member: Page) -> None:
    form = hidden_of(member.get("?period=today"), "Share")
    made = member.post("share", form)
    assert made.status_code == 200
    relative = re.search(r'data-relative="\./([^"]*)"', made.text)
    assert relative
    guest = Page(member.url)
    page = guest.get(relative[1])
    assert page.status_code == 200
    assert "A shared view" in page.text
    assert guest.answered(f"panel/figures{relative[1]}").status_code == 200
    assert guest.get(f"panel/figures{relative[1]}&period=30d").status_code == 400


def test_the_function_has_its_own_role_and_no_secret(dashboard: str, dev: Stage) -> None:
    function = dev.client("lambda").get_function_configuration(FunctionName=FUNCTION)
    assert "clicklake-reader-dev-Role" in function["Role"]
    variables = function["Environment"]["Variables"]
    assert variables["BUCKET_NAME"] == dev.bucket
    assert variables["ATHENA_WORK_GROUP"] == "clicklake-dashboard-dev"
    assert variables.keys() <= {
        *("LAKE_STAGE", "BUCKET_NAME", "GLUE_DATABASE", "GLUE_TABLE", "COLUMNS_TABLE", "ATHENA_WORK_GROUP"),
    }
    assert not [role for role in dev.client("iam").list_roles()["Roles"] if "Zappa" in role["RoleName"]]


def test_other_events_run_nothing(dashboard: str, dev: Stage) -> None:
    for file in OTHER_EVENTS:
        answer = dev.client("lambda").invoke(FunctionName=FUNCTION, Payload=file.read_bytes())
        assert list(json.loads(answer["Payload"].read())) == ["refused"], file.name


def test_five_wrong_tries_and_then_a_pause(member: Page, dev: Stage) -> None:
    stranger = Page(member.url)
    for code in (401, 401, 401, 401, 401, 429):
        form = hidden_of(stranger.get("log-in"))
        assert stranger.post("log-in", form | {"password": "wrong"}).status_code == code
    assert set_password(dev).returncode == 0  # which ends the pause, and the sessions


def test_the_log_holds_no_secret(member: Page, dev: Stage) -> None:
    logs = dev.client("logs")
    events = logs.filter_log_events(logGroupName=f"/aws/lambda/{FUNCTION}")["events"]
    logged = "\n".join(event["message"] for event in events)
    for secret in (PASSWORD, "clicklake-session", "period=today", EVANGELINE, *member.cookies.values()):
        assert secret not in logged
    assert REGION
