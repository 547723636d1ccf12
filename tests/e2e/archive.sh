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

# Without names, they are found again.
"$FLAMETAP" cpu -p $pid -F 499 -d 1 --no-symbols -o n.ftap -o n.folded
"$FLAMETAP" report -q n.ftap -o m.folded
cmp n.folded m.folded

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
