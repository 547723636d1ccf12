#!/usr/bin/env bash
# needs: kernel
# cpu_shares.sh - known shares of CPU time (60/30/10) come out within 3 points at 997 Hz over 5 s.
. "$FT_SOURCE/tests/e2e/lib.bash"

start "$FT_PROGRAMS/shares"
tap 0 cpu -p "$pid" -F 997 -d 5 -o shares.folded -o shares.svg
stop "$pid"
all=$(weight . shares.folded)
[ "$all" -ge 500 ] || fail "only $all samples"
for want in sixty:60 thirty:30 ten:10; do
	part=$(weight "path_${want%:*}" shares.folded)
	off=$((part * 1000 / all - ${want#*:} * 10))
	[ "${off#-}" -le 30 ] || fail "path_${want%:*} has $part of $all samples, not ${want#*:} %"
done
[ "$(weight 'main;path_sixty;spin' shares.folded)" -gt 0 ] || fail "the call path main;path_sixty;spin is missing"
says "reached their root"
[ -s shares.svg ] || fail "no picture was written"
