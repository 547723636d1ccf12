#!/usr/bin/env bash
# Debug information that only the mount namespace of the target has: split units in files of their own, and the
# supplementary file of dwz. Damaged files cost their own names, and are said.
# needs: g++ objcopy unshare mount dwz nm
set -u
. "$FT_SOURCE/tests/e2e/lib.bash"

unshare -m true 2>/dev/null || { echo "SKIP: needs mount namespaces"; exit 77; }

cat >prog.cc <<'END'
#include <cstdio>
#include <string>
#include <unistd.h>
static inline __attribute__((always_inline)) long inner(long n)
{
	for (long i = 0; i < 100; i++)
		n = n * 31 + i;
	return n;
}
__attribute__((noinline)) long outer(long n) { return inner(n) + inner(n + 1); }
int main(int argc, char **argv)
{
	long sum = outer(argc);
	for (std::string text = argv[0]; !text.empty(); text.pop_back())
		sum += outer((long)text.size());
	puts("ready");
	fflush(stdout);
	pause();
	return sum == 42;
}
END
inside=/media/inside
map="-ffile-prefix-map=$PWD=$inside"

# run_inside PROGRAM FILE... - starts it in a mount namespace whose /media holds it and the files; its id is in $pid.
run_inside() {
	local program=$1

	rm -f gate && mkfifo gate
	# shellcheck disable=SC2016 # for the other shell
	unshare -m sh -c 'mount -t tmpfs tmpfs /media && mkdir "$1" && to=$1 && shift && program=$1 && cp "$@" "$to" &&
		exec "$to/$program"' sh "$inside" "$@" >gate &
	pid=$!
	read -r _ <gate || fail "$program does not run"
}

# inlined - the calls at some place of outer() by way of the process.
inlined() {
	local start

	start=$(nm "$1" | awk '$3 == "_Z5outerl" { print $1 }')
	start=$((0x$start + $(base "$pid" "$1")))
	for ((i = 0; i < 12; i++)); do printf '0x%x\n' $((start + 4 * i)); done | tap 0 symbolize -p "$pid" >out
	grep -c 'inner.*inlined' out
}

# base PID NAME - the lowest address of a mapped file.
base() {
	awk -v name="/$2" 'index($0, name) { split($1, a, "-"); print "0x" a[1]; exit }' "/proc/$1/maps"
}

# ---- split units ----
{ g++ -O2 -g -gsplit-dwarf "$map" -fPIE -pie -c prog.cc -o split.o && g++ -pie split.o -o split; } || fail "g++"
[ -e split.dwo ] || fail "no split unit"
mv split.dwo aside.dwo
cp aside.dwo split.dwo
run_inside split split.dwo
rm split.dwo
[ "$(inlined split)" -gt 3 ] || fail "split units in another mount namespace: $(cat out)"
stop "$pid"
run_inside split
[ "$(inlined split)" = 0 ] || fail "inlined calls from nowhere"
stop "$pid"

# ---- dwz ----
g++ -O2 -gdwarf-4 "$map" -fPIE -pie prog.cc -o first && cp first second
if dwz -m common.debug -M $inside/common.debug first second 2>/dev/null && [ -e common.debug ]; then
	run_inside first common.debug
	[ "$(inlined first)" -gt 3 ] || fail "dwz's file in another mount namespace: $(cat out)"
	stop "$pid"
	run_inside first
	grep -q _Z5outerl <(nm first) && inlined first >/dev/null
	grep -q outer out || fail "without dwz's file: $(cat out)"
	stop "$pid"
fi

# ---- damaged files are said, once, and cost their own names ----
g++ -O2 -g -Wl,--build-id prog.cc -o whole
addr=0x$(nm whole | awk '$3 == "_Z5outerl" { print $1 }')
objcopy --only-keep-debug whole whole.debug
cp whole stripped && strip stripped && objcopy --add-gnu-debuglink=whole.debug stripped
tap 0 symbolize -e stripped "$addr" >out
grep -q 'outer' out || fail "debug file: $(cat out)"
! grep -q damaged log || fail "a whole file is called damaged"
cp whole.debug keep
for bytes in 100 2000 $(($(stat -c %s keep) / 2)) $(($(stat -c %s keep) - 10)); do
	head -c "$bytes" keep >whole.debug
	tap 0 symbolize -e "$PWD/stripped" "$addr" >out
	[ -s out ] || fail "no answer"
	[ "$(grep -c 'whole.debug is damaged' log)" = 1 ] || fail "cut after $bytes: $(cat log)"
done
head -c $(($(stat -c %s whole) - 10)) whole >shorter
tap 0 symbolize -e shorter "$addr" >out
[ "$(grep -c "shorter is damaged" log)" = 1 ] || fail "a cut program: $(cat log)"
exit 0
