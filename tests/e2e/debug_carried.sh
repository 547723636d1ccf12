#!/usr/bin/env bash
# Names of a stripped file from the symbols that it carries compressed (.gnu_debugdata); damage costs only them.
# needs: gcc nm objcopy strip xz
set -u
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >prog.c <<'END_OF_C'
volatile int number;
static __attribute__((noinline)) void inner_function(void)
{
	number++;
}
int main(void)
{
	inner_function();
	return number;
}
END_OF_C
gcc -O1 -no-pie -o prog prog.c || exit 1
addr=$(nm prog | awk '$3 == "inner_function" { print $1 }')
strip -o stripped prog

# As the GDB manual has it.
objcopy --strip-debug prog mini
xz -k mini
objcopy --add-section .gnu_debugdata=mini.xz stripped carrying
name() {
	"$FLAMETAP" symbolize -e "$1" "$addr" 2>log | cut -f2
}
[ "$(name stripped)" != inner_function ] || fail "a name out of nothing"
[ "$(name carrying)" = inner_function ] || fail "carried symbols: $(name carrying)"

# Damaged, cut off, no ELF file, and one that unpacks to more than is reasonable.
head -c 300 mini.xz >cut.xz
{ head -c 200 mini.xz; head -c 400 /dev/urandom; } >damaged.xz
echo hello | xz >text.xz
head -c 300000000 /dev/zero | xz -0 >huge.xz
for bad in cut damaged text huge; do
	objcopy --add-section .gnu_debugdata=$bad.xz stripped bad
	name bad >out || fail "$bad: exit status"
	[ "$(cat out)" != inner_function ] || fail "$bad: a name"
done
exit 0
