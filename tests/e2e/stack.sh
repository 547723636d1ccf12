#!/usr/bin/env bash
# flametap stack: every thread's functions, whatever the thread does, and a process that goes on as before.
# needs: gcc pgrep
set -u
. "$FT_SOURCE/tests/e2e/lib.bash"

gcc -D_GNU_SOURCE -O1 -g -o stacks "$FT_SOURCE/tests/programs/stacks.c" -pthread || exit 1

# begin ARG... - starts the program, waits for its first line; its id in $pid.
begin() {
	rm -f ready
	start ./stacks "$@" >ready
	while ! grep -qs . ready; do sleep 0.05; done
}

# look PID - its stacks in the file "stacks.txt".
look() {
	tap 0 stack "$1" >stacks.txt
}

# chain NAME - the functions of the thread of that name, innermost first, the kernel's left out.
chain() {
	awk -v name="\"$1\"" '/^Thread/ { here = index($0, name) } here && /^#/ && !/<kernel>/' stacks.txt |
		sed -E 's/^#[0-9]+ +(0x[0-9a-f]+ in )?//; s/ \(.*//' | tr '\n' ' '
}

expect() {
	grep -qE -- "$2" <<<"$(chain "$1")" || { cat stacks.txt; fail "thread $1: $(chain "$1")"; }
}

state() {
	awk '$1 == "State:" { print $2 }' "/proc/$1/status"
}

# ---- threads ----
begin
tid_of() {
	grep -lx -- "$1" /proc/"$pid"/task/*/comm | cut -d/ -f5
}
until [ "$(state "$(tid_of locker\ \(one\))")" = S ] && [ "$(state "$(tid_of sorter)")" = S ] &&
	[ "$(state "$(tid_of signalled)")" = S ]; do
	sleep 0.05
done
sleep 0.2
look "$pid"
expect stacks ' threads main .*_start $'
expect spinner '^turn spin spinner '
expect 'deep?[31m' '(deep ){21}deeper '
expect 'locker (one)' 'pthread_mutex_lock locker '
expect signalled 'on_signal __restore_rt .* signalled '
expect sorter 'compare .*sort.* sorter '
[ "$(grep -c '^Thread' stacks.txt)" = 6 ] || fail "not six threads"
! grep -q 'cut here' stacks.txt || fail "a stack is cut: $(grep 'cut here' stacks.txt)"
grep -qE '^#0 +turn \(\) at .*stacks.c:[0-9]+ \(inlined\)$' stacks.txt || fail "no inlined call with its line"
says '6 threads of'
[ "$(state "$(tid_of spinner)")" = R ] || fail "it does not go on"

# Each call outside the kernel is where gdb sees it. (gdb also guesses tail calls, ends at main, has no pc for signal
# frames, and leaves a pc out that is the first of its line: the innermost, and the one that a signal met.)
if command -v gdb >/dev/null; then
	gdb -batch -nx -ex 'thread apply all bt' -p "$pid" >gdb.txt 2>/dev/null || :
	pcs() {
		awk -v skip="$2" '/^Thread/ { match($0, /LWP [0-9]+/); lwp = substr($0, RSTART, RLENGTH); seen = 0
				spins = /spinner/ }
			/^#/ && $2 ~ /^0x/ && !spins && seen++ >= skip && !after && $4 !~ /^(__restore_rt|_start|__libc_start)/ {
				print lwp, $2
			}
			/^#/ && $2 ~ /^0x/ { after = skip && $4 == "__restore_rt" }' "$1" | sort
	}
	pcs gdb.txt 0 >gdb.pcs
	pcs stacks.txt 1 >our.pcs
	[ ! -s gdb.pcs ] || [ -z "$(comm -13 gdb.pcs our.pcs)" ] ||
		fail "gdb does not see $(comm -13 gdb.pcs our.pcs)"
	[ "$(wc -l <our.pcs)" -gt 30 ] || fail "too few: $(cat our.pcs)"
fi

# What is stopped stays stopped, and is shown.
kill -STOP "$pid"
# Each thread stops when it is next looked at: the first one says nothing about others.
while grep -h '^State:' "/proc/$pid"/task/*/status | grep -qv stopped; do sleep 0.05; done
look "$pid"
grep -q '"spinner", stopped' stacks.txt || fail "a stopped process"
expect sorter 'compare .*sort.* sorter '
[ "$(state "$pid")" = T ] || fail "a stopped process was started"
kill -CONT "$pid"
look "$pid"
grep -q '"spinner", running' stacks.txt || fail "a continued process"
stop "$pid"

# ---- uninterruptible sleep: shown without waiting for its end ----
begin blocked
look "$pid"
grep -q 'in uninterruptible sleep' stacks.txt || fail "no thread in uninterruptible sleep: $(cat stacks.txt)"
expect stacks 'syscall wait_for_child main .*_start $'
[ "$(state "$pid")" = D ] || fail "it woke up"
child=$(pgrep -P "$pid")
stop "$pid"
while [ -d "/proc/$child" ]; do sleep 0.05; done

# ---- of another tracer ----
begin traced
child=$(cat ready)
look "$child"
grep -q 'traced by another program' stacks.txt || fail "a traced process"
grep -qE 'raise|pthread_kill' stacks.txt || fail "a traced process: $(cat stacks.txt)"
[ "$(state "$child")" = t ] || fail "its tracer lost it"
stop "$pid"
while [ -d "/proc/$child" ]; do sleep 0.05; done

# ---- no signal is lost ----
begin signals
while kill -0 "$pid" 2>/dev/null && [ "$(wc -l <ready)" = 1 ]; do
	"$FLAMETAP" stack "$pid" >/dev/null 2>&1 || :
done
wait "$pid" || :
[ "$(tail -1 ready)" = 20000 ] || fail "signals: $(cat ready)"

# ---- what it refuses ----
tap 1 stack 4194304 >/dev/null
says 'there is no process 4194304'
tap 2 stack >/dev/null
tap 2 stack hello >/dev/null
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && [ -r "$FT_SOURCE/README.md" ]; then
	start sleep 60
	log=log
	got=0
	cp "$FLAMETAP" own && chmod 755 own . 2>/dev/null
	setpriv --reuid=65534 --regid=65534 --clear-groups -- ./own stack "$pid" >out 2>log || got=$?
	[ "$got" = 1 ] || [ "$got" = 126 ] || fail "another user's process: $got"
	[ "$got" = 126 ] || says 'not permitted'
	stop "$pid"
fi
exit 0
