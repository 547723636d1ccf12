#!/usr/bin/env bash
# needs: kernel unshare
# cpu_pidns.sh - the profiler inside a PID namespace of its own: ids are those of the namespace, children included.
. "$FT_SOURCE/tests/e2e/lib.bash"

unshare -pfm --mount-proc true 2>/dev/null || { echo "SKIP: needs permission to make PID namespaces"; exit 77; }
# shellcheck disable=SC2016 # expanded by the inner shell
unshare -pfm --mount-proc bash -c '
	"$FT_PROGRAMS/shares" & pid=$!
	[ "$pid" -lt 100 ] || exit 9
	"$FLAMETAP" cpu -p "$pid" -F 499 -d 1 -o pidns.folded 2>log || exit 8
	kill -KILL "$pid"
	"$FLAMETAP" cpu -F 999 -o children.folded -- "$FT_PROGRAMS/forker" 10 2>>log || exit 7
' || { log=log; fail "inside the namespace: status $?"; }
[ "$(weight '^shares;.*main;path_sixty;spin' pidns.folded)" -gt 0 ] || fail "the target is missing or has no names"
[ "$(weight 'child_spin' children.folded)" -gt 50 ] || fail "the children are missing"
