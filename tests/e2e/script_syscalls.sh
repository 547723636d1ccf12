#!/usr/bin/env bash
# System calls in scripts: names, arguments, their text and the result's, of a program that makes known ones; counts beside
# those of strace.
# needs: kernel strace
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"
program=$FT_PROGRAMS/syscalls

# What it does, in order, by entry and by exit.
cat >trace.stp <<'END'
probe syscall.* { if (pid() == target()) printf("%s(%s)\n", name, argstr) }
probe syscall.*.return { if (pid() == target()) printf("%s = %s\n", name, retstr) }
END
umask 022
tap 0 run trace.stp -c "$program" >trace
# Which descriptors are free is the caller's concern.
sed -n '/^getppid()$/,$p' trace | sed -E 's/^(write|lseek|close|connect)\([0-9]+/\1(N/' >known
for line in 'umask(00)' 'mkdirat(AT_FDCWD, "made here", 0750)' 'unlinkat(AT_FDCWD, "made here", AT_REMOVEDIR)' \
	'openat(AT_FDCWD, "/no/such\tfile\001", O_RDWR|O_CREAT|O_EXCL, 0640)' 'openat = -2 (ENOENT)' \
	'write(N, "two\nlines \"quoted\"", 18)' 'write = 18' 'write(N, "012345678901234567890123456789012345678901234"..., 70)' \
	'write(N, "", 0)' 'lseek(N, -5, SEEK_CUR)' 'close(N)' \
	'socket(PF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_UDP)' 'connect(N, {AF_INET, 127.0.0.1, 9}, 16)' 'connect = 0' \
	'socket(PF_LOCAL, SOCK_STREAM, 0)' 'connect(N, {AF_UNIX, "/no/socket"}, 110)' 'connect = -2 (ENOENT)' \
	'clock_nanosleep(CLOCK_MONOTONIC, 0x0, [0.001000000], 0x0)' 'rt_sigprocmask(SIG_BLOCK, [SIGUSR1|SIGUSR2], 0x0, 8)' \
	'prlimit64(0, RLIMIT_CORE, [0,-1], 0x0)' 'madvise(0x0, 0, MADV_DONTNEED)' \
	'umask = 022' 'futex(0x0, FUTEX_CMP_REQUEUE, 1, 2, 0x0, -1)' 'pipe2([0, 0], O_CLOEXEC)' 'pipe2 = 0' 'exit_group(0)'; do
	grep -qxF -- "$line" known || { cat known && fail "no line: $line"; }
done
grep -qxE 'kill\([0-9]+, 0x0\)' known || fail "no kill"

# Scripts call pipe2() pipe, too; the handlers of both are not run for one.
[ "$(grep -c '^pipe2\?(' known)" = 1 ] || { cat known && fail "more than one handler of pipe2"; }

# A handler that asks for no argument is one for all calls; each that names one is for its call.
cat >count.stp <<'END'
global n, calls, bytes, opened, errors
probe syscall.* { if (pid() == target()) n[name]++ }
probe syscall_any.return { if (pid() == target() && retval < 0) errors[name, retstr]++ }
probe nd_syscall.write { if (pid() == target()) bytes += count }
probe syscall.open* ? { if (pid() == target() && filename != "") opened[filename, flags_str]++ }
probe syscall.{getppid,umask} { if (pid() == target()) calls++ }
probe end {
	foreach (name in n) printf("count %s %d\n", name, n[name])
	foreach ([name, ret] in errors) printf("error %s %s\n", name, ret)
	foreach ([file, flags] in opened) printf("opened %s %s %d\n", file, flags, [file, flags] in opened)
	printf("bytes %d calls %d\n", bytes, calls)
}
END
tap 0 run count.stp -c "$program 500" >counts
grep -qx 'count getppid 500' counts || { cat counts && fail "not 500 calls of getppid"; }
grep -qx 'error connect -2 (ENOENT)' counts || fail "no error of connect"
grep -qxF 'opened "/dev/null" O_WRONLY 1' counts || { cat counts && fail "no key of a file"; }
grep -qE 'bytes (8[89]|9[0-9]|[1-9][0-9]{2}) calls 501' counts || { cat counts && fail "bytes and calls"; }

