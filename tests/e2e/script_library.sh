#!/usr/bin/env bash
# The scripts that come with the program: each answers its question about a command that gives it an answer.
# needs: kernel perl strace
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

export LC_ALL=C
cat >work.pl <<'END'
use Socket; use IO::Socket::INET;
$SIG{USR1} = sub { }; kill USR1 => $$;
open my $none, "<", "/no/such/file"; open my $in, "<", $0; my @lines = <$in>;
open my $out, ">", "written"; syswrite $out, "x" x 5000; close $out;
my $server = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die;
my $client = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $server->sockport) or die;
my $taken = $server->accept; syswrite $client, "y" x 100;
my $memory = "z" x 30000000;
if (!fork) { select undef, undef, undef, 0.05; exit 3 } wait;
system "true";
END
# answers SCRIPT REGEX... - its output has lines that match.
answers() {
	local script=$1

	shift
	"$FLAMETAP" run "$script" -c 'perl work.pl' >out 2>log || fail "$script: $(cat log)"
	for regex in "$@"; do
		grep -qE -- "$regex" out || { cat out && fail "$script: no line like $regex"; }
	done
}
answers syscall-counts '^process +call ' '^perl +openat +[0-9]+ +[1-9]'
answers syscall-errors '^perl +openat +ENOENT +[0-9]+$'
answers syscall-trace ' execve\("/.*perl", \["perl", "work.pl"\]' '^ +[0-9]+ openat\(AT_FDCWD, "/no/such/file", O_RDONLY.* = -2 \(ENOENT\) <0\.[0-9]{6}>$' \
	' write\([0-9]+, "x+"..., 5000\) = 5000 ' 'exit_group\(3\)$'
answers opens 'perl +ENOENT "/no/such/file" O_RDONLY' 'perl +[0-9]+ "written" O_WRONLY\|O_CREAT\|O_TRUNC'
answers execs '"/.*true" \["true"\]' 'true +.*= 0$'
answers exits 'perl +lived 0\.[0-9]+ s, exit status 3$' 'true +.*exit status 0$'
answers signals 'SIGUSR1 +perl\([0-9]+\) -> perl\([0-9]+\)$' 'SIGCHLD +perl'
answers connects 'perl +connect \{AF_INET, 127\.0\.0\.1, [0-9]+\} = 0$' 'perl +accept4? = [0-9]+$'
answers file-bytes '^perl +[^ ]+ +0 +5000  /.*/written$' '^perl .*/work\.pl$'
answers run-queue '^ *value ' '^perl +[0-9]+ '
answers page-faults '^[0-9]+ faults, [0-9]+ of them writes$' 'faults at$' '^ 0x[0-9a-f]+ : '
answers heap-growth '^[0-9]+ bytes in [0-9]+ calls$' '^300[0-9]{5} bytes at$' '^ 0x[0-9a-f]+ : .*\[.*perl'
answers interrupts '_SOFTIRQ +[0-9]+ '
answers packets '^device '
answers slow-io # where nothing is on a block device, there are none
"$FLAMETAP" run futexes -c "$FT_PROGRAMS/locks & sleep 0.5; kill \$!; wait; true" >out 2>log || fail "futexes: $(cat log)"
grep -qE '^0x[0-9a-f]+ +[1-9]' out || { cat out && fail "futexes: no lock"; }
grep -qE '^[0-9]+ us at$' out || fail "futexes: no stack"

