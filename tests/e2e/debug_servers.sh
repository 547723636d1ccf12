#!/usr/bin/env bash
# Debug files come from a debuginfod server, and only where DEBUGINFOD_URLS names one.
# needs: gcc nm objcopy strip debuginfod debuginfod-find
set -u
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >prog.c <<'END_OF_C'
volatile int number;
static inline __attribute__((always_inline)) void leaf(void)
{
	number++;
}
static __attribute__((noinline)) void outer(void)
{
	leaf();
}
int main(void)
{
	outer();
	return number;
}
END_OF_C
mkdir served
gcc -O1 -g -no-pie -o prog prog.c || exit 1
addr=$(nm prog | awk '$3 == "outer" { print $1 }')
objcopy --only-keep-debug prog served/prog.debug
strip -o stripped prog

# A free port: the server refuses one that is taken.
export HOME=$PWD DEBUGINFOD_CACHE_PATH=$PWD/cache no_proxy=127.0.0.1
unset DEBUGINFOD_URLS http_proxy HTTP_PROXY all_proxy ALL_PROXY
for port in $(shuf -i 20000-60000 -n 20); do
	start debuginfod -p "$port" -d "$PWD/index" -F "$PWD/served" >server.log 2>&1
	until grep -q 'started http server' server.log || ! kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
	kill -0 "$pid" 2>/dev/null && break
	wait "$pid"
done
log=server.log
kill -0 "$pid" 2>/dev/null || fail "the server does not start"
id=$(readelf -n prog | sed -n 's/.*Build ID: //p')
for _ in $(seq 200); do
	DEBUGINFOD_URLS=http://127.0.0.1:$port DEBUGINFOD_CACHE_PATH=$PWD/other debuginfod-find debuginfo "$id" \
		>/dev/null 2>&1 && break
	rm -rf other
	sleep 0.1
done

names() {
	"$FLAMETAP" symbolize -e stripped "$addr" 2>log | cut -f2 | tr '\n' ' '
}
got=$(names)
[ "$got" != 'leaf outer ' ] || fail "names without asking a server"
got=$(DEBUGINFOD_URLS=http://127.0.0.1:$port names)
[ "$got" = 'leaf outer ' ] || fail "from the server: $got"
stop "$pid"
got=$(DEBUGINFOD_URLS=http://127.0.0.1:$port names)
[ "$got" = 'leaf outer ' ] || fail "from the cache: $got"

# A server that is not there costs the names, not the answer.
got=$(DEBUGINFOD_CACHE_PATH=$PWD/empty DEBUGINFOD_URLS=http://127.0.0.1:$port DEBUGINFOD_TIMEOUT=5 names)
[ -n "$got" ] || fail "no answer: $got"
exit 0
