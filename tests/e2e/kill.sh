#!/usr/bin/env bash
# needs: kernel bpftool
# kill.sh - the profiler and its targets are killed at random moments; nothing is left behind. FT_KILLS rounds.
. "$FT_SOURCE/tests/e2e/lib.bash"

rounds=${FT_KILLS:-20}
# Programs of ours that the kernel holds; it lets go of them a moment after the last descriptor is closed.
programs() {
	bpftool prog list | grep -cE ' name ft_'
}
export PATH=$PATH:/usr/sbin
before=$(programs)
RANDOM=4711
for ((i = 0; i < rounds; i++)); do
	start "$FT_PROGRAMS/forker" 1000
	target=$pid
	"$FLAMETAP" cpu -p "$target" --children -F 999 -d 60 -o killed.svg 2>/dev/null &
	tap=$!
	sleep "0.$((RANDOM % 30 + 100))"
	if ((i % 2)); then
		stop "$tap" "$target"
	else
		stop "$target"
		kill -INT "$tap" 2>/dev/null
		wait "$tap"
		status=$?
		# 130: it was not yet listening for Ctrl-C
		[[ $status = 0 || $status = 1 || $status = 3 || $status = 130 ]] ||
			fail "round $i: exit status $status"
	fi
	left=$(find . -name '*.tmp' -o -name '.killed*')
	[ -z "$left" ] || fail "round $i: left behind: $left"
	rm -f killed.svg
done
until ! pgrep -x forker >/dev/null; do sleep 0.05; done
for ((i = 0; i < 100; i++)); do
	[ "$(programs)" -gt "$before" ] || exit 0
	sleep 0.1
done
fail "BPF programs are left loaded: $(programs), and $before before"
