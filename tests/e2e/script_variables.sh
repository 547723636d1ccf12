#!/usr/bin/env bash
# needs: kernel
# Variables of programs in scripts, by debug information and without: values that the program is known to have.
# shellcheck disable=SC2016,SC2154 # scripts have dollars; variables from run_e2e
set -u
. "$(dirname "$0")/lib.bash"
source=$(cd "$(dirname "$0")/../programs" && pwd)/uservars.c
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
program=$FT_PROGRAMS/uservars

# prints EXPECTED ARG... - the script's lines, which begin with "= "; the program prints others.
prints() {
	local expected=$1 got

	shift
	log=log
	got=$("$FLAMETAP" run -c "$program" "$@" 2>log | sed -nE '/^= /{ s/^= //; s/(p|text)=0x[0-9a-f]+/\1/g; p; }')
	[ "$got" = "$expected" ] || fail "flametap run $*: $got"
}

"$FLAMETAP" run -T 0.01 -e "probe process(\"$program\").function(\"look\") { println(1) }" 2>log || {
	grep -q 'no probes on user functions' log && echo "SKIP: needs CONFIG_UPROBES" && exit 77
	fail "cannot attach"
}

prints "3 -4 origin 4 text q
-2 5 -7 5
-4 -4 30 40 40
16909060 4 99
4 1" -e '
probe process.function("look") {
	printf("= %d %d %s %d %s %c\n", $p->x, $p->y, user_string($p->name), $n, user_string($text), $c)
	printf("= %d %d %d %d\n", $p->inner->narrow, $p->inner->three, $p->inner->five, $p->color)
	printf("= %d %d %d %d %d\n", $p->next->y, $p->next->next->y, $p->array[2], $p->array[$n - 1], @cast($p, "struct point")->array[3])
	printf("= %d %d %d\n", $p->either->whole, $p->either->bytes[0], $p->hidden)
	printf("= %d %d\n", &$p->y - $p, @defined($p) && !@defined($nothing))
}'
prints "7 -9
7 -9" -e '
probe process.function("look") { printf("= %d %d\n", @var("counter"), @var("secret@uservars.c")) }
probe process.function("look").return { printf("= %d %d\n", @var("counter"), @var("secret")) }'
prints "p n=0x4 text c=0x71" -e 'probe process.function("look") { printf("= %s\n", $$parms) }'

prints '{.narrow=-2, .three=5, .five=-7}
"text"
{.narrow=11, .three=6, .five=-1}' -e '
probe process.function("look") { printf("= %s\n= %s\n", $p->inner$, $text$) }
probe process.function("make").return { printf("= %s\n", $return$) }'

# At the return: what it returns, and the arguments as they were, also of calls within calls.
prints "1 1
2 2
3 6
4 24
5 120" -e 'probe process.function("factorial").return { printf("= %d %d\n", $n, $return) }'
prints "5 1" -e '
global d
probe process.function("factorial").return { d <<< gettimeofday_ns() - @entry(gettimeofday_ns()) }
probe end { printf("= %d %d\n", @count(d), @min(d) > 0) }'
prints "11 6 -1" -e 'probe process.function("make").return { printf("= %d %d %d\n", $return->narrow, $return->three, $return->five) }'
prints "120" -e 'probe process.function("factorial").return { last = returnval(); if (last == 120) printf("= %d\n", last) }'

# An inlined call, a line, an address; none of these is a call.
prints "tiny 4 7" -e 'probe process.function("tiny") { printf("= %s %d %d\n", ppfunc(), $q, @var("counter")) }'
line=$(grep -n 'return n < 2' "$source" | cut -d: -f1)
prints "5" -e "global n; probe process.statement(\"factorial@uservars.c:$line\") { n++ } probe end { printf(\"= %d\\n\", n) }"

# Arguments by the calling convention need no debug information.
prints "4" -e 'probe process.function("look") { printf("= %d\n", int_arg(2)) }'

# The life of processes and threads.
prints "begin 1
thread 1
thread end 1
begin 0
end 0
end 1" -e '
probe process.begin { printf("= begin %d\n", pid() == target()) }
probe process.thread.begin { printf("= thread %d\n", pid() == target()) }
probe process.thread.end { printf("= thread end %d\n", pid() == target()) }
probe process.end { printf("= end %d\n", pid() == target()) }'

"$FLAMETAP" run -L "process(\"$program\").function(\"look\").return" >out 2>log || fail "-L"
grep -qF '.return $return:long int $p:struct point* $n:int $text:char const* $c:char' out || fail "-L: $(cat out)"
tap 1 run -e "probe process(\"$program\").function(\"look\") { println(\$nothing) }"
says "unable to find local '\$nothing'"
tap 1 run -e "probe process(\"$program\").function(\"look\") { println(\$p->nothing) }"
says "unable to find member 'nothing' of struct point"
prints "0" --skip-badvars -e 'probe process.function("look") { printf("= %d\n", $nothing) }'

# Whole stacks where functions further out have return probes, whose return addresses the kernel has replaced.
"$FLAMETAP" run -c "$program" -e '
global stacks
probe process.function("factorial").return { stacks[ubacktrace()]++ }
probe process.function("main").return {}
probe process.function("main").return { println("= main") }
probe end { foreach (s in stacks) { print_ustack(s); println("count ", stacks[s]) } }' >out 2>log || fail "stacks"
got=$(sed -nE 's/^ 0x[0-9a-f]* : (factorial|main|_start)\+.*/\1/p; s/^count/&/p' out |
	awk '/^count/ { print names $2; names = ""; next } { names = names $0 " " }' | sort)
[ "$got" = "$(for depth in 4 3 2 1 0; do
	for ((i = 0; i < depth; i++)); do printf 'factorial '; done
	echo 'main _start 1'
done | sort)" ] || fail "stacks: $got"

# Each argument in its own register, with optimization.
cat >six.c <<'END'
__attribute__((noinline, noipa)) long six(long a, long b, long c, long d, long e, long f) { return a + b * c - d / e * f; }
int main(void) { return six(1, 2, 3, 4, 5, 6) == 42; }
END
"$FT_CC" -O2 -g -o six six.c || fail "no program"
program=./six
prints "1 2 3 4 5 6" -e 'probe process("./six").function("six") { printf("= %d %d %d %d %d %d\n", $a, $b, $c, $d, $e, $f) }'
