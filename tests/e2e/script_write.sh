#!/usr/bin/env bash
# Scripts that write to variables of programs (-g): numbers, bit fields, through pointers, and what cannot be written.
# needs: kernel
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >writes.c <<'END'
#include <stdio.h>
struct bits {
	unsigned int a : 3, b : 5;
	int c : 7;
	long whole;
	char text[4];
	short *far;
};
static short faraway = 3;
static struct bits bits = {1, 2, -3, 4, "abc", &faraway};
int counter = 5;
__attribute__((noinline)) int look(struct bits *p, int n)
{
	return (int)p->a + (int)p->b * 10 + p->c * 1000 + n * 100000;
}
int main(void)
{
	counter = 6;
	faraway = 4;
	bits.whole = 5;
	for (int i = 0; i < 2; i++) {
		int r = look(&bits, i);

		printf("%d counter %d whole %ld text %s far %d\n", r, counter, bits.whole, bits.text, faraway);
	}
	return 0;
}
END
"$FT_CC" -g -O0 -o writes writes.c || fail "cannot compile"
"$FT_CC" -g -O2 -fno-inline -o fast writes.c || fail "cannot compile"

# What is refused, on any kernel.
tap 1 run -c ./writes -e 'probe process.function("look") { $n = 1 }' >out
says 'write not permitted; need stap -g'
tap 1 run -g -c ./fast -e 'probe process.function("look") { $n = 1 }' >out
says 'cannot write registers'
tap 1 run -g -c ./writes -e 'probe process.function("look").return { $n = 1 }' >out
says 'cannot be written when it returns'
tap 1 run -g -e 'probe kernel.trace("sched_switch") { $next->prio = 1 }' >out
says 'only memory of processes can be written'
tap 1 run -g -c ./writes -e 'probe process.function("look") { if (execname() =~ "w.*s") $n = 1 }' >out
says 'write before what only user space can do'

if ! "$FLAMETAP" run -g -c ./writes -e 'probe process.function("look") { $n = 1 }' >out 2>log; then
	says 'this kernel lets no program write memory of processes'
	grep -q '^-2979 counter 6' out && fail "the command ran though nothing could be written"
	echo 'SKIP: needs a kernel that permits bpf_probe_write_user (no lockdown)'
	exit 77
fi
tap 0 run -g -c ./writes -e '
probe process.function("look") {
	if ($n == 0) {
		$p->a = 15; $p->b = 3; $p->c = -1
		$p->text[1] = 0x7a
		$p->far[0] = 9
	} else {
		$n = 7
		was = $p->whole++
		$p->whole += 10
		@var("counter") = was * 3
	}
}' >out
printf '%s\n' '-963 counter 6 whole 5 text azc far 9' '699037 counter 15 whole 16 text azc far 9' >want
diff want out || fail "what was written"
# Nothing is there.
tap 1 run -g -c ./writes -e 'probe process.function("look") { @cast(0x10, "bits", "./writes")->whole = 1 }' >out
says 'user write fault'
