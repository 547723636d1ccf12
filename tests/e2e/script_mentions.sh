#!/usr/bin/env bash
# Functions, lines, types and variables are found in units that mention them: whatever form names have there (in place, as
# offsets, by number, merged with other strings, in another file), and with compilers that leave functions in namespaces.
# needs: kernel g++
# shellcheck disable=SC2016 # $x is the script's
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >shared.h <<'END_OF'
extern volatile long sunk;
static inline long helper(long x) { sunk = sunk + x; return sunk * 3; }
static inline long f1(long x) { sunk = sunk + 1; return helper(x) + 1; }
struct kind { long member; int flag : 3; };
END_OF
cat >two.cc <<'END_OF'
#include "shared.h"
namespace outer { namespace inner {
__attribute__((noinline)) long second(long x) { return x + helper(x); }
struct type { long method(long); };
long type::method(long x) { return helper(x) + 2; }
} }
long fo(long x) { return f1(x) + outer::inner::second(x); }
END_OF
cat >three.cc <<'END_OF'
#include "shared.h"
volatile long sunk;
kind a_global;
long fo(long x);
__attribute__((noinline)) long ob(long x) { a_global.member = x; return helper(x) + f1(x) + fo(x); }
int main() { return ob(2) == 0; }
END_OF

# What there is of a point in a program, without its path.
points() { "$FLAMETAP" run -L "process(\"$1\").$2" 2>&1 | sed "s=\"$PWD/$1\"=P=; s=@[^:\"]*/=@=g; s=long int=long=; s= \$this:[^$]*= =" | sort; }
expect() {
	local point=$1
	shift
	points "$program" "$point" >out
	printf '%s\n' "$@" | cmp -s - out || { cat out && fail "$program: $point is not: $*"; }
}
check() {
	expect 'function("outer::inner::*")' 'process(P).function("outer::inner::second@two.cc:3") $x:long'
	expect 'function("type::method")' 'process(P).function("type::method@two.cc:5") $x:long'
	expect 'function("fo@two.cc")' 'process(P).function("fo@two.cc:7") $x:long'
	expect 'function("second").call' 'process(P).function("second@two.cc:3").call $x:long'
	expect 'statement("fo@two.cc:7")' 'process(P).statement("fo@two.cc:7") $x:long'
	[ "$(points "$program" 'function("helper").inline' | grep -c 'helper@shared.h:2")')" -ge 1 ] ||
		fail "$program: calls of helper() that were inlined are not there"
	tap 1 run -p2 -e "probe process(\"$program\").function(\"outer::second\") {}" >/dev/null
	says "has no function"
	tap 1 run -p2 -e "probe process(\"$program\").statement(\"*@two.cc:300\") { println(1) }" >/dev/null
	says "the nearest line that has some: 7"
	tap 0 run -c "./$program" -e "probe process(\"$program\").function(\"ob\").return {
		println(@var(\"a_global@three.cc\")->member, @cast(&@var(\"a_global\"), \"kind\", \"$program\")->member) }" >out || exit 1
	grep -qx 22 out || fail "$program: the variable is not 2"
}
build() {
	program=$1
	shift
	"$@" -w -O2 -g -o "$program" two.cc three.cc || fail "no $program"
	check
}

build plain g++
build tails g++ -Wl,-O2
build packed g++ -gz
build older g++ -gdwarf-4
build wide g++ -gdwarf64
build types g++ -gdwarf-4 -fdebug-types-section
if command -v clang++ >/dev/null; then
	build numbered clang++ -gdwarf-5
	build numbered4 clang++ -gdwarf-4
fi
if command -v dwz >/dev/null; then
	for program in plain older; do
		dwz -o "$program.small" "$program" || fail "dwz makes nothing of $program"
		program=$program.small
		check
	done
fi
objcopy --only-keep-debug plain plain.debug && strip -g -o apart plain && objcopy --add-gnu-debuglink=plain.debug apart
program=apart
check
