#!/usr/bin/env bash
# live.sh - our stacks of real programs, stopped at random moments, against libunwind and libdwfl.
# needs: gcc g++
# shellcheck disable=SC2016 # perl, node and sed have dollars of their own
set -u

: "${FT_UNWIND:?the folder of the programs made from tests/unwind}"
programs=$FT_SOURCE/tests/unwind/programs
stops=${FT_STOPS:-120}
failed=0

skip() {
	printf 'SKIP: %s\n' "$*"
	exit 77
}

[[ -x $FT_UNWIND/live ]] || skip "needs an x86-64 machine and libunwind (libunwind-dev)"

# live NAME MAX_NO_READER_PERCENT COMMAND...: one program; FT_ONLY=NAME leaves out the others.
live() {
	local name=$1 max_no_reader=$2

	shift 2
	[[ -z ${FT_ONLY:-} || $FT_ONLY == "$name" ]] || return 0
	"$FT_UNWIND/live" "$name" "$stops" "$max_no_reader" "$@" || failed=1
}

# has COMMAND: whether it is there to be looked at.
has() {
	command -v "$1" >/dev/null || {
		printf '%-14s not installed\n' "$1"
		return 1
	}
}

gcc -O2 -fomit-frame-pointer -D_GNU_SOURCE -o shapes "$programs/shapes.c" -lpthread || exit 1
g++ -std=c++17 -O2 -fomit-frame-pointer -o calls "$programs/calls.cc" -lpthread || exit 1

cat <<'END'
                                               libunwind:
                      frames   root % no reader  equal differ  alone  early   libdwfl equal    captures: cut, differ
END
for shape in signal altstack vdso alloca qsort plt vfork thread deep; do
	live "$shape" 5 ./shapes "$shape"
done
grep -qw avx2 /proc/cpuinfo && live realign 5 ./shapes realign
live c++ 5 ./calls
live c++-threads 5 ./calls 4

# Something to compress and to compile.
for ((i = 0; i < 3000; i++)); do
	printf 'static int f%d(int a, int b) { int c = a * %d; while (b-- > 0) { c += a ^ b; if (c & %d)' $i $i $i
	printf ' c = (c << 3) - f_sum(c, b); } return c; } int (*p%d)(int, int) = f%d;\n' $i $i
done >functions
{
	printf 'static int f_sum(int a, int b) { return a + b; }\n'
	cat functions
} >big.c
cat big.c big.c big.c big.c big.c big.c big.c big.c big.c big.c >text

has gzip && live gzip 5 gzip -9 -c text
has xz && live xz 5 xz -9e -T1 -c text
has perl && live perl 5 perl -e '
	sub f { my $n = shift; return $n < 2 ? $n : f($n - 1) + f($n - 2) }
	for (;;) {
		f(15);
		my %h = map { $_ => ($_ * 7919) % 1000 } 1 .. 2000;
		my @s = sort { $h{$a} <=> $h{$b} } keys %h;
		my $t = join ",", @s;
		$t =~ s/(\d)(\d+)/$2$1/g;
	}'
# The name in the PATH may be a script that only finds the interpreter.
has python3 && live python 5 "$(python3 -c 'import sys; print(sys.executable)')" -c '
import json, re
def f(n): return n if n < 2 else f(n - 1) + f(n - 2)
while True:
    f(14)
    sorted([(i * 7919) % 1000 for i in range(3000)], key=lambda x: -x)
    json.loads(json.dumps({str(i): [i] * 5 for i in range(300)}))
    re.sub(r"(\d)(\d+)", r"\2\1", " ".join(map(str, range(2000))))
'
cc1=$(gcc -print-prog-name=cc1)
[[ -x $cc1 ]] && live cc1 5 "$cc1" -quiet -O2 big.c -o /dev/null
# Code made at run time has no unwind information; some of its leaves are within a prologue.
if has node; then
	script='function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) }
		for (;;) {
			f(18);
			JSON.parse(JSON.stringify(Array.from({length: 500}, (_, i) => ({i, s: "x" + i}))));
			"abc1def22".repeat(200).replace(/([a-z]+)(\d+)/g, "$2$1");
		}'
	live node 10 node -e "$script"
	live node-jitless 5 node --jitless -e "$script"
fi
exit "$failed"
