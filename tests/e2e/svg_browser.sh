#!/usr/bin/env bash
# svg_browser.sh - the SVG flame graph in Chromium: places of all frames, zoom, search, keys, table, paper, hostile names.
# Needs node, npm and Chromium; skips without. The checks are in svg_browser.js.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/browser.bash
. "$here/browser.bash"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
node "$here/svg_browser.js" "${FLAMETAP:-build/flametap}" "$chromium" "$work"
