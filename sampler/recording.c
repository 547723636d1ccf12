/*
 * recording.c - one recording, from the options to the raw profile. See sampler.h.
 *
 * Order matters at the start: first the rings of mapping records, then /proc, so that no mapping
 * falls between; then the sampling events. Before all that the targets' mappings are read once, so
 * that their unwind tables are made while the kernel looks at the programs. Every tenth of a second
 * the store is looked at, and drained when it is half full or a second old: switch the bank, take
 * all mapping records up to then, and only then resolve the bank's addresses.
 */
#include "sampler/sampler.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "sampler/allocs.h"
#include "sampler/captures.h"
#include "sampler/drain.h"
#include "sampler/event.h"
#include "sampler/percpu.h"
#include "sampler/programs.h"
#include "sampler/store.h"
#include "sampler/waits.h"

#define TICK_NS 100000000   /* how often the store is looked at */
#define MEND_NS 1000000000  /* mappings are read anew for dropped records so often at most */
#define DRAIN_TICKS 10	    /* drained at least every so many ticks */
#define PREPARE_NS 15000000 /* waiting for tables before the first sample */
#define FILL_PERCENT 50	    /* or when it is this full */

struct ft_recording {
	struct ft_event event;
	char event_text[320];
	struct ft_programs programs;
	struct ft_store store;
	struct ft_percpu percpu;
	struct ft_procs *procs;
	struct ft_raw *raw;
	struct ft_pool pool;
	struct ft_table_cache *cache;
	struct ft_table_maker *maker; /* the tables' */
	struct ft_tables *tables;
	struct ft_spaces spaces;
	struct ft_captures captures;
	struct ft_drain drain;
	struct ft_waits waits;
	struct ft_allocs allocs;
	struct ft_record_opts opts; /* ids are the caller's, and not to be used after arming */
	int epoll_fd, timer_fd;
	u32 ticks_since_drain;
	u64 rounds; /* how often the store was drained */
	u64 armed_ns, stopped_ns;
	u64 switches_before; /* of the machine, when it armed */
	u64 user_ns_before;  /* CPU time of this process when it armed */
	struct ft_procs_losses losses;
	u64 losses_mended, mended_ns; /* mapping records dropped when all mappings were last read */
};

/* Nothing is sampled. */
static bool samples_nothing(const struct ft_record_opts *opts)
{
	return opts->mode != FT_RECORD_CPU && opts->mode != FT_RECORD_WALL;
}

/* What it is that is recorded, where nothing is sampled. */
static const char *name_of(const struct ft_record_opts *opts)
{
	return opts->mode == FT_RECORD_LOCK    ? "locks"
	       : opts->mode == FT_RECORD_ALLOC ? "allocations"
	       : opts->mode == FT_RECORD_CALLS ? "stacks"
					       : "context switches";
}

static enum ft_unit unit_of(const struct ft_record_opts *opts, const struct ft_event *event)
{
	if (opts->mode == FT_RECORD_CPU)
		return ft_event_unit(event);
	if (opts->mode == FT_RECORD_ALLOC)
		return FT_UNIT_BYTES;
	if (opts->mode == FT_RECORD_CALLS)
		return FT_UNIT_EVENTS;
	return opts->wait.histogram ? FT_UNIT_EVENTS : FT_UNIT_NANOSECONDS;
}

static int check_opts(const struct ft_record_opts *opts, struct ft_err *err)
{
	if (opts->user_only && opts->kernel_only)
		return ft_err_set(err, -EINVAL, "--user-only and --kernel-only exclude each other");
#ifndef __x86_64__
	if (opts->unwind == FT_UNWIND_DWARF)
		return ft_err_set(
			err, -EINVAL,
			"--unwind dwarf works on x86-64 only in this version; use --unwind fp");
#endif
	if (opts->children && opts->target != FT_TARGET_PIDS)
		return ft_err_set(err, -EINVAL, "--children goes with -p only");
	if ((opts->target == FT_TARGET_PIDS || opts->target == FT_TARGET_TIDS) && !opts->id_count)
		return ft_err_set(err, -EINVAL, "no process or thread is given");
	return 0;
}