# The same as strace counts, from the first call of main on.
LC_ALL=C strace -o strace.out "$program" 500 >/dev/null
sed -n '/^getppid/,$p' strace.out | sed -E 's/\(.*//; /^[+]/d' | sort | uniq -c | awk '{print $2, $1}' >by_strace
tap 0 run -c "$program 500" -e '
global n, on
probe syscall.getppid { if (pid() == target()) on = 1 }
probe syscall.* { if (pid() == target() && on) n[name]++ }
probe end { foreach (name in n) printf("%s %d\n", name, n[name]) }' >by_script
sort -o by_script by_script
sort -o by_strace by_strace
diff <(grep -v '^mmap' by_strace) <(grep -v '^mmap' by_script) || fail "strace counts otherwise"

# What is no call of this machine is none.
tap 1 run -p2 -e 'probe syscall.nosuchcall {}' >/dev/null
says 'no match for syscall.nosuchcall'
tap 0 run -l 'syscall.open*.return' >listed
grep -qx 'syscall.openat.return' listed || { cat listed && fail "calls are not listed by their names"; }
tap 0 run -L 'syscall.openat.return' >listed
grep -qE '^syscall\.openat\.return name:string dfd:long dfd_str:string .*filename:string .*argstr:string .*retval:long retstr:string ' listed ||
	{ cat listed && fail "variables are not listed"; }
# shellcheck disable=SC2016 # scripts of this language have dollars

# Arguments by the names that the kernel has for them, and by number; at the end also those of the beginning, and times.
tap 0 run -c "$program" -e '
probe syscall.write.return {
	if (pid() == target())
		printf("%d %d %d %d %d %d\n", $count, int_arg(3), @entry($count), $return, returnval(),
		       gettimeofday_us() - @entry(gettimeofday_us()) < 10000000)
}
probe syscall.openat { if (pid() == target()) printf("%s %#x\n", user_string_quoted($filename), $flags) }' >named
for line in '18 18 18 18 18 1' '0 0 0 0 0 1' '"/no/such\tfile\001" 0xc2'; do
	grep -qxF -- "$line" named || { cat named && fail "no line: $line"; }
done

# Handlers that take stacks are programs of another kind, which tell arguments as well.
tap 0 run -c "$program 100" -e '
global stacks, modes
probe syscall_any { if (pid() == target() && name == "getppid") stacks[ubacktrace()]++ }
probe syscall.umask { if (pid() == target()) modes[mask, ubacktrace() != ""]++ }
probe end {
	foreach (s in stacks) calls += stacks[s]
	foreach ([mask, some] in modes) printf("umask %#o %d %d\n", mask, some, modes[mask, some])
	printf("getppid %d\n", calls)
}' >stacks
for line in 'getppid 100' 'umask 0 1 1'; do
	grep -qx "$line" stacks || { cat stacks && fail "no line: $line"; }
done

# What this program calls itself is not told: each line would make the next one, and there would be no end.
tap 0 run -T 0.1 -e "
global own
probe syscall.* { if (execname() == \"flametap\" && ppid() == $$) own++; printf(\"%s %s\\n\", execname(), argstr) }
probe end { println(\"own \", own) }" >all
grep -qx 'own 0' all || { tail all && fail "calls of its own"; }
# Nor where one handler is for all calls: it tells this program's thread by where its registers are, or by its process.
for more in '' 'probe timer.profile { if (pid() == target()) stacks[ubacktrace()]++ }'; do
	tap 0 run -T 0.3 -c 'sleep 0.2' -e "
global own, others, stacks
probe syscall_any, syscall_any.return { if (execname() == \"flametap\" && ppid() == $$) own++; else others++ }
probe timer.ms(10) { n += others }
probe end { println(\"own \", own, \" \", others > 10) } $more" >all
	grep -qx 'own 0 1' all || { tail all && fail "calls of its own"; }
done
