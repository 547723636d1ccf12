#!/usr/bin/env bash
# needs: kernel
# cpu_reload.sh - a program that loads and unloads libraries whose code comes to the same addresses, one after the other:
# each stack is whole, and its frames are of the library that was there.
. "$FT_SOURCE/tests/e2e/lib.bash"

[ "$(uname -m)" = x86_64 ] || { echo "skip: whole stacks without frame pointers are for x86-64" && exit 77; }
command -v "${CC:-cc}" >/dev/null || { echo "skip: needs a C compiler for the libraries" && exit 77; }

# The third one's frames are larger than what is sent of most stacks.
for size in 200 300 3000; do
	cat >"library$size.c" <<END
static volatile unsigned long sink;
__attribute__((noinline)) static void deep_$size(int depth)
{
	char room[$size];

	__asm__ volatile("" ::"r"(room) : "memory");
	if (depth)
		deep_$size(depth - 1);
	else
		for (unsigned long i = 0; i < 100000000; i++)
			sink += i;
	sink++;
}
void work(void)
{
	deep_$size(10);
	sink++;
}
END
	"${CC:-cc}" -O1 -g0 -fno-optimize-sibling-calls -fomit-frame-pointer -fPIC -shared -o "library$size.so" "library$size.c" ||
		fail "cannot build the library"
done
tap 0 cpu -v -F 499 -e cpu-clock --user-only -o all.folded -- "$FT_PROGRAMS/reloader" 10 "$PWD"/library{200,300,3000}.so
all=$(weight . all.folded)
for size in 200 300 3000; do
	deep=$(printf ";deep_$size%.0s" {1..11})
	whole=$(weight "^reloader;_start;.*main;work$deep\$" all.folded)
	# A third each; a machine that is busy shifts some at the changes.
	[ $((whole * 5)) -ge "$all" ] || fail "only $whole of $all stacks are whole ones of library$size.so"
done
