#!/usr/bin/env bash
# What perf has recorded is shown wrong, or not at all.
# needs: perf
set -eu

if ! perf record -q -F 499 -e cpu-clock -g -o perf.data -- "$FT_PROGRAMS/brief" 2>/dev/null; then
	echo "SKIP: needs the right to record with perf"
	exit 77
fi
perf script -i perf.data >perf.txt 2>/dev/null
if ! grep -q '^brief' perf.txt; then
	echo "SKIP: needs a clock event that perf can sample by"
	exit 77
fi
"$FLAMETAP" report -q perf.data -o data.folded
"$FLAMETAP" report -q perf.txt -o text.folded
cmp data.folded text.folded
samples=$(grep -c '^brief' perf.txt)
[ "$(awk '{ sum += $NF } END { print sum }' text.folded)" = "$samples" ]

# As its own text it stays what it is.
"$FLAMETAP" report -q perf.data --annotate -o a.folded
"$FLAMETAP" report -q perf.data -o again.perf.txt
"$FLAMETAP" report -q again.perf.txt --annotate -o b.folded
cmp a.folded b.folded

# Without perf, it says what is missing.
mkdir empty
status=0
PATH=$PWD/empty "$FLAMETAP" report -q perf.data -o none.folded 2>err || status=$?
[ "$status" = 1 ]
grep -q 'apt-get install linux-perf' err
