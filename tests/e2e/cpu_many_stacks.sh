#!/usr/bin/env bash
# needs: kernel
# cpu_many_stacks.sh - tens of thousands of different stacks, each seen a known number of times: what is counted and what
# is said to be lost add up to every single event, also when the store overflows.
. "$FT_SOURCE/tests/e2e/lib.bash"

# record OPTION... -- COMMAND... - like tap; the exit status may be 0 or 3, and goes to $status.
record() {
	status=0
	log=log
	"$FLAMETAP" cpu "$@" 2>log || status=$?
	[ "$status" = 0 ] || [ "$status" = 3 ] || fail "flametap cpu $*: exit status $status"
}

# Samples that never reached the store, from the quality line.
lost() {
	grep -oE '[0-9]+ samples (by a full stack store|because all scratch)' log |
		awk '{ sum += $1 } END { print sum + 0 }'
}

# adds_up EVENTS REGEX FILE - weights that match and losses are all events there were.
adds_up() {
	local counted gone

	counted=$(weight "$2" "$3")
	gone=$(lost)
	[ $((counted + gone)) = "$1" ] || fail "$counted counted and $gone lost of $1 events"
	if [ "$gone" = 0 ]; then
		[ "$status" = 0 ] || fail "exit status $status, but nothing was lost"
	else
		[ "$status" = 3 ] || fail "exit status $status, but $gone samples were lost"
	fi
}

# every_path DEPTH TIMES FILE - every way through the tree of calls is there, as often as it was walked.
every_path() {
	awk -v want=$((1 << $1)) -v times="$2" '
		match($0, /;(left|right)(;(left|right))*/) {
			path = substr($0, RSTART, RLENGTH)
			if (split(path, frames, ";") == '$(($1 + 1))')
				seen[path] += $NF
		}
		END {
			for (path in seen)
				if (seen[path] == times)
					right++
			printf "%d of %d paths were seen %d times\n", right, want, times
			exit right != want
		}' "$3" || fail "paths are missing, or merged"
}

# The busiest paths, user part only: system calls by two threads, page faults by two processes.
if [ -e /sys/kernel/tracing/events/syscalls/sys_enter_getppid/id ]; then
	call=(--unwind fp -e tracepoint:syscalls:sys_enter_getppid --user-only)
	record "${call[@]}" -o calls.folded -- "$FT_PROGRAMS/manystacks" call 15 0 2 1
	adds_up 65536 . calls.folded
	[ "$status" = 3 ] || every_path 15 2 calls.folded
	# The same stacks again and again, while the store is emptied many times: none may be counted in what
	# is left of an earlier round.
	record "${call[@]}" -o again.folded -- "$FT_PROGRAMS/manystacks" call 15 0 2 1 5
	adds_up 327680 . again.folded
	[ "$status" = 3 ] || every_path 15 10 again.folded
	# Two CPUs meet in the same place: of one stack, and of stacks that are new to both.
	record "${call[@]}" -o contended.folded -- "$FT_PROGRAMS/manystacks" call 1 0 4 1 50000
	adds_up 400000 . contended.folded
	record "${call[@]}" -o together.folded -- "$FT_PROGRAMS/manystacks" together 14 0 2 1
	adds_up 32768 . together.folded
	[ "$status" = 3 ] || every_path 14 2 together.folded
	# A million stacks in one recording.
	record "${call[@]}" -o million.folded -- "$FT_PROGRAMS/manystacks" call 20 0 1 1
	adds_up 1048576 . million.folded
	record "${call[@]}" --per-thread -o threads.folded -- "$FT_PROGRAMS/manystacks" call 12 5 4 3
	adds_up 49152 . threads.folded
	[ "$status" = 3 ] || every_path 12 12 threads.folded

	# By unwind tables: until they are known, stacks go to user space and are counted there.
	record -e tracepoint:syscalls:sys_enter_getppid -o tables.folded -- \
		"$FT_PROGRAMS/manystacks" call 13 0 4 2
	adds_up 65536 . tables.folded

	# The command stops the profiler while it runs: nobody empties the store, so it must overflow.
	record "${call[@]}" -o overflow.folded -- \
		sh -c "kill -STOP \$PPID; $FT_PROGRAMS/manystacks call 15 100 3 1; kill -CONT \$PPID"
	adds_up 98304 '^manystacks;' overflow.folded # sh calls getppid, too
	[ "$status" = 3 ] || fail "the store took more than it can hold"
	says "by a full stack store"
	[ "$(weight . overflow.folded)" -ge 3000 ] || fail "an overflowing store keeps hardly anything"
else
	echo "note: tracefs is not mounted; system calls were left out"
fi
record --unwind fp -e page-faults --user-only -o faults.folded -- "$FT_PROGRAMS/manystacks" fault 14 0 1 2
if [ "$status" = 0 ]; then
	adds_up 32768 'leaf_fault$' faults.folded
	every_path 14 2 faults.folded
fi
record --unwind fp -e page-faults --user-only -o overflow.folded -- \
	sh -c "kill -STOP \$PPID; $FT_PROGRAMS/manystacks fault 15 100 1 2; kill -CONT \$PPID"
[ "$status" = 3 ] || fail "the store took more than it can hold"
counted=$(weight 'leaf_fault$' overflow.folded)
all=$(($(weight . overflow.folded) + $(lost)))
# The start of the programs has page faults, too, perhaps some of them among the lost; and a fast machine may reach the
# rate at which the kernel pauses the event.
if grep -q 'the kernel paused the sampling' log; then
	echo "note: the kernel paused the event; its page faults cannot be accounted for"
elif [ $((counted + $(lost))) -lt 65536 ] || [ "$all" -gt 67536 ]; then
	fail "$counted counted and $(lost) lost of 65536 page faults, $all in all"
fi
