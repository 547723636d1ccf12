#!/usr/bin/env bash
# needs: kernel
# Probes on functions of programs and libraries: how often they are called, by which names, in which process; what does
# not exist is refused with what comes near.
# shellcheck disable=SC2016,SC2154 # scripts have dollars; variables from run_e2e
set -u
. "$(dirname "$0")/lib.bash"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
program=$FT_PROGRAMS/userfuncs

# run EXPECTED ARG... - what the script prints, without what the program says.
run() {
	local expected=$1 got

	shift
	log=log
	got=$("$FLAMETAP" run "$@" 2>log | sed -E "/^[0-9]+$/d; s,@[^\"]*userfuncs.c:[0-9]+,@FILE,") || true
	[ "$got" = "$expected" ] || fail "flametap run $*: $got"
}

"$FLAMETAP" run -T 0.01 -e "probe process(\"$program\").function(\"inner\") { println(1) }" 2>log || {
	grep -q 'no probes on user functions' log && echo "SKIP: needs CONFIG_UPROBES" && exit 77
	fail "cannot attach"
}

# A path, a bare name in $PATH, the program of -c; entry and return.
count='{ n++ } global n probe end { println("calls ", n) }'
run "calls 200" -c "$program 100" -e "probe process(\"$program\").function(\"inner\") $count"
run "calls 200" -c "$program 100" -e "probe process.function(\"inner\").return $count"
run "calls 300" -c "$program 100" -e "probe process.function(\"inner\"), process.function(\"outer\").call $count"
PATH="$FT_PROGRAMS:$PATH" run "calls 100" -c "userfuncs 100" -e "probe process(\"userfuncs\").function(\"outer\") $count"
# Names of addresses are there though the process has ended before anybody asks.
run "main main userfuncs" -c "$program 0" -e 'probe process.function("main") { println(ppfunc(), " ", usymname(uaddr()), " ", umodname(uaddr())) }'
# Another process that runs the same file is none of -c's.
"$program" 100000000 >/dev/null &
other=$!
run "calls 20" -c "$program 10" -e "probe process.function(\"inner\") $count"
run "calls 1" -x "$other" -e "probe process.function(\"inner\") { n = 1; exit() } global n probe end { println(\"calls \", n) }"
run "calls 1" -e "probe process($other).function(\"inner\") { n = 1; exit() } global n probe end { println(\"calls \", n) }"
kill -KILL "$other"
wait "$other" 2>/dev/null

# Names: of a pattern each event has its own, in the kernel and after it.
run "inner 20
outer 10" -c "$program 10" -e '
global n
probe process.function("*er") { n[ppfunc()]++ }
probe end { foreach (name+ in n) println(name, " ", n[name]) }'
run "process(\"$program\").function(\"outer@FILE\")" -c "$program 1" -e '
probe process.function("outer") { println(pp()) }'

# A library of the program: only in processes that run it.
run "calls 1" -c "$program 5" -e "probe process(\"$program\").library(\"libc.so.6\").function(\"strtol\") $count"
run "calls 0" -c "$program 5" -e "probe process(\"/bin/true\").library(\"libc.so.6\").function(\"printf\") $count"

# Calls through stubs.
run "printf 1
strtol 1" -c "$program 5" -e '
global n
probe process.plt { if (ppfunc() == "printf" || ppfunc() == "strtol") n[ppfunc()]++ }
probe end { foreach (name+ in n) println(name, " ", n[name]) }'
# One program is for all of them, where only their names are asked for.
run "printf 1
strtol 1" -c "$program 5" -e '
global n
probe process.plt { if ($$name == "printf" || $$name == "strtol") n[$$name]++ }
probe end { foreach (name+ in n) println(name, " ", n[name]) }'
run "strtol 5" -c "$program 5" -e 'probe process.plt("strtol").return { println($$name, " ", returnval()) }'

"$FLAMETAP" run -l "process(\"$program\").function(\"inner\")" >out 2>log || fail "-l"
grep -qF "process(\"$program\").function(\"inner" out || fail "-l lists $(cat out)"
tap 1 run -e "probe process(\"$program\").function(\"innr\") {}"
says "it has inner"
tap 1 run -e "probe process(\"$program\").library(\"libnowhere.so\").function(\"x\") {}"
says "no library 'libnowhere.so'"
tap 1 run -e 'probe process("flametap-none").function("x") {}'
says 'no program flametap-none in $PATH'

# A library by its name alone is where the dynamic linker looks; a script is what runs it.
tap 0 run -l 'process("libc.so.6").function("malloc")' >out
grep -Eq '^process\("/[^"]*/libc\.so\.6"\)\.function\("malloc[@"]' out || fail "$(cat out)"
tap 1 run -l 'process("libm").function("sin")'
says '/libm.so.'
tap 1 run -l 'process("libnone.so").function("sin")'
says 'no library of this name where the dynamic linker looks'
printf '#! %s -e\nexit 0\n' "$(command -v sh)" >script
chmod +x script
tap 0 run -c ./script -e 'probe process("./script").begin { println(execname()); exit() }' >out
[ "$(cat out)" = script ] || fail "$(cat out)"
tap 1 run -e 'probe process.function("x") {}'
says 'the process of -c or -x'

# Stacks: whole ones, as keys in the kernel, from two functions of one program.
"$FLAMETAP" run -c "$program 10" -e '
global stacks
probe process.function("*er") { stacks[ubacktrace()]++ }
probe end { foreach (s in stacks) { print_ustack(s); println("count ", stacks[s]) } }' >out 2>log || fail "stacks"
got=$(sed -nE 's/^ 0x[0-9a-f]* : ([a-z]+)\+.*/\1/p; s/^count/&/p' out | awk '/^count/ { print names $2; names = ""; next }
	/^(inner|outer|main)$/ { names = names $0 " " }' | sort)
[ "$got" = "inner outer main 10
inner outer main 10
outer main 10" ] || fail "stacks: $got"

# Many functions: in one go, or one by one, which is said.
tap 0 run -T 0.01 -e 'global n probe process("/bin/sh").library("libc.so.6").function("str*") { n++ }' >/dev/null
[ "$(printf '%s\n' 6.6 "$(uname -r)" | sort -V | head -n 1)" = 6.6 ] || says 'probes one by one (before Linux 6.6)'

# A file that is truncated while its debug information is read: an answer, a complaint, but no signal.
for wait in 0 0.005 0.01 0.02 0.03; do
	cp "$program" shrinking
	"$FLAMETAP" run -L "process(\"$work/shrinking\").statement(\"*@*:*\")" >out 2>log &
	reader=$!
	sleep "$wait"
	truncate -s 4096 shrinking
	status=0
	wait "$reader" || status=$?
	[ "$status" -le 1 ] || fail "a truncated file: status $status"
	rm shrinking
done
