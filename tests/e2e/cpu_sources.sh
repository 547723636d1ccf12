#!/usr/bin/env bash
# needs: kernel
# cpu_sources.sh - flame graphs of system calls, functions, and what a tracepoint's field counts: exact numbers.
. "$FT_SOURCE/tests/e2e/lib.bash"

record calls cpu -e syscall:getppid -o getppid.folded -o getppid.svg
[ "$(weight 'main;often;' getppid.folded)" = 800 ] || fail "often: $(weight often getppid.folded), not 800"
[ "$(weight 'main;seldom;' getppid.folded)" = 200 ] || fail "seldom: $(weight seldom getppid.folded), not 200"
[ "$(weight '^calls;' getppid.folded)" = 1000 ] || fail "getppid was called elsewhere"
[ -s getppid.svg ] || fail "no picture was written"

record calls cpu -e syscall:getppid -c 10 -o tenth.folded
[ "$(weight '^calls;' tenth.folded)" = 100 ] || fail "-c 10: $(weight '^calls;' tenth.folded), not 100"

tap 2 cpu -e syscall:no_such_call -o x.folded -p $$
says "no system call is named 'no_such_call'"
tap 2 cpu -e syscall:getppid -F 99 -o x.folded -p $$

# The address of a probe is a function's first: its caller is known there as anywhere.
if [ -e /sys/bus/event_source/devices/uprobe/type ]; then
	record calls cpu -e "uprobe:$FT_PROGRAMS/calls:tick" -o ticks.folded
	[ "$(weight 'main;large_writes;tick$' ticks.folded)" = 40 ] || fail "tick: $(cat ticks.folded)"
	[ "$(weight 'main;small_writes;tick$' ticks.folded)" = 100 ] || fail "tick: $(cat ticks.folded)"
	[ "$(weight . ticks.folded)" = 140 ] || fail "tick: $(cat ticks.folded)"
	tap 1 cpu -e "uprobe:$FT_PROGRAMS/calls:tock" -o x.folded -p $$
	says "has no function 'tock'"
fi
tap 2 cpu -e uprobe:calls:tick -o x.folded -p $$

# Statically defined probes: one in two places, and one behind a semaphore.
if [ -e /sys/bus/event_source/devices/uprobe/type ]; then
	record probes cpu -e "usdt:$FT_PROGRAMS/probes:flametest:step" -o step.folded
	[ "$(weight 'main;early$' step.folded)" = 30 ] || fail "step: $(cat step.folded)"
	[ "$(weight 'main;late$' step.folded)" = 70 ] || fail "step: $(cat step.folded)"
	[ "$(weight . step.folded)" = 100 ] || fail "step: $(cat step.folded)"
	[ "$program_status" = 9 ] || fail "the semaphore of another probe was raised"
	record probes cpu -e "usdt:$FT_PROGRAMS/probes:flametest:guarded" -o guarded.folded
	[ "$(weight 'main;guarded$' guarded.folded)" = 50 ] || fail "guarded: $(cat guarded.folded)"
	[ "$program_status" = 0 ] || fail "the semaphore was not raised: exit status $program_status"
	tap 1 cpu -e "usdt:$FT_PROGRAMS/probes:flametest:stop" -o x.folded -p $$
	says "has no probe 'flametest:stop'; it has flametest:step, flametest:guarded"
	tap 1 cpu -e "usdt:$FT_PROGRAMS/calls:flametest:step" -o x.folded -p $$
	says "it has none at all"
fi
tap 2 cpu -e usdt:probes:flametest:step -o x.folded -p $$

[ -e /sys/kernel/tracing/events/syscalls/sys_enter_write/format ] || { echo "SKIP: needs tracefs with syscall tracepoints"; exit 77; }
record calls cpu -e tracepoint:syscalls:sys_enter_write:count -o bytes.folded
[ "$(weight 'large_writes' bytes.folded)" = 4000 ] || fail "large_writes: $(weight large_writes bytes.folded), not 4000"
[ "$(weight 'small_writes' bytes.folded)" = 1000 ] || fail "small_writes: $(weight small_writes bytes.folded), not 1000"
tap 2 cpu -e tracepoint:syscalls:sys_enter_write:no_such_field -o x.folded -p $$
says "it has: "
says "count"
[ ! -e x.folded ] || fail "a file was left behind"
