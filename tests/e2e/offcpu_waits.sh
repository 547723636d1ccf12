#!/usr/bin/env bash
# needs: kernel
# offcpu_waits.sh - known waits: two paths 4:1, a thread that waits all the time, states, limits, histograms.
. "$FT_SOURCE/tests/e2e/lib.bash"

# near WHAT IS WANT PERCENT - fails unless IS is within PERCENT of WANT.
near() {
	[ $((($2 - $3) * 100)) -le $(($3 * $4)) ] && [ $((($3 - $2) * 100)) -le $(($3 * $4)) ] ||
		fail "$1: $2, not $3 within $4 %"
}

start "$FT_PROGRAMS/waits" with-thread >ready
while [ ! -s ready ]; do sleep 0.05; done

# A timer ends a wait of 4 ms after 4 ms and a little, one of 1 ms after 1 ms and as much: on a busy
# machine the little is not small, so the bound is on what both have in common.
tap 0 offcpu -p "$pid" -d 4 -o waits.folded -o waits.svg
long=$(weight 'long_wait' waits.folded)
short=$(weight 'short_wait' waits.folded)
[ "$short" -gt 0 ] || fail "short_wait is missing"
[ "$long" -gt $((short * 2)) ] && [ "$long" -lt $((short * 5)) ] || fail "long_wait $long us, short_wait $short us"
[ "$(weight 'main;long_wait;nap;.*nanosleep' waits.folded)" = "$long" ] || fail "long_wait has other callers or callees"
near "the thread that waits all the time" "$(weight 'wait_for_ever;.*began before the recording.*not over' waits.folded)" 4000000 5
[ "$(weight compute waits.folded)" = 0 ] || fail "time on a CPU was counted"
[ "$(weight ';(__)?schedule[; ]' waits.folded)" = 0 ] || fail "the scheduler's functions are in the picture"
says "reached their root"
[ -s waits.svg ] || fail "no picture was written"

# Limits are limits of each wait.
tap 0 offcpu -p "$pid" -d 2 --max 3500 -o max.folded
[ "$(weight short_wait max.folded)" -gt 0 ] || fail "--max 3500 leaves out short_wait"
[ "$(weight 'long_wait|wait_for_ever' max.folded)" -lt 10000 ] || fail "--max 3500 keeps longer waits"
tap 0 offcpu -p "$pid" -d 2 --min 3900 -o min.folded
[ "$(weight long_wait min.folded)" -gt 0 ] || fail "--min 3900 leaves out long_wait"

# Nothing here is ever stopped.
tap 1 offcpu -p "$pid" -d 0.5 --state T -o none.folded
says "no waits"
[ ! -e none.folded ] || fail "an empty profile was written"

# Of a sleep, the part after the alarm is a small one.
tap 0 offcpu -p "$pid" -d 2 --runqueue -o queue.folded
[ "$(weight 'long_wait' queue.folded)" -lt "$(($(weight 'long_wait' waits.folded) / 2))" ] || fail "--runqueue counts the sleep"

"$FLAMETAP" offcpu -p "$pid" -d 2 --hist=frame >hist 2>log || fail "--hist: exit status $?"
grep -q '^do_nanosleep: [0-9]* waits' hist || fail "no histogram for do_nanosleep: $(head -3 hist)"
"$FLAMETAP" offcpu -p "$pid" -d 1 --hist=state >hist 2>log || fail "--hist=state: exit status $?"
grep -q 'sleeping]: [0-9]* waits' hist || fail "no histogram for sleeping: $(head -3 hist)"
stop "$pid"

tap 2 offcpu -p "$pid" -F 99
tap 2 offcpu -p "$pid" --state Q
tap 2 offcpu -p "$pid" --min 5 --max 4
tap 2 offcpu -p "$pid" --hist -o x.svg
tap 2 wall -p "$pid" --kernel-only
