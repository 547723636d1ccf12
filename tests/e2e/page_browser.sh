#!/usr/bin/env bash
# page_browser.sh - pages with a timeline, with several profiles, and pictures of changes, in Chromium: ranges, pairs,
# sums against counts of the input. Needs node, npm and Chromium; skips without. The checks are in page_browser.js.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/browser.bash
. "$here/browser.bash"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
node "$here/page_browser.js" "${FLAMETAP:-build/flametap}" "$chromium" "$work"
