#!/usr/bin/env bash
# Places of the kernel by its debug information: functions of a file, lines, calls that were inlined, labels' kin, with
# parameters, locals and global variables. Without it, that is said, with where it can be had.
# needs: kernel
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

if ! "$FLAMETAP" run -p2 -e 'probe kernel.statement("vfs_read@fs/read_write.c:*") { println(1) }' >out 2>log; then
	says 'lines of the kernel are only told by its debug information (DWARF): '
	tap 1 run -p2 -e 'probe kernel.function("vfs_read").inline { println(1) }' >out
	says 'inlined calls are only told by'
	tap 0 run -p2 -e 'probe kernel.statement("vfs_read@fs/read_write.c:*") ?, begin { println(1) }' >out
	tap 1 run -e 'probe kernel.trace("sched_switch") { println(@var("files_stat", "kernel")->max_files) exit() }' >out
	grep -q 'there is none of this kernel here; Debian has it in linux-image-.*-dbg' log || {
		grep -qE 'is of another kernel|hides where the kernel runs' log || fail "no reason"
	}
	echo 'SKIP: needs the debug information of the kernel (vmlinux)'
	exit 77
fi

tap 0 run -L 'kernel.function("vfs_read@fs/read_write.c")' >out
grep -qE '^kernel.function\("vfs_read@fs/read_write.c:[0-9]+"\) \$file:struct file\* \$buf:char\* \$count:size_t \$pos:loff_t\*$' out ||
	{ cat out && fail "-L"; }
tap 0 run -l 'kernel.function("*@fs/read_write.c")' >out
[ "$(grep -c '^kernel.function(".*@fs/read_write.c:[0-9]*")$' out)" -gt 30 ] || { cat out && fail "functions of a file"; }
grep -q 'vfs_write@fs' out || fail "no vfs_write"
tap 1 run -p2 -e 'probe kernel.function("vfs_read@fs/open.c") { println(1) }' >out
tap 1 run -p2 -e 'probe kernel.statement("vfs_read@fs/read_write.c:1") { println(1) }' >out
says 'no code begins at line 1'
tap 1 run -p2 -u -e 'probe kernel.function("vfs_read@fs/read_write.c") { x = $nothing }' >out
says "unable to find local '\$nothing'"
tap 0 run -p2 -e 'probe kernel.function("*@fs/no_such_file.c") ?, begin { println(1) }' >out

if ! "$FLAMETAP" run -T 0.01 -e 'probe kernel.function("vfs_read@fs/read_write.c") { println(1) }' >out 2>log; then
	says 'cannot probe'
	echo 'SKIP: needs a kernel with kprobes'
	exit 77
fi

# The line where something returns a variable of the function: what dd reads, and how much of it there was.
printf 'ab\n' >three
line=$("$FLAMETAP" run -L 'kernel.statement("vfs_read@fs/read_write.c:*")' 2>/dev/null |
	sed -nE '/\$file:.*\$buf:.*\$count:.*\$ret:/{ s/.*:([0-9]+)"\).*/\1/p; }' | sort -n | tail -1)
[ -n "$line" ] || fail "no line with \$ret"
tap 0 run -c 'dd if=three bs=3 status=none' -e '
function mine() { return pid() == target() }
probe kernel.function("vfs_read@fs/read_write.c") {
	if (mine() && $count == 3)
		printf("entry %s %s %s %d\n", ppfunc(), kernel_string($file->f_path->dentry->d_name->name), $file->f_inode->i_sb->s_type->name$, $pos != 0)
}
probe kernel.function("vfs_read@fs/read_write.c").return { if (mine() && $return == 3) printf("return %d of %d %s\n", $return, $count, $$return) }
probe kernel.statement("vfs_read@fs/read_write.c:'"$line"'") { if (mine() && $count == 3) println("line ", $count, " ", $ret <= 3) }
probe kernel.function("rw_verify_area@fs/read_write.c").inline ?, kernel.function("fsnotify_access").inline {
	if (mine()) n++
}
probe kernel.function("vfs_write").callee("*").call { if (mine()) callees++ }
probe kernel.trace("sched_process_exit") {
	if (mine()) println("global ", @var("files_stat@fs/file_table.c", "kernel")->max_files > 0, " ", @var("files_stat", "kernel")->max_files > 0)
}
global n, callees
probe end { println("inlined ", n > 0, " callees ", callees > 0) }' >out
for text in 'ab' 'entry vfs_read three "' 'return 3 of 3 return=0x3' 'line 3 1' 'inlined 1 callees 1' 'global 1 1'; do
	grep -qF "$text" out || { cat out log && fail "no line: $text"; }
