#!/usr/bin/env bash
# Python 3.12 and later, run with -X perf: its functions have names, and the stacks through its trampolines are whole,
# also where Python itself keeps no frame pointers.
# needs: kernel
set -u
. "$FT_SOURCE/tests/e2e/lib.bash"

# In the path, else where pyenv puts versions; one that has the trampolines.
python=
for candidate in python3.12 python3.13 python3.14 python3 "$HOME"/.pyenv/versions/*/bin/python3; do
	"$candidate" -X perf -c 'import sys; sys.exit(not (sys.version_info >= (3, 12) and sys.is_stack_trampoline_active()))' \
		2>/dev/null && python=$candidate && break
done
[ -n "$python" ] || { echo "SKIP: needs Python 3.12 or later with -X perf"; exit 77; }

cat >hot.py <<'END'
import sys
def inner(n):
    total = 0
    for i in range(n):
        total += i * i
    return total
def outer(n):
    return inner(n) + inner(n)
print("ready", flush=True)
while True:
    outer(20000)
END
start "$python" -X perf hot.py >ready
trap 'rm -f /tmp/perf-"$pid".map' EXIT
while ! grep -qs ready ready; do sleep 0.05; done
tap 0 cpu -p "$pid" -F 499 -d 1 -o python.folded
stop "$pid"
all=$(weight . python.folded)
chain=$(weight 'py::<module>:.*hot\.py;.*py::outer:.*hot\.py;.*py::inner:.*hot\.py' python.folded)
[ "$all" -gt 20 ] || fail "too few samples: $all"
[ "$chain" -ge $((all * 9 / 10)) ] || fail "only $chain of $all stacks lead through all functions: $(head -c 2000 python.folded)"
# From the start of the process on.
[ "$(weight '^[^;]*;_start;' python.folded)" -ge $((all * 9 / 10)) ] || fail "stacks are cut: $(head -c 2000 python.folded)"
exit 0
