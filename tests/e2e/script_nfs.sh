#!/usr/bin/env bash
# nfs.* and nfsd.*: without the modules they are refused with that reason; with them each is resolved with all its
# variables, and some are seen to fire where something is mounted.
# needs: kernel
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

[ -r /sys/kernel/btf/vmlinux ] || { echo 'SKIP: needs the types of the kernel (/sys/kernel/btf)' && exit 77; }

# The text of a status is the server's, in the order of bytes of the network.
tap 0 run -e 'probe begin { printf("%s, %s, %s\n", nfsderror(0), nfsderror(htonl(2)), nfsderror(htonl(10077))) exit() }' >out
grep -qxF 'nfsderr 0(NFS_OK), nfsderr 2(NFSERR_NOENT), nfsderr 10077(NFS4ERR_BAD_HIGH_SLOT)' out || { cat out && fail "nfsderror"; }

if [ ! -d /sys/module/nfs ]; then
	tap 1 run -p2 -e 'probe nfs.fop.open {}' >out
	says 'no such module is loaded'
	tap 1 run -p2 -e 'probe nfs.proc.lookup {}' >out
	says 'this kernel has no such tracepoint'
	says 'those of a module are there once it is loaded'
fi
if [ ! -d /sys/module/nfsd ]; then
	tap 1 run -p2 -e 'probe nfsd.proc.read {}' >out
	says 'no match for nfsd.proc.read: module("nfsd").function("nfsd_proc_read"): no such module is loaded'
	tap 0 run -p2 -e 'probe nfsd.proc.read ?, begin { exit() }' >out
fi
[ -d /sys/module/nfs ] && [ -d /sys/module/nfsd ] || { echo 'SKIP: needs the modules nfs and nfsd to be loaded' && exit 77; }
grep -q '^nfs_file_read \[nfs\]$' /sys/kernel/tracing/available_filter_functions || {
	echo 'SKIP: needs a kernel that permits programs at functions of modules (kprobes)'
	exit 77
}

# All of them at once, but those of one version of NFS, which are others; -u: also what nobody reads must exist. Those of other
# versions of Linux may be missing.
points=$("$FLAMETAP" list 'nfs*' | awk '$2 ~ /^nfsd?\./ && $2 !~ /entries|nfs.proc[234][.]|nfs.fop.return$|nfs.aop.return$|nfs.proc.return$|nfsd.return$/ { print $2 " ?" }' | paste -sd,)
[ "$(tr ',' '\n' <<<"$points" | wc -l)" -ge 100 ] || fail "few points: $points"
tap 0 run -u -p2 -e "probe $points { println(name) }" >out

mounted=$(awk '$3 == "nfs" || $3 == "nfs4" { print $2; exit }' /proc/mounts)
[ -n "$mounted" ] && cp /dev/null "$mounted/flametap-test" || { echo 'SKIP: needs a file system that is mounted from an NFS server' && exit 77; }
echo ten-bytes >"$mounted/flametap-test"
export mounted
tap 0 run -c 'bash -c "cat $mounted/flametap-test >/dev/null; mv $mounted/flametap-test $mounted/flametap-moved; rm $mounted/flametap-moved"' -e '
probe nfs.fop.read.return { if (size) println("read ", size) }
probe nfs.fop.read { if (size) println("of ", file_name) }
probe nfs.proc.rename { println(name, " ", argstr, " ", server_ip != "", " ", version >= 3) }
probe nfs.proc.remove.return { println(name, " ", retstr) }
/* the seventh argument of a function, which is in no register */
probe nfsd.rename { println("renamed ", tname, " ", tlen) }' >out
rm -f "$mounted/flametap-moved"
for line in 'read 10' 'of flametap-test' 'nfs.proc.rename flametap-test,flametap-moved 1 1' 'nfs.proc.remove.return 0'; do
	grep -qxF "$line" out || { cat out log && fail "no line: $line"; }
done
! grep -q "^127.0.0.1:.* $mounted " /proc/mounts || grep -qx 'renamed flametap-moved 14' out || { cat out log && fail "nfsd.rename"; }
