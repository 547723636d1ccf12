# shellcheck shell=bash
# lib.sh - what the lint scripts share: where the checkout is, which files count, how to report.
#
# Source it first. FT_LINT_ROOT is another checkout to look at (selftest.sh plants violations there).
set -uo pipefail

root=${FT_LINT_ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
build=${FT_BUILD_DIR:-$root/build}
cd "$root" || exit 1
violations=0

# A checkout owned by another user is still ours to read.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=$root

# One violation: report TEXT, best "file:line: what is wrong; what to do".
report() {
	printf '%s\n' "$*"
	violations=$((violations + 1))
}

# The end of every script: finish WHAT.
finish() {
	if [ "$violations" -gt 0 ]; then
		printf '%s: %d violations\n' "$1" "$violations"
		exit 1
	fi
	printf '%s: clean\n' "$1"
	exit 0
}

# Skips the script when a tool is missing: need COMMAND...
need() {
	local tool

	for tool in "$@"; do
		command -v "$tool" >/dev/null && continue
		printf 'SKIP: needs %s (./dev test installs it)\n' "$tool"
		[ "${FT_NO_SKIP:-}" = 1 ] && exit 1
		exit 77
	done
}

# source_files PATTERN...: files of the checkout that are not ignored, new ones included, by glob
# over the whole path ("*.c"). Without git (an unpacked archive) everything but build folders.
source_files() {
	local pattern file

	{
		git ls-files --cached --others --exclude-standard 2>/dev/null ||
			find . -name 'build*' -prune -o -type f -printf '%P\n'
	} | sort -u | while IFS= read -r file; do
		# A file deleted but still in the index is none.
		[ -f "$file" ] || continue
		for pattern in "$@"; do
			# shellcheck disable=SC2053 # a pattern is meant
			if [[ $file == $pattern ]]; then
				printf '%s\n' "$file"
				break
			fi
		done
	done
}

# The compilers' view of the tree, for checks that parse C.
# shellcheck disable=SC2034 # used by the scripts that source this
c_flags=(-std=gnu11 -D_GNU_SOURCE '-DFT_VERSION="0"' "-I$root" -isystem "$build/generated")
