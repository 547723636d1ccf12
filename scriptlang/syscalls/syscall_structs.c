/*
 * syscall_structs.c - see syscall_structs.h. The structures are those of the kernel's interface on
 * machines of 64 bits; their content is the target's, so nothing in it is trusted.
 */
#include "scriptlang/syscalls/syscall_structs.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timex.h>

#include "scriptlang/syscalls/syscall_names.h"
#include "scriptlang/syscalls/syscalls.h"

static void timex_text(const void *bytes, struct ft_out *out)
{
	struct timex t = {0};

	memcpy(&t, bytes, offsetof(struct timex, ppsfreq));
	ft_out_char(out, '{');
	ft_syscall_flags_text("timex", t.modes, true, out);
	ft_out_printf(out,
		      ", constant=%lu, esterror=%lu, freq=%lu, maxerror=%lu, offset=%lu, "
		      "precision=%lu, status=%d, tick=%lu, tolerance=%lu}",
		      (unsigned long)t.constant, (unsigned long)t.esterror, (unsigned long)t.freq,
		      (unsigned long)t.maxerror, (unsigned long)t.offset,
		      (unsigned long)t.precision, t.status, (unsigned long)t.tick,
		      (unsigned long)t.tolerance);
}

static void timezone_text(const void *bytes, struct ft_out *out)
{
	s32 words[2];

	memcpy(words, bytes, sizeof(words));
	ft_out_printf(out, "[%d, %d]", words[0], words[1]);
}

static void sysinfo_text(const void *bytes, struct ft_out *out)
{
	struct sysinfo s = {0};

	memcpy(&s, bytes, offsetof(struct sysinfo, totalhigh));
	ft_out_printf(out,
		      "{uptime=%ld, loads=[%lu, %lu, %lu], totalram=%lu, freeram=%lu, "
		      "sharedram=%lu, bufferram=%lu, totalswap=%lu, freeswap=%lu, procs=%u}",
		      s.uptime, s.loads[0], s.loads[1], s.loads[2], s.totalram, s.freeram,
		      s.sharedram, s.bufferram, s.totalswap, s.freeswap, s.procs);
}

/* linux/sched/types.h, as of its first version. */
struct sched_attr_first {
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
};
_Static_assert(sizeof(struct sched_attr_first) == 48, "sched_attr has holes");

static void sched_attr_text(const void *bytes, struct ft_out *out)
{
	struct sched_attr_first a;

	memcpy(&a, bytes, sizeof(a));
	ft_out_printf(out,
		      "{size=%u, sched_policy=%u, sched_flags=%llu, sched_nice=%d, "
		      "sched_priority=%u, sched_runtime=%llu, sched_deadline=%llu, "
		      "sched_period=%llu}",
		      a.size, a.policy, (unsigned long long)a.flags, a.nice, a.priority,
		      (unsigned long long)a.runtime, (unsigned long long)a.deadline,
		      (unsigned long long)a.period);
}

/* ---- what is told with a signal ---- */

static const struct ft_name codes[] = {N(SI_USER),
				       AS("SI_KERNEL", 0x80),
				       AS("SI_QUEUE", (u32)-1),
				       AS("SI_TIMER", (u32)-2),
				       AS("SI_MESGQ", (u32)-3),
				       AS("SI_ASYNCIO", (u32)-4),
				       AS("SI_SIGIO", (u32)-5),
				       AS("SI_TKILL", (u32)-6),
				       AS("SI_DETHREAD", (u32)-7),
				       END};
static const struct ft_name ill_codes[] = {N(ILL_ILLOPC), N(ILL_ILLOPN), N(ILL_ILLADR),
					   N(ILL_ILLTRP), N(ILL_PRVOPC), N(ILL_PRVREG),
					   N(ILL_COPROC), N(ILL_BADSTK), END};
static const struct ft_name fpe_codes[] = {N(FPE_INTDIV), N(FPE_INTOVF), N(FPE_FLTDIV),
					   N(FPE_FLTOVF), N(FPE_FLTUND), N(FPE_FLTRES),
					   N(FPE_FLTINV), N(FPE_FLTSUB), END};
static const struct ft_name segv_codes[] = {N(SEGV_MAPERR), N(SEGV_ACCERR), N(SEGV_BNDERR),
					    N(SEGV_PKUERR), END};
static const struct ft_name bus_codes[] = {N(BUS_ADRALN),    N(BUS_ADRERR),    N(BUS_OBJERR),
					   N(BUS_MCEERR_AR), N(BUS_MCEERR_AO), END};
