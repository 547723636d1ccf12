#!/bin/sh
# svg_browser.sh - the SVG flame graph in a real browser: zoom, search, icicle, keyboard, details, width, hostile names.
# Needs python3, Chromium and chromedriver; skips without. The checks are in svg_browser.py.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
flametap=${FLAMETAP:-build/flametap}

skip()
{
	echo "skipped: $1" >&2
	exit 77
}

command -v python3 >/dev/null || skip "python3 is not installed"
command -v chromedriver >/dev/null || skip "chromedriver is not installed (Debian: chromium-driver)"
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
	skip "chromium is not installed"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
python3 "$here/svg_browser.py" "$flametap" "$chromium" "$work"
