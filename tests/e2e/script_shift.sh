#!/usr/bin/env bash
# Functions that do not begin with what the kernel emulates are probed behind that: each call is one event, arguments,
# addresses, stacks and results are those of the beginning; what may be come to in other ways is left alone.
# needs: kernel gcc
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"
[ "$(uname -m)" = x86_64 ] || skip "needs x86-64"

cat >calls.c <<'END'
#include <stdlib.h>
#define F(NAME, CODE) \
	__asm__(".text\n.globl " #NAME "\n.type " #NAME ",@function\n" #NAME ":\n.cfi_startproc\n" CODE "\n.cfi_endproc\n.size " #NAME ",.-" #NAME); \
	extern long NAME(long, long);
F(test_jump, "test %rdi,%rdi\n je 1f\n lea (%rdi,%rsi),%rax\n ret\n1: mov %rsi,%rax\n ret")
F(mark_test, "endbr64\n cmp %rdi,%rsi\n jne 1f\n1: mov %rsi,%rax\n ret")
F(late_push, "mov %rdi,%rax\n push %rbx\n pop %rbx\n ret")
F(to_other, "mov %rdi,%rax\n mov %rsi,%rdi\n mov %rax,%rsi\n jmp test_jump") /* changes arguments */
F(reads, "cmpb $0,(%rsi)\n je 1f\n1: xor %eax,%eax\n ret") /* might not come behind that */
F(loops, "xor %eax,%eax\n1: lea 1(%rax),%rax\n cmp %rdi,%rax\n jl 1b\n ret")
F(by_table, "lea 1f(%rip),%rax\n1: cmp %rdi,%rdi\n jne 1b\n lea 2f(%rip),%rcx\n jmp *%rcx\n2: ret")
__asm__(".text\naside: jmp back");
F(comes_back, "xor %eax,%eax\nback: lea 1(%rax),%rax\n cmp %rdi,%rax\n jl aside\n ret")
F(frame, "sub $8,%rsp\n call test_jump\n add $8,%rsp\n ret")
int main(int count, char **args)
{
	static long (*const all[])(long, long) = {test_jump, mark_test, late_push, to_other, loops, by_table, comes_back, frame};
	long n = atol(args[1]), sum = count;

	for (long i = 0; i < n; i++) {
		for (unsigned f = 0; f < sizeof(all) / sizeof(*all); f++)
			sum += all[f](5, 7);
		sum += reads(5, (long)"x");
	}
	return sum == 0;
}
END
gcc -O1 -o calls calls.c || fail "no program"

# How far behind its beginning each is probed, where handlers may look at arguments.
cat >where.stp <<'END'
global far
probe process("calls").function("*") ? {
	if (uaddr() != addr()) error("two addresses")
	far[ppfunc(), int_arg(1), int_arg(2) == 7, register("rip") - uaddr()]++
}
probe end { foreach ([f, a, b, n] in far) printf("%s %d %d +%d %d\n", f, a, b, n, far[f, a, b, n]) }
END
tap 0 run -c './calls 10' where.stp >out
for line in 'mark_test 5 1 +7 10' 'late_push 5 1 +3 10' 'to_other 5 1 +0 10' 'loops 5 1 +0 10' 'by_table 5 1 +0 10' \
	'comes_back 5 1 +0 10' 'frame 5 1 +0 10' 'test_jump 5 1 +3 20' 'test_jump 7 0 +3 10' 'reads 5 0 +0 10'; do
	grep -qxF -- "$line" out || { cat out && fail "no line: $line"; }
done

# Each call is counted once, at its end, too, also where arguments do not matter.
tap 0 run -c './calls 100' -e '
global at, back
probe process("calls").function("*_*") { at[ppfunc()]++ }
probe process("calls").function("loops"), process("calls").function("reads"), process("calls").function("frame") { at[ppfunc()]++ }
probe process("calls").function("*").return { back[ppfunc()]++ }
probe end { foreach (f in at) printf("%s %d %d\n", f, at[f], back[f]) }' >out
for f in mark_test late_push to_other loops by_table comes_back frame reads; do
	grep -qx "$f 100 100" out || { cat out && fail "not 100 calls of $f"; }
done
grep -qx 'test_jump 300 300' out || { cat out && fail "not 300 calls of test_jump"; }

# Stacks go on to the callers; what came back, beside what was asked for.
tap 0 run -c './calls 1' -e '
probe process("calls").function("late_push") { print_ubacktrace() }
probe process("calls").function("test_jump").return { printf("%d is %d\n", returnval(), @entry(int_arg(1))) }' >out
grep -qE '^ 0x[0-9a-f]+ : late_push\+' out || { cat out && fail "no frame of the function"; }
grep -qE '^ 0x[0-9a-f]+ : main\+' out || { cat out && fail "no frame of its caller"; }
grep -qx '12 is 5' out || { cat out && fail "no result"; }
