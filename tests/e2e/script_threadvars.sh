#!/usr/bin/env bash
# Variables that each thread has for itself, in the program and in libraries of all models; numbers with fractions; functions
# of which programs choose a variant as they start.
# needs: kernel
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

case $(uname -m) in x86_64) ;; *) echo 'SKIP: needs x86-64: where threads have their variables is known there only' && exit 77 ;; esac
cat >main.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#define APART __attribute__((noinline))
__thread int small = 5;
static __thread long big[10] __attribute__((aligned(64))) = {1, 2, 3};
int from_library(int n);
APART long look(double d, float f, long double wide, int n)
{
	big[0] += n;
	small++;
	return big[0] + small + (long)(d + f + (double)wide);
}
static void *run(void *unused)
{
	small = 100;
	big[0] = 7;
	printf("# %ld %d\n", look(1, 2, 3, 4), from_library(50));
	return unused;
}
int main(void)
{
	char from[16] = "text", to[16];
	void *(*volatile copy)(void *, const void *, size_t) = memcpy;
	size_t (*volatile length)(const char *) = strlen;
	pthread_t thread;

	printf("# %ld %d\n", look(1.5, 2.25f, 3.5L, 1), from_library(1));
	pthread_create(&thread, NULL, run, NULL);
	pthread_join(thread, NULL);
	for (int i = 0; i < 7; i++)
		copy(to, from, length(from) + 1);
	return 0;
}
END
cat >library.c <<'END'
static __thread char pad[100];
__thread int seen = 40;
static __thread int hidden = 3;
int from_library(int n)
{
	pad[0]++;
	seen += n;
	hidden += n;
	return seen + hidden;
}
END
"$FT_CC" -g -O0 -shared -fPIC -o libthreads.so library.c || fail "cannot compile"
for kind in -pie -no-pie; do
	"$FT_CC" -g -O0 "$kind" -o "main$kind" main.c -L. -lthreads -Wl,-rpath,'$ORIGIN' -lpthread || fail "cannot compile"
done

# prints WANT PROGRAM SCRIPT - what the script prints, without what the program does.
prints() {
	tap 0 run -c "./$2" -e "$3" >out
	[ "$(grep -v '^#' out)" = "$1" ] || { cat out && fail "$2: $3"; }
}

# Of the program: at its own functions, also at their ends.
for kind in -pie -no-pie; do
	prints 'look 5 1 3
end 6 2
look 100 7 3
end 101 11' "main$kind" '
probe process.function("look") { println("look ", @var("small"), " ", @var("big")[0], " ", @var("big@main.c")[2]) }
probe process.function("look").return { println("end ", @var("small"), " ", @var("big")[0]) }'
done
# Of a library: by the table of its thread, by a fixed distance, by descriptors. The other thread's are its own.
library='probe process.library("libthreads.so").function("from_library") { println(@var("seen"), " ", @var("hidden"), " ", @var("small@main.c", "./main-pie")) }'
prints '40 3 5
40 3 100' main-pie "$library"
"$FT_CC" -g -O0 -shared -fPIC -ftls-model=initial-exec -o libthreads.so library.c || fail "cannot compile"
prints '40 3 5
40 3 100' main-pie "$library"
if "$FT_CC" -g -O0 -shared -fPIC -mtls-dialect=gnu2 -o libthreads.so library.c; then
	prints '40 3 5
40 3 100' main-pie "$library"
	# A block for which there is no room at a known place: descriptors say module and offset.
	sed 's/pad\[100\]/pad[200000]/' library.c >large.c
	"$FT_CC" -g -O0 -shared -fPIC -mtls-dialect=gnu2 -o liblarge.so large.c || fail "cannot compile"
	cat >opens.c <<'END'
#include <dlfcn.h>
int main(void)
{
	void *library = dlopen("./liblarge.so", RTLD_NOW);
	int (*call)(int) = library ? (int (*)(int))dlsym(library, "from_library") : 0;

	return call ? call(1) + call(2) == 0 : 2;
}
END
	"$FT_CC" -O0 -o opens opens.c -ldl || fail "cannot compile"
	prints 'not made yet
1 4 41
2 6 43' opens '
probe process("./liblarge.so").function("from_library") { try { if (!@var("pad@large.c")[0]) println("made") } catch { println("not made yet") } }
probe process("./liblarge.so").function("from_library").return { println(@var("pad@large.c")[0], " ", @var("hidden"), " ", @var("seen")) }'
fi
"$FT_CC" -g -O0 -shared -fPIC -o libthreads.so library.c
# A function that has none of them, and another program's thread: nothing is there.
tap 1 run -c /bin/true -e "probe process.begin { println(@var(\"small@main.c\", \"$PWD/main-pie\")) }" >out

