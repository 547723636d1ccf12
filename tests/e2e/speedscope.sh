#!/usr/bin/env bash
# speedscope, from its npm package and in Chromium, finds other functions or weights in our export than there were.
. "$FT_SOURCE/tests/e2e/browser.bash"
set -eu

speedscope=$(npm_install npm-speedscope speedscope speedscope)/node_modules/speedscope/dist/release || exit
node "$FT_SOURCE/tests/e2e/speedscope.js" "$FLAMETAP" "$chromium" "$PWD" "$speedscope"
