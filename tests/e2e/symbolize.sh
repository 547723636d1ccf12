#!/usr/bin/env bash
# flametap symbolize: forms of input and output, files and processes, and what it says when it cannot.
# needs: gcc nm
set -eu

cat >inlined.c <<'END'
#include <unistd.h>
volatile int number;
static inline __attribute__((always_inline)) void leaf(void)
{
	number++;
}
static inline __attribute__((always_inline)) void middle(void)
{
	leaf();
}
__attribute__((noinline)) void outer(void)
{
	middle();
}
int main(void)
{
	outer();
	pause();
	return 0;
}
END
gcc -O1 -g -no-pie -o fixed inlined.c
gcc -O1 -g -pie -fPIE -o moved inlined.c
addr=$(nm fixed | awk '$3 == "outer" { print $1 }')

fail() {
	printf 'FAIL: %s\n' "$*" >&2
	exit 1
}

printf 'leaf\t%s/inlined.c:5:8\tinlined\nmiddle\t%s/inlined.c:9:2\tinlined\nouter\t%s/inlined.c:13:2\t\n' \
	"$PWD" "$PWD" "$PWD" >want
"$FLAMETAP" symbolize -e fixed "$addr" | cut -f2- >got
diff want got || fail "a chain from a file"

echo "0x$addr" | "$FLAMETAP" symbolize -e fixed | cut -f2- >got
diff want got || fail "the same from standard input"
printf '%s' "$addr" | "$FLAMETAP" symbolize -e fixed | cut -f2- >got
diff want got || fail "a last line without its end"

printf 'outer\t%s/inlined.c:13:2\t\n' "$PWD" >want
"$FLAMETAP" symbolize -e fixed --no-inline "$addr" | cut -f2- >got
diff want got || fail "--no-inline"

cat >want <<END
leaf inlined at $PWD/inlined.c:9:2 in outer
$PWD/inlined.c:5:8
middle
$PWD/inlined.c:9:2
outer
$PWD/inlined.c:13:2
END
"$FLAMETAP" symbolize --addr2line -e fixed "$addr" | diff want - || fail "--addr2line"
printf '??\n??:0\n' >want
"$FLAMETAP" symbolize --addr2line -e fixed 1 | diff want - || fail "an address in nothing"

# A running process, whose mappings lie elsewhere; one answer at a time through pipes.
./moved &
pid=$!
for _ in $(seq 100); do
	base=$(awk -v path="$PWD/moved" '$6 == path { print $1; exit }' /proc/$pid/maps)
	[ -n "$base" ] && break
	sleep 0.05
done
base=${base%%-*}
addr=$(printf '%x' $((0x$base + 0x$(nm moved | awk '$3 == "outer" { print $1 }'))))
coproc look { "$FLAMETAP" symbolize -p "$pid"; }
echo "$addr" >&"${look[1]}"
read -r -t 60 line <&"${look[0]}" || fail "no answer before the end of the input"
[ "$(cut -f2 <<<"$line")" = leaf ] || fail "in a process: $line"
eval "exec ${look[1]}>&-"
kill $pid
wait $pid || :
wait

status=0
"$FLAMETAP" symbolize -e fixed hello >out 2>err || status=$?
[ $status = 1 ] && grep -q "'hello' is no hexadecimal address" err || fail "no address: $status, $(cat err)"
status=0
"$FLAMETAP" symbolize -e missing 1 >out 2>err || status=$?
[ $status = 1 ] && grep -q 'cannot read missing' err || fail "no file: $status, $(cat err)"
status=0
"$FLAMETAP" symbolize -e inlined.c 1 >out 2>err || status=$?
[ $status = 1 ] && grep -q 'no ELF file' err || fail "no ELF file: $status, $(cat err)"
status=0
"$FLAMETAP" symbolize 1 >out 2>err || status=$?
[ $status = 2 ] || fail "neither -e nor -p: $status"
