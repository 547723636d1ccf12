#!/usr/bin/env bash
# needs: kernel
# wall_adds_up.sh - on-CPU and off-CPU time of a thread add up to the time that it existed.
. "$FT_SOURCE/tests/e2e/lib.bash"

# whole FILE REGEX MICROSECONDS - fails unless what matches adds up to that within 3 %.
whole() {
	local is

	is=$(weight "$2" "$1")
	[ $((is * 100)) -ge $(($3 * 97)) ] && [ $((is * 100)) -le $(($3 * 103)) ] ||
		fail "$2 in $1: $is us, not $3"
}

# The duration as flametap says it: a busy machine may wake it late.
duration() {
	awk '/^[0-9.]+ s$/ { print int($1 * 1000000) }' log
}

start "$FT_PROGRAMS/waits" with-thread >ready
while [ ! -s ready ]; do sleep 0.05; done
sleeper=$pid
tap 0 wall -p "$sleeper" -d 3 --per-thread -o wall.folded -o wall.svg
whole wall.folded "^waits;waits/$sleeper;" "$(duration)"
whole wall.folded 'wait_for_ever' "$(duration)"
[ "$(weight 'main;compute' wall.folded)" -gt 0 ] || fail "no time on a CPU"
[ "$(weight 'long_wait;.*off CPU: sleeping' wall.folded)" -gt 0 ] || fail "no time off a CPU"
stop "$sleeper"

# Two threads that are never off their CPU by themselves.
start "$FT_PROGRAMS/threads" >tids
while [ ! -s tids ]; do sleep 0.05; done
kill -USR1 "$pid"
tap 0 wall -p "$pid" -d 2 -o busy.folded
[ "$(weight 'work_early|work_late' busy.folded)" -gt 0 ] || fail "the work is missing"
stop "$pid"

# Threads that come and go: the program's first thread exists all the time.
tap 0 wall -o born.folded --per-thread -- "$FT_PROGRAMS/threadchurn"
made=$(weight 'churned' born.folded)
[ "$made" -gt 0 ] || fail "threads that have ended are missing"

# Children that come and go, by fork alone and with exec: no more time than two CPUs had.
for program in "" "$FT_PROGRAMS/brief"; do
	# shellcheck disable=SC2086 # no program is no argument
	tap 0 wall -o children.folded -- "$FT_PROGRAMS/forker" 40 $program
	on=$(awk '!/off CPU/ { sum += $NF } END { print sum + 0 }' children.folded)
	[ "$on" -gt 0 ] || fail "no time of children"
	[ "$on" -le $((2 * $(duration))) ] || fail "children were on CPUs for $on us of $(duration)"
done
