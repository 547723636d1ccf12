#!/usr/bin/env bash
# Scripts whose probes fire in the kernel: arguments of tracepoints, arrays, whole stacks, a flame graph, and SystemTap's
# command line through a link.
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
: "${FLAMETAP:?set it to the program under test}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

skip() {
	printf 'skip: %s\n' "$1"
	exit 77
}

fail() {
	printf 'FAIL: %s\n' "$1"
	cat out err 2>/dev/null
	exit 1
}

command -v perl >/dev/null || skip "no perl"
"$FLAMETAP" run -T 0.01 -e 'probe timer.profile {} global n probe kernel.trace("sched_switch") { n++ }' >out 2>err ||
	skip "$(cat err)"
ln -s "$FLAMETAP" stap

# A program that ends by itself is the clock: nothing depends on how fast the machine is.
cat >busy.pl <<'END'
sub inner { my $s = 0; $s += $_ * $_ for 1 .. 300000; return $s }
inner() for 1 .. 20;
END

./stap -c 'perl busy.pl' -e '
global count, names, stacks, sizes
probe kernel.trace("sched_process_exec") { if (pid() == target()) names[kernel_string($bprm->filename)]++ }
probe timer.profile { if (pid() == target()) { count++; stacks[ubacktrace()] <<< 1; sizes <<< pid() == target() } }
probe end {
	foreach (name in names) println("exec ", name)
	println("samples ", count > 3, " ", count == @count(sizes))
	foreach (stack in stacks-) { print_ustack(stack); printf("\t%d\n", @count(stacks[stack])) }
}' >out 2>err || fail "exit status $?"
grep -q '^exec .*perl$' out || fail "no exec of perl"
grep -qx 'samples 1 1' out || fail "samples"
grep -q 'main+0x' out || fail "no whole stack"
grep -q '_start+0x' out || fail "no whole stack"

# The thread that comes to a CPU: its own names, and the stack with which it left.
echo 'select(undef, undef, undef, 0.01) for 1 .. 20' >wait.pl
./stap -c 'perl wait.pl' -e '
global waits, off
probe scheduler.cpu_off { if (pid() == target()) off[tid()] = gettimeofday_us() }
probe scheduler.cpu_on { if (pid() == target() && off[tid()]) waits[execname(), ubacktrace()] <<< gettimeofday_us() - off[tid()] }
probe end { foreach ([name, stack] in waits-) { println("waits ", name); print_ustack(stack) } }' >out 2>err || fail "exit status $?"
grep -qx 'waits perl' out || fail "no waits of perl"
grep -q 'select' out || fail "no stack of a wait"
grep -q '_start+0x' out || fail "no whole stack of a wait"

./stap -c 'perl busy.pl' --flame flame.folded -e '
global profile
probe timer.profile { if (pid() == target()) profile[ubacktrace()]++ }' >out 2>err || fail "exit status $?"
grep -q 'perl.*;main;.*perl_run.* [0-9]*$' flame.folded || fail "no flame graph: $(head -3 flame.folded)"

# Variables with all they have, and texts that are made and looked into where they come from.
cp "$(type -P true)" target_program
./stap -c ./target_program -e '
global seen
probe kernel.trace("sched_process_exec") {
	if (!isinstr(execname(), "target_p")) next
	seen[sprintf("%s/%s", execname(), substr(execname(), 0, 6))]++
	println($p->comm$, " ", $p->sched_info$)
	println(kernel_string_n($bprm->filename, 4), kernel_string_n($bprm->filename, 4000))
	task = $p
	println(task->signal->nr_threads, " ", @task(task)->comm$)
}
probe end { foreach (name in seen) println(name, " ", seen[name]) }' >out 2>err || fail "exit status $?"
grep -qF '"target_program" {.pcount=' out || fail "the structure"
grep -qx '\./ta\./target_program' out || fail "a part of a string"
grep -qx '1 "target_program"' out || fail "what a variable points to"
grep -qx 'target_program/target 1' out || fail "the text"

# Names of addresses, in the process and in the kernel.
./stap -c 'perl busy.pl' -e '
global user, at
probe timer.profile { if (pid() == target() && user_mode()) { user[probefunc()]++; at[usymdata(uaddr())]++ } }
probe kernel.trace("sched_switch") { name = ppfunc() }
probe end {
	foreach (f in user) println("in ", f)
	foreach (where in at) println("at ", where)
	println(name_of(), " ", symname(0), " ", usymname(0), " ", symfileline(16))
}
global name
function name_of() { return name }' >out 2>err || fail "exit status $?"
grep -q '^in [A-Z_a-z]*erl' out || fail "no function of perl"
grep -q '^at [A-Z_a-z0-9]*+0x[0-9a-f]*/0x[0-9a-f]* \[/.*\]$' out || fail "no address of perl"
grep -qx 'sched_switch 0x0 0x0 0x10' out || fail "the tracepoint's name"

