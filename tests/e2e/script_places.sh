#!/usr/bin/env bash
# Places in programs as SystemTap's own test programs have them: operands that name variables, raw reads, a program in the
# folder at hand, backtraces with lines, and what -v says.
# needs: kernel
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"
[ "$(uname -m)" = x86_64 ] || { echo "SKIP: needs x86-64: operands are written in its assembler" && exit 77; }

cat >placed.c <<'END'
struct pair { int first, second, third; };
static volatile struct pair pair = {4, 5, 6};
int values[] = {0x11223344, -2};

__attribute__((noinline)) static void mark(void)
{
	__asm__ volatile("990: nop\n"
		".pushsection .note.stapsdt,\"?\",\"note\"\n"
		".balign 4\n.4byte 992f-991f,994f-993f,3\n991: .asciz \"stapsdt\"\n992: .balign 4\n"
		"993: .8byte 990b\n.8byte 0\n.8byte 0\n.asciz \"placed\"\n.asciz \"mark\"\n"
		".asciz \"-4@pair(%%rip) -4@4+pair(%%rip) -4@pair+8(%%rip)\"\n994: .balign 4\n.popsection\n" : : "m"(pair));
}

__attribute__((noinline)) int inner(int *at)
{
	mark();
	return *at;
}

int main(void)
{
	return inner(values) == 0;
}
END
"$FT_CC" -g -O1 -fno-optimize-sibling-calls -o placed-program placed.c || fail "cannot compile placed.c"

tap 0 run -v -c ./placed-program -e '
probe process("placed-program").mark("mark") { println("operands ", $arg1, " ", $arg2, " ", $arg3) }
probe process("placed-program").function("inner") {
	at = int_arg(1) * 0 + pointer_arg(1)
	printf("raw %x %x %x %d\n", @uderef(1, at), @uderef(2, at), @uderef(4, at + 4), @uderef(8, at) == user_long(at))
	printf("registers %d\n", @uregister(5) == u_register("rdi"))
	print_ubacktrace_fileline()
}' >out
for line in 'operands 4 5 6' 'raw 44 3344 fffffffe 1' 'registers 1'; do
	grep -qxF "$line" out || { cat out && fail "no line: $line"; }
done
grep -qE '^ 0x[0-9a-f]+ : inner\+0x[0-9a-f]+/0x[0-9a-f]+ at .*placed\.c:15 \[.*/placed-program\]$' out &&
	grep -qE '^ 0x[0-9a-f]+ : main\+0x[0-9a-f]+/0x[0-9a-f]+ at .*placed\.c:22 \[.*/placed-program\]$' out ||
	{ cat out && fail "no lines in the backtrace"; }
for pass in 'Pass 1: ' 'Pass 2: ' 'Pass 3: ' 'Pass 4: ' 'Pass 5: run completed'; do
	grep -qE "^$pass.* in [0-9]+usr/[0-9]+sys/[0-9]+real ms\.\$" log || { cat log && fail "-v does not say $pass"; }
done

# Handlers without an event have no stack and nothing that was interrupted.
tap 0 run -e 'probe begin { print_ubacktrace() println(user_mode(), " [", backtrace(), "]") exit() }' >out
grep -qxF '<no user backtrace at begin>' out && grep -qxF '0 []' out || { cat out && fail "begin"; }
# pn() is the point as the script has it, pp() what that stands for.
tap 0 run -e 'probe both = begin {} probe both, oneshot { println(pn(), " ", pp()) }' >out
[ "$(cat out)" = $'both begin\noneshot begin' ] || { cat out && fail "pn()"; }
"$FLAMETAP" run -p1 -e 'probe begin { println(@kderef(4, 0)) }' >out 2>&1 && fail "@kderef without -g"
exit 0