static int open_waiting(struct ft_recording *r, struct ft_err *err)
{
	struct itimerspec tick = {.it_interval.tv_nsec = TICK_NS, .it_value.tv_nsec = TICK_NS};
	struct epoll_event wait = {.events = EPOLLIN};

	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	r->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->epoll_fd < 0 || r->timer_fd < 0 || timerfd_settime(r->timer_fd, 0, &tick, NULL) ||
	    epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, r->timer_fd, &wait))
		return ft_err_set(err, -errno, "cannot set up a timer: %s", strerror(errno));
	return 0;
}

/* Stacks a second to expect on all CPUs together; 0 where the event's rate is anybody's guess. */
static u64 expected_rate(const struct ft_event *event)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	if (event->freq_hz)
		return event->freq_hz * (u64)(cpus > 0 ? cpus : 1);
	if (event->kind == FT_EVENT_CLOCK)
		return 1000000000 / event->period * (u64)(cpus > 0 ? cpus : 1);
	return 0;
}

static int open_programs(struct ft_recording *r, const struct ft_record_opts *opts,
			 struct ft_err *err)
{
	int code, cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return ft_err_set(err, cpus, "cannot read /sys/devices/system/cpu/possible: %s",
				  strerror(-cpus));
	r->store.cpu_count = (u32)cpus;
	ft_store_size(&r->store, expected_rate(&r->event));
	code = ft_programs_load(&r->programs, opts, &r->event, &r->store,
				ft_table_maker_frame_bytes(r->maker), err);
	if (code)
		return code;
	r->store.banks = ft_programs_banks(&r->programs);
	return ft_store_open(&r->store, r->programs.slots_fd, r->programs.chunks_fd,
			     r->programs.cpus_fd, err);
}

static enum ft_procs_follow follow_of(const struct ft_record_opts *opts)
{
	if (opts->target == FT_TARGET_ALL || opts->target == FT_TARGET_CGROUP ||
	    opts->mode == FT_RECORD_WAKEUP)
		return FT_FOLLOW_ALL;
	return opts->children ? FT_FOLLOW_CHILDREN : FT_FOLLOW_NONE;
}

static bool walks_tables(const struct ft_record_opts *opts)
{
	return !opts->kernel_only &&
	       (opts->unwind == FT_UNWIND_AUTO || opts->unwind == FT_UNWIND_DWARF);
}

/* Reads the mappings of the processes that were given. */
static int read_targets(struct ft_recording *r, const struct ft_record_opts *opts,
			struct ft_err *err)
{
	u64 now_ns = ft_clock_ns(CLOCK_MONOTONIC);
	int code = 0;

	for (u32 i = 0; i < opts->id_count && !code; i++) {
		u32 pid = r->programs.tgids[i];

		code = ft_procs_add(r->procs, pid, now_ns);
		if (code == -ENOENT || code == -ESRCH)
			ft_err_set(err, -ESRCH, "process %u ended while the recording was set up",
				   pid);
		else if (code)
			ft_err_set(err, code, "cannot read the mappings of process %u: %s", pid,
				   strerror(-code));
	}
	return code;
}

/* Reads the mappings of all processes that are followed. */
static int open_procs(struct ft_recording *r, const struct ft_record_opts *opts, struct ft_err *err)
{
	int code;

	if (follow_of(opts) != FT_FOLLOW_ALL)
		return read_targets(r, opts, err);
	code = ft_procs_add_all(r->procs, ft_clock_ns(CLOCK_MONOTONIC));
	return code ? ft_err_set(err, code, "cannot read /proc: %s", strerror(-code)) : 0;
}

/* Takes the mapping records up to now and passes them on to the kernel side. */
static int read_mappings(void *context)
{
	struct ft_recording *r = context;
	int code = ft_percpu_read(&r->percpu, r->procs, &r->losses);
	u64 now_ns = ft_clock_ns(CLOCK_MONOTONIC);

	/* What was dropped may have been of the targets, such as the mark of a jitdump file. */
	if (!code && r->losses.records != r->losses_mended && now_ns - r->mended_ns >= MEND_NS) {
		r->losses_mended = r->losses.records;
		r->mended_ns = now_ns;
		code = ft_procs_refresh_all(r->procs, now_ns);
	}
	ft_procs_publish(r->procs, now_ns);
	return code;
}

/*
 * What is known of the targets before the programs are loaded: their mappings as they are now. A
 * thread begins to make the tables for them.
 */
