# browser.bash - sourced by tests that drive Chromium: finds it, and playwright-core, or skips with the reason.
# Sets $chromium and exports NODE_PATH. playwright-core is installed once, into the build folder.
# shellcheck shell=bash

skip() {
	echo "skipped: $1" >&2
	exit 77
}

command -v node >/dev/null || skip "node is not installed (Debian: nodejs)"
command -v npm >/dev/null || skip "npm is not installed (Debian: npm)"
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
	skip "chromium is not installed (Debian: chromium)"

modules=${FT_BUILD_DIR:-build}/npm
(
	# Tests run beside each other: one installs, the others wait.
	mkdir -p "$modules" && exec 9>"$modules/lock" && flock 9 || exit 1
	[[ -e $modules/node_modules/playwright-core/package.json ]] ||
		npm install --silent --no-save --no-audit --no-fund --prefix "$modules" playwright-core \
			>"$modules/log" 2>&1
) || skip "playwright-core cannot be installed by npm; see $modules/log"
NODE_PATH=$(cd "$modules" && pwd)/node_modules
export NODE_PATH
