#!/bin/sh
# The page is tested in a real browser: find Chromium or Chrome, or install Debian's.
set -eu
for browser in "${CLICKLAKE_CHROMIUM:-}" chromium chromium-browser google-chrome \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium; do
    if [ -n "$browser" ] && command -v "$browser" >/dev/null; then exit 0; fi
done
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
else
    echo 'The tests need Chromium or Chrome: install it (Debian: sudo apt-get install chromium), or name it in CLICKLAKE_CHROMIUM.' >&2
    exit 1
fi
