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

# Who woke the waker: the relay, which waited for the sender, which waited for a timer.
start "$FT_PROGRAMS/wakers" relay >ready2
while [ ! -s ready2 ]; do sleep 0.05; done
tap 0 wakeup --depth 3 -p "$pid" -d 2 -o chain.folded
all=$(weight '^wakers;.*wait_for_byte' chain.folded)
[ "$all" -gt 500000 ] || fail "wait_for_byte waits only $all us for the relay"
by_relay='^wakers;.*wait_for_byte;.*;--;.*write.*;send_byte;relay;main;.*;relay;--;'
by_both=$(weight "$by_relay.*write.*;send_byte;main;.*;sender;--;" chain.folded)
[ $((by_both * 10)) -gt $((all * 9)) ] || fail "the relay and the sender ended $by_both of $all us"
by_timer=$(weight "$by_relay.*;sender;--;.*;\\[interrupt\\]\$" chain.folded)
[ $((by_timer * 10)) -gt $((all * 9)) ] || fail "a timer began $by_timer of $all us"
tap 0 wakeup --depth 2 -p "$pid" -d 1 -o two.folded
[ "$(weight 'sender;--;' two.folded)" = 0 ] || fail "three wakers with --depth 2"
[ "$(weight "$by_relay.*;sender\$" two.folded)" -gt 0 ] || fail "no two wakers with --depth 2"
stop "$pid"
tap 2 wakeup --depth 9 -p 1
says "1 to 8"

# A timer's interrupt ends a sleep; whatever it has interrupted has no part in it.
start "$FT_PROGRAMS/waits" >ready
while ! grep -q ready ready; do sleep 0.05; done
tap 0 wakeup -p "$pid" -d 2 -o timer.folded
stop "$pid"
all=$(weight 'long_wait;.*;--;' timer.folded)
timer=$(weight 'long_wait;.*;--;.*;\[interrupt\]$' timer.folded)
[ "$all" -gt 0 ] && [ $((timer * 10)) -gt $((all * 9)) ] || fail "an interrupt ended $timer of $all us"
