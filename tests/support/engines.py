"""Firefox and WebKitGTK, driven by the protocols that they ship with: Marionette and WebDriver."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

START_SECONDS = 60
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # w3.org/TR/webdriver/#elements
MINI_BROWSERS = ("webkit2gtk-4.1", "webkit2gtk-4.0", "webkitgtk-6.0")


class EngineMissingError(Exception):
    """The machine lacks a program."""


class Engine(ABC):
    """A browser with one tab."""

    keeps_pages = True
    """Whether a page that is left stays in the back/forward cache. Under Marionette, no page does."""

    @abstractmethod
    def command(self, name: str, parameters: dict[str, Any]) -> Any:
        """`name` is the path of WebDriver's command."""

    def go(self, url: str) -> None:
        self.command("url", {"url": url})

    def run(self, script: str) -> Any:
        return self.command("execute/sync", {"script": script, "args": []})

    def click(self, selector: str) -> None:
        element = self.command("element", {"using": "css selector", "value": selector})[ELEMENT]
        self.command(f"element/{element}/click", {})


class Firefox(Engine):
    """Speaks Marionette: `length:[type, id, command, parameters]` (firefox-source-docs.mozilla.org)."""

    NAMES: ClassVar[dict[str, str]] = {
        "url": "WebDriver:Navigate",
        "execute/sync": "WebDriver:ExecuteScript",
        "element": "WebDriver:FindElement",
    }
    keeps_pages = False

    def __init__(self, connection: socket.socket) -> None:
        self._stream = connection.makefile("rwb")
        self._receive()
        self._send("WebDriver:NewSession", {})

    def command(self, name: str, parameters: dict[str, Any]) -> Any:
        if name.endswith("/click"):
            return self._send("WebDriver:ElementClick", {"id": name.split("/")[1]})
        return self._send(self.NAMES[name], parameters)

    def _send(self, name: str, parameters: dict[str, Any]) -> Any:
        message = json.dumps([0, 1, name, parameters]).encode()
        self._stream.write(str(len(message)).encode() + b":" + message)
        self._stream.flush()
        _, _, error, result = self._receive()
        assert error is None, error
        return result.get("value") if isinstance(result, dict) else result

    def _receive(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            byte = self._stream.read(1)
            assert byte, "Firefox has closed the connection"
            length += byte
        return json.loads(self._stream.read(int(length[:-1])))


class WebKit(Engine):
    def __init__(self, driver: str, browser: str) -> None:
        self._driver = driver
        options = {"binary": browser, "args": ["--automation"]}
        wanted = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}}
        self._session = f"{driver}/session/{_post(f'{driver}/session', wanted)['sessionId']}"

    def command(self, name: str, parameters: dict[str, Any]) -> Any:
        return _post(f"{self._session}/{name}", parameters)


def _post(url: str, document: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(document).encode())
    with urllib.request.urlopen(request, timeout=START_SECONDS) as response:
        return json.loads(response.read())["value"]


@contextmanager
def firefox(folder: Path) -> Iterator[Engine]:
    program = _find("firefox-esr", "firefox")
    port = _free_port()
    preferences = f'user_pref("marionette.port", {port});\nuser_pref("network.proxy.type", 0);\n'
    (folder / "user.js").write_text(preferences)
    command = [program, "--marionette", "--headless", "--no-remote", "--profile", str(folder)]
    with _running(command, {"HOME": str(folder)}):
        address = ("127.0.0.1", port)
        with _wait_for(lambda: socket.create_connection(address, START_SECONDS)) as connection:
            yield Firefox(connection)


@contextmanager
def webkit(folder: Path) -> Iterator[Engine]:
    driver, screen = _find("WebKitWebDriver"), _find("Xvfb")
    browsers = [path for name in MINI_BROWSERS for path in Path("/usr/lib").glob(f"*/{name}/MiniBrowser")]
    if not browsers:
        raise EngineMissingError("MiniBrowser is not installed")
    port, display = _free_port(), f":{_free_port() % 30_000 + 100}"
    environment = {
        "DISPLAY": display,
        "HOME": str(folder),
        "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",  # containers forbid it; only our pages are shown
        "GDK_BACKEND": "x11",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
    with (
        _running([screen, display, "-screen", "0", "1024x768x24", "-nolisten", "tcp"], {}),
        _running([driver, f"--port={port}"], environment),
    ):
        address = f"http://127.0.0.1:{port}"
        _wait_for(lambda: urllib.request.urlopen(f"{address}/status", timeout=5).close())
        yield WebKit(address, str(browsers[0]))


def _find(*names: str) -> str:
    for name in names:
        if path := shutil.which(name):
            return path
    raise EngineMissingError(f"{names[0]} is not installed")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def _wait_for(attempt: Any) -> Any:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return attempt()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