static const struct ft_name trap_codes[] = {N(TRAP_BRKPT), N(TRAP_TRACE), N(TRAP_BRANCH),
					    N(TRAP_HWBKPT), END};
static const struct ft_name child_codes[] = {N(CLD_EXITED),
					     N(CLD_KILLED),
					     N(CLD_DUMPED),
					     N(CLD_TRAPPED),
					     N(CLD_STOPPED),
					     N(CLD_CONTINUED),
					     END};
static const struct ft_name poll_codes[] = {N(POLL_IN),	 N(POLL_OUT), N(POLL_MSG), N(POLL_ERR),
					    N(POLL_PRI), N(POLL_HUP), END};
static const struct ft_name sys_codes[] = {AS("SYS_SECCOMP", 1), AS("SYS_USER_DISPATCH", 2), END};

static const struct {
	s32 signal;
	const struct ft_name *codes;
} signals[] = {
	{SIGILL, ill_codes},   {SIGFPE, fpe_codes},    {SIGSEGV, segv_codes}, {SIGBUS, bus_codes},
	{SIGTRAP, trap_codes}, {SIGCHLD, child_codes}, {SIGPOLL, poll_codes}, {SIGSYS, sys_codes},
};

static void code_text(s32 signal, s32 code, struct ft_out *out)
{
	const struct ft_name *names = codes;

	for (size_t i = 0; i < FT_ARRAY_LEN(signals) && !ft_names_find(codes, (u32)code); i++)
		if (signals[i].signal == signal)
			names = signals[i].codes;
	ft_names_value(out, names, (u32)code);
}

static void sender_text(const siginfo_t *s, struct ft_out *out)
{
	ft_out_printf(out, ", si_pid=%u, si_uid=%u", (u32)s->si_pid, (u32)s->si_uid);
}

static void child_text(const siginfo_t *s, struct ft_out *out)
{
	sender_text(s, out);
	ft_out_text(out, ", si_status=");
	if (s->si_code == CLD_EXITED)
		ft_out_s64(out, s->si_status);
	else
		ft_syscall_flags_text("signal", (u32)s->si_status, true, out);
}

static void siginfo_text(const void *bytes, struct ft_out *out)
{
	siginfo_t s = {0};
	bool by_kernel;

	memcpy(&s, bytes, ft_syscall_struct_bytes("siginfo"));
	by_kernel = s.si_code > 0;
	ft_out_text(out, "{si_signo=");
	ft_syscall_flags_text("signal", (u32)s.si_signo, true, out);
	ft_out_text(out, ", si_code=");
	code_text(s.si_signo, s.si_code, out);
	if (s.si_code == SI_TIMER)
		ft_out_printf(out, ", si_tid=%#x, si_overrun=%d", (u32)s.si_timerid, s.si_overrun);
	else if (by_kernel && s.si_signo == SIGCHLD)
		child_text(&s, out);
	else if (by_kernel && (s.si_signo == SIGILL || s.si_signo == SIGFPE ||
			       s.si_signo == SIGSEGV || s.si_signo == SIGBUS))
		ft_out_printf(out, ", si_addr=%p", s.si_addr);
	else if (by_kernel && s.si_signo == SIGPOLL)
		ft_out_printf(out, ", si_band=%ld", s.si_band);
	else if (by_kernel && s.si_signo == SIGSYS)
		ft_out_printf(out, ", si_call_addr=%p, si_syscall=%d, si_arch=%u", s.si_call_addr,
			      s.si_syscall, s.si_arch);
	else if (!by_kernel || s.si_pid || s.si_uid)
		sender_text(&s, out);
	ft_out_char(out, '}');
}

static const struct {
	const char *type;
	u32 bytes;
	void (*write)(const void *bytes, struct ft_out *out);
} structs[] = {
	{"timex", offsetof(struct timex, ppsfreq), timex_text},
	{"timezone", 8, timezone_text},
	{"sysinfo", offsetof(struct sysinfo, totalhigh), sysinfo_text},
	{"sched_attr", sizeof(struct sched_attr_first), sched_attr_text},
	{"siginfo", 48, siginfo_text},
};

u32 ft_syscall_struct_bytes(const char *type)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(structs); i++)
		if (!strcmp(structs[i].type, type))
			return structs[i].bytes;
	return 0;
}

bool ft_syscall_struct_text(const char *type, const void *bytes, struct ft_out *out)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(structs); i++)
		if (!strcmp(structs[i].type, type)) {
			structs[i].write(bytes, out);
			return true;
		}
	return false;
}
