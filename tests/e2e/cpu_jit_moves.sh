#!/usr/bin/env bash
# needs: kernel
# cpu_jit_moves.sh - code made at run time that is moved, and whose memory is used again: each sample has the name of
# the function that was at its address then.
. "$FT_SOURCE/tests/e2e/lib.bash"

# alpha and beta of a recording, in sixths of all samples: 4 and 2.
shares() {
	local alpha beta all

	alpha=$(weight 'alpha' "$1")
	beta=$(weight 'beta' "$1")
	all=$(weight . "$1")
	[ $((alpha * 6)) -ge $((all * 3)) ] && [ $((alpha * 6)) -le $((all * 5)) ] &&
		[ $((beta * 6)) -ge $((all * 1)) ] && [ $((beta * 6)) -le $((all * 3)) ]
}

# A second of each; then for some ten milliseconds each.
for times in "400 2" "12 60"; do
	# shellcheck disable=SC2086 # two numbers
	tap 0 cpu -F 499 -e cpu-clock --user-only -o out.folded -o out.ftap -o out.html --timeline -- \
		"$FT_PROGRAMS/jitmoves" $times
	shares out.folded || fail "$times: $(cat out.folded)"
	# The archive has the names, and as many samples at each time.
	rm -f jit-*.dump
	tap 0 report out.ftap -o again.folded
	cmp out.folded again.folded || fail "the archive has other names"
	tap 0 report out.ftap --from 0 --to 100 -o again.folded
	cmp out.folded again.folded || fail "the times of the archive do not add up"
done

# Waits are of the code that waited; allocations and time on CPUs by the same means.
tap 0 wall --user-only -o out.folded -- "$FT_PROGRAMS/jitmoves" 200 2
shares out.folded || fail "wall: $(cat out.folded)"
exit 0
