#!/usr/bin/env bash
# Calls that were inlined in the kernel, from the debug information of the kernel that runs: a file with its build-id, made up
# for this test, in which an inlined call fills the function through which system calls go.
# needs: kernel gcc ld xxd
set -u
. "$FT_SOURCE/tests/e2e/lib.bash"

place() {
	awk -v name="$1" '$3 == name { print $1; exit }' /proc/kallsyms
}
function=do_syscall_64
[ "$(uname -m)" = x86_64 ] || { echo "SKIP: needs x86-64"; exit 77; }
start=$(place _stext) hot=$(place $function)
if [ -z "$hot" ] || [ "$((0x$start))" = 0 ]; then
	echo "SKIP: needs kernel symbols"
	exit 77
fi
# The note of type 3 and name "GNU".
id=$(xxd -p /sys/kernel/notes | tr -d '\n' | sed -nE 's/.*040000001400000003000000474e5500(.{40}).*/\1/p')
[ -n "$id" ] || { echo "SKIP: needs a kernel with a build-id"; exit 77; }

cat >fake.c <<'END'
__attribute__((section("begin_code"))) void _stext(void) { }
static inline __attribute__((always_inline)) void invented(void)
{
	__asm__ volatile(".skip 8192, 0x90");
}
__attribute__((section("hot_code"))) void do_syscall_64(void)
{
	invented();
}
END
gcc -O2 -g -fno-pic -c fake.c || exit 1
# make BUILD-ID - the file, linked elsewhere than where the kernel runs.
make() {
	mkdir -p root/usr/lib/debug/boot
	ld -e 0 --build-id="0x$1" --section-start=begin_code="$(printf '0x%x' $((0x$start + 0x800000)))" \
		--section-start=hot_code="$(printf '0x%x' $((0x$hot + 0x800000)))" \
		-o "root/usr/lib/debug/boot/vmlinux-$(uname -r)" fake.o 2>ld.log || { cat ld.log; exit 1; }
}
look() {
	tap 0 cpu -F 999 "$@" -o kernel.folded -- dd if=/dev/zero of=/dev/null bs=1 count=400000
	[ "$(weight "$function" kernel.folded)" -gt 20 ] || fail "too few samples: $(cat kernel.folded)"
}
make "$id"
look --symfs root --annotate
[ "$(weight "$function"'_\[k\];invented_\[k\]' kernel.folded)" -gt 20 ] || fail "no inlined calls: $(head -c 1000 kernel.folded)"
look --symfs root --no-inline
[ "$(weight invented kernel.folded)" = 0 ] || fail "inlined calls in spite of --no-inline"
# Another kernel's is refused, and that is said.
make "$(tr 0-9a-f 1-9a-f0 <<<"$id")"
look --symfs root
[ "$(weight invented kernel.folded)" = 0 ] || fail "another kernel's debug information was used"
says 'belong to other files'
exit 0
