#!/usr/bin/env bash
# Parameters of optimized functions: each where the calling convention has it.
# needs: kernel
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >registers.c <<'END'
struct two { long a, b; };
__attribute__((noipa)) long all(long a, long b, long c, long d, long e, long f, long g)
{
	return a + b + c + d + e + f + g;
}
__attribute__((noipa)) long pair(int n, struct two t, int last)
{
	return n + t.a + t.b + last;
}
__attribute__((noipa)) struct two both(long n)
{
	return (struct two){n, n + 1};
}
int main(void)
{
	return all(1, 2, 3, 4, 5, 6, 7) + pair(11, (struct two){12, 13}, 14) + both(21).b < 0;
}
END
"$FT_CC" -g -O2 -o registers registers.c || fail "cannot compile"
"$FLAMETAP" run -T 0.01 -e 'probe process("./registers").function("all") { println(1) }' 2>log || {
	grep -q 'no probes on user functions' log && echo "SKIP: needs CONFIG_UPROBES" && exit 77
	fail "cannot attach"
}
tap 0 run -c ./registers -e '
probe process.function("all") { printf("%d %d %d %d %d %d %d\n", $a, $b, $c, $d, $e, $f, $g) }
probe process.function("pair") { printf("%d %d %d %d\n", $n, $t->a, $t->b, $last) }
probe process.function("both").return { printf("%d %d %d\n", $return->a, $return->b, $n) }' >out
[ "$(cat out)" = "1 2 3 4 5 6 7
11 12 13 14
21 22 21" ] || fail "$(cat out)"
