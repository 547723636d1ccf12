# browser.bash - sourced by tests that drive Chromium: finds it, and playwright-core, or skips with the reason.
# Sets $chromium and exports NODE_PATH. What npm has is installed once, into the build folder.
# shellcheck shell=bash

skip() {
	echo "skipped: $1" >&2
	exit 77
}

command -v node >/dev/null || skip "node is not installed (Debian: nodejs)"
command -v npm >/dev/null || skip "npm is not installed (Debian: npm)"
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
	skip "chromium is not installed (Debian: chromium)"

# npm_install FOLDER NAME PACKAGE...: NAME is what must be there then. Into a folder of the build folder, once; skips
# where that cannot be done. Prints the folder of the modules.
npm_install() {
	local modules=${FT_BUILD_DIR:-build}/$1 name=$2

	shift 2
	(
		# Tests run beside each other: one installs, the others wait.
		mkdir -p "$modules" && exec 9>"$modules/lock" && flock 9 || exit 1
		[[ -e $modules/node_modules/$name/package.json ]] ||
			npm install --silent --no-save --no-audit --no-fund --prefix "$modules" "$@" >"$modules/log" 2>&1
	) || skip "$name cannot be installed by npm; see $modules/log"
	(cd "$modules" && pwd)
}

NODE_PATH=$(npm_install npm playwright-core playwright-core)/node_modules || exit
export NODE_PATH