static int open_targets(struct ft_recording *r, const struct ft_record_opts *opts,
			struct ft_err *err)
{
	int code = ft_programs_init(&r->programs, opts, err);

	if (code)
		return code;
	if (walks_tables(opts))
		r->cache = ft_table_cache_open_home();
	r->maker = ft_table_maker_new(r->raw, r->cache);
	if (!r->maker)
		return ft_err_set(err, -ENOMEM, "out of memory");
	r->tables = ft_tables_new(r->raw, &r->pool, r->maker);
	r->procs = ft_procs_new(r->raw, follow_of(opts), walks_tables(opts) ? &r->spaces : NULL);
	if (!walks_tables(opts) || !r->programs.tgids)
		return 0;
	code = read_targets(r, opts, err);
	if (!code)
		ft_table_maker_start(r->maker);
	return code;
}

static int open_unwinder(struct ft_recording *r, const struct ft_record_opts *opts,
			 struct ft_err *err)
{
	struct epoll_event wait = {.events = EPOLLIN};
	int code = ft_pool_open(&r->pool, r->programs.pool_fd, r->programs.pool_chunks,
				walks_tables(opts) ? ft_programs_grow_pool : NULL, &r->programs);
	if (code)
		return ft_err_set(err, code, "cannot map the unwind tables: %s", strerror(-code));
	r->spaces = (struct ft_spaces){
		.map_fd = r->programs.spaces_fd,
		.cpus = r->store.cpus,
		.cpu_count = r->store.cpu_count,
		.pool = &r->pool,
		.tables = r->tables,
	};
	r->captures = (struct ft_captures){
		.drain = &r->drain,
		.procs = r->procs,
		.tables = r->tables,
		.spaces = &r->spaces,
		.catch_up = read_mappings,
		.context = r,
		.how = opts->unwind == FT_UNWIND_DWARF ? FT_WIRE_UNWIND_TABLES
						       : FT_WIRE_UNWIND_AUTO,
	};
	code = ft_captures_open(&r->captures, r->programs.captures_fd);
	if (!code && epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, ft_captures_fd(&r->captures), &wait))
		code = -errno;
	return code ? ft_err_set(err, code, "cannot map the ring of stacks: %s", strerror(-code))
		    : 0;
}

/*
 * Takes the tables that the thread has made by now, or makes within a short time. The rest is taken
 * when a stack needs it, which costs a copy of that stack.
 */
static void prepare_tables(struct ft_recording *r, const struct ft_record_opts *opts)
{
	u64 now_ns = ft_clock_ns(CLOCK_MONOTONIC);

	ft_table_maker_wait(r->maker, now_ns + PREPARE_NS);
	for (u32 i = 0; i < opts->id_count; i++) {
		struct ft_proc *proc = ft_procs_find(r->procs, r->programs.tgids[i], now_ns);

		for (size_t m = 0; proc && m < proc->space.live_count; m++)
			if (ft_table_maker_has(r->maker, proc->space.live[m].module))
				ft_tables_build(r->tables, proc->space.live[m].module);
	}
}

