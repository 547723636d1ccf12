/* event.c - see event.h. */
#include "sampler/event.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "sampler/event_field.h"
#include "sampler/uprobe.h"

static const struct {
	const char *name, *alias;
	enum ft_event_kind kind;
	u32 type;
	u64 config;
} events[] = {
	{"cycles", "cpu-cycles", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
	{"instructions", NULL, FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
	{"cache-references", NULL, FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE,
	 PERF_COUNT_HW_CACHE_REFERENCES},
	{"cache-misses", NULL, FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
	{"branches", "branch-instructions", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE,
	 PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
	{"branch-misses", NULL, FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
	{"bus-cycles", NULL, FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES},
	{"ref-cycles", NULL, FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES},
	{"stalled-cycles-frontend", NULL, FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE,
	 PERF_COUNT_HW_STALLED_CYCLES_FRONTEND},
	{"stalled-cycles-backend", NULL, FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE,
	 PERF_COUNT_HW_STALLED_CYCLES_BACKEND},
	{"cpu-clock", NULL, FT_EVENT_CLOCK, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK},
	{"task-clock", NULL, FT_EVENT_CLOCK, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
	{"page-faults", "faults", FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
	{"minor-faults", NULL, FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE,
	 PERF_COUNT_SW_PAGE_FAULTS_MIN},
	{"major-faults", NULL, FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE,
	 PERF_COUNT_SW_PAGE_FAULTS_MAJ},
	{"context-switches", "cs", FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE,
	 PERF_COUNT_SW_CONTEXT_SWITCHES},
	{"cpu-migrations", "migrations", FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE,
	 PERF_COUNT_SW_CPU_MIGRATIONS},
	{"alignment-faults", NULL, FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE,
	 PERF_COUNT_SW_ALIGNMENT_FAULTS},
	{"emulation-faults", NULL, FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE,
	 PERF_COUNT_SW_EMULATION_FAULTS},
};

#define DEFAULT_FREQ_HZ 99 /* off the beat of timers that run at 100 Hz */

int ft_event_syscall(struct perf_event_attr *attr, s32 pid, s32 cpu, s32 group_fd,
		     unsigned long flags)
{
	int fd;

	attr->size = sizeof(*attr);
	fd = (int)syscall(SYS_perf_event_open, attr, pid, cpu, group_fd,
			  flags | PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int ft_event_open(const struct ft_event *event, u32 cpu, struct perf_event_attr *attr)
{
	attr->type = event->type;
	attr->config = event->config;
	attr->disabled = 1;
	attr->freq = event->freq_hz != 0;
	if (attr->freq)
		attr->sample_freq = event->freq_hz;
	else
		attr->sample_period = event->period;
	return ft_event_syscall(attr, -1, (s32)cpu, -1, 0);
}

/*
 * Whether the machine has the event, by opening it for ourselves, which needs the least privilege.
 * For sampling: some counters can be read but raise no interrupt.
 */
static int probe(u32 type, u64 config)
{
	struct perf_event_attr attr = {
		.type = type, .config = config, .sample_period = 1000000000, .disabled = 1};
	int fd;

	attr.exclude_kernel = type != PERF_TYPE_SOFTWARE;
	fd = ft_event_syscall(&attr, 0, -1, -1, 0);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/*
 * "cpu-clock, page-faults, ...": the named events that this machine has, whether or not we may open
 * them.
 */
static void list_available(char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < FT_ARRAY_LEN(events); i++) {
		int code = probe(events[i].type, events[i].config);

		if (code && code != -EACCES && code != -EPERM)
			continue;
		len += (size_t)snprintf(text + len, size - len, "%s%s", len ? ", " : "",
					events[i].name);
		if (len >= size)
			return;
	}
}

static int unavailable(const struct ft_event *event, int code, struct ft_err *err)
{
	char list[500];

	if (code == -EACCES || code == -EPERM)
		return ft_event_explain(event->name, code, err);
	list_available(list, sizeof(list));
	if (event->kind == FT_EVENT_HARDWARE)
		return ft_err_set(
			err, code,
			"this machine does not count '%s' (no hardware counter for it; a virtual "
			"machine often has none); it has: %s, tracepoint:CATEGORY:NAME",
			event->name, list);
	return ft_err_set(err, code, "this kernel does not have the event '%s' (%s); it has: %s",
			  event->name, strerror(-code), list);
}

const char *ft_event_tracefs(void)
{
	static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	char path[64];

	for (size_t i = 0; i < FT_ARRAY_LEN(places); i++) {
		snprintf(path, sizeof(path), "%s/events", places[i]);
		if (access(path, X_OK) == 0)
			return places[i];
	}
	return NULL;
}

/* Splits "CATEGORY:NAME" or "CATEGORY:NAME:FIELD". */
static bool split_tracepoint(const char *spec, struct ft_event *event)
{
	const char *first = strchr(spec, ':'), *second = first ? strchr(first + 1, ':') : NULL;
	size_t category = first ? (size_t)(first - spec) : 0, name;

	if (!first || strchr(spec, '/'))
		return false;
	name = second ? (size_t)(second - first) - 1 : strlen(first + 1);
	if (!category || category >= sizeof(event->category) || !name ||
	    name >= sizeof(event->tracepoint))
		return false;
	if (second &&
	    (!second[1] || strchr(second + 1, ':') || strlen(second + 1) >= sizeof(event->field)))
		return false;
	snprintf(event->category, sizeof(event->category), "%.*s", (int)category, spec);
	snprintf(event->tracepoint, sizeof(event->tracepoint), "%.*s", (int)name, first + 1);
	snprintf(event->field, sizeof(event->field), "%s", second ? second + 1 : "");
	return true;
}

static int parse_tracepoint(const char *spec, struct ft_event *event, struct ft_err *err)
{
	const char *root = ft_event_tracefs();
	char path[256];
	s64 id;
	int code;

	if (!split_tracepoint(spec, event))
		return ft_err_set(err, -EINVAL,
				  "a tracepoint is named tracepoint:CATEGORY:NAME or "
				  "tracepoint:CATEGORY:NAME:FIELD, not '%s'",
				  event->name);
	event->kind = FT_EVENT_TRACEPOINT;
	event->type = PERF_TYPE_TRACEPOINT;
	if (!root)
		return ft_err_set(err, -ENOENT,
				  "tracepoints need tracefs, which is not mounted or not open to "
				  "you: as root, "
				  "mount -t tracefs none /sys/kernel/tracing");
	snprintf(path, sizeof(path), "%s/events/%s/%s/id", root, event->category,
		 event->tracepoint);
	code = ft_file_read_s64(path, &id);
	if (code == -ENOENT)
		return ft_err_set(err, code,
				  "this kernel has no tracepoint %s:%s; see %s/available_events",
				  event->category, event->tracepoint, root);
	if (code == -EACCES || code == -EPERM)
		return ft_err_set(err, code, "not permitted to read %s: run as root", path);
	if (code)
		return ft_err_set(err, code, "cannot read %s: %s", path, strerror(-code));
	event->config = (u64)id;
	return event->field[0] ? ft_event_find_field(root, event, err) : 0;
}

/* A system call is the tracepoint that all of them pass, and a number. */
static int parse_syscall(const char *name, struct ft_event *event, struct ft_err *err)
{
	static const struct {
		const char *name;
		s64 number;
	} calls[] = {
#include "tables/syscalls.h"
	};

	event->kind = FT_EVENT_TRACEPOINT;
	event->type = PERF_TYPE_TRACEPOINT;
	snprintf(event->category, sizeof(event->category), "raw_syscalls");
	snprintf(event->tracepoint, sizeof(event->tracepoint), "sys_enter");
	for (size_t i = 0; i < FT_ARRAY_LEN(calls); i++) {
		if (strcmp(calls[i].name, name))
			continue;
		event->syscall = calls[i].number;
		return 0;
	}
	return ft_err_set(err, -EINVAL,
			  "no system call is named '%s' on this architecture; syscalls(2) lists "
			  "them",
			  name);
}

/* "/PATH:PLACE"; a path may hold colons. */
static int parse_uprobe(const char *spec, struct ft_event *event, struct ft_err *err)
{
	const char *colon = strrchr(spec, ':');
	size_t len = colon ? (size_t)(colon - spec) : 0;

	if (spec[0] != '/' || !len || !colon[1] || len >= sizeof(event->path))
		return ft_err_set(err, -EINVAL,
				  "a function is named uprobe:/PATH:FUNCTION, not '%s'",
				  event->name);
	event->kind = FT_EVENT_UPROBE;
	memcpy(event->path, spec, len);
	event->path[len] = '\0';
	event->sites = ft_alloc(sizeof(*event->sites));
	event->site_count = 1;
	return ft_uprobe_find(event->path, colon + 1, &event->sites->offset, err);
}

/* "/PATH:PROVIDER:NAME" */
static int parse_sdt(const char *spec, struct ft_event *event, struct ft_err *err)
{
	char text[sizeof(event->name)], *name, *provider;

	snprintf(text, sizeof(text), "%s", spec);
	name = strrchr(text, ':');
	if (name)
		*name++ = '\0';
	provider = strrchr(text, ':');
	if (provider)
		*provider++ = '\0';
	if (text[0] != '/' || !name || !*name || !provider || !*provider)
		return ft_err_set(err, -EINVAL,
				  "a statically defined probe is named usdt:/PATH:PROVIDER:NAME, "
				  "not '%s'",
				  event->name);
	event->kind = FT_EVENT_UPROBE;
	snprintf(event->path, sizeof(event->path), "%s", text);
	return ft_uprobe_find_sdt(event->path, provider, name, &event->sites, &event->site_count,
				  err);
}

/* rNNN: the code of a hardware event in hexadecimal, as the processor's manual has it. */
static bool parse_raw(const char *name, u64 *config)
{
	size_t digits = name[0] == 'r' ? strspn(name + 1, "0123456789abcdefABCDEF") : 0;

	if (!digits || digits > 16 || name[1 + digits])
		return false;
	*config = strtoull(name + 1, NULL, 16);
	return true;
}

/* Finds the name; sets kind, type and config. */
static int parse_name(const char *name, struct ft_event *event, struct ft_err *err)
{
	char list[500];

	for (size_t i = 0; i < FT_ARRAY_LEN(events); i++) {
		if (strcmp(name, events[i].name) &&
		    (!events[i].alias || strcmp(name, events[i].alias)))
			continue;
		event->kind = events[i].kind;
		event->type = events[i].type;
		event->config = events[i].config;
		return 0;
	}
	if (!strncmp(name, "tracepoint:", 11))
		return parse_tracepoint(name + 11, event, err);
	if (!strncmp(name, "syscall:", 8))
		return parse_syscall(name + 8, event, err);
	if (!strncmp(name, "uprobe:", 7))
		return parse_uprobe(name + 7, event, err);
	if (!strncmp(name, "usdt:", 5))
		return parse_sdt(name + 5, event, err);
	if (parse_raw(name, &event->config)) {
		event->kind = FT_EVENT_HARDWARE;
		event->type = PERF_TYPE_RAW;
		return 0;
	}
	list_available(list, sizeof(list));
	return ft_err_set(err, -EINVAL,
			  "no event is named '%s'; this machine has: %s, rNNN, "
			  "tracepoint:CATEGORY:NAME[:FIELD], syscall:NAME, "
			  "uprobe:/PATH:FUNCTION, usdt:/PATH:PROVIDER:NAME",
			  name, list);
}

static int check_frequency(u64 freq_hz, struct ft_err *err)
{
	s64 max;

	if (ft_file_read_s64("/proc/sys/kernel/perf_event_max_sample_rate", &max) ||
	    freq_hz <= (u64)max)
		return 0;
	return ft_err_set(err, -EINVAL,
			  "%llu samples a second are more than this kernel allows (%lld); use -F "
			  "%lld or less, or "
			  "raise kernel.perf_event_max_sample_rate with sysctl",
			  (unsigned long long)freq_hz, (long long)max, (long long)max);
}

/* How often the event is sampled, and whether it can be. */
static int set_rate(struct ft_event *e, u64 freq_hz, u64 period, struct ft_err *err)
{
	int code;

	if (ft_event_is_probe(e) && freq_hz)
		return ft_err_set(err, -EINVAL,
				  "'%s' has no frequency; use -c N to sample every Nth occurrence",
				  e->name);
	e->freq_hz = freq_hz;
	e->period = period;
	if (!freq_hz && !period) {
		if (e->kind == FT_EVENT_CLOCK || e->kind == FT_EVENT_HARDWARE)
			e->freq_hz = DEFAULT_FREQ_HZ;
		else
			e->period = 1;
	}
	code = e->freq_hz ? check_frequency(e->freq_hz, err) : 0;
	if (code)
		return code;
	if (e->kind == FT_EVENT_CLOCK && e->period && e->period < 10000)
		return ft_err_set(err, -EINVAL,
				  "a period of %llu ns is below what the kernel's timer does "
				  "(10000); use -c 10000 "
				  "or more, or -F",
				  (unsigned long long)e->period);
	code = ft_event_is_probe(e) ? 0 : probe(e->type, e->config);
	return code ? unavailable(e, code, err) : 0;
}

int ft_event_parse(const char *name, u64 freq_hz, u64 period, struct ft_event *event,
		   struct ft_err *err)
{
	struct ft_event e = {.syscall = -1};
	int code;

	if (!name)
		name = probe(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES) ? "cpu-clock" : "cycles";
	if (strlen(name) >= sizeof(e.name))
		return ft_err_set(err, -EINVAL, "the event's name is too long");
	snprintf(e.name, sizeof(e.name), "%s", name);
	code = parse_name(name, &e, err);
	if (!code)
		code = set_rate(&e, freq_hz, period, err);
	if (code)
		ft_event_fini(&e);
	else
		*event = e;
	return code;
}

void ft_event_fini(struct ft_event *event)
{
	free(event->sites);
	event->sites = NULL;
	event->site_count = 0;
}

int ft_event_explain(const char *what, int code, struct ft_err *err)
{
	s64 paranoid = -1;

	switch (code) {
	case -EACCES:
	case -EPERM:
		ft_file_read_s64("/proc/sys/kernel/perf_event_paranoid", &paranoid);
		return ft_err_set(err, code,
				  "not permitted to open %s (kernel.perf_event_paranoid is %lld): "
				  "run as root, or "
				  "give the program CAP_PERFMON and CAP_BPF",
				  what, (long long)paranoid);
	case -EMFILE:
	case -ENFILE:
		return ft_err_set(err, code,
				  "too many open files for %s: raise the limit with ulimit -n",
				  what);
	case -ENOSYS:
		return ft_err_set(err, code, "this kernel has no perf events (CONFIG_PERF_EVENTS)");
	case -EBUSY:
		return ft_err_set(err, code,
				  "%s is in use by another program that holds it exclusively; try "
				  "-e cpu-clock",
				  what);
	default:
		return ft_err_set(err, code, "cannot open %s: %s", what, strerror(-code));
	}
}

bool ft_event_is_probe(const struct ft_event *event)
{
	return event->kind == FT_EVENT_TRACEPOINT || event->kind == FT_EVENT_UPROBE;
}

enum ft_unit ft_event_unit(const struct ft_event *event)
{
	if (event->field_bytes)
		return strstr(event->field, "bytes") || strstr(event->field, "size") ||
				       strstr(event->field, "len")
			       ? FT_UNIT_BYTES
			       : FT_UNIT_UNITS;
	return event->kind != FT_EVENT_CLOCK && event->period == 1 ? FT_UNIT_EVENTS
								   : FT_UNIT_SAMPLES;
}
