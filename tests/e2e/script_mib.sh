#!/usr/bin/env bash
# tcpmib.*, ipmib.*: what SNMP counts, of one connection that is made and one that nobody takes, told apart by a filter of
# the script's own.
# needs: kernel python3
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

[ -e /sys/kernel/tracing/events/sock/inet_sock_set_state ] || { echo 'SKIP: needs tracefs and the tracepoint inet_sock_set_state' && exit 77; }
for point in ActiveOpens AttemptFails CurrEstab EstabResets InSegs OutRsts OutSegs PassiveOpens RetransSegs; do
	tap 0 run -u -p2 -e "probe tcpmib.$point { println(sk, op, key) }" >/dev/null
done
for point in InReceives ForwDatagrams OutRequests; do
	tap 0 run -u -p2 -e "probe ipmib.$point { println(skb, op, SourceIsLocal) }" >/dev/null
done

cat >work.py <<'END'
import socket, threading
def connect(family, address):
    s = socket.socket(family)
    s.bind((address, 0))
    s.listen(1)
    port = s.getsockname()[1]
    def serve():
        c, _ = s.accept()
        c.send(c.recv(100) * 10)
        c.close()
    thread = threading.Thread(target=serve)
    thread.start()
    c = socket.create_connection(s.getsockname()[:2])
    c.send(b"hello world")
    c.recv(200)
    c.close()
    thread.join()
    s.close()
    return port
port = connect(socket.AF_INET, "127.0.0.1")
try:
    socket.create_connection(("127.0.0.1", port))
except OSError:
    pass
print("port", port)
END
cat >mib.stp <<'END'
/* by port; the two ends of a connection are one socket each */
function tcpmib_filter_key:long(sk:long, op:long)
{
	return tcpmib_remote_addr(sk) == 0x7f000001 ? tcpmib_remote_port(sk) : 0
}
global sent
probe tcpmib.*, end {
}
probe tcpmib.CurrEstab { if (key) { if (op > 0) sent[key, "began"]++; else sent[key, "ended"]++ } }
probe ipmib.OutRequests {
	if (ipmib_get_proto(skb) == 6) sent[ipmib_tcp_remote_port(skb, SourceIsLocal), "packets"]++
}
probe end {
	foreach (port in OutSegs)
		printf("%d: active %d passive %d failed %d in %d out %d began %d ended %d now %d packets %d\n", port,
		       ActiveOpens[port], PassiveOpens[port], AttemptFails[port], InSegs[port] > 0, OutSegs[port] > 2,
		       sent[port, "began"], sent[port, "ended"], CurrEstab[port], sent[port, "packets"] >= OutSegs[port])
}
END
tap 0 run -c 'python3 work.py' mib.stp >out
port=$(sed -n 's/^port //p' out)
# Twice to that port, of which one found nobody there.
grep -qx "$port: active 2 passive 0 failed 1 in 1 out 1 began 1 ended 1 now 0 packets 1" out || { cat out && fail "the client's end"; }
grep -qE "^[0-9]+: active 0 passive 1 failed 0 in 1 out 1 began 1 ended 1 now 0 packets 1" out || { cat out && fail "the server's end"; }

# Constants of the kernel's types, of which one says why a connection was dropped.
tap 0 run -e 'probe begin { println(@const("PIDTYPE_SID"), @defined(@const("NO_SUCH_CONSTANT")), @choose_defined(@const("NO_SUCH_CONSTANT"), 7)) exit() }' >out
grep -qx 307 out || { cat out && fail "@const"; }
tap 1 run -p2 -e 'probe begin { println(@const("NO_SUCH_CONSTANT")) }' >out
says 'the kernel'"'"'s types have no such constant'
"$FLAMETAP" run -u -p2 -e 'probe linuxmib.ListenOverflows { println(sk, op, key) }' >out 2>log || says 'no such constant'
