#!/usr/bin/env bash
# Functions that are left otherwise than by returning: longjmp(), threads and processes that end on the way; and programs and
# libraries that come only after the script was begun.
# needs: kernel
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >leaving.c <<'END'
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#define APART __attribute__((noinline))
static jmp_buf back;
APART long deep(long n)
{
	return n ? n + deep(n - 1) : 0;
}
APART void jump(int n)
{
	if (n)
		jump(n - 1);
	longjmp(back, 1);
}
APART void die(int n)
{
	if (n == 1)
		pthread_exit(NULL);
	if (n == 2)
		_exit(0);
}
static void *run(void *unused)
{
	die(1);
	return unused;
}
int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 0;
	void *late;

	if (!setjmp(back))
		jump(3);
	for (int i = 0; i < threads; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, run, NULL))
			return 1;
		pthread_join(thread, NULL);
	}
	if (!fork())
		die(2);
	wait(NULL);
	die(0);
	late = argc > 2 ? dlopen(argv[2], RTLD_NOW) : NULL;
	if (late)
		printf("# %d\n", ((int (*)(int))dlsym(late, "late"))(4));
	printf("# %ld\n", deep(4));
	return 0;
}
END
echo 'int late(int n) { return n * 2; }' >late.c
"$FT_CC" -g -O0 -shared -fPIC -o liblate.so late.c || fail "cannot compile"
"$FT_CC" -g -O0 -o leaving leaving.c -lpthread -ldl || fail "cannot compile"

# prints WANT ARG... - what the script prints, without what the program does.
prints() {
	local want=$1

	shift
	tap 0 run "$@" >out
	[ "$(grep -v '^#' out)" = "$want" ] || { cat out && fail "flametap run $*"; }
}

# Each return finds what its own call was given, also behind calls that never returned. More threads die in the function than
# are remembered.
script='
probe process.function("deep").return { println("deep ", @entry($n), " ", $return) }
probe process.function("jump").return { println("jump ", @entry($n)) }
probe process.function("die").return { println("die ", @entry($n)) }
probe end { println("end") }'
want='die 0
deep 0 0
deep 1 1
deep 2 3
deep 3 6
deep 4 10
end'
prints "$want" -c './leaving 3' -e "$script"
prints "$want" -c './leaving 17000' -e "$script"

# A library that no file asks for, by its path, mapped later; the program by its path, begun later.
prints 'late 4 8' -c './leaving 0 ./liblate.so' -e 'probe process("./leaving").library("'"$PWD"'/liblate.so").function("late").return { println("late ", @entry($n), " ", $return) }'
prints 'late 4
late 4' -c 'sh -c "./leaving 0 ./liblate.so; ./leaving 0 ./liblate.so; exit 0"' -e 'probe process("./liblate.so").function("late") { println("late ", $n) }'
prints 'deep 5
deep 5' -c 'sh -c "./leaving; ./leaving; exit 0"' -e '
global n
probe process("./leaving").function("deep") { n[pid()]++ }
probe end { foreach (p in n) println("deep ", n[p]) }'

# One that the program asks for by a path.
echo 'int late(int n); int main(void) { return late(3) - 6; }' >asks.c
"$FT_CC" -g -O0 -o asks asks.c ./liblate.so || fail "cannot compile"
prints 'late 3' -c ./asks -e 'probe process.library("liblate.so").function("late") { println("late ", $n) }'

# Those that are under way when the script ends, and processes that are killed while they are probed.
sh -c 'while :; do ./leaving 0 >/dev/null; done' &
endless=$!
tap 0 run -T 0.2 -e 'global n probe process("./leaving").function("*").return { n++ } probe end { println("some ", n > 0) }' >out
kill -KILL "$endless"
wait "$endless" 2>/dev/null
grep -qx 'some 1' out || fail "a program that runs again and again"
