#!/usr/bin/env bash
# What lies within functions, as probe points: labels, and functions where another one calls them.
# needs: kernel
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >within.c <<'END'
#include <stdio.h>
#define APART __attribute__((noinline, noclone))
static APART int leaf(int n) { __asm__ volatile(""); return n + 1; }
static APART int other(int n) { int r = leaf(n) * 2; __asm__ volatile("" : "+r"(r)); return r; }
static inline __attribute__((always_inline)) int tiny(int n) { __asm__ volatile("nop"); return n * 3; }
APART int outer(int n) { int s = leaf(n); s += other(s); s += tiny(s); __asm__ volatile("" : "+r"(s)); return s; }
APART int tail(int n) { return leaf(n + 4); }
APART int work(int n)
{
	int sum = 0;
again:
	sum += n;
	if (--n > 0)
		goto again;
	if (sum < 0)
		goto never;
	return sum;
never:
	return -1;
}
int main(int argc, char **argv)
{
	int (*volatile pointer)(int) = leaf;

	(void)argv;
	printf("# %d %d %d %d\n", outer(argc), pointer(2), tail(1), work(5));
	return 0;
}
END
"$FT_CC" -g -O2 -o fast within.c || fail "cannot compile"
"$FT_CC" -g -O0 -o slow within.c || fail "cannot compile"

# prints WANT PROGRAM SCRIPT - what the script prints, in any order, without what the program does.
prints() {
	tap 0 run -c "./$2" -e "$3" >out
	[ "$(grep -v '^#' out | sort)" = "$(sort <<<"$1")" ] || { cat out && fail "$3"; }
}

# A label with what is known there; by pattern, in any function.
prints '1 14
2 12
3 9
4 5
5 0' slow 'probe process.function("work").label("again") { println($n, " ", $sum) }'
prints '' slow 'probe process.function("work").label("never") { println($n) }'
tap 0 run -l "process(\"$PWD/slow\").function(\"*\").label(\"*\")" >out
line() { grep -n "$1" within.c | cut -d: -f1; }
printf 'process("%s/slow").function("work@%s/within.c:%s").label("%s")\n' "$PWD" "$PWD" "$(line ^again:)" again \
	"$PWD" "$PWD" "$(line ^never:)" never >want
diff want out || fail "-l of labels"
tap 1 run -e "probe process(\"$PWD/slow\").function(\"work\").label(\"nowhere\") { println(1) }"
says "no label 'nowhere' in work"

# Where a function is called by another one: not by others, not by pointer, not behind a jump; and where it was inlined.
prints 'leaf 1
other 2
tiny 8' fast '
probe process.function("outer").callee("leaf") { println("leaf ", $n) }
probe process.function("outer").callee("other") { println("other ", $n) }
probe process.function("outer").callee("t*") { println("tiny ", $n) }'
prints 'call 1
call 2
call 8
return 1 2
return 2 6' fast '
probe process.function("outer").callees { println("call ", $n) }
probe process.function("outer").callees.return { println("return ", $n, " ", $return) }'
prints 'leaf 1 2
leaf 2 3
stack' fast '
probe process.function("*").callee("leaf").return { println("leaf ", $n, " ", $return) }
probe process.function("other").callee("leaf@within.c") { if (strlen(ubacktrace())) println("stack") }'
tap 0 run -l "process(\"$PWD/fast\").function(\"main\").callees" >out
grep -q '^process(".*/fast").function("main@.*/within.c:[0-9]*").callee("outer@.*/within.c:6")$' out || { cat out && fail "-l of callees"; }
tap 1 run -e "probe process(\"$PWD/fast\").function(\"tail\").callee(\"leaf\") { println(1) }"
says "tail calls no 'leaf'"
tap 1 run -e "probe process(\"$PWD/fast\").function(\"outer\").callees(2) { println(1) }"
says 'looks at the caller only'
tap 1 run -e "probe process(\"$PWD/fast\").function(\"outer\").callee(\"leaf\").label(\"x\") { println(1) }"
says "no 'label' behind function()"

# Functions of classes, with the scopes that they are asked for by.
command -v g++ >/dev/null || exit 0
cat >classes.cc <<'END'
#include <cstdio>
namespace space {
struct A {
	int x = 3;
	virtual int get(int n) { return n + x; }
};
struct B : A {
	int y = 4;
	int get(int n) override { return n + x + y; }
};
template <typename T> T twice(T t) { return t * 2; }
}
int main()
{
	space::B b;
	space::A a, *either = &b;

	std::printf("# %d %d %d %g\n", a.get(2), either->get(3), space::twice(4), space::twice(2.5));
}
END
g++ -g -O0 -o classes classes.cc || fail "cannot compile"
prints 'space::A::get 2 3
space::B::get 3 3 4
twice 4' classes '
probe process.function("space::A::get") { println(ppfunc(), " ", $n, " ", $this->x) }
probe process.function("space::B::get") { println(ppfunc(), " ", $n, " ", $this->x, " ", $this->y) }
probe process.function("space::twice<int>") { println("twice ", $t) }'
tap 0 run -l "process(\"$PWD/classes\").function(\"space::twice*\")" >out
sed 's/.*function("\([^@]*\)@.*/\1/' out >names
printf '%s\n' 'space::twice<double>' 'space::twice<int>' | diff - names || fail "-l of a template"
