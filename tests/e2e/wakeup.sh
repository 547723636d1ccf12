#!/usr/bin/env bash
# needs: kernel
# wakeup.sh - who ended a wait: another process through a pipe, an interrupt.
. "$FT_SOURCE/tests/e2e/lib.bash"

start "$FT_PROGRAMS/wakers" >ready
while [ ! -s ready ]; do sleep 0.05; done
tap 0 wakeup -p "$pid" -d 2 -o wakers.folded -o wakers.svg
all=$(weight 'wait_for_byte' wakers.folded)
[ "$all" -gt 500000 ] || fail "wait_for_byte waits only $all us"
# The waker is upside down: its innermost frame first, its process last.
by_sender=$(weight 'wait_for_byte;.*;--;.*write.*;send_byte;main;.*;sender$' wakers.folded)
[ $((by_sender * 10)) -gt $((all * 9)) ] || fail "the sender ended $by_sender of $all us"
[ -s wakers.svg ] || fail "no picture was written"
stop "$pid"

# A timer's interrupt ends a sleep; whatever it has interrupted has no part in it.
start "$FT_PROGRAMS/waits" >ready
while ! grep -q ready ready; do sleep 0.05; done
tap 0 wakeup -p "$pid" -d 2 -o timer.folded
stop "$pid"
all=$(weight 'long_wait;.*;--;' timer.folded)
timer=$(weight 'long_wait;.*;--;.*;\[interrupt\]$' timer.folded)
[ "$all" -gt 0 ] && [ $((timer * 10)) -gt $((all * 9)) ] || fail "an interrupt ended $timer of $all us"
