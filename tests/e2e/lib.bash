# lib.bash - what the end-to-end tests share. Source it.
# shellcheck shell=bash
# shellcheck disable=SC2154 # FLAMETAP, FT_PROGRAMS come from run_e2e

fail() {
	printf 'FAIL: %s\n' "$*"
	[ -z "${log:-}" ] || { printf -- '--- %s\n' "$log" && tail -n 40 "$log"; }
	exit 1
}

# start COMMAND... - in the background; its id in $pid. Ended by stop.
start() {
	"$@" &
	pid=$!
}

stop() {
	local p

	for p in "$@"; do
		kill -KILL "$p" 2>/dev/null
		wait "$p" 2>/dev/null
	done
}

# tap STATUS ARG... - runs flametap, messages in the file "log"; fails when the exit status is another one.
# That the kernel paused the sampling for a moment, which it does on busy machines, is no failure.
tap() {
	local want=$1 got=0

	shift
	log=log
	"$FLAMETAP" "$@" 2>log || got=$?
	[ "$got" != 3 ] || [ "$want" != 0 ] ||
		! grep -qE 'lost: ([0-9]+); \1 times the kernel paused the sampling' log || got=0
	[ "$got" = "$want" ] || fail "flametap $*: exit status $got, not $want"
}

# says TEXT - the messages of the last tap hold TEXT.
says() {
	grep -qF -- "$1" log || fail "the messages do not say '$1'"
}

# weight REGEX FILE - sum of the weights of folded stacks that match.
weight() {
	awk -v re="$1" '{ n = $NF; sub(/ [0-9]+$/, "") } $0 ~ re { sum += n } END { print sum + 0 }' "$2"
}

# record PROGRAM ARG... - flametap ARG... of a test program that says "ready", waits for SIGUSR1 and ends; its exit
# status in $program_status.
record() {
	local program=$1 got=0 tap_pid mode=$2

	shift 2
	rm -f ready log
	start "$FT_PROGRAMS/$program" >ready
	while [ ! -s ready ]; do sleep 0.05; done
	"$FLAMETAP" "$mode" -v -p "$pid" "$@" 2>log &
	tap_pid=$!
	while ! grep -qs counting log && kill -0 "$tap_pid" 2>/dev/null; do sleep 0.05; done
	kill -USR1 "$pid"
	program_status=0
	wait "$pid" 2>/dev/null || program_status=$?
	log=log
	wait "$tap_pid" || got=$?
	[ "$got" = 0 ] || fail "flametap $mode $*: exit status $got"
}
