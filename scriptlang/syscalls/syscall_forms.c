/*
 * syscall_forms.c - arguments of calls that are many in one, by what the first argument asks for.
 */
#include <linux/prctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>

#include "scriptlang/syscalls/syscall_structs.h"

/* How the arguments behind the first one are shown: kinds of syscalls.h; what is missing: not. */
struct form {
	u64 asked;
	const char *kinds;
	const char *tables[2]; /* of those that are "F", in their order */
};

static const struct form prctl_forms[] = {
	{PR_GET_DUMPABLE, "", {0}},
	{PR_GET_TIMING, "", {0}},
	{PR_GET_KEEPCAPS, "", {0}},
	{PR_GET_SECCOMP, "", {0}},
	{PR_TASK_PERF_EVENTS_DISABLE, "", {0}},
	{PR_TASK_PERF_EVENTS_ENABLE, "", {0}},
	{PR_GET_TIMERSLACK, "", {0}},
	{PR_MCE_KILL_GET, "", {0}},
	{PR_GET_NO_NEW_PRIVS, "", {0}},
	{PR_GET_THP_DISABLE, "", {0}},
	{PR_MPX_ENABLE_MANAGEMENT, "", {0}},
	{PR_MPX_DISABLE_MANAGEMENT, "", {0}},
	{PR_GET_SECUREBITS, "", {0}},
	{PR_SET_TSC, "F", {"prctl_tsc"}},
	{0x59616d61 /* PR_SET_PTRACER */, "F", {"ptracer"}},
	{PR_CAPBSET_READ, "F", {"capability"}},
	{PR_CAPBSET_DROP, "F", {"capability"}},
	{PR_SET_SECUREBITS, "F", {"securebits"}},
	{PR_SET_PDEATHSIG, "X", {0}},
	{PR_GET_PDEATHSIG, "X", {0}},
	{PR_SET_NAME, "S", {0}},
	{PR_GET_NAME, "X", {0}},
	{PR_GET_TSC, "X", {0}},
	{PR_GET_TID_ADDRESS, "X", {0}},
	{PR_GET_CHILD_SUBREAPER, "X", {0}},
	{PR_SET_THP_DISABLE, "X", {0}},
	{PR_SET_DUMPABLE, "U", {0}},
	{PR_SET_KEEPCAPS, "U", {0}},
	{PR_SET_CHILD_SUBREAPER, "U", {0}},
	{PR_SET_NO_NEW_PRIVS, "U", {0}},
	{PR_SET_TIMERSLACK, "U", {0}},
	{PR_MCE_KILL, "FF", {"prctl_mce", "prctl_mce_set"}},
	{PR_SET_SECCOMP, "FX", {"seccomp_mode"}},
	{PR_SET_MM, "FX", {"prctl_mm"}},
	{PR_CAP_AMBIENT, "FF", {"prctl_ambient", "capability"}},
};

static const struct form ptrace_forms[] = {
	{PTRACE_CONT, "ixF", {"signal"}},
	{PTRACE_SYSCALL, "ixF", {"signal"}},
	{PTRACE_SINGLESTEP, "ixF", {"signal"}},
	{PTRACE_DETACH, "ixF", {"signal"}},
	{PTRACE_SETOPTIONS, "ixF", {"ptrace_options"}},
};

static const struct form *find(const struct form *forms, size_t count, u64 asked)
{
	for (size_t i = 0; i < count; i++)
		if (forms[i].asked == asked)
			return &forms[i];
	return NULL;
}

void ft_syscall_form(const struct ft_syscall *s, const u64 *values, u32 at,
		     struct ft_syscall_arg *arg)
{
	bool is_prctl = !strcmp(s->kernel, "prctl");
	const struct form *form = NULL;
	u32 names = 0;

	if (!at || (!is_prctl && strcmp(s->kernel, "ptrace") != 0))
		return;
	form = is_prctl ? find(prctl_forms, FT_ARRAY_LEN(prctl_forms), (u32)values[0])
			: find(ptrace_forms, FT_ARRAY_LEN(ptrace_forms), values[0]);
	if (!form) {
		if (is_prctl)
			arg->kind = 'X';
		return;
	}
	arg->kind = at - 1 < strlen(form->kinds) ? form->kinds[at - 1] : '-';
	for (u32 i = 0; i + 1 < at; i++)
		names += form->kinds[i] == 'F';
	if (arg->kind == 'F')
		snprintf(arg->type, sizeof(arg->type), "%s", form->tables[names]);
}
