#!/usr/bin/env bash
# needs: kernel
# lock.sh - waits for futexes: a convoy of four threads, three of which wait at any time.
. "$FT_SOURCE/tests/e2e/lib.bash"

start "$FT_PROGRAMS/locks" >ready
while [ ! -s ready ]; do sleep 0.05; done
tap 0 lock -p "$pid" -d 2 -o locks.folded -o locks.svg
waited=$(weight 'convoy;await_turn;.*waits for a futex' locks.folded)
# 3 of 4 threads for 2 s; on a busy machine the one that has its turn may wait for a CPU meanwhile.
[ "$waited" -gt 4500000 ] && [ "$waited" -lt 6600000 ] || fail "the convoy waited $waited us, not 6000000"
[ "$(weight 'nanosleep;.*futex' locks.folded)" = 0 ] || fail "a sleep was taken for a lock"
[ -s locks.svg ] || fail "no picture was written"
"$FLAMETAP" lock -p "$pid" -d 1 --hist=frame >hist 2>log || fail "--hist: exit status $?"
grep -qE '^[^ ]+: [0-9]+ waits' hist || fail "no histogram: $(head -3 hist)"
stop "$pid"
tap 2 lock -p 1 --state S

# A program that has no locks.
start "$FT_PROGRAMS/waits"
got=0
"$FLAMETAP" lock -p "$pid" -d 0.5 -o none.folded 2>log || got=$?
stop "$pid"
# On a busy machine it may have met a lock of the kernel.
if [ "$got" = 0 ]; then
	[ "$(weight 'futex' none.folded)" = 0 ] || fail "a program without locks waits for a futex"
else
	[ "$got" = 1 ] || fail "exit status $got"
	[ ! -e none.folded ] || fail "an empty profile was written"
fi
