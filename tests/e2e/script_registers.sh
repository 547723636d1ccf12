#!/usr/bin/env bash
# Parameters of optimized functions: each where the calling convention has it, and those that are known by their value
# at the function's entry only, at places further on.
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

# Behind the first call nobody has the parameters any more, but debug information says what they were at the entry.
cat >begun.c <<'END'
#include <stdio.h>
#include <unistd.h>
struct point { int x; long y; };
volatile int sink;
__attribute__((noipa)) void use(int n)
{
	sink = n;
}
__attribute__((noipa)) void look(struct point *p)
{
	sink = (int)p->y;
}
__attribute__((noipa)) int lost(int a, int b, struct point *p, const char *text)
{
	look(p);
	use(b);
	sink++; /* after */
	use(4);
	return sink; /* end */
}
__attribute__((noipa)) int again(int n, const char *text)
{
	if (n)
		again(n - 1, text + 1);
	use(n & 1);
	sink++; /* unwound */
	return sink;
}
__attribute__((noipa)) int lasts(int n, int first)
{
	for (int i = 0; i < n || n < 0; i++) {
		use(i);
		sink++; /* turn */
		usleep(10000);
	}
	return sink;
}
int main(int argc, char **argv)
{
	struct point p = {5, -6};

	(void)argv;
	use(lost(argc + 1, 3, &p, "text") + again(3, "abcdef"));
	printf("ready\n");
	fflush(stdout);
	return lasts(argc > 1 ? -1 : 2, 8) < 0;
}
END
"$FT_CC" -g -O2 -o begun begun.c || fail "cannot compile"
line() { grep -n "/\* $1 \*/" begun.c | cut -d: -f1; }
tap 0 run -c ./begun -e "
probe process.statement(\"lost@begun.c:$(line after)\") { printf(\"= %d %d %d %d %s\n\", \$a, \$b, \$p->x, \$p->y, user_string(\$text)) }
probe process.statement(\"lost@begun.c:$(line end)\") { printf(\"= %s %d\n\", \$p\$, @var(\"b\")) }
probe process.statement(\"again@begun.c:$(line unwound)\") { printf(\"= %d %s\n\", \$n, user_string(\$text)) }
probe process.statement(\"lasts@begun.c:$(line turn)\") { printf(\"= %d\n\", \$first) }
" >out
[ "$(grep '=' out)" = "= 2 3 5 -6 text
= {.x=5, .y=-6} 3
= 0 def
= 1 cdef
= 2 bcdef
= 3 abcdef
= 8
= 8" ] || fail "$(cat out)"

# A call that is under way when the script begins: nobody has seen its entry. That is an error, which can be caught.
start ./begun 1 >ready
while [ ! -s ready ]; do sleep 0.05; done
tap 1 run -x "$pid" -e "probe process($pid).statement(\"lasts@begun.c:$(line turn)\") { println(\$first) }" >out
[ ! -s out ] || fail "$(cat out)"
says "this call began before the script did"
tap 0 run -x "$pid" -e "probe process($pid).statement(\"lasts@begun.c:$(line turn)\") {
	try { println(\$first) } catch (e) { println(\"caught: \", e); exit() }
}" >out
stop "$pid"
grep -q '^caught: only its value at the entry' out || fail "$(cat out)"
