#!/usr/bin/env bash
# Functions of the library that read what the kernel has of a task, beside what /proc and ps say.
# needs: kernel perl
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >facts.pl <<'END'
chdir "/usr/share" or die;
open my $stat, "<", "/proc/self/stat"; my @stat = split / /, <$stat>; close $stat;
opendir my $fds, "/proc/self/fd"; my @fds = grep { !/^\./ } readdir $fds; closedir $fds;
$| = 1;
printf "pgrp %d sid %d nice %d open %d cwd %s exe %s\n", $stat[4], $stat[5], $stat[18], @fds - 1, "/usr/share", readlink "/proc/self/exe";
my $x = ""; $x .= "y" x 1000000 for 1 .. 20;
open my $m, "<", "/proc/self/statm"; my @m = split / /, <$m>;
printf "size %d\n", $m[0];
umask 0;
END
tap 0 run -c 'perl facts.pl' -e '
probe syscall.umask {
	if (pid() != target()) next
	t = task_current()
	printf("pgrp %d sid %d nice %d open %d cwd %s exe %s\n", pgrp(), sid(), task_nice(t), task_open_file_handles(t),
	       d_path(task_cwd_path(t)), fullpath_struct_file(t, task_exe_file(t)))
	printf("size %d\n", proc_mem_size())
	printf("rss %d %d\n", proc_mem_rss() > 4000, proc_mem_rss() < proc_mem_size())
	user = task_utime()
	printf("time %d\n", user >= 0 && user < 3600 * 1000000000)
}' >out
# perl prints first; two files that it had open are closed, or not, when the other one looks.
sort -u <(sed 's/ open [0-9]*//' out) >lines
[ "$(grep -c '^pgrp' lines)" = 1 ] || { cat out && fail "pgrp, sid, nice, cwd or exe differ"; }
[ "$(grep -c '^size' lines)" = 1 ] || { cat out && fail "sizes differ"; }
grep -qx 'rss 1 1' out || { cat out && fail "rss"; }
grep -qx 'time 1' out || fail "time"
[ "$(grep -cE '^pgrp.*open ([3-9]|1[0-9]) ' out)" = 2 ] || { cat out && fail "open files"; }

# Strings that cannot be read, output that is held back, stopwatches.
tap 0 run -e '
probe begin {
	id = speculation(); other = speculation()
	speculate(id, "kept\n"); speculate(other, "dropped\n"); speculate(id, "and more\n")
	discard(other); commit(id)
	start_stopwatch("w"); stop_stopwatch("w")
	println(read_stopwatch_s("w"), " ", bytes_to_string(1023), bytes_to_string(10240), bytes_to_string(300 << 20))
	println(return_str(1, -2), " ", return_str(2, 255), " ", errno_p(-5000), " ", format_ipaddr(0x0100007f, 2))
	exit()
}' >out
printf '%s\n' kept 'and more' '0  102310.0K 300M' '-2 (ENOENT) 0xff 0 127.0.0.1' >want
diff want out || fail "functions of user space"

# Words of the command line, and names, also where only user space runs.
tap 0 run -c 'perl facts.pl' -e '
probe begin { println(execname(), " ", cpu() >= 0) }
probe syscall.umask { if (pid() == target()) println(cmdline_str(), ".") }' >out
grep -qx 'flametap 1' out || { cat out && fail "execname() in user space"; }
grep -qx 'perl facts.pl.' out || { cat out && fail "cmdline_str()"; }

# Many addresses of the kernel, each looked up by itself: the table of its symbols is read once.
addresses=$(awk '$2 == "T" && $1 !~ /^0+$/ { print "0x" $1 }' /proc/kallsyms | head -n 400 | tail -n 300)
[ -n "$addresses" ] || exit 0
names=$(for a in $addresses; do printf 'println(symname(%s), " ", symname(%s + 1))\n' "$a" "$a"; done)
tap 0 run -e "probe begin { $names exit() }" >out
[ "$(awk '$1 == $2 && $1 !~ /^0x/ { n++ } END { print n + 0 }' out)" -gt 250 ] || { head out && fail "names of kernel functions"; }

# Who began it, from the first process on.
tap 0 run -c 'perl facts.pl' -e '
probe syscall.umask {
	if (pid() != target()) next
	println(task_ancestry(task_current(), 0))
	println("times ", task_ancestry(pid2task(pid()), 1) =~ "[(][0-9]+m[0-9]+[.][0-9]{9}s[)]$", task_utime_tid(tid()) == task_utime(), cpuid() == cpu(), task_time_string_tid(tid()) =~ "^usr: ")
}' >out
grep -qE '^[^=]+=>.*=>perl$' out && grep -qx 'times 1111' out || { cat out && fail "task_ancestry()"; }