static int open_parts(struct ft_recording *r, const struct ft_record_opts *opts, struct ft_err *err)
{
	/* Time on CPUs is what a clock counts. */
	const char *event = opts->event || opts->mode != FT_RECORD_WALL ? opts->event : "cpu-clock";
	int code = open_waiting(r, err);

	if (!code && samples_nothing(opts))
		r->event = (struct ft_event){.kind = FT_EVENT_NONE, .syscall = -1};
	else if (!code)
		code = ft_event_parse(event, opts->freq_hz, opts->period, &r->event, err);
	if (!code)
		code = open_targets(r, opts, err);
	if (!code)
		code = open_programs(r, opts, err);
	if (code)
		return code;
	r->raw->unit = unit_of(opts, &r->event);
	r->raw->at_tracepoint = r->event.kind == FT_EVENT_TRACEPOINT || opts->mode != FT_RECORD_CPU;
	r->raw->at_switch = opts->mode == FT_RECORD_OFFCPU || opts->mode == FT_RECORD_WAKEUP;
	code = open_unwinder(r, opts, err);
	if (code)
		return code;
	r->drain = (struct ft_drain){
		.raw = r->raw,
		.procs = r->procs,
		.per_thread = opts->per_thread,
		.lazy_procs = follow_of(opts) != FT_FOLLOW_NONE,
		.weighted = (ft_record_has_waits(opts->mode) && !opts->wait.histogram) ||
			    r->event.field_bytes,
		.states = opts->mode == FT_RECORD_WALL || opts->mode == FT_RECORD_LOCK ||
			  opts->wait.histogram,
		.histogram = opts->wait.histogram,
		.on_stack = opts->on_stack,
		.on_stack_context = opts->on_stack_context,
		.sample_ns = opts->mode != FT_RECORD_WALL ? 0 : 1000000000 / r->event.freq_hz,
	};
	r->percpu = (struct ft_percpu){
		.event = &r->event,
		.prog_fd = r->programs.sample_fd,
		.eager = follow_of(opts) != FT_FOLLOW_NONE,
		.epoll_fd = r->epoll_fd,
	};
	code = ft_percpu_open(&r->percpu, err);
	if (!code)
		code = open_procs(r, opts, err);
	if (code)
		return code;
	if (walks_tables(opts))
		prepare_tables(r, opts);
	ft_procs_publish(r->procs, ft_clock_ns(CLOCK_MONOTONIC));
	return 0;
}

int ft_recording_open(const struct ft_record_opts *opts, struct ft_recording **recording,
		      struct ft_err *err)
{
	struct ft_recording *r;
	int code = check_opts(opts, err);

	if (code)
		return code;
	ft_file_raise_limit();
	r = ft_alloc(sizeof(*r));
	r->epoll_fd = r->timer_fd = -1;
	r->raw = ft_raw_new();
	code = r->raw ? open_parts(r, opts, err) : ft_err_set(err, -ENOMEM, "out of memory");
	if (code) {
		ft_recording_close(r);
		return code;
	}
	r->opts = *opts;
	if (opts->alloc_sample)
		snprintf(r->event_text, sizeof(r->event_text), "%s, one in %u bytes", name_of(opts),
			 opts->alloc_sample);
	else if (samples_nothing(opts))
		snprintf(r->event_text, sizeof(r->event_text), "%s", name_of(opts));
	else if (r->event.freq_hz)
		snprintf(r->event_text, sizeof(r->event_text), "%s at %llu Hz", r->event.name,
			 (unsigned long long)r->event.freq_hz);
	else
		snprintf(r->event_text, sizeof(r->event_text), "%s, one in %llu", r->event.name,
			 (unsigned long long)r->event.period);
	*recording = r;
	return 0;
}

/* Waits: attaches the programs, then enters the threads that wait already. */
static int arm_waits(struct ft_recording *r, struct ft_err *err)
{
	const struct ft_wire_config *c = ft_programs_config(&r->programs);
	int code;

	r->waits = (struct ft_waits){
		.map_fd = r->programs.waits_fd,
		.drain = &r->drain,
		.tables = r->tables,
		.how = r->captures.how,
		.user_frames = walks_tables(&r->opts),
		.states = c->states,
		.min_ns = c->min_ns,
		.max_ns = c->max_ns,
		.runqueue = c->runqueue,
		.on_cpu = c->on_cpu,
		.locks = r->opts.mode == FT_RECORD_LOCK,
		.armed_ns = r->armed_ns,
	};
	code = ft_programs_attach_waits(&r->programs, &r->opts, err);
	if (code)
		return code;
	code = ft_waits_begin(&r->waits, &r->opts, r->programs.cgroup_fd);
	return code ? ft_err_set(err, code, "cannot enter the threads of the target: %s",
				 strerror(-code))
		    : 0;
}

int ft_recording_arm(struct ft_recording *r, struct ft_err *err)
{
	int code;

	r->user_ns_before = ft_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	r->switches_before = ft_record_has_waits(r->opts.mode) ? ft_proc_switches() : 0;
	r->armed_ns = ft_clock_ns(CLOCK_MONOTONIC);
	code = ft_record_has_waits(r->opts.mode) ? arm_waits(r, err) : 0;
	if (!code && r->opts.mode == FT_RECORD_ALLOC)
		code = ft_allocs_begin(&r->allocs, &r->programs, &r->opts, &r->drain, err);
	if (code || samples_nothing(&r->opts))
		return code;
	if (!ft_event_is_probe(&r->event))
		return ft_percpu_arm(&r->percpu, true, err);
	return ft_programs_attach_probe(&r->programs, &r->opts, &r->event, err);
}