# Fractions are the bits of a double; what is in a vector register cannot be read.
prints '1.50 2.25
1.00 2.00' main-pie 'probe process.function("look") { println(fp_to_string($d, 2), " ", fp_to_string(fp32_to_fp64($f), 2)) }'
tap 1 run -c ./main-pie -e 'probe process.function("look") { println($wide) }' >out
says 'long double is wider than 64 bits'
cat >fast.c <<'END'
__attribute__((noinline, noclone)) double half(double d) { __asm__ volatile("" : "+x"(d)); return d / 2; }
int main(int argc, char **argv) { (void)argv; return (int)half(argc) + argc - 1; }
END
"$FT_CC" -g -O2 -o fast fast.c || fail "cannot compile"
tap 1 run -c ./fast -e 'probe process.function("half") { println($d) }' >out
says 'it is in a vector register'
tap 1 run -c ./fast -e 'probe process.function("half").return { println($return) }' >out
says 'it is in a vector register'

# Which strlen() and memcpy() it is, the loader knows.
prints 'memcpy 7
strlen 7' main-pie '
global n
probe process.library("libc.so.6").function("strlen") { if (user_string(pointer_arg(1)) == "text") n[ppfunc()]++ }
probe process.library("libc.so.6").function("memcpy") { if (user_string(pointer_arg(2)) == "text" && long_arg(3) == 5) n[ppfunc()]++ }
probe end { foreach (f+ in n) println(f, " ", n[f]) }'
cat >chosen.c <<'END'
static int one(void) { return 1; }
static void *choose(void) { return one; }
int variant(void) __attribute__((ifunc("choose")));
END
"$FT_CC" -g -shared -fPIC -o libchosen.so chosen.c || fail "cannot compile"
tap 1 run -e "probe process(\"$PWD/libchosen.so\").function(\"variant\") { println(1) }" >out
says 'programs choose as they start (IFUNC)'

# Variables of a library, from what calls it: globals, those of threads; and by the name that a library uses. Another library
# with the function's name in front is not mistaken for it.
cat >called.c <<'END'
int plain = 3;
static int quiet = 4;
__thread int apart = 5;
static __thread int own = 6;
int called(int n)
{
	plain += n;
	quiet += n;
	apart += n;
	own += n;
	return plain + quiet;
}
END
cat >user.c <<'END'
extern __thread int apart;
__attribute__((noinline)) int uses(int n)
{
	return apart + n;
}
END
cat >caller.c <<'END'
int called(int n);
int uses(int n);
__attribute__((noinline)) int call(int n)
{
	return called(n) + uses(n);
}
int main(void) { return call(1) + call(2) < 0; }
END
cat >before.c <<'END'
int called(int n) { return n; }
END
for dialect in gnu gnu2; do
	"$FT_CC" -g -O0 -shared -fPIC "-mtls-dialect=$dialect" -o libcalled.so called.c || continue
	"$FT_CC" -g -O0 -shared -fPIC "-mtls-dialect=$dialect" -o libuser.so user.c -L. -lcalled || fail "cannot compile"
	"$FT_CC" -g -O0 -Wl,-z,now -o caller caller.c -L. -luser -lcalled -Wl,-rpath,'$ORIGIN' || fail "cannot compile"
	prints '3 4 5 6
uses 6
4 5 6 7
4 5 6 7
uses 8
6 7 8 9' caller '
probe process.function("call"), process.function("call").return {
	println(@var("plain", "./libcalled.so"), " ", @var("quiet@called.c", "./libcalled.so"), " ", @var("apart", "./libcalled.so"), " ", @var("own", "./libcalled.so"))
}
probe process("./libuser.so").function("uses") { println("uses ", @var("apart", "./libcalled.so")) }'
done
"$FT_CC" -shared -fPIC -o libbefore.so before.c || fail "cannot compile"
tap 1 run -c "env LD_PRELOAD=$PWD/libbefore.so ./caller" -e 'probe process("./caller").function("call") { println(@var("plain", "./libcalled.so")) }' >out
says 'user read fault'
[ ! -s out ] || fail "$(cat out)"

# errno, where the C library has its debug information.
cat >errors.c <<'END'
#include <fcntl.h>
__attribute__((noinline)) int attempt(const char *path) { return open(path, O_RDONLY); }
int main(void) { return attempt("/none") + attempt("/dev/null/none") == 0; }
END
"$FT_CC" -g -O0 -o errors errors.c || fail "cannot compile"
if "$FLAMETAP" run -p2 -c ./errors -e 'probe process.function("attempt").return { println(@errno) }' >out 2>log; then
	prints '2 -1
20 -1' errors 'probe process.function("attempt").return { println(@errno, " ", $return) }'
else
	grep -q 'no debug information' log || fail "@errno"
fi
