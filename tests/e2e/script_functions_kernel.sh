#!/usr/bin/env bash
# Functions of the kernel as probe points: names by pattern, arguments and what is returned, by the kernel's types. Where the
# kernel permits none, that is said, with what there is instead.
# needs: kernel
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

[ -r /sys/kernel/btf/vmlinux ] || { echo 'SKIP: needs the types of the kernel (/sys/kernel/btf)' && exit 77; }
tap 0 run -L 'kernel.function("vfs_read@fs/read_write.c").return' >out
# With the kernel's debug information, its file and line, too.
grep -qE '^kernel.function\("vfs_read(@fs/read_write.c:[0-9]+)?"\).return .*\$file:struct file\* \$buf:char\* \$count:size_t' out || { cat out && fail "-L"; }
tap 0 run -l 'kernel.function("vfs_rea*").call' >out
grep -qx 'kernel.function("vfs_read")' out || fail "no function of a pattern"
tap 1 run -p2 -e 'probe kernel.function("no_such_function") {}' >out
tap 1 run -u -p2 -e 'probe kernel.function("vfs_read") { x = $nothing }' >out
says "unable to find local '\$nothing' of vfs_read()"
tap 0 run -p2 -e 'probe kernel.function("no_such_function") ?, begin { exit() }' >out

if ! "$FLAMETAP" run -T 0.01 -e 'global n probe kernel.function("do_exit") { n++ }' >out 2>log; then
	says 'cannot probe kernel.function("do_exit"): this kernel'
	says 'nearest: kernel.trace("sched_process_exit")'
	"$FLAMETAP" run -T 0.01 -e 'global n probe kernel.function("tcp_v4_rcv") { n++ }' >out 2>log
	says '; nearest: kernel.trace("tcp_'
	echo 'SKIP: needs a kernel that permits programs at its functions (fentry)'
	exit 77
fi

printf 'ab\n' >three
tap 0 run -c 'dd if=three bs=3 status=none' -e '
global reads, took, began
probe kernel.function("vfs_read") { if (pid() == target()) { reads[execname()] <<< $count began[tid()] = gettimeofday_ns() } }
probe kernel.function("vfs_read").return {
	if (pid() != target()) next
	if (began[tid()]) took <<< gettimeofday_ns() - began[tid()]
	if ($return == 3) printf("read %s %s %s\n", kernel_string($file->f_path->dentry->d_name->name), $$return, ppfunc())
}
probe kernel.function("vfs_writ*") { if (pid() == target()) printf("%s %s\n", ppfunc(), $$parms) }
probe end { println("reads ", @count(reads["dd"]) > 1, " ", @count(reads["dd"]) == @count(took)) }' >out
for line in 'ab' 'read three return=0x3 vfs_read' 'reads 1 1'; do
	grep -qxF "$line" out || { cat out && fail "no line: $line"; }
done
grep -qE '^vfs_write file=0x[0-9a-f]+ buf=0x[0-9a-f]+ count=0x3 pos=' out || { cat out && fail "no arguments of vfs_write"; }

# Stacks: of the kernel and the program, as text and as keys; what is returned, and arguments as they were.
tap 0 run -c 'dd if=three bs=3 status=none' -e '
global stacks
probe kernel.function("vfs_read") { if (pid() == target() && $count == 3) { stacks[backtrace()]++; print_ubacktrace() } }
probe kernel.function("vfs_read").return { if (pid() == target() && $return == 3) { println("3 of ", @entry($count)); print_backtrace() } }
probe end { foreach (s in stacks) { print_stack(s); println("count ", stacks[s]) } }' >out
grep -qE '^ 0x[0-9a-f]+ : vfs_read\+0x[0-9a-f]+/0x[0-9a-f]+ \[kernel\]$' out || { cat out && fail "no kernel stack as a key"; }
grep -qE '^ 0x[0-9a-f]+ : .*ksys_read\+.* \[kernel\]$' out || { cat out && fail "no caller"; }
grep -qE '^ 0x[0-9a-f]+ : .*main.* \[/.*/dd\]|^ 0x[0-9a-f]+ : .*\[/.*/dd' out || { cat out && fail "no stack of the program"; }
grep -qx '3 of 3' out || { cat out && fail "what was returned"; }
tap 1 run -T 0.1 -e 'probe kernel.function("vfs_read").return { println($count); print_backtrace() }' >out
says 'its arguments are gone: use @entry'

# An address, of a function's beginning here.
address=$(awk '$3 == "vfs_read" { print "0x" $1 }' /proc/kallsyms)
tap 0 run -c 'dd if=three bs=3 status=none' -e "
global n
probe kernel.statement($address).absolute { if (pid() == target() && long_arg(3) == 3) n++ }
probe end { println(\"statement \", n > 0) }" >out
grep -qx 'statement 1' out || { cat out && fail "kernel.statement().absolute"; }

# Functions without types, and those of modules: by kprobes.
name=$(grep -m1 -E '^getname_flags\.part\.0$' /sys/kernel/tracing/available_filter_functions) || name=$(
	grep -m1 -E '\.(part|constprop|isra)\.0$' /sys/kernel/tracing/available_filter_functions)
if [ -n "$name" ]; then
	tap 0 run -T 0.05 -e "global n probe kernel.function(\"$name\") { if (pid() == target()) n += int_arg(1) != 0 } probe end { println(\"n \", n > 0) }" \
		-c 'dd if=three bs=3 status=none' >out
	[ "$name" != getname_flags.part.0 ] || grep -qx 'n 1' out || { cat out && fail "$name"; }
	tap 1 run -p2 -u -e "probe kernel.function(\"$name\") { x = \$first }"
fi
if grep -q '^ovl_read_iter \[overlay\]$' /sys/kernel/tracing/available_filter_functions; then
	tap 0 run -L 'module("overlay").function("ovl_read_it*")' >out
	grep -q '^module("overlay").function("ovl_read_iter") $iocb:struct kiocb\* ' out || { cat out && fail "-L of a module"; }
	mkdir low up work merged
	mount -t tmpfs none up && mkdir up/up up/work
	if mount -t overlay -o "lowerdir=low,upperdir=up/up,workdir=up/work" none merged; then
		cp three merged/three
		tap 0 run -c 'dd if=merged/three bs=3 status=none' -e '
		probe module("overlay").function("ovl_read_iter") {
			if (pid() == target()) println("file ", kernel_string($iocb->ki_filp->f_path->dentry->d_name->name))
		}
		probe module("overlay").function("ovl_read_iter").return { if (pid() == target()) println("read ", $return) }' >out
		for line in 'file three' 'read 3'; do
			grep -qx "$line" out || { cat out && fail "functions of a module"; }
		done
		umount merged
	fi
	umount up
fi

# Devices of the network: what /proc/net/dev is made of.
tap 0 run -c 'cat /proc/net/dev' -e 'probe netdev.get_stats { if (pid() == target()) println("stats of ", dev_name) }' >out
grep -qx 'stats of lo' out || { cat out && fail "netdev.get_stats"; }
