#!/usr/bin/env bash
# argstr of system calls that take structures and flags of their own: clocks, what is told with a signal, prctl(), ptrace().
# Nothing that the program asks for is done: descriptors and processes are none, addresses are bad, or it is what is so already.
# needs: kernel
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >calls.c <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>
static void tell(int sig, int code, siginfo_t *info)
{
	info->si_signo = sig;
	info->si_code = code;
	syscall(SYS_rt_sigqueueinfo, -5, sig, info);
}
int main(void)
{
	char name[] = "a \"name";
	struct timex clock = {.modes = ADJ_TICK | ADJ_OFFSET, .tick = 1, .constant = 2};
	struct { unsigned size, policy; unsigned long flags; int nice; unsigned prio; unsigned long a, b, c; } attr = {48, 3, 1, -2, 5, 6, 7, 8};
	struct timezone zone = {60, 1};
	siginfo_t info;
	prctl(PR_SET_NAME, name); prctl(PR_GET_DUMPABLE); prctl(PR_SET_TIMERSLACK, 50000);
	prctl(PR_CAPBSET_READ, CAP_NET_ADMIN, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0);
	prctl(PR_SET_PTRACER, 77L); prctl(PR_SET_MM, PR_SET_MM_BRK, 0x10, 0, 0); prctl(12345, 1, 2, 3, 4);
	syscall(SYS_clock_adjtime, 12345, &clock); syscall(SYS_adjtimex, 0L);
	memset(&info, 0, sizeof(info));
	info.si_pid = 7; info.si_uid = 8; tell(SIGUSR1, SI_QUEUE, &info);
	info.si_status = 9; tell(SIGCHLD, CLD_KILLED, &info);
	info.si_status = 3; tell(SIGCHLD, CLD_EXITED, &info);
	info.si_addr = (void *)0x1234; tell(SIGSEGV, SEGV_MAPERR, &info);
	info.si_timerid = 3; info.si_overrun = 2; tell(SIGRTMIN, SI_TIMER, &info);
	syscall(SYS_rt_sigqueueinfo, -5, SIGUSR2, 0L);
	syscall(SYS_sched_setattr, -5, &attr, 0); syscall(SYS_settimeofday, 1L, &zone);
	syscall(SYS_fanotify_mark, -1, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN | FAN_ONDIR, AT_FDCWD, "/");
	syscall(SYS_ioprio_set, 99, 0, (2 << 13) | 4); syscall(SYS_mbind, 1L, 0L, 0, 0L, 0L, 3);
	syscall(SYS_perf_event_open, 0L, 0, -1, -1, 8L); syscall(SYS_reboot, 1, 672274793, 0x89abcdef, 0L);
	syscall(SYS_seccomp, 1, 3, 0L); syscall(SYS_statx, -1, name, 0, STATX_BASIC_STATS, 0L);
	syscall(SYS_swapon, "/nope/nope", 0x8005);
	ptrace(PTRACE_SETOPTIONS, -5, 0, PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL); ptrace(PTRACE_CONT, -5, 0, SIGUSR1);
	return 0;
}
END
"$FT_CC" -w -o calls calls.c || fail "cannot compile"
tap 0 run -c ./calls -e '
probe syscall.{prctl,adjtimex,clock_adjtime,rt_sigqueueinfo,sched_setattr,settimeofday,fanotify_mark,ioprio_set,mbind,perf_event_open,reboot,seccomp,statx,swapon,ptrace} {
	if (pid() == target())
		println(name, "(", argstr, ")")
}' >out
cat >want <<'END'
prctl(PR_SET_NAME, "a \"name")
prctl(PR_GET_DUMPABLE)
prctl(PR_SET_TIMERSLACK, 50000)
prctl(PR_CAPBSET_READ, CAP_NET_ADMIN)
prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL)
prctl(PR_SET_PTRACER, 77)
prctl(PR_SET_MM, PR_SET_MM_BRK, 0x10)
prctl(0x3039, 0x1, 0x2, 0x3, 0x4)
clock_adjtime(0x3039, {ADJ_OFFSET|ADJ_TICK, constant=2, esterror=0, freq=0, maxerror=0, offset=0, precision=0, status=0, tick=1, tolerance=0})
adjtimex(NULL)
rt_sigqueueinfo(-5, SIGUSR1, {si_signo=SIGUSR1, si_code=SI_QUEUE, si_pid=7, si_uid=8})
rt_sigqueueinfo(-5, SIGCHLD, {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=7, si_uid=8, si_status=SIGKILL})
rt_sigqueueinfo(-5, SIGCHLD, {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7, si_uid=8, si_status=3})
rt_sigqueueinfo(-5, SIGSEGV, {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x1234})
rt_sigqueueinfo(-5, SIGRT_2, {si_signo=SIGRT_2, si_code=SI_TIMER, si_tid=0x3, si_overrun=2})
rt_sigqueueinfo(-5, SIGUSR2, NULL)
sched_setattr(-5, {size=48, sched_policy=3, sched_flags=1, sched_nice=-2, sched_priority=5, sched_runtime=6, sched_deadline=7, sched_period=8}, 0)
settimeofday(0x1, [60, 1])
fanotify_mark(-1, FAN_MARK_ADD|FAN_MARK_MOUNT, FAN_OPEN|FAN_ONDIR, AT_FDCWD, "/")
ioprio_set(0x63, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4))
mbind(0x1, 0, MPOL_DEFAULT, 0x0, 0, MPOL_MF_STRICT|MPOL_MF_MOVE)
perf_event_open(0x0, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)
reboot(0x1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_ON, 0x0)
seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC|SECCOMP_FILTER_FLAG_LOG, 0x0)
statx(-1, "a \"name", 0x0, STATX_BASIC_STATS, 0x0)
swapon("/nope/nope", SWAP_FLAG_PREFER|5)
ptrace(PTRACE_SETOPTIONS, -5, 0x0, PTRACE_O_TRACEFORK|PTRACE_O_EXITKILL)
ptrace(PTRACE_CONT, -5, 0x0, SIGUSR1)
END
# the first line is of what starts the program; what is not resident when the call is made (the text "/") may be an address
sed -E '/PR_SET_PDEATHSIG, 0x0/d; s/(AT_FDCWD, )0x[0-9a-f]+\)/\1"\/")/; s/^swapon\(0x[0-9a-f]+/swapon("\/nope\/nope"/' out >seen
diff want seen || fail "texts of arguments"
