#!/usr/bin/env bash
# needs: kernel
# doctor.sh - doctor and cpu agree: where it says that profiling works, it does.
. "$FT_SOURCE/tests/e2e/lib.bash"

"$FLAMETAP" doctor >report || fail "doctor finds something missing: $(cat report)"
grep -q 'flametap cpu works here' report || fail "no conclusion"
for check in kernel 'BPF programs' 'kernel types' 'perf events' tracepoints 'probes on user code' 'kernel symbols'; do
	grep -q "$check" report || fail "doctor does not look at: $check"
done
tap 2 doctor something
