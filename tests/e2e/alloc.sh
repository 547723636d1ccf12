#!/usr/bin/env bash
# needs: kernel
# alloc.sh - memory that is allocated and not released: exact sums by path, from threads, through every function.
. "$FT_SOURCE/tests/e2e/lib.bash"

[ -e /sys/bus/event_source/devices/uprobe/type ] || { echo "SKIP: needs a kernel with uprobes"; exit 77; }

# left FUNCTION BYTES FILE
left() {
	local got

	got=$(weight ";$1;" "$3")
	[ "$got" = "$2" ] || fail "$1: $got bytes left, not $2: $(cat "$3")"
}

record allocs alloc -o all.folded -o all.svg -o all.txt
left keep 100000 all.folded
left half 30000 all.folded
left grow 200000 all.folded
left zeroed 10000 all.folded
left aligned 96256 all.folded
left mapped 2031616 all.folded
left moved 262144 all.folded
left big 1048576 all.folded
left failed 100 all.folded
[ "$(weight ';from_nothing;[^;]*realloc$' all.folded)" = 1000 ] || fail "from_nothing: $(grep from_nothing all.folded)"
left in_thread 140000 all.folded
left dropped 0 all.folded
left given 0 all.folded
left unused 0 all.folded
[ "$(weight ';main;big;[^;]*malloc$' all.folded)" = 1048576 ] || fail "big: $(grep big all.folded)"
[ "$(weight ';grow;[^;]*realloc$' all.folded)" = 200000 ] || fail "grow: $(grep grow all.folded)"
grep -q 'bytes' all.svg || fail "the picture does not say bytes"
says "bytes in all"
grep -qE '[0-9]{4,} hits of probes' log || fail "the cost is not said"
says "100.0 % reached their root"

# By threads.
record allocs alloc --per-thread -o threads.folded
[ "$(grep -c ';in_thread;.* 35000$' threads.folded)" = 4 ] || fail "threads: $(cat threads.folded)"
left in_thread 140000 threads.folded

# Thinned out: large ones are exact, small ones are right on average (100 of 1000 bytes, one in 4 KiB: 24 +- 5).
record allocs alloc --sample 4k -o thin.folded
left big 1048576 thin.folded
left mapped 2031616 thin.folded
left dropped 0 thin.folded
got=$(weight ';(keep|half|in_thread|zeroed);' thin.folded)
[ "$got" -gt 100000 ] && [ "$got" -lt 600000 ] || fail "sampled: $got bytes of 280000"
says "one in 4096 bytes"

# A command, from its beginning on, through exec.
rm -f ready
# shellcheck disable=SC2016 # expanded by that shell
"$FLAMETAP" alloc -o command.folded -- sh -c 'echo $$ >pid; exec "$FT_PROGRAMS/allocs"' >ready 2>log &
tap_pid=$!
while ! grep -qs ready ready && kill -0 "$tap_pid" 2>/dev/null; do sleep 0.05; done
kill -USR1 "$(cat pid)"
wait "$tap_pid" || fail "alloc -- COMMAND: exit status $?"
left keep 100000 command.folded
left in_thread 140000 command.folded
left given 0 command.folded

# Threads that release and resize each other's blocks: in the end, nothing of theirs is left. The C library may keep what
# belongs to stacks of threads.
record allocrace alloc --per-thread -o race.folded
[ "$(grep -v ';[^;]*pthread_create[^;]*;' race.folded | sed 's/.*;main;[^;]*malloc //')" = 12345 ] ||
	fail "race: $(cat race.folded)"

# One thread: its own allocations only, whoever releases them.
rm -f ready log
start "$FT_PROGRAMS/allocs" >ready
while [ ! -s ready ]; do sleep 0.05; done
"$FLAMETAP" alloc -v -t "$pid" -o thread.folded 2>log &
tap_pid=$!
while ! grep -qs counting log && kill -0 "$tap_pid" 2>/dev/null; do sleep 0.05; done
kill -USR1 "$pid"
wait "$pid"
wait "$tap_pid" || fail "alloc -t: exit status $?"
left keep 100000 thread.folded
left in_thread 0 thread.folded

# An allocator that is mapped only after the start, in a program that is linked statically: three links for each file.
if grep -qE '^(6\.([6-9]|[0-9]{2})|[7-9]\.|[0-9]{2})' /proc/sys/kernel/osrelease; then
	"$FT_CC" -static -D_GNU_SOURCE -O0 -fno-omit-frame-pointer -o static "$FT_SOURCE/tests/programs/allocs.c" -lpthread ||
		fail "no static program"
	rm -f pid ready
	# shellcheck disable=SC2016 # expanded by that shell
	"$FLAMETAP" alloc -o static.folded -- sh -c 'echo $$ >pid; exec ./static' >ready 2>log &
	tap_pid=$!
	while ! grep -qs ready ready && kill -0 "$tap_pid" 2>/dev/null; do sleep 0.05; done
	for _ in {1..600}; do
		[ "$(grep -lsE 'u(ret)?probe_multi' "/proc/$tap_pid/fdinfo/"* | wc -l)" -lt 6 ] || break
		sleep 0.05
	done
	kill -USR1 "$(cat pid)"
	wait "$tap_pid" || fail "alloc of a static program: exit status $?"
	left keep 100000 static.folded
	left in_thread 140000 static.folded
	left mapped 2031616 static.folded
	left given 0 static.folded
fi

# Nothing to draw is said, and why; so is what means nothing here.
start sleep 100
tap 1 alloc -p "$pid" -d 0.2 -o x.folded
says "no allocations"
tap 2 alloc -p "$pid" -F 99 -o x.folded
tap 2 alloc -p "$pid" --kernel-only -o x.folded
tap 2 alloc -p "$pid" --sample 0 -o x.folded
tap 2 alloc -p "$pid" --sample 1k2 -o x.folded
stop "$pid"
[ ! -e x.folded ] || fail "a file was left behind"
