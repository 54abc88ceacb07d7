"""Print what each part of the tracker weighs: the gzipped build, less a build without the part.

python tracker/weigh.py          after `make tracker`, which installs the minifier
"""

import gzip
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TERSER = ROOT / "build/tracker/node_modules/.bin/terser"
COMPRESS = (ROOT / "tracker/compress").read_text().strip()
SOURCE = (ROOT / "web/tracker.js").read_text()

# The name of a part, and what to replace by what to be without it.
PARTS = {
    "privacy signals": [(r"navigator\.globalPrivacyControl \|\| navigator\.doNotTrack === '1'", "0")],
    "text without scripts, styles and what was typed": [
        (r"const textOfNode = [\s\S]*?\n  \};", "const textOfNode = (node) => node.textContent;")
    ],
    "downloads and outbound links": [
        (r"    if \(link\) \{[\s\S]*?\n    \}\n", ""),
        (r"  const DOWNLOAD.*\n", ""),
    ],
    "sessions": [(r"isOn\(sessions\) \? session\(\) : undefined", "undefined")],
    "clicks on what changes under the pointer": [
        (r"const pathOf = [\s\S]*?\n  \};", "const pathOf = (event) => event.composedPath();"),
        (r"    listen\('pointerdown'[\s\S]*?\n    \}\);\n", ""),
        (r"    listen\('pointerup'[\s\S]*?\n    \}\);\n", ""),
    ],
    "links of an SVG, and any page's `URL`": [
        (r"const linkOf = [\s\S]*?\n  \};", "const linkOf = (element) => element;")
    ],
    "names that elements take from the document": [
        (r"const of = [\s\S]*?\n  \};", "const of = (node, name) => node[name];")
    ],
    "page views": [
        (r"    record\('pageview'\);", ""),
        (r"const viewed = [\s\S]*?\n  \};", "const viewed = () => 0;"),
    ],
    "queue, settings and the page's own `clicks`": [
        (r"  for \(const \[call.*\n", ""),
        (r", \.\.\.stub\.config", ""),
        (r"if \(!isTaken \|\| stub\.q\) ", ""),
        (r"stub\.userId \|\| ", ""),
    ],
    "beacon for browsers without keepalive": [
        (r"!leaving \|\| 'keepalive' in Request\.prototype", "true"),
        (r"      if \(leaving\) navigator\.sendBeacon.*\n", ""),
    ],
    "warnings about unknown attributes": [(r"    for \(const name of ownKeys\(unknown\).*\n", "")],
    "`data-wait`": [(r"const isDue = [\s\S]*?\n  \};", "const isDue = () => true;")],
}


def gzipped_bytes(source: str, is_lite: bool = True) -> int:
    command = [TERSER, "--ecma", "2018", "--define", f"CLICKLAKE_LITE={'true' if is_lite else 'undefined'}"]
    command += ["--compress", COMPRESS, "--mangle"]
    source = source.replace("const ", "let ")  # as build.sh does
    built = subprocess.run(command, input=source.encode(), capture_output=True, check=True).stdout.strip()  # noqa: S603
    return len(gzip.compress(built, 9))


def main() -> None:
    whole = gzipped_bytes(SOURCE)
    print(f"| whole `tracker.min.js` | {whole:,} |")
    print(f"| autocapture, and the Navigation API | {gzipped_bytes(SOURCE, is_lite=False) - whole} |")
    for name, replacements in PARTS.items():
        without = SOURCE
        for pattern, replacement in replacements:
            without, count = re.subn(pattern, lambda _, text=replacement: text, without)
            if not count:
                raise SystemExit(f"{name}: web/tracker.js has no {pattern}")
        print(f"| {name} | {whole - gzipped_bytes(without)} |")


if __name__ == "__main__":
    main()
