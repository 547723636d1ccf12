#!/usr/bin/env bash
# What a handler leaves to user space is done before later events see what it changed.
# needs: kernel
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

calls() {
	dd if=/dev/zero of=/dev/null bs=1 count=2000 status=none
}
export -f calls

# A text that only user space can make, noted at the entry and read at the return of the same call.
cat >text.stp <<'END'
global noted
probe syscall.read
{
	if (target_set_pid(pid()))
		noted[tid()] = sprintf("%s(%s)", name, argstr)
}
probe syscall.read.return
{
	if (!target_set_pid(pid())) next
	if (tid() in noted) {
		printf("%s = %d\n", noted[tid()], retval)
		delete noted[tid()]
	} else {
		println("lost")
	}
}
END
"$FLAMETAP" run -o out -c 'bash -c calls' text.stp 2>log || fail "$(cat log)"
[ "$(grep -c '^read(0, 0x[0-9a-f]*, 1) = 1$' out)" = 2000 ] || { sort out | uniq -c | sort -n | tail -5 && fail "not 2000 reads"; }
[ "$(grep -c lost out)" -le 1 ] || fail "$(grep -c lost out) of the texts are lost" # the one that was under way

# A number that the kernel notes at the entry, read after the return's handler went to user space.
cat >number.stp <<'END'
global began, calls, negative
probe syscall.read
{
	if (target_set_pid(pid()))
		began[tid()] = gettimeofday_ns()
}
probe syscall.read.return
{
	if (!target_set_pid(pid()) || !(tid() in began)) next
	text = sprintf("%s", argstr)
	took = gettimeofday_ns() - began[tid()]
	calls++
	if (took < 0) negative++
	if (text == "") println(text)
}
probe end { println(calls >= 2000, " ", negative) }
END
"$FLAMETAP" run -o out -c 'bash -c calls' number.stp 2>log || fail "$(cat log)"
[ "$(cat out)" = "1 0" ] || fail "later entries are seen at returns: $(cat out)"

# What is found out at entry, for the return.
cat >entry.stp <<'END'
probe syscall.read.return
{
	if (target_set_pid(pid()))
		printf("%s = %d\n", @entry(execname() =~ "^d[d]$" ? sprintf("%s", "copier") : ""), retval)
}
END
"$FLAMETAP" run -o out -c 'bash -c calls' entry.stp 2>log || fail "$(cat log)"
[ "$(grep -c '^copier = 1$' out)" = 2000 ] || { sort out | uniq -c | sort -n | tail -5 && fail "@entry: not 2000 reads"; }

# A counter that is read in the kernel, and set back by user space.
cat >reset.stp <<'END'
global n, rounds
probe syscall.read
{
	if (!target_set_pid(pid())) next
	if (++n < 100) next
	printf("%d %s\n", n, sprintf("%s", argstr) != "" ? "" : "none")
	rounds[n]++
	n = 0
}
END
"$FLAMETAP" run -o out -c 'bash -c calls' reset.stp 2>log || fail "$(cat log)"
[ "$(grep -c '^100 $' out)" -ge 20 ] && ! grep -vE '^100 $|^rounds' out || { sort out | uniq -c | tail -5 && fail "the counter ran on"; }

# Functions that call each other many times are looked through once, not once for each way to them.
cat >calls.stp <<'END'
global seen
function a(n) { seen[n] = n; return n < 1 ? pid() : a(n - 1) + b(n - 1) + b(n - 2) + b(n - 3) }
function b(n) { return n < 1 ? tid() : b(n - 1) + a(n - 1) + a(n - 2) + a(n - 3) }
probe syscall.read { seen[tid()] = 1 }
probe syscall.read.return { if (sprintf("%s", argstr) != "") println(a(1), seen[tid()]) }
END
timeout 60 "$FLAMETAP" run -p4 calls.stp >out 2>log || fail "calls within calls: $? $(cat log)"
