#!/usr/bin/env bash
# needs: kernel
# cpu_failures.sh - what goes wrong is said in one sentence with the remedy, by the right exit status, and leaves nothing.
. "$FT_SOURCE/tests/e2e/lib.bash"

start "$FT_PROGRAMS/shares"
target=$pid

one_line() {
	[ "$(wc -l <log)" = 1 ] || fail "more than one line of message"
}

tap 2 cpu
says "say what to profile"
tap 1 cpu -p 4194304 -d 1
says "there is no process 4194304"
one_line
tap 2 cpu -p "$target" -p x
tap 2 cpu -p "$target" -a
says "exclude each other"
tap 2 cpu -p "$target" -F 100000000
says "perf_event_max_sample_rate"
tap 2 cpu -p "$target" -F 0
tap 2 cpu -p "$target" -d -1
tap 2 cpu -p "$target" -e no-such-event
says "cpu-clock"
tap 2 cpu -p "$target" -e tracepoint:x
tap 1 cpu -p "$target" -e tracepoint:no_such:thing -d 1
tap 2 cpu -p "$target" --user-only --kernel-only
tap 2 cpu -p "$target" -F 99 -c 1000000
tap 2 cpu -p "$target" -d 1 -o x.unknown
tap 1 cpu -p "$target" -d 1 -o no/such/folder.svg
says "cannot write no/such/folder.svg"
one_line
tap 1 cpu -p "$target" -d 0.2 -F 999 -f svg -o /dev/full
says "No space left"
tap 1 cpu --cgroup no/such/cgroup -d 1
says "there is no cgroup"
tap 1 cpu -d 1 -- /no/such/program
says "cannot run /no/such/program: No such file"
tap 2 cpu --
stop "$target"

# An idle target: nothing to draw, nothing written.
start sleep 60
tap 1 cpu -p "$pid" -d 0.3 -o idle.svg
says "used no CPU time"
[ ! -e idle.svg ] || fail "an empty picture was written"
stop "$pid"

# The target ends before the time is over: that ends the recording, and what there is gets written.
start "$FT_PROGRAMS/shares"
(sleep 0.5; kill -KILL "$pid") &
tap 0 cpu -p "$pid" -d 60 -F 999 -o ended.folded
wait

# Ctrl-C ends early and still writes.
start "$FT_PROGRAMS/shares"
target=$pid
(sleep 0.7; kill -INT "$(pgrep -f "cpu -p $target -d 60")") &
tap 0 cpu -p "$target" -d 60 -F 499 -o interrupted.svg
[ -s interrupted.svg ] || fail "an interrupted recording wrote nothing"
stop "$target"
wait

# Who is not permitted is told what would help.
if command -v setpriv >/dev/null; then
	start "$FT_PROGRAMS/shares"
	install -m 755 "$FLAMETAP" /tmp/flametap.$$
	chmod 777 .
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		/tmp/flametap.$$ cpu -p "$pid" -d 1 -o denied.svg 2>log
	status=$?
	rm -f /tmp/flametap.$$
	stop "$pid"
	[ "$status" = 1 ] || fail "without privileges: exit status $status, not 1"
	says "run as root"
	one_line
fi

leftover=$(find . -name '*.tmp' -o -name '.*.svg*' -o -name 'denied*')
[ -z "$leftover" ] || fail "left behind: $leftover"
