#!/usr/bin/env bash
# Packets at the hooks of netfilter: addresses, ports, protocol, flags, length and contents, at each hook that they pass.
# needs: kernel perl
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

if ! "$FLAMETAP" run -e 'probe netfilter.ipv4.local_in { println(length) } probe begin { exit() }' >out 2>log; then
	grep -qE 'Linux 6\.4|refused' log || fail "not even begun"
	echo "SKIP: needs programs at hooks of netfilter: $(tail -n 1 log)"
	exit 77
fi

cat >packets.pl <<'END'
use Socket;
socket my $to, PF_INET, SOCK_DGRAM, 0 or die;
bind $to, sockaddr_in(0, INADDR_LOOPBACK) or die;
my ($port) = sockaddr_in(getsockname $to);
socket my $from, PF_INET, SOCK_DGRAM, 0 or die;
bind $from, sockaddr_in(0, INADDR_LOOPBACK) or die;
my ($mine) = sockaddr_in(getsockname $from);
print "ports $mine $port\n";
send $from, "flame tap!\x01", 0, sockaddr_in($port, INADDR_LOOPBACK) or die;
recv $to, my $text, 100, 0;
socket my $listener, PF_INET, SOCK_STREAM, 0 or die;
bind $listener, sockaddr_in(0, INADDR_LOOPBACK) or die;
listen $listener, 1;
my ($open) = sockaddr_in(getsockname $listener);
print "open $open\n";
socket my $caller, PF_INET, SOCK_STREAM, 0 or die;
connect $caller, sockaddr_in($open, INADDR_LOOPBACK) or die;
END
tap 0 run -c 'perl packets.pl' -e '
global syns
probe netfilter.ip.* {
	if (protocol == ipproto_udp && pid() == target())
		printf("%s %s [%s>%s] %s:%d > %s:%d %d %s %s\n", ppfunc(), pf, indev_name, outdev_name, saddr, sport, daddr,
		       dport, length, substr(data_hex, 56, 100), substr(data_str, 28, 50))
}
probe netfilter.ipv4.local_in { if (protocol == ipproto_tcp && syn) syns[dport, sport, ack]++ }
probe end { foreach ([to, from, ack] in syns) printf("syn %d %d\n", ack ? from : to, ack) }' >out
read -r from to < <(sed -n 's/^ports //p' out)
open=$(sed -n 's/^open //p' out)
what="127.0.0.1:$from > 127.0.0.1:$to 39 666c616d65207461702101 flame tap!."
# The point is named by what it stands for; what it says of devices is the hook's.
for line in "ipv4 [>lo] $what" "ipv4 [lo>] $what"; do
	[ "$(grep -cF "$line" out)" = 2 ] || { cat out && fail "not at two hooks each: $line"; }
done
for line in "syn $open 0" "syn $open 1"; do
	grep -qxF "$line" out || { cat out && fail "no line: $line"; }
done

# What scripts cannot have is said.
tap 1 run -g -p2 -e 'probe netfilter.ipv4.local_in { $verdict = 0 }'
says 'they watch'
tap 1 run -p2 -e 'probe netfilter.hook("NF_INET_LOCAL_IN").pf("NFPROTO_ARP") { println(1) }'
says 'NFPROTO_IPV4 and NFPROTO_IPV6 alone'
