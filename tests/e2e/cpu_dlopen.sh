#!/usr/bin/env bash
# needs: kernel
# cpu_dlopen.sh - code that is loaded during the recording, whose unwind table is larger than all there was before: the
# memory for tables grows, and stacks are whole.
. "$FT_SOURCE/tests/e2e/lib.bash"

[ "$(uname -m)" = x86_64 ] || { echo "skip: the library of this test is written for x86-64" && exit 77; }
command -v "${CC:-cc}" >/dev/null || { echo "skip: needs a C compiler for the library that is loaded late" && exit 77; }

# 40,000 functions that nobody calls, each with rows of its own, before the one that works.
cat >library.c <<'END'
__asm__(".text\n.rept 40000\n.cfi_startproc\npush %rbx\n.cfi_def_cfa_offset 16\n.cfi_offset 3, -16\n"
	"pop %rbx\n.cfi_def_cfa_offset 8\nret\n.cfi_endproc\n.endr\n");
static volatile unsigned long sink;
__attribute__((noinline)) static void deep(int depth)
{
	if (depth)
		deep(depth - 1);
	else
		for (unsigned long i = 0; i < 3000000; i++)
			sink += i;
	sink++;
}
void late(void)
{
	deep(20);
	sink++;
}
END
"${CC:-cc}" -O1 -g0 -fno-reorder-functions -fno-optimize-sibling-calls -fomit-frame-pointer -fPIC -shared -o library.so library.c ||
	fail "cannot build the library"

start "$FT_PROGRAMS/latecomer" "$PWD/library.so" "$PWD/go"
(
	until grep -q counting log 2>/dev/null; do sleep 0.05; done
	sleep 0.3
	touch go
) &
toucher=$!
# On a busy machine some samples fall into interrupts on top of the stack: they are the machine's affair.
tap 0 cpu -v -p "$pid" -F 499 -e cpu-clock --user-only -d 3 -o late.folded
wait "$toucher"
stop "$pid"
all=$(weight ';late;' late.folded)
deep=deep$(printf ';deep%.0s' {1..20})
whole=$(weight "^latecomer;_start;.*main;late;$deep\$" late.folded)
[ "$all" -ge 50 ] || fail "only $all samples in the library"
# At its very first moments the library is not known yet, and such samples are resolved later or said to be cut.
[ "$whole" -ge $((all * 98 / 100)) ] || fail "only $whole of $all stacks of the library are whole"
[ "$(weight '^latecomer;_start;.*main;early$' late.folded)" -ge 1 ] || fail "nothing from before the library was loaded"