int ft_recording_fd(const struct ft_recording *r)
{
	return r->epoll_fd;
}

static int drain(struct ft_recording *r)
{
	u64 switched_ns;
	u32 bank = ft_store_switch(&r->store);
	int code;

	switched_ns = ft_clock_ns(CLOCK_MONOTONIC);
	r->drain.now_ns = switched_ns;
	code = read_mappings(r);
	if (!code)
		code = ft_captures_read(&r->captures, switched_ns);
	ft_spaces_round(&r->spaces);
	ft_procs_make_room(r->procs, switched_ns);
	if (!code)
		code = ft_store_drain(&r->store, bank, ft_drain_record, &r->drain);
	ft_procs_prune(r->procs, switched_ns);
	r->ticks_since_drain = 0;
	r->rounds++;
	return code;
}

static int tick(struct ft_recording *r)
{
	u64 expired = 0;

	if (read(r->timer_fd, &expired, sizeof(expired)) != sizeof(expired))
		return 0;
	r->ticks_since_drain += (u32)(expired < DRAIN_TICKS ? expired : DRAIN_TICKS);
	if (r->ticks_since_drain < (r->opts.timeline ? 1 : DRAIN_TICKS) &&
	    ft_store_fill(&r->store) < FILL_PERCENT)
		return 0;
	ft_percpu_follow(&r->percpu);
	return drain(r);
}

int ft_recording_service(struct ft_recording *r, struct ft_err *err)
{
	/*
	 * The epoll descriptor only wakes the caller. Asking it which ring is ready would be in
	 * vain: a perf event forgets that it was ready as soon as anybody has looked.
	 */
	u64 now_ns = ft_clock_ns(CLOCK_MONOTONIC);
	int code = read_mappings(r);

	if (!code)
		code = ft_captures_read(&r->captures, now_ns);
	if (!code)
		code = tick(r);
	if (code)
		return ft_err_set(err, code, "out of memory while recording");
	return r->opts.mode == FT_RECORD_ALLOC ? ft_allocs_follow(&r->allocs, err) : 0;
}

int ft_recording_flush(struct ft_recording *r, struct ft_err *err)
{
	return drain(r) ? ft_err_set(err, -ENOMEM, "out of memory while recording") : 0;
}

bool ft_recording_find(struct ft_recording *r, u32 pid, u64 addr, struct ft_location *location)
{
	const struct ft_mapping *m;
	const struct ft_proc *proc;

	if (read_mappings(r))
		return false;
	proc = ft_procs_find(r->procs, pid, UINT64_MAX);
	m = proc ? ft_space_find(&proc->space, addr, UINT64_MAX) : NULL;
	if (!m)
		return false;
	*location = (struct ft_location){
		.kind = FT_LOCATION_USER, .module = m->module, .addr = addr - m->start + m->offset};
	return true;
}

void ft_recording_calls(const struct ft_recording *r, struct ft_recording_calls *calls)
{
	*calls = r->programs.calls;
}

/* The files at whose code most stacks were cut. */
static void find_blamed(const struct ft_raw *raw, struct ft_blame *blamed)
{
	for (u32 i = 0; i < raw->module_count; i++) {
		const struct ft_module *m = &raw->modules[i];
		const char *slash = strrchr(m->path, '/');
		int at = FT_QUALITY_BLAMED;

		while (at > 0 && m->stacks_cut > blamed[at - 1].stacks)
			at--;
		if (at == FT_QUALITY_BLAMED)
			continue;
		memmove(&blamed[at + 1], &blamed[at],
			(size_t)(FT_QUALITY_BLAMED - 1 - at) * sizeof(*blamed));
		blamed[at].stacks = m->stacks_cut;
		snprintf(blamed[at].module, sizeof(blamed[at].module), "%s",
			 slash && slash[1] ? slash + 1 : m->path);
	}
}

