#!/usr/bin/env bash
# Functions of namespaces and classes by their names: also those in several pieces, of types within functions, and whose
# declaration is elsewhere; symbol tables do not know these names.
# needs: kernel g++
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >scopes.cc <<'END'
#include <cstdlib>
#define KEPT __attribute__((noinline, noipa))
static volatile long sink;
namespace outer {
namespace inner {
KEPT long plain(long x) { return x + sink; }
struct type {
	long from;
	KEPT long method(long x);
	struct deep { KEPT static long method(long x) { return x * 3 + sink; } };
};
}
namespace { KEPT long hidden(long x) { return x - sink; } }
KEPT __attribute__((cold)) void unlikely(long x) { sink = sink + x; }
/* In two pieces: the hot one, and what never happens. */
KEPT long pieces(long x)
{
	if (__builtin_expect(x < 0, 0)) {
		unlikely(x);
		unlikely(x + 1);
		abort();
	}
	return x + 1 + sink;
}
KEPT long with_type(long x)
{
	struct local { KEPT static long within(long y) { return y + 7 + sink; } };

	return local::within(x);
}
}
KEPT long outer::inner::type::method(long x) { return x + from; }
namespace other { KEPT long plain(long x) { return x + 2 + sink; } }
int main()
{
	outer::inner::type t{4};
	long sum = 0;

	for (int i = 0; i < 10; i++)
		sum += outer::inner::plain(i) + t.method(i) + outer::inner::type::deep::method(i) + outer::hidden(i) +
		       outer::pieces(i) + outer::with_type(i) + other::plain(i);
	return sum == 0;
}
END
g++ -g -O2 -o scopes scopes.cc || fail "no program"

# What a pattern or name comes to, by calls of each.
counts() {
	tap 0 run -c ./scopes -e "global c probe process(\"scopes\").function(\"$1\").call { c[ppfunc()]++ }
		probe end { foreach (f in c) printf(\"%s %d\\n\", f, c[f]) }" >out
	sort -o out out
	printf '%s\n' "${@:2}" | cmp -s - out || { cat out && fail "function(\"$1\") is not: ${*:2}"; }
}
counts 'outer::inner::plain' 'outer::inner::plain 10'
counts 'inner::type::method' 'inner::type::method 10'
counts 'outer::inner::type::deep::method' 'outer::inner::type::deep::method 10'
counts 'other::*' 'other::plain 10'
counts 'outer::inner::*' 'outer::inner::plain 10'
counts 'outer::hidden' 'outer::hidden 10'
counts 'outer::pieces' 'outer::pieces 10'
counts 'outer::with*' 'outer::with_type 10'
for f in 'outer::within' 'inner::pieces' 'outer::method' 'outer::nothing'; do
	tap 1 run -p2 -e "probe process(\"scopes\").function(\"$f\") {}" >/dev/null
	says 'has no function'
done
