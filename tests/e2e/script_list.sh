#!/usr/bin/env bash
# flametap list: points, aliases, calls, tracepoints, functions and scripts, by patterns; each function has a line of documentation.
# needs: kernel
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

tap 0 list >all
for kind in point alias syscall tracepoint function script; do
	grep -q "^$kind " all || fail "no $kind"
done
! grep '^function' all | grep -vE ' - .{8,}$' || fail "a function without documentation"
grep -qF 'syscall    syscall.openat dfd filename flags mode' all || fail "openat"
# shellcheck disable=SC2016 # the dollar is what is looked for
grep -qE '^tracepoint kernel.trace\("sched:sched_switch"\).* \$prev:struct task_struct\*' all || fail "sched_switch"
grep -qE '^function   strlen:long\(string\) - ' all || fail "strlen"
grep -qE '^function   task_nice:long\(task:long\) - ' all || fail "task_nice"

# A part of the name, or a pattern for all of it.
tap 0 list nanosleep >some
[ "$(grep -c . some)" -lt 20 ] && grep -q 'syscall.clock_nanosleep' some || fail "a part of a name"
tap 0 list 'syscall.*stat' >some
grep -q 'syscall.statfs' some && fail "the pattern fits a part"
grep -q 'syscall.fstat ' some || fail "the pattern fits nothing"
tap 1 list nothinghasthis >some
says "nothing has 'nothinghasthis' in its name"
tap 2 list one two >some

# What is listed is there: all aliases are resolved at once. Of those that are not, each says that it is this kernel, or a module
# of it, that is missing; without these all are there. Not more than 200 errors are shown at a time.
sed -n 's/^alias *\([^ ]*\).*/probe \1 { println(pp()) }/p' all | sort >there.stp
for round in 1 2 3 4 5; do
	"$FLAMETAP" run -p2 there.stp >/dev/null 2>err && break
	grep '^semantic error' err | grep -vE 'no such (module is loaded|tracepoint)|this kernel has no programs at' >others && { cat others && fail "an alias without a reason"; }
	sed -n 's/^ *source: //p' err | sort -u >missing.stp
	comm -23 there.stp missing.stp >less.stp && mv less.stp there.stp
done
[ "$round" -lt 5 ] && [ "$(wc -l <there.stp)" -ge 80 ] || { cat err && fail "few aliases"; }
