/*
 * caps.c - what this machine and this user may do. See ft_caps_check in sampler.h.
 *
 * Each check tries the thing itself where that is harmless, instead of guessing from versions and
 * settings.
 */
#include "sampler/sampler.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/btf.h"
#include "base/file.h"
#include "sampler/event.h"
#include "sampler/uprobe.h"

static void detail(struct ft_cap *cap, const char *fmt, ...) FT_PRINTF(2, 3);

static void detail(struct ft_cap *cap, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(cap->detail, sizeof(cap->detail), fmt, args);
	va_end(args);
}

static void mend(struct ft_cap *cap, int state, const char *remedy)
{
	cap->state = state;
	snprintf(cap->remedy, sizeof(cap->remedy), "%s", remedy);
}

static void check_kernel(struct ft_cap *cap)
{
	struct utsname name;
	int major = 0, minor = 0;

	uname(&name);
	detail(cap, "%s %s", name.release, name.machine);
	if (sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
	    (major < 5 || (major == 5 && minor < 17)))
		mend(cap, FT_CAP_MISSING, "a kernel of at least 5.17 is needed");
}

static void check_user(struct ft_cap *cap)
{
	if (geteuid() == 0) {
		detail(cap, "root");
		return;
	}
	detail(cap, "user id %u", (unsigned)geteuid());
	mend(cap, FT_CAP_LIMITED,
	     "run it by sudo, or once as root: setcap "
	     "cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search+ep on the "
	     "program");
}

/* "return 0" */
static const struct bpf_insn trivial[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	{.code = BPF_JMP | BPF_EXIT},
};

static void check_bpf(struct ft_cap *cap)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_PERF_EVENT, "ft_doctor", "GPL", trivial,
			       FT_ARRAY_LEN(trivial), NULL);

	if (fd >= 0) {
		close(fd);
		detail(cap, "programs for perf events can be loaded");
		return;
	}
	detail(cap, "a program for perf events cannot be loaded: %s", strerror(errno));
	mend(cap, FT_CAP_MISSING,
	     errno == ENOSYS
		     ? "a kernel with CONFIG_BPF_SYSCALL=y is needed"
		     : "run as root, or with CAP_BPF and CAP_PERFMON; in a container: privileged");
}

static void check_bpf_jit(struct ft_cap *cap)
{
	s64 on;

	if (ft_file_read_s64("/proc/sys/net/core/bpf_jit_enable", &on)) {
		detail(cap, "cannot be told");
		cap->state = FT_CAP_LIMITED;
	} else if (on) {
		detail(cap, "on");
	} else {
		detail(cap, "off: each sample costs several times more");
		mend(cap, FT_CAP_LIMITED, "sysctl net.core.bpf_jit_enable=1");
	}
}

static void check_btf(struct ft_cap *cap)
{
	u32 offset;
	const struct ft_btf_field field = {"task_struct", "comm", &offset, NULL};
	struct ft_err err = {0};

	if (ft_btf_find(FT_BTF_KERNEL, &field, 1, &err) == 0) {
		detail(cap, "%s", FT_BTF_KERNEL);
		return;
	}
	detail(cap, "%.190s", err.text);
	mend(cap, FT_CAP_MISSING, "a kernel with CONFIG_DEBUG_INFO_BTF=y is needed");
}