# Faults are those of the program, with none that our own reading of its stacks makes; address space is no memory.
cat >touch.c <<'END'
#include <sys/mman.h>
#define BYTES (16 << 20)
int main(void)
{
	char *to = mmap(0, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), sum = 0;
	char *none = mmap(0, 8L * BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise(to, BYTES, MADV_NOHUGEPAGE);
	for (long i = 0; i < BYTES / 4096; i += 4)
		to[i * 4096] = 1;
	for (long i = 1; i < BYTES / 4096; i += 4)
		sum += ((volatile char *)to)[i * 4096];
	return sum || none == MAP_FAILED;
}
END
"$FT_CC" -O1 -o touch touch.c || fail "cannot compile"
"$FLAMETAP" run page-faults -c ./touch >out 2>log || fail "page-faults: $(cat log)"
awk 'NR == 1 { exit !($1 >= 2048 && $1 < 3000 && $3 >= 1024 && $3 < 1600) }' out || { cat out && fail "page-faults: how many"; }
[ "$(awk '/faults at$/ { faults = $1 } / : main\+/ && last ~ /faults at$/ { n += faults } { last = $0 } END { print n }' out)" = 2048 ] ||
	{ cat out && fail "page-faults: by stack"; }
"$FLAMETAP" run heap-growth -c ./touch >out 2>log || fail "heap-growth: $(cat log)"
awk 'NR == 1 { exit !($1 >= 16777216 && $1 < 25000000) }' out || { cat out && fail "heap-growth: how much"; }

# Locks of the kernel: processes that make files in one folder wait for each other, sooner or later.
cat >files.pl <<'END'
for my $child (1 .. 4) { fork and next; for my $i (1 .. 2000) { open my $f, ">", "f$child"; close $f; unlink "f$child" } exit }
1 while wait > 0;
END
for try in 1 2 3 4 5; do
	"$FLAMETAP" run lock-waits --flame locks.folded -c 'perl files.pl' >out 2>log || {
		grep -q "contention_begin" log && echo "without contention_begin (before Linux 5.19) lock-waits is not tested" && break
		fail "lock-waits: $(cat log)"
	}
	grep -qE '^(semaphore, write|spinlock|mutex) +[1-9]' out && break
	[ "$try" -lt 5 ] || { cat out && fail "lock-waits: no waits"; }
done
if ! grep -q contention_begin log; then
	grep -qE '^perl +[1-9]' out || { cat out && fail "lock-waits: not by perl"; }
	grep -qE '^[0-9]+ us in [1-9][0-9]* waits at$' out || { cat out && fail "lock-waits: no stack"; }
	# Waits are the same, whatever they are told apart by.
	[ "$(awk '/^process/ { exit } NF > 4 && $1 != "kind" { n += $(NF - 3) } END { print n }' out)" = \
		"$(awk '/^[0-9]+ us in/ { exit } on && NF > 4 { n += $(NF - 3) } /^process/ { on = 1 } END { print n }' out)" ] ||
		{ cat out && fail "lock-waits: kinds and processes differ"; }
	[ -s locks.folded ] || fail "no flame graph of locks"
fi

# Counts are those of strace; and the pictures that two of them can draw.
strace -f -c -o counted perl work.pl
"$FLAMETAP" run syscall-counts -c 'perl work.pl' >out 2>log || fail "$(cat log)"
for call in openat clone accept4 connect; do
	by_strace=$(awk -v call=$call '$NF == call { print $4 }' counted)
	by_script=$(awk -v call=$call '$2 == call { n += $3 } END { print n + 0 }' out)
	[ "${by_strace:-0}" = "$by_script" ] || { cat counted out && fail "$call: strace counts ${by_strace:-0}, the script $by_script"; }
done
"$FLAMETAP" run page-faults --flame faults.folded -c 'perl work.pl' >out 2>log || fail "$(cat log)"
[ "$(weight . faults.folded)" -gt 100 ] || fail "no flame graph of page faults"

# All are listed, with their questions, and can be read.
"$FLAMETAP" run --library >list
sed -nE 's/^  ([a-z-]+) +.*\?$/\1/p' list | sort >listed
(cd "$FT_SOURCE/scriptlang/scripts" && printf '%s\n' *.stp) | sed 's/\.stp$//' | sort >there
diff listed there || fail "--library: listed are not all, or one is without a question"
! grep -vE '^  [a-z-]+ +.*\?$|^[A-Z][A-Za-z, ]+:$|^$' list || fail "--library: a line of another kind"
tap 1 run no-such-script >/dev/null
says 'cannot read the script no-such-script'

# What a process of -x began before belongs to it, whichever thread or child began it.
sh -c 'sh -c "sleep 1000 & echo \$! >grandchild; wait" & echo $! >child; wait' &
parent=$!
until [ -s grandchild ]; do sleep 0.05; done
"$FLAMETAP" run -x "$parent" -e 'probe begin { target_set_report() exit() }' >out 2>log || fail "$(cat log)"
grep -qx "$parent begat $(cat child)" out || { cat out && fail "no child of -x"; }
grep -qx "$(cat child) begat $(cat grandchild)" out || { cat out && fail "no grandchild of -x"; }
kill "$parent" "$(cat child)" "$(cat grandchild)"
wait "$parent" 2>/dev/null

# Too little is said: one line that tells how.
tap 2 run syscall-trace >out
[ "$(grep -c . log)" = 1 ] || fail "syscall-trace says too much"
says "usage: flametap run syscall-trace -c COMMAND | -x PID"
