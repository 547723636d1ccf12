#!/usr/bin/env bash
# needs: kernel
# cpu_events.sh - software events, tracepoints of both kinds, periods, kernel-only and user-only.
. "$FT_SOURCE/tests/e2e/lib.bash"

# dd writes 2000 blocks: as many system calls, each an event.
dd_run=(dd if=/dev/zero of=/dev/null bs=1 count=2000)
if [ -e /sys/kernel/tracing/events/raw_syscalls/sys_enter/id ]; then
	tap 0 cpu -e tracepoint:syscalls:sys_enter_write -o write.folded -- "${dd_run[@]}"
	all=$(weight . write.folded)
	[ "$all" -ge 2000 ] && [ "$all" -lt 2100 ] || fail "$all writes were counted, not about 2000"
	tap 0 cpu -e tracepoint:syscalls:sys_enter_write -c 100 -o tenth.folded -- "${dd_run[@]}"
	all=$(weight . tenth.folded)
	[ "$all" -ge 20 ] && [ "$all" -lt 22 ] || fail "$all of every 100th write, not 20"
	tap 0 cpu -e tracepoint:sched:sched_switch -o switch.folded -- sh -c 'sleep 0.05; sleep 0.05'
	[ "$(weight '^sleep;.*schedule' switch.folded)" -ge 2 ] || fail "sched_switch: no sleeping process"
	grep -qE 'bpf_trace_run|bpf_prog|__traceiter|perf_syscall' ./*.folded &&
		fail "frames of the tracing itself are in the stacks"
	tap 2 cpu -e tracepoint:sched:sched_switch -F 99 -a
	says "-c N"
else
	echo "note: tracefs is not mounted; tracepoints were left out"
fi
tap 0 cpu -e page-faults -o faults.folded -- sh -c ':'
[ "$(weight . faults.folded)" -ge 20 ] || fail "hardly any page faults"
tap 0 cpu -e context-switches -o cs.folded -- sh -c 'sleep 0.05; sleep 0.05'
[ "$(weight '^sleep;' cs.folded)" -ge 2 ] || fail "no context switches of sleep"
says "events in all"

# Kernel and user parts.
tap 0 cpu -F 999 -o both.folded --annotate -- dd if=/dev/zero of=/dev/null bs=1M count=4000
grep -q '_\[k\]' both.folded || fail "no kernel frames"
tap 0 cpu -F 999 --user-only -o user.folded --annotate -- dd if=/dev/zero of=/dev/null bs=1M count=4000
grep -q '_\[k\]' user.folded && fail "--user-only: kernel frames"
tap 0 cpu -F 999 --kernel-only -o kernel.folded --annotate -- dd if=/dev/zero of=/dev/null bs=1M count=4000
awk '{ sub(/ [0-9]+$/, "") } !/^[^;]*;[^;]*_\[k\]/ { exit 1 }' kernel.folded ||
	fail "--kernel-only: stacks that do not begin in the kernel"
start "$FT_PROGRAMS/shares"
tap 0 cpu -p "$pid" -c 2000000 -d 1 --unwind none -o leaf.folded
stop "$pid"
[ "$(weight '^shares;spin$' leaf.folded)" -gt 100 ] || fail "--unwind none: not the innermost frame alone"
