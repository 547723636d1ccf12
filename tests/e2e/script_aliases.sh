#!/usr/bin/env bash
# Aliases of the library that stand for tracepoints: each is resolved with all its variables, and some are seen to fire.
# needs: kernel perl
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

# -u: also what nobody reads must exist.
for point in signal.send signal.handle kprocess.create kprocess.exec kprocess.exec_complete kprocess.exit kprocess.release kprocess.start \
	vm.pagefault vm.pagefault.return vm.kmalloc vm.kmem_cache_alloc vm.kfree vm.kmem_cache_free vm.mmap vm.munmap vm.brk vm.oom_kill \
	irq_handler.entry irq_handler.exit softirq.entry softirq.exit softirq.raise workqueue.insert workqueue.execute \
	ioblock.request ioblock.end ioblock_trace.request ioblock_trace.end netdev.receive netdev.transmit netdev.hard_transmit \
	socket.create.return tcp.receive tcp.ipv4.receive udp.recvmsg vfs.read vfs.read.return vfs.write vfs.write.return vfs.open vfs.open.return vfs.readv vfs.writev.return scheduler.ctxswitch \
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
global sent, faults, started, returns, children, execs, sizes, reads
probe signal.send { if (pid() == target()) sent[sig_name, sig_pid == target()]++ }
probe vm.pagefault { if (pid() == target()) faults <<< write_access }
probe kprocess.create { if (pid() == target()) children[new_pid] = 1 }
probe kprocess.start { if (pid() in children) started[pid()]++ }
probe vm.pagefault.return { if (pid() == target() && vm_fault_contains(fault_type, VM_FAULT_MINOR)) returns++ }
probe kprocess.exec_complete { if (pid() in children) execs[errno_str(-errno)]++ }
probe socket.send ? { if (pid() == target()) sizes[sock_fam_num2str(family), sock_type_num2str(type)] <<< size }
probe vfs.read.return { if (pid() == target() && $return == bytes_read) reads[pathname]++ }
probe end {
	foreach ([name, mine] in sent) println("signal ", name, " ", mine)
	println("faults ", @sum(faults) > 100 && returns > 100)
	foreach (child in started) println("started ", started[child], " ", child in children)
	foreach (error in execs) println("exec ", error)
	foreach ([family, type] in sizes) println("sent ", family, " ", type, " ", @sum(sizes[family, type]))
	foreach (name in reads) println("read ", name)
}' >out
for line in 'caught' 'signal SIGUSR1 1' 'faults 1' 'exec 0' "read $(pwd -P)/work.pl" 'started 1 1'; do
	grep -qxF "$line" out || { cat out && fail "no line: $line"; }
done
if "$FLAMETAP" run -p2 -e 'probe socket.send {}' >/dev/null 2>&1; then
	grep -qx 'sent LOCAL STREAM 100' out || { cat out && fail "nothing sent"; }
fi

# Addresses and segments of a connection.
cat >connect.pl <<'END'
use Socket;
socket my $listener, PF_INET, SOCK_STREAM, 0 or die;
bind $listener, sockaddr_in(0, INADDR_LOOPBACK) or die;
listen $listener, 1;
my ($port) = sockaddr_in(getsockname $listener);
print "port $port\n";
socket my $caller, PF_INET, SOCK_STREAM, 0 or die;
connect $caller, sockaddr_in($port, INADDR_LOOPBACK) or die;
socket my $other, PF_UNIX, SOCK_STREAM, 0 or die;
connect $other, sockaddr_un("/no/such/socket");
END
tap 0 run -c 'perl connect.pl' -e '
global syns
probe syscall.connect, syscall.bind {
	if (pid() == target())
		printf("%s %s [%s] %d %d\n", name, uaddr_af, uaddr_ip, strtol(uaddr_ip_port, 10) > 0, task_pid(task_current()) == pid())
}
probe tcp.receive { if (syn && saddr == "127.0.0.1" && daddr == saddr) syns[dport, ack]++ }
probe end { foreach ([port, ack] in syns) println("segment ", ack, " ", port) }' >out
port=$(sed -n 's/^port //p' out)
for line in 'bind AF_INET [127.0.0.1] 0 1' 'connect AF_INET [127.0.0.1] 1 1' 'connect AF_UNIX [] 0 1' "segment 0 $port"; do
	grep -qxF "$line" out || { cat out && fail "no line: $line"; }
done
