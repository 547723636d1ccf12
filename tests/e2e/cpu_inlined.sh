#!/usr/bin/env bash
# What the compiler inlined is in the profile: frames of their own, marked _[i], with file and line.
# needs: kernel gcc
set -eu

cat >spin.c <<'END'
volatile unsigned long number;
static inline __attribute__((always_inline)) void leaf(void)
{
	for (int i = 0; i < 1000; i++)
		number += i;
}
static inline __attribute__((always_inline)) void middle(void)
{
	leaf();
}
__attribute__((noinline)) void outer(void)
{
	for (;;)
		middle();
}
int main(void)
{
	outer();
	return 0;
}
END
gcc -O1 -g -o spin spin.c
./spin &
pid=$!
"$FLAMETAP" cpu -p $pid -d 1 -F 499 --annotate -o out.folded -o out.svg
"$FLAMETAP" cpu -p $pid -d 1 -F 499 --no-inline -o plain.folded
kill $pid
wait $pid || :
grep -E '^spin;.*main;outer;middle_\[i\];leaf_\[i\] [0-9]+$' out.folded
grep -F 'inlined · spin · ' out.svg | grep -qE "$PWD/spin.c:[45]<"
grep -E '^spin;.*main;outer [0-9]+$' plain.folded
if grep -q leaf plain.folded; then
	echo "FAIL: --no-inline left inlined calls" >&2
	exit 1
fi
