#!/usr/bin/env bash
# Globals of the same name in several units of a program, read by @var in probes and in functions; what is left of a
# variable that stands alone; stacks as text; who began whom.
# needs: kernel
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >one.c <<'END'
static volatile int counter = 10;
void two(void);
__attribute__((noinline)) void one(void) { counter++; }
int main(void) { one(); two(); return 0; }
END
cat >two.c <<'END'
static volatile struct { long room; } padding;
static volatile int counter = 20;
__attribute__((noinline)) void two(void) { counter += 2; padding.room++; }
END
"$FT_CC" -g -O1 -o units one.c two.c || fail "cannot compile"
"$FLAMETAP" run -T 0.01 -e 'probe process("./units").function("one") { println(1) }' 2>log || {
	grep -q 'no probes on user functions' log && echo "SKIP: needs CONFIG_UPROBES" && exit 77
	fail "cannot attach"
}

# Each place has its own unit's; a file that is named, that one's.
tap 0 run -c ./units -e '
function tell(who) {
	printf("%s %d %d %d\n", who, @var("counter", @1), @var("counter@one.c", @1), @var("counter@two.c", @1))
}
probe process.function("one") { tell("one"); println(@var("counter")) }
probe process.function("two") { tell("two"); println(@var("counter")) }
' ./units >out
[ "$(cat out)" = "one 10 10 20
10
two 20 11 20
20" ] || fail "$(cat out)"

# Nothing is read of a variable that stands alone, but its index is computed.
tap 0 run -c ./units -e '
global calls
function called() { calls++; return 1000000000 }
probe process.function("one") { @var("padding@two.c")[called()]; printf("%d\n", calls) }' >out 2>&1 ||
	fail "$(cat out)"
[ "$(cat out)" = 1 ] || fail "$(cat out)"
tap 1 run -e 'probe begin { println(@var("nobody")) }'
says "semantic error: unresolved @var() expression: operator '@var' at <input>:1:23"
says 'one of a program is @var("name@file.c", "/path/program")'

# Text of stacks has whole lines only: those that have room.
tap 0 run -c ./units -e 'probe process.function("two") { print(sprint_ustack(ubacktrace())) }' >out
grep -Eq '^ 0x[0-9a-f]+ : two\+0x0/0x[0-9a-f]+ \[units\]$' out || fail "$(cat out)"
tap 0 run -DMAXSTRINGLEN=64 -c ./units -e 'probe process.function("two") { print(sprint_ustack(ubacktrace())) }' >out
if [ "$(wc -l <out)" != 1 ] || ! grep -q '\]$' out; then fail "$(cat out)"; fi

# The target set: who began whom; nobody is left at the end.
tap 0 run -c 'sh -c "sleep 2; true"' -e '
global reported
probe process("/bin/sleep").begin { if (!reported++) { printf("me %d target %d\n", stp_pid(), target()); target_set_report() } }
probe end { target_set_report() }' >out
read -r _ me _ target <out
grep -qx "$me begat $target" out || fail "$(cat out)"
grep -qE "^$target begat [0-9]+$" out || fail "$(cat out)"
[ "$(tail -n 1 out)" = "target set:" ] || fail "$(cat out)"

# @var of a function's own variable is $ of it, also when it returns; a global is as it is then.
cat >shadow.c <<'END'
static int counter = 5;
int n = 77;
__attribute__((noinline)) int f(int n, int *p)
{
	int local = n + 1;

	counter += n;
	n = 9;
	return local + *p;
}
int main(void) { int q = 3; return f(4, &q) + f(6, &q) == 0 && n; }
END
"$FT_CC" -g -O0 -o shadow shadow.c || fail "cannot compile"
tap 0 run -c ./shadow -e '
probe process.function("f") { println(@var("n") == $n, " ", @var("n@shadow.c"), " ", &@var("n") == &$n, " ", @var("p")$ == $p$) }
probe process.function("f").return { println($n, " ", @var("n"), " ", @var("counter"), " ", @entry(@var("counter")), " ", @var("p")[0]) }
' >out
[ "$(cat out)" = "1 77 1 1
4 4 9 5 3
1 77 1 1
6 6 15 9 3" ] || fail "$(cat out)"
tap 0 run --compatible 4.0 -c ./shadow -e 'probe process.function("f").return { println(@var("counter")) }' >out
[ "$(cat out)" = "5
9" ] || fail "$(cat out)"
says 'WARNING: confusing usage, consider @entry(@var("counter", "'
