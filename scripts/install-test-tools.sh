#!/bin/sh
# What the tests need beside Python: a Chromium or Chrome for the page, Node.js for making the tracker anew. What is
# missing is installed where root has apt-get; elsewhere Chromium is asked for, and the test that needs Node.js skips.
# With --engines also Firefox and WebKitGTK, which only the long tests insist on. With --java only a Java runtime, for Spark.
set -eu

has_chromium() {
    for browser in "${CLICKLAKE_CHROMIUM:-}" chromium chromium-browser google-chrome \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium; do
        if [ -n "$browser" ] && command -v "$browser" >/dev/null; then return 0; fi
    done
    return 1
}

if [ "${1:-}" = --java ]; then
    if command -v java >/dev/null && java -version 2>/dev/null; then exit 0; fi
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends default-jre-headless >/dev/null
        exit 0
    fi
    echo 'Spark needs Java 17 or newer: install it (Debian: sudo apt-get install default-jre-headless).' >&2
    exit 1
fi

missing=
has_chromium || missing=chromium
command -v npm >/dev/null || missing="$missing nodejs npm"
if [ "${1:-}" = --engines ]; then
    command -v firefox-esr >/dev/null || command -v firefox >/dev/null || missing="$missing firefox-esr"
    command -v WebKitWebDriver >/dev/null || missing="$missing webkit2gtk-driver"
    command -v Xvfb >/dev/null || missing="$missing xvfb"
fi
if [ -z "$missing" ]; then exit 0; fi

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    # shellcheck disable=SC2086 # one word a package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
elif ! has_chromium; then
    echo 'The tests need Chromium or Chrome: install it (Debian: sudo apt-get install chromium), or name it in CLICKLAKE_CHROMIUM.' >&2
    exit 1
fi
