#!/bin/sh
# Makes web/tracker.min.js from web/tracker.js, with the minifier of package-lock.json to the byte. Needs Node.js and npm.
# tracker/sha256sums says which source the minified file was made from: so a test can tell without Node.js that it is
# stale. (A hash in the file itself would cost every visitor its bytes.)
set -eu
cd "$(dirname "$0")/.."
minified=${1:-web/tracker.min.js}

tools=build/tracker
mkdir -p "$tools"
cp tracker/package.json tracker/package-lock.json tracker/.npmrc "$tools"
npm ci --prefix "$tools" --silent
PATH=$tools/node_modules/.bin:$PATH

acorn --ecma2018 --silent web/tracker.js # newer syntax keeps the whole script from running in an older browser
terser web/tracker.js --ecma 2018 --compress passes=3 --mangle --output "$minified"
[ "$minified" != web/tracker.min.js ] ||
  { sha256sum web/tracker.js web/tracker.min.js 2>/dev/null || shasum -a 256 web/tracker.js web/tracker.min.js; } > tracker/sha256sums
echo "$minified: $(gzip -9 < "$minified" | wc -c) bytes gzipped"
