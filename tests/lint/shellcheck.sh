#!/usr/bin/env bash
# Lints every shell script, found by its name or by its first line.
. "$(dirname "$0")/lib.sh"
need shellcheck

mapfile -t scripts < <(
	source_files '*.sh'
	source_files '*' | grep -v '\.' | while IFS= read -r file; do
		head -c 64 "$file" | head -n 1 | grep -qE '^#!.*\b(ba|da)?sh\b' && printf '%s\n' "$file"
	done
	source_files '.ci/*'
)
[ ${#scripts[@]} -gt 0 ] || report "no scripts found in $root"
# SC2015: "[ a ] && [ b ] || fail" is how tests read; nothing there depends on it being if-then-else.
text=$(shellcheck --external-sources --source-path=SCRIPTDIR --exclude=SC2015 "${scripts[@]}" 2>&1) || report "$text"
# What a library for others to source sets, they use.
mapfile -t libraries < <(source_files '*.bash')
if [ ${#libraries[@]} -gt 0 ]; then
	text=$(shellcheck --shell=bash --exclude=SC2015,SC2034 "${libraries[@]}" 2>&1) || report "$text"
fi
# Golden command lines are bash without a first line; variables come from the runner.
mapfile -t commands < <(source_files 'tests/golden/*/cmd')
if [ ${#commands[@]} -gt 0 ]; then
	text=$(shellcheck --shell=bash --exclude=SC2154 "${commands[@]}" 2>&1) || report "$text"
fi
finish "shellcheck (${#scripts[@]} scripts, ${#commands[@]} golden commands)"