/* Gives up all that only recording needs: what comes after it needs memory, too. */
static void release(struct ft_recording *r)
{
	ft_allocs_detach(&r->allocs);
	r->spaces.map_fd = -1; /* it goes as a whole */
	ft_percpu_close(&r->percpu);
	ft_store_close(&r->store);
	ft_programs_unload(&r->programs);
	ft_drain_fini(&r->drain);
	ft_captures_close(&r->captures);
	ft_procs_free(r->procs);
	r->procs = NULL;
	ft_spaces_fini(&r->spaces);
	ft_tables_free(r->tables);
	r->tables = NULL;
	r->maker = NULL;
	ft_table_cache_close(r->cache);
	r->cache = NULL;
	ft_pool_close(&r->pool);
}

int ft_recording_stop(struct ft_recording *r, struct ft_err *err)
{
	int code;

	ft_percpu_arm(&r->percpu, false, err);
	r->raw->quality.kernel_locks = ft_programs_kernel_locks(&r->programs);
	ft_programs_detach_waits(&r->programs);
	ft_programs_detach_probe(&r->programs);
	r->stopped_ns = ft_clock_ns(CLOCK_MONOTONIC);
	ft_allocs_detach(&r->allocs);
	if (ft_record_has_waits(r->opts.mode))
		r->raw->quality.switches = ft_proc_switches() - r->switches_before;
	code = drain(r);
	if (!code && r->opts.mode == FT_RECORD_ALLOC)
		code = ft_allocs_end(&r->allocs);
	if (!code && ft_record_has_waits(r->opts.mode))
		code = ft_waits_end(&r->waits, r->stopped_ns);
	if (!code && r->opts.mode == FT_RECORD_WALL)
		code = ft_drain_scale(&r->drain);
	ft_recording_quality(r, &r->raw->quality);
	find_blamed(r->raw, r->raw->quality.blamed);
	release(r);
	return code ? ft_err_set(err, code, "out of memory while recording") : 0;
}

void ft_recording_quality(const struct ft_recording *r, struct ft_quality *q)
{
	const struct ft_wire_counters *c = ft_programs_counters(&r->programs);
	u64 now_ns = r->stopped_ns ? r->stopped_ns : ft_clock_ns(CLOCK_MONOTONIC);

	if (q != &r->raw->quality)
		*q = r->raw->quality; /* the reasons why stacks ended, counted while draining */
	q->samples = r->captures.samples + r->waits.samples;
	q->user_stacks = r->captures.user_stacks + r->waits.user_stacks + r->drain.user_stacks;
	q->bpf_ns = q->probe_hits = 0;
	for (u32 i = 0; i < r->store.cpu_count; i++) {
		const struct ft_wire_cpu *cpu = &r->store.cpus[i];

		q->samples += cpu->samples;
		q->user_stacks += cpu->user_stacks;
		q->bpf_ns += cpu->bpf_ns;
		if (r->opts.mode == FT_RECORD_ALLOC)
			q->probe_hits += cpu->turns;
	}
	q->lost_table_full = c->lost_table_full;
	q->lost_store_full = c->lost_store_full;
	q->lost_scratch = c->lost_scratch;
	q->lost_kernel = c->lost_kernel;
	q->lost_user = c->lost_user;
	q->lost_targets = c->lost_targets;
	q->lost_waits = c->lost_waits;
	q->lost_chains = c->lost_chains;
	q->lost_allocs = c->lost_allocs;
	q->lost_events = r->losses.records;
	q->throttled = r->losses.throttled;
	q->user_ns = ft_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - r->user_ns_before;
	q->duration_ns = now_ns - r->armed_ns;
}

u64 ft_recording_rounds(const struct ft_recording *r)
{
	return r->rounds;
}

u64 ft_recording_armed_ns(const struct ft_recording *r)
{
	return r->armed_ns;
}

void ft_recording_seen(struct ft_recording *r)
{
	ft_raw_seen(r->raw);
}

struct ft_raw *ft_recording_raw(const struct ft_recording *r)
{
	return r->raw;
}

const char *ft_recording_event(const struct ft_recording *r)
{
	return r->event_text;
}

void ft_recording_close(struct ft_recording *r)
{
	if (!r)
		return;
	release(r);
	ft_raw_free(r->raw);
	ft_event_fini(&r->event);
	if (r->timer_fd >= 0)
		close(r->timer_fd);
	if (r->epoll_fd >= 0)
		close(r->epoll_fd);
	free(r);
}
