"""One headless Chromium for all tests of pages. CLICKLAKE_CHROMIUM names another than the one on the path."""

import os
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP *.test 127.0.0.1",  # plain http: unlike 127.0.0.1, no secure context
]


def started_browser() -> Iterator[Browser]:
    path = os.environ.get("CLICKLAKE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=FLAGS, ignore_default_args=["--disable-back-forward-cache"]
        )
        yield browser
        browser.close()