done

# Functions that are always inlined have no symbol, and are where they are called.
tap 0 run -c 'dd if=three bs=3 status=none' -e '
global n
probe kernel.function("fsnotify_access") { if (pid() == target()) n++ }
probe end { println("inlined ", n > 0) }' >out
grep -qx 'inlined 1' out || { cat out log && fail "a function that is always inlined"; }

# Stacks there: of the function that a call was inlined in.
tap 0 run -c 'dd if=three bs=3 status=none' -e '
probe kernel.function("vfs_read@fs/read_write.c").return { if (pid() == target() && $return == 3) print_backtrace() }' >out
grep -qE '^ 0x[0-9a-f]+ : ksys_read\+0x[0-9a-f]+/0x[0-9a-f]+ \[kernel\]$' out || { cat out && fail "no stack"; }
grep -qE '^ 0x[0-9a-f]+ : do_syscall_64\+0x[0-9a-f]{1,4}/0x[0-9a-f]+ \[kernel\]$' out || { cat out && fail "no caller"; }

# The same in a module that is loaded, whose sections lie apart.
if [ -d /sys/module/overlay ] && "$FLAMETAP" run -l 'module("overlay").function("ovl_read_iter@fs/overlayfs/file.c")' >out 2>log; then
	grep -qE '^module\("overlay"\).function\("ovl_read_iter@fs/overlayfs/file.c:[0-9]+"\)$' out || { cat out && fail "-l of a module"; }
	tap 1 run -p2 -e 'probe module("overlay").function("ovl_read_iter@fs/overlayfs/super.c") { println(1) }' >out
	line=$("$FLAMETAP" run -l 'module("overlay").statement("ovl_read_iter@fs/overlayfs/file.c:*")' 2>/dev/null |
		sed -nE 's/.*:([0-9]+)"\)$/\1/p' | sort -n | head -1)
	mkdir low up work merged
	mount -t tmpfs none up && mkdir up/up up/work
	if mount -t overlay -o "lowerdir=low,upperdir=up/up,workdir=up/work" none merged; then
		cp three merged/three
		tap 0 run -c 'dd if=merged/three bs=3 status=none' -e '
		global lines, inlined
		probe module("overlay").function("ovl_read_iter@fs/overlayfs/file.c") {
			if (pid() == target())
				println("file ", kernel_string($iocb->ki_filp->f_path->dentry->d_name->name), " ", @var("ovl_aio_request_cachep") != 0)
		}
		probe module("overlay").function("ovl_read_iter@fs/overlayfs/file.c").return { if (pid() == target()) println("read ", $return) }
		probe module("overlay").statement("ovl_read_iter@fs/overlayfs/file.c:'"$line"'") { if (pid() == target()) lines++ }
		probe module("overlay").function("ovl_iocb_to_rwf").inline { if (pid() == target()) inlined++ }
		probe end { println("lines ", lines > 0, " inlined ", inlined > 0) }' >out
		for text in 'file three 1' 'read 3' 'lines 1 inlined 1'; do
			grep -qx "$text" out || { cat out log && fail "places of a module: $text"; }
		done
		umount merged
	fi
	umount up
fi
