#!/usr/bin/env bash
# A recording as an archive is not what was recorded: other stacks, or lost with a killed recorder.
# needs: kernel
set -eu

"$FT_PROGRAMS/shares" &
pid=$!
trap 'kill "$pid"; wait "$pid" || :' EXIT

"$FLAMETAP" cpu -p $pid -F 499 -d 1 --per-thread --timeline -o a.ftap -o a.folded -o a.trace.json
"$FLAMETAP" report -q a.ftap -o b.folded
cmp a.folded b.folded
"$FLAMETAP" report -q a.ftap -o c.ftap
cmp a.ftap c.ftap
"$FLAMETAP" report -q a.ftap --pid $pid -o b.folded
cmp a.folded b.folded
"$FLAMETAP" report -q a.ftap --from 0.2 --to 0.6 -o part.folded
weight() { awk '{ sum += $NF } END { print sum + 0 }' "$1"; }
[ "$(weight part.folded)" -lt "$(weight a.folded)" ]
"$FLAMETAP" report -q a.ftap --by process -o by.folded
grep -q "^shares/$pid;" by.folded
if "$FLAMETAP" report -q a.ftap --pid 1 --focus . -o none.folded 2>err; then
	exit 1
fi
grep -q 'leave nothing' err

# Whose CPU: a process that may run on one only, while another keeps the second one busy.
if [ "$(nproc)" -gt 1 ]; then
	taskset -c 1 "$FT_PROGRAMS/shares" &
	second=$!
	trap 'kill "$pid" $second; wait "$pid" $second || :' EXIT
	"$FLAMETAP" cpu -p $pid,$second -F 499 -d 1 --timeline -o two.ftap -o two.folded
	"$FLAMETAP" report -q two.ftap -o b.folded
	cmp two.folded b.folded
	"$FLAMETAP" report -q two.ftap --pid $second --by cpu -o by.folded
	grep -q '^\[CPU 1];shares;_start;' by.folded
	if grep -v '^\[CPU 1];' by.folded; then
		exit 1
	fi
	"$FLAMETAP" report -q two.ftap --by cpu -o by.folded
	[ "$(weight by.folded)" = "$(weight two.folded)" ]
	# What perf's text becomes: an archive of names, which keeps times and CPUs.
	"$FLAMETAP" report -q two.ftap --focus main -o named.ftap
	"$FLAMETAP" report -q named.ftap --by cpu --from 0 --to 100 -o b.folded
	"$FLAMETAP" report -q two.ftap --by cpu --focus main -o by.folded
	cmp b.folded by.folded
	kill $second
fi
# Without names, they are found again.
"$FLAMETAP" cpu -p $pid -F 499 -d 1 --no-symbols -o n.ftap -o n.folded
"$FLAMETAP" report -q n.ftap -o m.folded
cmp n.folded m.folded
if "$FLAMETAP" report -q n.ftap --by cpu -o none.folded 2>err; then
	exit 1
fi
grep -q 'record with --timeline' err

# Killed without a warning, once there are samples: they can be read.
"$FLAMETAP" cpu -p $pid -F 499 -o k.ftap &
recorder=$!
for _ in $(seq 100); do
	sleep 0.2
	status=0
	"$FLAMETAP" report -q k.ftap --focus . -o k.folded 2>err || status=$?
	[ "$status" != 3 ] || break
done
kill -9 $recorder
wait $recorder || true
[ "$status" = 3 ]
grep -q 'ends early' err
status=0
"$FLAMETAP" report -q k.ftap -o k.folded || status=$?
[ "$status" = 3 ]
grep -q '^shares;_start;.*main' k.folded
