#!/bin/sh
# Build the two trackers that pages load, and the module for bundlers, from web/tracker.js. Needs Node.js and npm.
# The minifier of package-lock.json makes the same bytes every time. tracker/sha256sums names the source and what was
# built from it, so that a test without Node.js can tell that a built file is stale.
#
#   tracker/build.sh             build in place
#   tracker/build.sh DIRECTORY   build there, to compare
set -eu
cd "$(dirname "$0")/.."

tools=build/tracker
mkdir -p "$tools"
cp tracker/package-lock.json tracker/.npmrc "$tools"
cp tracker/package.json "$tools"
npm ci --prefix "$tools" --silent
PATH=$tools/node_modules/.bin:$PATH

acorn --ecma2018 --silent web/tracker.js # newer syntax keeps the whole script from running in an older browser

web=${1:-web}
module=${1:-tracker}
minify() { # CLICKLAKE_LITE, output
  # With one keyword for every variable, the text has fewer different words, and gzip saves 16 bytes.
  sed 's/const /let /g' web/tracker.js > "$tools/tracker.js"
  terser "$tools/tracker.js" --ecma 2018 --define "CLICKLAKE_LITE=$1" --compress "$(cat tracker/compress)" --mangle --output "$2"
}
minify true "$web/tracker.min.js"
minify undefined "$web/tracker.full.min.js"

# A bundle has no script element of its own, and a server has no window: the tracker runs when the page calls start().
{
  cat << 'END'
export function start(config) {
const mark = Symbol.for('clicklake');
if (!window[mark]) {
const own = window.clicks, isStub = own && own.q;
window.clicks = { q: isStub ? own.q : [], userId: isStub ? own.userId : undefined, config };
END
  cat "$web/tracker.full.min.js"
  cat << 'END'

if (own !== undefined && !isStub) window.clicks = own;
}
return window[mark];
}
END
} > "$module/clicks.js"

built='web/tracker.js web/tracker.min.js web/tracker.full.min.js tracker/clicks.js'
if [ $# = 0 ]; then
  # shellcheck disable=SC2086 # four names
  { sha256sum $built 2>/dev/null || shasum -a 256 $built; } > tracker/sha256sums
fi
for name in tracker.min.js tracker.full.min.js; do
  integrity=$(openssl dgst -sha384 -binary "$web/$name" | openssl base64 -A)
  echo "$name: $(gzip -9 < "$web/$name" | wc -c) bytes gzipped, integrity sha384-$integrity"
done
