#!/usr/bin/env bash
# The scripts of the library about functions and calls of libraries: of a program that makes known calls, the right number, in
# the right order; and what they say when they are not told enough.
# needs: kernel
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

export LC_ALL=C
program=$FT_PROGRAMS/userfuncs

"$FLAMETAP" run -T 0.01 -e "probe process(\"$program\").function(\"inner\") { println(1) }" 2>log || {
	grep -q 'no probes on user functions' log && echo "SKIP: needs CONFIG_UPROBES" && exit 77
	fail "cannot attach"
}

# column SCRIPT NAME N FILE - field N of the line that begins with NAME.
column() {
	awk -v name="$1" -v n="$2" '$1 == name { print $n }' "$3"
}

# Functions: of a file, in any process; of the program of -c; only in that of -c, while another runs.
"$program" 2000000000 >/dev/null &
other=$!
tap 0 run function-times "$program" 'inner' -T 0.2 >out
[ "$(column inner 2 out)" -gt 100 ] || fail "another process: $(cat out)"
tap 0 run function-times "$program" '*er' -c "$program 10" -G histograms=1 >out
[ "$(column inner 2 out) $(column outer 2 out)" = "20 10" ] || fail "with -c: $(cat out)"
stop "$other"
tap 0 run function-times '*er' -c "$program 100" >out
[ "$(column inner 2 out) $(column outer 2 out)" = "200 100" ] || fail "of the program of -c: $(cat out)"
[ "$(grep -c '^value \|^ *value |' out)" = 2 ] || fail "histograms: $(cat out)"
# Calls in a histogram are all calls; average and extremes are in order.
[ "$(awk '/^outer, ns/ { on = 1; next } /^$/ { on = 0 } on && $2 ~ /^\|/ && $1 != "value" { n += $NF } END { print n }' out)" = 100 ] ||
	fail "histogram of outer: $(cat out)"
awk '$1 == "outer" && $2 == 100 { found = $5 <= $4 && $4 <= $6 && $5 > 0 } END { exit !found }' out || fail "times: $(cat out)"

tap 0 run call-tree '*[nr]' -c "$program 2" >out
got=$(sed -nE 's/^ *[0-9]+ +([0-9]+\.[0-9]{3} )?( *[a-z}].*)$/\2/p' out | sed -E 's/^ +//' | grep -E '(main|outer|inner)')
[ "$got" = "main {
outer {
inner
inner
} outer
outer {
inner
inner
} outer
} main" ] || fail "call-tree: $(cat out)"
# Deeper calls are further right, by two places each.
grep -E 'main|outer|inner' out | sed -E 's/^(.{21}).*/\1/' | grep -q '[a-z{}]' && fail "columns: $(cat out)"
places=$(grep -E 'main|outer|inner' out | cut -c22- | sed -E 's/[^ ].*//' | awk '{ printf "%d ", length }')
[ "$places" = "0 2 4 4 2 2 4 4 2 0 " ] || fail "indentation $places: $(cat out)"

# Calls of libraries, through both kinds of linkage tables.
tap 0 run library-counts -c "$program 5" >out
[ "$(column strtol 2 out) $(column printf 2 out)" = "1 1" ] || fail "library-counts: $(cat out)"
tap 0 run library-calls -c "$program 5" >out
grep -qE '^ +[0-9]+ strtol\("5", 0x0, 10\) = 5$' out || fail "library-calls: $(cat out)"
grep -qE '^ +[0-9]+ printf\("%ld\\n"\) = 3$' out || fail "library-calls: $(cat out)"
cat >sorts.c <<'END'
#include <stdlib.h>
#include <string.h>
#include <time.h>
static int compare(const void *a, const void *b) { return strcasecmp(*(char *const *)a, *(char *const *)b); }
int main(void)
{
	char *names[] = {"b\tc", "A"};

	qsort(names, 2, sizeof(*names), compare);
	unsetenv("FT_NONE");
	tzset();
	exit(getenv("FT_NONE") != NULL || chmod("/no/such/file", 0600) == 0);
}
END
sed -i 's/^#include <stdlib.h>/&\n#include <sys\/stat.h>/' sorts.c
"$FT_CC" -O1 -fno-builtin -o sorts sorts.c || fail "cannot compile"
tap 0 run library-calls -c ./sorts >out
got=$(sed -nE 's/^ +[0-9]+ ( *(qsort|strcasecmp|getenv|chmod|exit|tzset).*)$/\1/p' out | sed -E 's/0x[0-9a-f]{5,}/ADDRESS/g; s/^ +/>/; s/(tzset\().*/\1/')
[ "$got" = '>strcasecmp("b\tc", "A") = 1
qsort(ADDRESS, 2, 8, ADDRESS)
tzset(
getenv("FT_NONE") = 0x0
chmod("/no/such/file", 384) = -1
exit(0)' ] || fail "library-calls: $got"

# Too little is said: one line that tells how.
for script in call-tree function-times library-calls library-counts syscall-trace; do
	tap 2 run "$script" >out
	[ "$(grep -c . log)" = 1 ] || fail "$script says too much"
	says "usage: flametap run $script "
done
tap 1 run function-times main
says "the process of -c or -x"
