#!/usr/bin/env bash
# Return probes keep off functions that keep where they return to, and off those that unwind the stack; of exceptions that
# pass others there is a warning.
# needs: kernel g++
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

"$FLAMETAP" run -T 0.01 -e "probe process(\"$FT_PROGRAMS/userfuncs\").function(\"inner\") { println(1) }" 2>log || {
	grep -q 'no probes on user functions' log && echo "SKIP: needs CONFIG_UPROBES" && exit 77
	fail "cannot attach"
}
cat >jumps.c <<'END'
#include <setjmp.h>
#include <stdio.h>
static jmp_buf where;
int main(void)
{
	volatile int rounds = 0;

	setjmp(where);
	if (rounds++ < 3)
		longjmp(where, 1);
	printf("%d rounds\n", rounds);
	fflush(stdout);
	return 0;
}
END
log=log
"$FT_CC" -O1 -o jumps jumps.c || fail "cannot compile"
count='global n probe process.plt.return { n[ppfunc()]++ } probe end { foreach (name in n) println(name, " ", n[name]) }'
timeout 60 "$FLAMETAP" run -c ./jumps -e "$count" >out 2>log || fail "a program that calls setjmp: status $?"
grep -qx "4 rounds" out || fail "a program that calls setjmp: $(cat out)"
grep -qx "printf 1" out || fail "no return of printf: $(cat out)"
! grep -q setjmp out || fail "a return probe at setjmp"
grep -q 'exceptions' log && fail "a warning of exceptions about C"
tap 1 run -c ./jumps -e 'probe process.plt("*setjmp").return { println(1) }' >out
says 'a return probe at _setjmp would break the program'
# Those at its beginning do no harm.
timeout 60 "$FLAMETAP" run -c ./jumps -e 'probe process.plt("*setjmp") { println(ppfunc()) }' >out 2>log || fail "$(cat log)"
grep -qx _setjmp out || fail "no probe at setjmp: $(cat out)"

cat >throws.cc <<'END'
#include <cstdio>
#include <stdexcept>
extern "C" __attribute__((noinline)) void thrower(int n) { if (n) throw std::runtime_error("thrown"); }
int main() { for (int i = 0; i < 3; i++) try { thrower(i); } catch (std::exception &e) { std::puts(e.what()); } }
END
g++ -O1 -o throws throws.cc || fail "cannot compile"
timeout 60 "$FLAMETAP" run -c ./throws -e "$count" >out 2>log || fail "a program that throws: status $?"
[ "$(grep -cx -e thrown -e 'puts 2' -e '__cxa_begin_catch 2' out)" = 4 ] || fail "a program that throws: $(cat out)"
! grep -q __cxa_throw out || fail "a return probe at __cxa_throw"
says 'throws handles C++ exceptions: one that passes a function with a return probe ends the program'