static void check_lockdown(struct ft_cap *cap)
{
	char *text;
	size_t len;

	if (ft_file_read("/sys/kernel/security/lockdown", 4096, &text, &len)) {
		detail(cap, "not in force, or not shown");
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	detail(cap, "%s", text);
	if (strstr(text, "[confidentiality]"))
		mend(cap, FT_CAP_MISSING, "boot with lockdown=integrity, or without");
	free(text);
}

static int open_system_wide(u32 type, u64 config)
{
	struct ft_event event = {.type = type, .config = config, .freq_hz = 1};
	struct perf_event_attr attr = {0};

	return ft_event_open(&event, 0, &attr);
}

static void check_perf(struct ft_cap *cap)
{
	int fd = open_system_wide(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK);
	struct ft_err err = {0};
	s64 paranoid = -1;

	if (fd >= 0) {
		close(fd);
		ft_file_read_s64("/proc/sys/kernel/perf_event_paranoid", &paranoid);
		detail(cap, "timer events on all CPUs (kernel.perf_event_paranoid is %lld)",
		       (long long)paranoid);
		return;
	}
	ft_event_explain("timer events", fd, &err);
	detail(cap, "%.190s", err.text);
	mend(cap, FT_CAP_MISSING, "run as root or with CAP_PERFMON");
}

static void check_hardware(struct ft_cap *cap)
{
	int fd = open_system_wide(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);

	if (fd >= 0) {
		close(fd);
		detail(cap, "cycles and others");
		return;
	}
	detail(cap, "none (%s): sampling goes by a timer, cpu-clock", strerror(-fd));
	mend(cap, FT_CAP_LIMITED,
	     "on a virtual machine: ask its host to pass the performance counters on");
}

static void check_rate(struct ft_cap *cap)
{
	s64 rate;

	if (ft_file_read_s64("/proc/sys/kernel/perf_event_max_sample_rate", &rate)) {
		detail(cap, "cannot be told");
		return;
	}
	detail(cap, "up to %lld samples a second and CPU", (long long)rate);
	if (rate < 1000)
		mend(cap, FT_CAP_LIMITED, "sysctl kernel.perf_event_max_sample_rate=100000");
}

static void check_depth(struct ft_cap *cap)
{
	s64 depth;

	if (ft_file_read_s64("/proc/sys/kernel/perf_event_max_stack", &depth)) {
		detail(cap, "cannot be told");
		return;
	}
	detail(cap, "%lld frames", (long long)depth);
	if (depth < 127)
		mend(cap, FT_CAP_LIMITED, "sysctl kernel.perf_event_max_stack=127");
}

static void check_tracefs(struct ft_cap *cap)
{
	const char *root = ft_event_tracefs();

	if (root) {
		detail(cap, "%s", root);
		return;
	}
	detail(cap, "not mounted: -e tracepoint:... is not available");
	mend(cap, FT_CAP_LIMITED, "mount -t tracefs none /sys/kernel/tracing");
}

static void check_uprobes(struct ft_cap *cap)
{
	if (access("/sys/bus/event_source/devices/uprobe/type", F_OK)) {
		detail(cap, "none: flametap alloc, -e uprobe: and -e usdt: are not available");
		mend(cap, FT_CAP_LIMITED, "a kernel with CONFIG_UPROBE_EVENTS=y is needed");
	} else if (ft_uprobe_knows_processes()) {
		detail(cap, "many at once, and for single processes");
	} else {
		detail(cap, "whoever maps a probed file pays for it; slow to attach and detach");
		mend(cap, FT_CAP_LIMITED, "Linux 6.10 or later");
	}
}

static void check_symbols(struct ft_cap *cap)
{
	char line[256];
	bool hidden = true;
	FILE *file = fopen("/proc/kallsyms", "re");

	while (file && hidden && fgets(line, sizeof(line), file))
		hidden = strtoull(line, NULL, 16) == 0;
	if (file)
		fclose(file);
	if (!hidden) {
		detail(cap, "/proc/kallsyms");
		return;
	}
	detail(cap, "hidden: kernel frames would have no names");
	mend(cap, FT_CAP_LIMITED, "as root: sysctl kernel.kptr_restrict=0");
}

static void check_cgroup(struct ft_cap *cap)
{
	char *text;
	size_t len;

	if (ft_file_read("/proc/self/mounts", 1 << 20, &text, &len) == 0) {
		bool mounted = strstr(text, " cgroup2 ");

		free(text);
		if (mounted) {
			detail(cap, "mounted");
			return;
		}
	}
	detail(cap, "cgroup v2 is not mounted: --cgroup is not available");
	mend(cap, FT_CAP_LIMITED, "mount -t cgroup2 none /sys/fs/cgroup");
}

u32 ft_caps_check(struct ft_cap *caps)
{
	static const struct {
		const char *name;
		bool required;
		void (*check)(struct ft_cap *cap);
	} checks[] = {
		{"kernel", true, check_kernel},
		{"user", false, check_user},
		{"BPF programs", true, check_bpf},
		{"BPF compiler (JIT)", false, check_bpf_jit},
		{"kernel types (BTF)", true, check_btf},
		{"kernel lockdown", true, check_lockdown},
		{"perf events", true, check_perf},
		{"hardware counters", false, check_hardware},
		{"sampling rate", false, check_rate},
		{"stack depth", false, check_depth},
		{"tracepoints", false, check_tracefs},
		{"probes on user code", false, check_uprobes},
		{"kernel symbols", false, check_symbols},
		{"cgroups", false, check_cgroup},
	};

	_Static_assert(FT_ARRAY_LEN(checks) <= FT_CAPS_MAX, "room for all checks");
	for (u32 i = 0; i < FT_ARRAY_LEN(checks); i++) {
		caps[i] = (struct ft_cap){.name = checks[i].name, .required = checks[i].required};
		checks[i].check(&caps[i]);
	}
	return FT_ARRAY_LEN(checks);
}
