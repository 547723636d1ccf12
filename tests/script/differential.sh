#!/usr/bin/env bash
# differential.sh [FIRST LAST] - random scripts (generate.py), each on both back ends, which must print the same. $FLAMETAP
# is the program.
#
# Left out: scripts that run out of statements (how many that takes is not the same on both sides), and those that are too
# complex for the kernel to verify; of the rest there have to be some.
set -u
: "${FLAMETAP:?set it to the program under test}"
folder=$(dirname "${BASH_SOURCE[0]}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
same=0 other=0 left_out=0

if ! why=$("$FLAMETAP" run --backend kernel -e 'probe begin { exit() }' 2>&1); then
	printf 'skip: %s\n' "$why"
	exit 77
fi
for seed in $(seq "${1:-1}" "${2:-40}"); do
	python3 "$folder/generate.py" "$seed" >"$work/script.stp" || exit 1
	"$FLAMETAP" run "$work/script.stp" >"$work/user" 2>&1
	backend=kernel
	[ $((seed % 3)) != 0 ] || backend=kernel-by-calls # loops as on Linux before 6.9
	"$FLAMETAP" run --backend "$backend" "$work/script.stp" >"$work/kernel" 2>&1
	if grep -q 'MAXACTION exceeded' "$work/user" || grep -q 'too complex for the kernel' "$work/kernel"; then
		left_out=$((left_out + 1))
	elif diff -u "$work/user" "$work/kernel" >"$work/difference"; then
		same=$((same + 1))
	else
		printf 'FAIL: the back ends differ for seed %s (tests/script/generate.py %s, --backend %s)\n' "$seed" "$seed" "$backend"
		head -20 "$work/difference"
		other=$((other + 1))
	fi
done
printf '%d the same, %d left out, %d different\n' "$same" "$left_out" "$other"
[ "$other" = 0 ] && [ "$same" -gt "$left_out" ]
