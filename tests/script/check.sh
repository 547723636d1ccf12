#!/usr/bin/env bash
# check.sh parse|sema|run ok|bad FOLDER - scripts that pass 1 or 2 takes, those that it refuses, and those that run. $FLAMETAP is the program.
#
# run: NAME.stp prints NAME.out (standard output, then standard error), and its exit status is 0, or what its first line
# says ("# exit: N"). FT_BLESS=1 writes what it printed into NAME.out.
# ok: no complaints, and what -p1 prints is understood as the same script.
# bad: exit status 1, and the message that the first line ("# error: TEXT") names.
set -u
: "${FLAMETAP:?set it to the program under test}"
declare -A options=([parse]=-p1 [sema]=-p2 [run]="") words=([parse]="parse error:" [sema]="semantic error:" [run]="")
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

# All back ends must print the same: the interpreter, and programs of the kernel where they are permitted, also with loops
# as on Linux before 6.9.
check_run() {
	check_run_by
	[ "$has_kernel" = no ] || check_run_by --backend kernel
	[ "$has_kernel" = no ] || check_run_by --backend kernel-by-calls
}

check_run_by() {
	local want status=0 errors

	want=$(sed -n '1s/^# exit: //p' "$script")
	errors=$(mktemp)
	said=$(cd "$(dirname "$script")" && timeout 60 "$FLAMETAP" run "$@" "${script##*/}" 2>"$errors") || status=$?
	said+=$'\n'$(cat "$errors")
	rm "$errors"
	[ "${FT_BLESS:-}" != 1 ] || printf '%s\n' "$said" >"${script%.stp}.out"
	[ "$status" = "${want:-0}" ] || { problem "exit status $status $*: $said" && return; }
	diff -u "${script%.stp}.out" <(printf '%s\n' "$said") || { problem "printed something else $*" && return; }
	passed=$((passed + 1))
}

kind=$2
[ "$1" != run ] || kind=run
has_kernel=yes
if [ "$1" = run ] && ! why=$("$FLAMETAP" run --backend kernel -e 'probe begin { exit() }' 2>&1); then
	printf 'only the interpreter is tested: %s\n' "$why"
	has_kernel=no
fi
for script in "$3"/*.stp; do
	"check_$kind"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
