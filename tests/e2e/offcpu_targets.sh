#!/usr/bin/env bash
# needs: kernel
# offcpu_targets.sh - waits of a thread, a command with its children, a cgroup, the whole machine.
. "$FT_SOURCE/tests/e2e/lib.bash"

# near WHAT IS WANT BEGAN - fails unless IS is WANT, less 5 percent at most, and no more than has passed since BEGAN: a
# recording takes longer than asked for where others use the machine.
near() {
	local passed=$((${EPOCHREALTIME/[.,]/} - $4))

	[ $(($2 * 100)) -ge $(($3 * 95)) ] && [ "$2" -le "$passed" ] || fail "$1: $2 us, not $3 (of $passed)"
}

start "$FT_PROGRAMS/waits" with-thread >ready
while [ ! -s ready ]; do sleep 0.05; done
for tid in /proc/"$pid"/task/*; do
	[ "${tid##*/}" = "$pid" ] || idle=${tid##*/}
done

began=${EPOCHREALTIME/[.,]/}
tap 0 offcpu -t "$idle" -d 1 --per-thread -o thread.folded
near "the thread" "$(weight "^waits;waits/$idle;.*wait_for_ever" thread.folded)" 1000000 "$began"
[ "$(weight 'long_wait' thread.folded)" = 0 ] || fail "-t has another thread's waits"

began=${EPOCHREALTIME/[.,]/}
tap 0 offcpu -a -d 1 -o all.folded
near "the thread, with -a" "$(weight '^waits;.*wait_for_ever' all.folded)" 1000000 "$began"
[ "$(weight '^waits;.*long_wait' all.folded)" -gt 0 ] || fail "-a has no long_wait"

tap 0 offcpu -o command.folded -- bash -c "sleep 0.3; sleep 0.4" # the last one replaces bash
slept=$(weight '^sleep;.*nanosleep' command.folded)
[ "$slept" -gt 690000 ] && [ "$slept" -lt 1500000 ] || fail "the command's children slept $slept us"
[ "$(weight '^bash;.*wait' command.folded)" -gt 250000 ] || fail "the command did not wait for its children"

root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
if [ -n "$root" ] && mkdir -p "$root/flametap-test-$$/below" 2>/dev/null; then
	group=$root/flametap-test-$$
	echo "$pid" >"$group/below/cgroup.procs"
	got=0
	began=${EPOCHREALTIME/[.,]/}
	"$FLAMETAP" offcpu --cgroup "$group" -d 1 -o group.folded 2>log || got=$?
	echo $$ >"$root/cgroup.procs"
	stop "$pid"
	while [ -s "$group/below/cgroup.procs" ]; do sleep 0.05; done
	rmdir "$group/below" "$group"
	[ "$got" = 0 ] || fail "--cgroup: exit status $got"
	near "the thread, in a cgroup" "$(weight '^waits;.*wait_for_ever' group.folded)" 1000000 "$began"
	[ "$(weight . group.folded)" = "$(weight '^waits;' group.folded)" ] || fail "--cgroup has other processes"
else
	stop "$pid"
fi

# A target that is killed in the middle of a wait: what it waited counts.
start sleep 100
sleep 0.2
{ sleep 0.5; kill -KILL "$pid"; } &
killer=$!
tap 0 offcpu -p "$pid" -d 20 -o killed.folded
wait "$killer"
wait "$pid" 2>/dev/null
killed=$(weight '^sleep;' killed.folded)
[ "$killed" -gt 100000 ] || fail "the wait that a signal ended has $killed us"
