#!/usr/bin/env bash
# needs: kernel
# cpu_targets.sh - every kind of target: processes with threads born later, single threads, children, all, a command.
. "$FT_SOURCE/tests/e2e/lib.bash"

# Threads that are born while recording, told apart.
start "$FT_PROGRAMS/threads" >tids
threads=$pid
until [ -s tids ]; do sleep 0.02; done
(sleep 0.7; kill -USR1 "$threads") &
trigger=$!
tap 0 cpu -p "$threads" -F 499 -d 2.5 --per-thread -o threads.folded
wait "$trigger"
[ "$(weight ';early/[0-9]+;.*work_early' threads.folded)" -gt 0 ] || fail "the early thread is missing"
[ "$(weight ';late/[0-9]+;.*work_late' threads.folded)" -gt 0 ] || fail "the thread born later is missing"
grep -q '^threads;' threads.folded || fail "the process name is missing"

# One thread of several.
tap 0 cpu -t "$(sed -n 1p tids)" -F 499 -d 1 -o one.folded
[ "$(weight work_early one.folded)" -gt 0 ] || fail "-t: the thread is missing"
[ "$(weight work_late one.folded)" = 0 ] || fail "-t: another thread is in the profile"

# A thread id is no process id.
tap 2 cpu -p "$(sed -n 1p tids)" -d 1
says "is a thread of process $threads"

# Two processes, and nothing else.
start "$FT_PROGRAMS/shares"
shares=$pid
start "$FT_PROGRAMS/hostile"
hostile=$pid
tap 0 cpu -p "$threads,$shares" -F 499 -d 1 -o two.folded
stop "$hostile"
[ "$(weight '^threads;' two.folded)" -gt 0 ] || fail "-p A,B: the first is missing"
[ "$(weight '^shares;' two.folded)" -gt 0 ] || fail "-p A,B: the second is missing"
[ "$(weight alert two.folded)" = 0 ] || fail "-p A,B: a third is in the profile"

# Everything.
tap 0 cpu -a -F 499 -d 1 -o all.folded
[ "$(weight '^shares;' all.folded)" -gt 0 ] || fail "-a: a running process is missing"
stop "$threads" "$shares"

# A command, with its children; its status is reported and does not become ours.
tap 0 cpu -F 999 -o command.folded -- sh -c "$FT_PROGRAMS/forker 10; exit 7"
says "sh ended with exit status 7"
[ "$(weight '^forker;.*child_spin' command.folded)" -gt 50 ] || fail "--: the children are missing"

# Without --children forked processes are not followed; with it they are.
start "$FT_PROGRAMS/forker" 400
forker=$pid
tap 0 cpu -p "$forker" --children -F 999 -d 1.5 -o children.folded
[ "$(weight child_spin children.folded)" -gt 50 ] || fail "--children: the children are missing"
tap 0 cpu -p "$forker" -d 1 -e page-faults -o parent.folded
[ "$(weight child_spin parent.folded)" = 0 ] || fail "without --children there are children"
stop "$forker"
until ! pgrep -x forker >/dev/null; do sleep 0.05; done
