#!/usr/bin/env bash
# Aliases of the library that stand for tracepoints: each is resolved with all its variables, and some are seen to fire.
# needs: kernel perl
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

# -u: also what nobody reads must exist.
for point in signal.send signal.handle kprocess.create kprocess.exec kprocess.exec_complete kprocess.exit kprocess.release \
	vm.pagefault vm.kmalloc vm.kmem_cache_alloc vm.kfree vm.kmem_cache_free vm.mmap vm.munmap vm.brk vm.oom_kill \
	irq_handler.entry irq_handler.exit softirq.entry softirq.exit softirq.raise workqueue.insert workqueue.execute \
	ioblock.request ioblock.end ioblock_trace.request ioblock_trace.end netdev.receive netdev.transmit netdev.hard_transmit \
	socket.create.return vfs.read vfs.read.return vfs.write vfs.write.return vfs.open.return \
	syscall.sendto syscall.execve.return; do
	tap 0 run -u -p2 -e "probe $point {}" >/dev/null
done

cat >work.pl <<'END'
use Socket;
local $SIG{USR1} = sub { print "caught\n" };
kill USR1 => $$;
open my $file, "<", $0 or die; my $text = <$file>;
socketpair my $a, my $b, AF_UNIX, SOCK_STREAM, 0;
syswrite $a, "x" x 100; sysread $b, $text, 10;
if (!fork) { exec "true" } wait;
my $memory = "y" x 10000000;
END
tap 0 run -c 'perl work.pl' -e '
global sent, faults, children, execs, sizes, reads
probe signal.send { if (pid() == target()) sent[sig_name, sig_pid == target()]++ }
probe vm.pagefault { if (pid() == target()) faults <<< write_access }
probe kprocess.create { if (pid() == target()) children[new_pid] = 1 }
probe kprocess.exec_complete { if (pid() in children) execs[errno_str(-errno)]++ }
probe socket.send ? { if (pid() == target()) sizes[sock_fam_num2str(family), sock_type_num2str(type)] <<< size }
probe vfs.read.return { if (pid() == target() && $return == bytes_read) reads[pathname]++ }
probe end {
	foreach ([name, mine] in sent) println("signal ", name, " ", mine)
	println("faults ", @sum(faults) > 100)
	foreach (error in execs) println("exec ", error)
	foreach ([family, type] in sizes) println("sent ", family, " ", type, " ", @sum(sizes[family, type]))
	foreach (name in reads) println("read ", name)
}' >out
for line in 'caught' 'signal SIGUSR1 1' 'faults 1' 'exec 0' 'read work.pl'; do
	grep -qxF "$line" out || { cat out && fail "no line: $line"; }
done
if "$FLAMETAP" run -p2 -e 'probe socket.send {}' >/dev/null 2>&1; then
	grep -qx 'sent LOCAL STREAM 100' out || { cat out && fail "nothing sent"; }
fi