# No event is lost between an array and what is in front of it: keys that change with each event, read all the time.
./stap -c 'dd if=/dev/zero of=/dev/null bs=1 count=50000 status=none' -e '
global c, s, most, many, events
probe kernel.trace("sys_enter") {
	if (pid() == target() && execname() == "dd" && $id < 2) {
		c[$id]++; s[execname(), $id] <<< $id + 5
		if (events < 60000) { many[events % 500]++; events++ }
	}
}
probe timer.ms(5) { n = 0; foreach (id in c) n += c[id]; if (n > most) most = n }
probe end {
	printf("%d %d %d\n", c[1], @count(s["dd", 1]), @sum(s["dd", 1]))
	printf("%d %d %d\n", c[0] == @count(s["dd", 0]), @min(s["dd", 0]), @max(s["dd", 1]))
	printf("%d\n", most <= c[0] + c[1])
	foreach (k in many) full += many[k] == 120
	println(full)
	delete c
	println(c[1])
}' >out 2>err || fail "exit status $?"
printf '50000 50000 300000\n1 5 6\n1\n500\n0\n' | cmp - out || fail "not all events were counted: $(cat out)"

# Sizes of the kernel's functions, and lines of a program's source.
./stap -c 'perl busy.pl' -e '
global n
probe kernel.trace("sched_switch") { if (pid() == target() && !n++) print_stack(backtrace()) }' >out 2>err || fail "exit status $?"
grep -qE '^ 0x[0-9a-f]+ : [A-Za-z_0-9.]+\+0x[0-9a-f]+/0x[1-9a-f][0-9a-f]* \[kernel\]$' out || fail "no size of a function"
if type -P gcc >/dev/null; then
	printf 'volatile long n;\nint main(void)\n{\n\tfor (;;)\n\t\tn++;\n}\n' >lines.c
	gcc -g -O0 -o lines lines.c
	./lines &
	lines=$!
	timeout 60 ./stap -x "$lines" -e '
probe timer.profile { if (pid() == target() && user_mode()) { where = uaddr(); seen[usymfileline(where)]++; if (n++ > 20) exit() } }
global seen, n
probe end { foreach (place in seen) println(place) }' >out 2>err || { kill "$lines"; fail "exit status $?"; }
	kill "$lines"
	wait "$lines" || true
	grep -q 'lines\.c:[45]$' out || fail "no lines of the source"
fi

# A handler of user space that calls what only the kernel can run does so there; others read its memory.
./stap -e 'probe begin { println(jiffies() > 0, pid() == task_pid(task_current())) exit() }' >out 2>err || fail "exit status $?"
[ "$(cat out)" = 11 ] || fail "jiffies() in begin"
./stap -e 'probe begin { println(task_pid(task_current()) == pid(), @cast(task_current(), "task_struct")->tgid == pid()) exit() }
probe end { println(task_execname(task_current())) }' >out 2>err || fail "exit status $?"
[ "$(cat out)" = "$(printf '11\nstap')" ] || fail "begin in the kernel"

# Where more comes than can be taken, the time, timers and the end are looked at all the same.
perl -e 'alarm 100; getppid while 1' &
many=$!
timeout 60 ./stap -T 1 -e '
global n, ticks
probe kernel.trace("sys_enter") { if (execname() =~ "^per") for (i = 0; i < 10; i++) n += strlen(tokenize("a b", " ")) }
probe timer.ms(100) { ticks++ }
probe end { println(n > 0, " ", ticks > 1) }' >out 2>err || { kill "$many"; fail "it does not end: exit status $?"; }
kill "$many"
wait "$many" || true
[ "$(cat out)" = "1 1" ] || fail "no timers beside many events"

# What a command ends with, and what is refused before anything is loaded.
./stap -c 'sh -c "exit 3"' -e 'probe begin { println("begun") }' >out 2>err && fail "the command failed, the script did not"
grep -q 'exited with status 3' err || fail "the status of the command"
./stap -e 'probe kernel.trace("sched_switch") { println($nothing) }' >out 2>err && fail "an argument that there is not"
grep -q "semantic error: unable to find tracepoint variable '\$nothing'" err || fail "the message"
# Kernels that permit it: script_functions_kernel.sh.
./stap -T 0.01 -e 'global n probe kernel.function("schedule").return { n++ }' >out 2>err ||
	grep -q 'kernel.function("schedule").return: this .*; nearest: kernel.trace("sched_switch")' err ||
	fail "no way out is told"
./stap -e 'probe a = kernel.function("schedule") !, timer.ms(10) { } probe a, kernel.function("schedule")? { println("once"); exit() }' >out 2>err ||
	fail "what may be left out was not"
grep -qx once out || fail "the point that was left"
./stap -l 'kernel.trace("sched_sw*ch")' >out 2>err || fail "no list"
grep -qx 'kernel.trace("sched_switch")' out || fail "the list"
printf 'ok\n'
