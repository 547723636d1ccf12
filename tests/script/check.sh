#!/usr/bin/env bash
# check.sh parse|sema ok|bad FOLDER - scripts that pass 1 or 2 takes, and those that it refuses. $FLAMETAP is the program.
#
# ok: no complaints, and what -p1 prints is understood as the same script.
# bad: exit status 1, and the message that the first line ("# error: TEXT") names.
set -u
: "${FLAMETAP:?set it to the program under test}"
declare -A options=([parse]=-p1 [sema]=-p2) words=([parse]="parse error:" [sema]="semantic error:")
pass=${options[$1]} word=${words[$1]}
passed=0 failed=0

problem() {
	printf 'FAIL: %s: %s\n' "$script" "$1"
	failed=$((failed + 1))
}

check_ok() {
	local first second

	first=$("$FLAMETAP" run "$pass" "$script" 2>&1) || { problem "$first" && return; }
	first=$("$FLAMETAP" run -p1 "$script" 2>&1) || { problem "$first" && return; }
	first=$(sed 1d <<<"$first")
	second=$("$FLAMETAP" run -p1 - <<<"$first" 2>&1) || { problem "what -p1 prints: $second" && return; }
	[ "$first" = "$(sed 1d <<<"$second")" ] || { problem "what -p1 prints means something else" && return; }
	passed=$((passed + 1))
}

check_bad() {
	local want said status=0

	want=$(sed -n '1s/^# error: //p' "$script")
	said=$("$FLAMETAP" run "$pass" "$script" 2>&1) || status=$?
	[ "$status" = 1 ] || { problem "exit status $status, not 1" && return; }
	{ grep -qF "$word" <<<"$said" && grep -qF -- "$want" <<<"$said"; } || { problem "no \"$want\" in: $said" && return; }
	passed=$((passed + 1))
}

for script in "$3"/*.stp; do
	"check_$2"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
