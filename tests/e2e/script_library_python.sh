#!/usr/bin/env bash
# The scripts of the library about Python: calls as Python's own profiler counts them, modules as Python says when it loads
# them, collections of garbage that are known.
# needs: kernel
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

export LC_ALL=C
python=/usr/bin/python3
"$FLAMETAP" run -l "process(\"$python\").mark(\"function__return\")" >out 2>log || {
	echo "SKIP: needs $python with marks (Debian's has them)"
	exit 77
}
"$FLAMETAP" run -T 0.01 -e "probe process(\"$python\").mark(\"gc__done\") { println(1) }" 2>log || {
	grep -q 'no probes on user functions' log && echo "SKIP: needs CONFIG_UPROBES" && exit 77
	fail "cannot attach"
}

cat >work.py <<'END'
import gc
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def numbers(n):
    for i in range(n):
        yield i
def consume(): return sum(numbers(100))
def raises(): raise ValueError
def catches():
    try: raises()
    except ValueError: pass
class Thing:
    def method(self): return 1
gc.disable()
fib(12)
consume()
for i in range(7): catches()
for i in range(50): Thing().method()
END
cat >counts.py <<'END'
import cProfile, pstats
profile = cProfile.Profile()
profile.run(compile(open("work.py").read(), "work.py", "exec"))
for (file, line, name), (_, calls, *_) in pstats.Stats(profile).stats.items():
    if file == "work.py" and not name.startswith("<") and name != "Thing":
        print(calls, name)
END
tap 0 run python-functions -G lines=10000 -c "$python work.py" >out
"$python" counts.py | sort >wanted
awk '$3 ~ /work\.py$/ && $2 !~ /^<|^Thing$/ { print $1, $2 }' out | sort >got
[ "$(wc -l <wanted)" -ge 6 ] || fail "the profiler counts: $(cat wanted)"
diff wanted got || fail "python-functions: $(cat out)"

# Modules: the same, in the same order, as deep as Python says.
tap 1 run python-imports -c "$python -I -S -c 'import json, nosuch'" >out # it ends with status 1
"$python" -I -S -X importtime -c 'import json' 2>&1 | sed -nE 's/^import time: +[0-9]+ \| +[0-9]+ \| //p' | tail -n 8 >wanted
sed -nE 's/^ +[0-9]+ +[0-9]+ +[0-9]+  (.*)/\1/p' out | sed '/nosuch/,$d' >all
tail -n 8 all >got
diff wanted got || fail "python-imports: $(cat out)"
grep -qE '^ +[0-9]+ +[0-9]+ +[0-9]+  nosuch \(not found\)$' out || fail "python-imports: nosuch: $(cat out)"
awk '$1 ~ /^[0-9]+$/ && $2 > $3 { bad = 1 } END { exit bad }' out || fail "python-imports: more of its own than in all"

# Garbage: cycles that nobody else collects.
cat >garbage.py <<'END'
import gc
gc.collect()
gc.disable()
for i in range(5):
    for k in range(1000):
        ring = []
        ring.append(ring)
    del ring
    gc.collect(1)
END
tap 0 run python-gc -c "$python -I -S garbage.py" >out
[ "$(awk '$2 == 1 { print $3, $7 }' out)" = "5 5000" ] || fail "python-gc: $(cat out)"
grep -qE '^ *value \|' out || fail "python-gc: no histogram"

# A program without marks.
tap 1 run python-gc /bin/true >out
says "has no mark 'gc__start'"
