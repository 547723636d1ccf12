#!/usr/bin/env bash
# needs: kernel
# cpu_sources.sh - flame graphs of system calls, functions, and what a tracepoint's field counts: exact numbers.
. "$FT_SOURCE/tests/e2e/lib.bash"

# record ARG... - of a process that does its calls once the recording counts, and ends.
record() {
	local got=0 tap_pid

	rm -f ready log
	start "$FT_PROGRAMS/calls" >ready
	while [ ! -s ready ]; do sleep 0.05; done
	"$FLAMETAP" cpu -v -p "$pid" "$@" 2>log &
	tap_pid=$!
	while ! grep -qs counting log && kill -0 "$tap_pid" 2>/dev/null; do sleep 0.05; done
	kill -USR1 "$pid"
	wait "$pid" 2>/dev/null
	log=log
	wait "$tap_pid" || got=$?
	[ "$got" = 0 ] || fail "flametap cpu $*: exit status $got"
}

record -e syscall:getppid -o getppid.folded -o getppid.svg
[ "$(weight 'main;often;' getppid.folded)" = 800 ] || fail "often: $(weight often getppid.folded), not 800"
[ "$(weight 'main;seldom;' getppid.folded)" = 200 ] || fail "seldom: $(weight seldom getppid.folded), not 200"
[ "$(weight '^calls;' getppid.folded)" = 1000 ] || fail "getppid was called elsewhere"
[ -s getppid.svg ] || fail "no picture was written"

record -e syscall:getppid -c 10 -o tenth.folded
[ "$(weight '^calls;' tenth.folded)" = 100 ] || fail "-c 10: $(weight '^calls;' tenth.folded), not 100"

tap 2 cpu -e syscall:no_such_call -o x.folded -p $$
says "no system call is named 'no_such_call'"
tap 2 cpu -e syscall:getppid -F 99 -o x.folded -p $$

# The address of a probe is a function's first: its caller is known there as anywhere.
if [ -e /sys/bus/event_source/devices/uprobe/type ]; then
	record -e "uprobe:$FT_PROGRAMS/calls:tick" -o ticks.folded
	[ "$(weight 'main;large_writes;tick$' ticks.folded)" = 40 ] || fail "tick: $(cat ticks.folded)"
	[ "$(weight 'main;small_writes;tick$' ticks.folded)" = 100 ] || fail "tick: $(cat ticks.folded)"
	[ "$(weight . ticks.folded)" = 140 ] || fail "tick: $(cat ticks.folded)"
	tap 1 cpu -e "uprobe:$FT_PROGRAMS/calls:tock" -o x.folded -p $$
	says "has no function 'tock'"
fi
tap 2 cpu -e uprobe:calls:tick -o x.folded -p $$

[ -e /sys/kernel/tracing/events/syscalls/sys_enter_write/format ] || { echo "SKIP: needs tracefs with syscall tracepoints"; exit 77; }
record -e tracepoint:syscalls:sys_enter_write:count -o bytes.folded
[ "$(weight 'large_writes' bytes.folded)" = 4000 ] || fail "large_writes: $(weight large_writes bytes.folded), not 4000"
[ "$(weight 'small_writes' bytes.folded)" = 1000 ] || fail "small_writes: $(weight small_writes bytes.folded), not 1000"
tap 2 cpu -e tracepoint:syscalls:sys_enter_write:no_such_field -o x.folded -p $$
says "it has: "
says "count"
[ ! -e x.folded ] || fail "a file was left behind"
