/*
 * event.h - what triggers a sample: names of events and how to open them.
 *
 * Names are perf's. An entry of the table in event.c is all it takes to add one.
 */
#ifndef FT_SAMPLER_EVENT_H
#define FT_SAMPLER_EVENT_H

#include <linux/perf_event.h>

#include "base/err.h"
#include "base/types.h"
#include "profile/profile.h"
#include "sampler/uprobe.h"

enum ft_event_kind {
	FT_EVENT_CLOCK,	     /* software timer: sampled by frequency, period in ns */
	FT_EVENT_HARDWARE,   /* performance counter: sampled by frequency or period */
	FT_EVENT_SOFTWARE,   /* kernel event counted in software: every occurrence by default */
	FT_EVENT_TRACEPOINT, /* kernel tracepoint: every occurrence by default */
	FT_EVENT_UPROBE,     /* place in a user-space file: every passage by default */
	FT_EVENT_NONE,	     /* nothing is sampled: the mode has programs of its own */
};

struct ft_event {
	enum ft_event_kind kind;
	char name[256];	   /* as the user gave it */
	u32 type;	   /* perf_event_attr.type */
	u64 config;	   /* perf_event_attr.config */
	char category[64]; /* tracepoints */
	char tracepoint[64];
	s64 syscall; /* number of the system call, for syscall:NAME; else -1 */
	/* of the tracepoint's record, where that is an occurrence's weight; bytes 0: it is 1 */
	u32 field_offset, field_bytes;
	bool field_signed;
	char field[64];
	char path[256]; /* uprobes: the file, and the places in it; owned */
	struct ft_uprobe_site *sites;
	u32 site_count;
	u64 freq_hz; /* one of freq_hz and period is not 0 */
	u64 period;
};

/*
 * Fills event, for ft_event_fini, from a name (NULL: cycles where the machine counts them, else
 * cpu-clock) and a frequency or period (both 0: the default of the kind of event). Checks that this
 * machine has the event; the error lists what it has.
 */
int ft_event_parse(const char *name, u64 freq_hz, u64 period, struct ft_event *event,
		   struct ft_err *err);

/* Frees what the event owns. Accepts a zeroed one. */
void ft_event_fini(struct ft_event *event);

/*
 * Opens the event on a CPU for all tasks, disabled; attr holds what else is wanted of it.
 * Descriptor or a negative errno (not for tracepoints).
 */
int ft_event_open(const struct ft_event *event, u32 cpu, struct perf_event_attr *attr);

/* perf_event_open(2) itself; the descriptor is closed on exec. */
int ft_event_syscall(struct perf_event_attr *attr, s32 pid, s32 cpu, s32 group_fd,
		     unsigned long flags);

/* Explains a failure of perf_event_open in one sentence with the remedy; returns code. */
int ft_event_explain(const char *what, int code, struct ft_err *err);

/*
 * Whether the sampling program attaches to the event itself, once for all CPUs; else an event is
 * opened on each CPU.
 */
bool ft_event_is_probe(const struct ft_event *event);

/* Unit of a stack's weight: events where every one is counted, samples else. */
enum ft_unit ft_event_unit(const struct ft_event *event);

/*
 * Mount point of tracefs ("/sys/kernel/tracing" or below debugfs), or NULL when it is not mounted.
 */
const char *ft_event_tracefs(void);

#endif
