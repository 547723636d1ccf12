/* programs.c - see programs.h. */
#include "sampler/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/alloc.h"
#include "base/btf.h"
#include "base/file.h"
#include "base/proc.h"
#include "profile/stack_call.h"
#include "sampler/uprobe.h"
#include "sampler/wire.h"

#include "bpf/cpu.skel.h"

#define POOL_CHUNKS_MAX 512 /* of 64 KiB, before it grows */
#define POOL_CHUNKS_ALL 64  /* for all processes of a machine */
#define POOL_CHUNKS_CHILDREN 32
#define POOL_SPARE_BYTES (16u << 10) /* for mappings */
#define TABLE_PERCENT 52	     /* of .eh_frame: what tables take */
#define CAPTURES_BYTES_MAX (16u << 20)
#define CAPTURES_BYTES_UNKNOWN (4u << 20) /* where every event counts, however often it comes */
#define WAITS_MAX 65536
#define CHAINS_MAX 32768
#define WAITS_MORE 1024 /* threads that a process may start */
#define WAITS_MORE_ALL 4096
#define LOG_BYTES (256 * 1024)		  /* the end of what the verifier says has to fit */
#define FUTEX_WAITV_NR 449		  /* on every architecture; older headers lack it */
#define INITIAL_PIDNS_INODE 0xEFFFFFFCu	  /* PROC_PID_INIT_INO, linux/proc_ns.h */

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int find_offsets(struct ft_wire_config *c, struct ft_err *err)
{
	u32 inum = 0;
	const struct ft_btf_field fields[] = {
		{"task_struct", "pid", &c->task_pid, NULL},
		{"task_struct", "tgid", &c->task_tgid, NULL},
		{"task_struct", "comm", &c->task_comm, NULL},
		{"task_struct", "group_leader", &c->task_group_leader, NULL},
		{"task_struct", "self_exec_id", &c->task_exec_id, NULL},
		{"task_struct", "signal", &c->task_signal, NULL},
		{"task_struct", "thread_pid", &c->task_thread_pid, NULL},
		{"task_struct", "mm", &c->task_mm, NULL},
		{"task_struct", "flags", &c->task_flags, NULL},
		{"task_struct", "in_execve", &c->task_in_execve, &c->task_in_execve_bit},
		{"signal_struct", "live", &c->signal_live, NULL},
		{"pid", "level", &c->pid_level, NULL},
		{"pid", "numbers", &c->pid_numbers, NULL},
		{"upid", NULL, &c->upid_size, NULL},
		{"upid", "nr", &c->upid_nr, NULL},
		{"upid", "ns", &c->upid_ns, NULL},
		{"pid_namespace", "ns", &c->ns_inum, NULL},
		{"ns_common", "inum", &inum, NULL},
	};
	int code = ft_btf_find(FT_BTF_KERNEL, fields, FT_ARRAY_LEN(fields), err);

	c->ns_inum += inum;
	return code;
}

/* Kernels that lay this out differently have their stacks cut where return probes are. */
static void find_instances(struct ft_wire_config *c)
{
	struct ft_err ignored = {0};
	const struct ft_btf_field fields[] = {
		{"task_struct", "utask", &c->task_utask, NULL},
		{"uprobe_task", "return_instances", &c->utask_instances, NULL},
		{"return_instance", "stack", &c->instance_stack, NULL},
		{"return_instance", "orig_ret_vaddr", &c->instance_return, NULL},
		{"return_instance", "next", &c->instance_next, NULL},
	};

	if (ft_btf_find(FT_BTF_KERNEL, fields, FT_ARRAY_LEN(fields), &ignored))
		c->task_utask = 0;
}

static enum ft_wire_unwind unwind_of(const struct ft_record_opts *opts)
{
	if (opts->unwind == FT_UNWIND_NONE)
		return FT_WIRE_UNWIND_NONE;
#ifdef __x86_64__
	if (opts->unwind == FT_UNWIND_AUTO)
		return FT_WIRE_UNWIND_AUTO;
	if (opts->unwind == FT_UNWIND_DWARF)
		return FT_WIRE_UNWIND_TABLES;
#endif
	return FT_WIRE_UNWIND_FP; /* the kernel side follows tables on x86-64 only */
}

/* The states that the program tells apart, for those that the user does. */
static u32 wire_states(u32 states)
{
	static const struct {
		u32 ours, wire;
	} table[] = {
		{FT_WAIT_RUNNABLE, 1u << FT_WIRE_STATE_RUNNABLE},
		{FT_WAIT_SLEEP, 1u << FT_WIRE_STATE_SLEEP},
		{FT_WAIT_DISK, 1u << FT_WIRE_STATE_DISK},
		{FT_WAIT_IDLE, 1u << FT_WIRE_STATE_IDLE},
		{FT_WAIT_STOPPED, 1u << FT_WIRE_STATE_STOPPED | 1u << FT_WIRE_STATE_TRACED},
		{FT_WAIT_PARKED, 1u << FT_WIRE_STATE_PARKED},
	};
	u32 wire = 0;

	for (size_t i = 0; i < FT_ARRAY_LEN(table); i++)
		if (states & table[i].ours)
			wire |= table[i].wire;
	return wire;
}

_Static_assert(FT_WAKERS_MAX == FT_WIRE_WAKERS_MAX, "as deep as a chain may be");

static void configure_waits(struct ft_wire_config *c, const struct ft_record_opts *opts)
{
	const struct ft_wait_opts *w = &opts->wait;
	u32 all = FT_WAIT_BLOCKED | FT_WAIT_RUNNABLE | FT_WAIT_IDLE;

	c->weighted = ft_record_has_waits(opts->mode);
	c->on_cpu = opts->mode == FT_RECORD_WALL;
	c->futex_nr = SYS_futex;
	c->futex_waitv_nr = FUTEX_WAITV_NR;
	c->states = wire_states(c->on_cpu || w->runqueue ? all
				: w->states		 ? w->states
							 : FT_WAIT_BLOCKED);
	if (opts->mode == FT_RECORD_LOCK)
		c->states = 1u << FT_WIRE_STATE_USER_LOCK | 1u << FT_WIRE_STATE_KERNEL_LOCK;
	c->runqueue = w->runqueue;
	if (opts->mode == FT_RECORD_WAKEUP)
		c->wakers = w->depth ? w->depth : 1;
	c->histogram = w->histogram;
	c->min_ns = w->min_ns;
	c->max_ns = w->max_ns ? w->max_ns : UINT64_MAX;
}

static bool targets_are_ids(const struct ft_record_opts *opts)
{
	return opts->target == FT_TARGET_PIDS || opts->target == FT_TARGET_TIDS;
}

static int configure(struct cpu_bpf *skeleton, const struct ft_record_opts *opts,
		     const struct ft_event *event, const struct ft_store *store, struct ft_err *err)
{
	struct ft_wire_config *c = (struct ft_wire_config *)&skeleton->rodata->config;
	struct stat ns;

	switch (opts->target) {
	case FT_TARGET_ALL:
		c->filter = FT_WIRE_FILTER_ALL;
		break;
	case FT_TARGET_PIDS:
		c->filter = FT_WIRE_FILTER_TGID;
		break;
	case FT_TARGET_TIDS:
		c->filter = FT_WIRE_FILTER_TID;
		break;
	case FT_TARGET_CGROUP:
		c->filter = FT_WIRE_FILTER_CGROUP;
		break;
	}
	if (opts->id_count == 1 && !opts->children && targets_are_ids(opts))
		c->only = opts->ids[0];
	c->per_thread = opts->per_thread;
	c->cpus = opts->timeline;
	c->user_frames = !opts->kernel_only;
	c->kernel_frames = !opts->user_only;
	c->unwind = unwind_of(opts);
	c->follow_targets = opts->children;
	c->kernel_mode_only = opts->kernel_only;
	c->slot_mask = store->slot_count - 1;
	c->chunks = store->chunk_count;
	configure_waits(c, opts);
	c->numbered = opts->mode == FT_RECORD_ALLOC || opts->mode == FT_RECORD_CALLS;
	c->alloc_sample = opts->alloc_sample;
	c->syscall = event->syscall >= 0 ? (u32)event->syscall : UINT32_MAX;
	c->field_offset = event->field_offset;
	c->field_bytes = event->field_bytes;
	c->field_signed = event->field_signed;
	c->weighted |= event->field_bytes > 0;
	c->event_period = ft_event_is_probe(event) ? event->period : 1;
	if (stat("/proc/self/ns/pid", &ns) == 0 && ns.st_ino != INITIAL_PIDNS_INODE) {
		c->pidns_dev = ns.st_dev;
		c->pidns_ino = ns.st_ino;
	}
	if (opts->uprobe_calls || opts->mode == FT_RECORD_ALLOC)
		find_instances(c);
	return find_offsets(c, err);
}

static bool needs_waking(const struct ft_record_opts *opts)
{
	return opts->wait.runqueue || opts->mode == FT_RECORD_WAKEUP;
}

/* Whether processes beyond those given can be targets, or show up in stacks. */
static bool follows(const struct ft_record_opts *opts)
{
	return opts->mode == FT_RECORD_WAKEUP || opts->children || opts->target == FT_TARGET_ALL ||
	       opts->target == FT_TARGET_CGROUP;
}

static void choose_allocs(struct cpu_bpf *skeleton, bool allocs)
{
	struct bpf_program *const probes[] = {skeleton->progs.ft_alloc_enter,
					      skeleton->progs.ft_alloc_return,
					      skeleton->progs.ft_alloc_release};

	bpf_map__set_autocreate(skeleton->maps.allocs, allocs);
	bpf_map__set_autocreate(skeleton->maps.alloc_calls, allocs);
	bpf_program__set_autoload(skeleton->progs.ft_alloc_thread_ends, allocs);
	for (size_t i = 0; i < FT_ARRAY_LEN(probes); i++) {
		bpf_program__set_autoload(probes[i], allocs);
		ft_uprobe_prepare(probes[i]);
	}
}

static void choose_calls(struct cpu_bpf *skeleton, bool calls, bool uprobes, bool kprobes)
{
	bpf_map__set_autocreate(skeleton->maps.uprobe_calls, calls && (uprobes || kprobes));
	bpf_program__set_autoload(skeleton->progs.ft_script_uprobe, calls && uprobes);
	bpf_program__set_autoload(skeleton->progs.ft_script_kprobe, calls && kprobes);
	ft_uprobe_prepare(skeleton->progs.ft_script_uprobe);
	bpf_map__set_autocreate(skeleton->maps.requests, calls);
	bpf_map__set_autocreate(skeleton->maps.perf_calls, calls);
	bpf_map__set_autocreate(skeleton->maps.tracepoint_calls, calls);
	bpf_program__set_autoload(skeleton->progs.ft_script_perf, calls);
	bpf_program__set_autoload(skeleton->progs.ft_script_tracepoint, calls);
}

/* One that was not loaded is not called. */
static int add_call(int map, u32 number, const struct bpf_program *program)
{
	int fd = bpf_program__fd(program);

	return bpf_program__autoload(program) && bpf_map_update_elem(map, &number, &fd, BPF_ANY)
		       ? -errno
		       : 0;
}

/* The programs that take stacks become number 0 of the arrays that others call. */
static int open_calls(struct ft_programs *p, struct ft_err *err)
{
	struct cpu_bpf *skeleton = p->skeleton;
	bool at_functions = bpf_program__autoload(skeleton->progs.ft_script_uprobe) ||
			    bpf_program__autoload(skeleton->progs.ft_script_kprobe);

	p->calls.requests = bpf_map__fd(skeleton->maps.requests);
	p->calls.perf = bpf_map__fd(skeleton->maps.perf_calls);
	p->calls.tracepoint = bpf_map__fd(skeleton->maps.tracepoint_calls);
	p->calls.uprobe = at_functions ? bpf_map__fd(skeleton->maps.uprobe_calls) : -1;
	if (add_call(p->calls.perf, 0, skeleton->progs.ft_script_perf) ||
	    add_call(p->calls.tracepoint, 0, skeleton->progs.ft_script_tracepoint) ||
	    add_call(p->calls.uprobe, 0, skeleton->progs.ft_script_uprobe) ||
	    add_call(p->calls.uprobe, FT_STACK_CALLS_MAX - 1, skeleton->progs.ft_script_kprobe))
		return ft_err_set(err, -errno, "cannot make programs callable: %s",
				  strerror(errno));
	return 0;
}

/* Leaves out programs and maps that this recording does not need: each costs time to load. */
static void choose(struct cpu_bpf *skeleton, const struct ft_record_opts *opts,
		   const struct ft_event *event)
{
	bool tracepoint = event->kind == FT_EVENT_TRACEPOINT;
	bool waits = ft_record_has_waits(opts->mode), locks = opts->mode == FT_RECORD_LOCK;

	bpf_map__set_autocreate(skeleton->maps.waits, waits);
	bpf_map__set_autocreate(skeleton->maps.blank_wait, waits);
	bpf_map__set_autocreate(skeleton->maps.chains, opts->wait.depth > 1);
	bpf_map__set_autocreate(skeleton->maps.chain_rooms, opts->mode == FT_RECORD_WAKEUP);
	bpf_program__set_autoload(skeleton->progs.ft_wait_switch, waits && !locks);
	bpf_program__set_autoload(skeleton->progs.ft_wait_fork, waits && !locks);
	bpf_program__set_autoload(skeleton->progs.ft_lock_enter, locks);
	bpf_program__set_autoload(skeleton->progs.ft_lock_exit, locks);
	bpf_program__set_autoload(skeleton->progs.ft_lock_contended, locks);
	bpf_program__set_autoload(skeleton->progs.ft_lock_acquired, locks);
	bpf_program__set_autoload(skeleton->progs.ft_lock_thread_ends, locks);
	bpf_program__set_autoload(skeleton->progs.ft_wait_waking, needs_waking(opts));
	choose_allocs(skeleton, opts->mode == FT_RECORD_ALLOC);
	choose_calls(skeleton, opts->mode == FT_RECORD_CALLS, opts->uprobe_calls,
		     opts->kprobe_calls);
	bpf_program__set_autoload(skeleton->progs.ft_cpu_uprobe, event->kind == FT_EVENT_UPROBE);
	bpf_program__set_autoload(skeleton->progs.ft_cpu_perf_event,
				  !ft_event_is_probe(event) && event->kind != FT_EVENT_NONE);
	bpf_program__set_autoload(skeleton->progs.ft_cpu_raw_tracepoint, tracepoint);
	bpf_program__set_autoload(skeleton->progs.ft_cpu_tracepoint, tracepoint);
	bpf_program__set_autoload(skeleton->progs.ft_follow_fork, follows(opts));
	bpf_program__set_autoload(skeleton->progs.ft_follow_exit, follows(opts));
}

/* What the verifier said last, before its statistics. Changes log. */
static const char *last_words(char *log)
{
	char *end = strstr(log, "\nprocessed "), *start;

	if (!end)
		return "";
	*end = '\0';
	start = strrchr(log, '\n');
	return start ? start + 1 : log;
}

static int explain_load(int code, char *log, struct ft_err *err)
{
	const char *last = last_words(log);
	char *lockdown = NULL;
	size_t len;
	bool confidential = false;

	if (ft_file_read("/sys/kernel/security/lockdown", 4096, &lockdown, &len) == 0) {
		confidential = strstr(lockdown, "[confidentiality]");
		free(lockdown);
	}
	if (confidential)
		return ft_err_set(err, code,
				  "the kernel is locked down ([confidentiality]) and lets no BPF "
				  "program read memory; "
				  "boot with lockdown=integrity or without");
	/* The verifier has its reasons; without them it was not even asked. */
	switch (*last ? 0 : code) {
	case -EPERM:
	case -EACCES:
		return ft_err_set(err, code,
				  "not permitted to load BPF programs: run as root, or give the "
				  "program CAP_BPF and "
				  "CAP_PERFMON (inside a container: start it privileged)");
	case -ENOSYS:
		return ft_err_set(err, code, "this kernel has no BPF (CONFIG_BPF_SYSCALL)");
	case -ENOMEM:
		return ft_err_set(err, code,
				  "not enough memory for the BPF maps: raise the limit with ulimit "
				  "-l unlimited, or "
				  "lower -F");
	default:
		return ft_err_set(
			err, code,
			"the kernel refused the BPF programs: %s%s%s (it must be 5.17 or later)",
			strerror(-code), *last ? ": " : "", last);
	}
}

/* Whether the id is alive and of the kind that was asked for; its process goes to *tgid. */
static int check_target(const struct ft_record_opts *opts, u32 id, u32 *tgid, struct ft_err *err)
{
	bool threads = opts->target == FT_TARGET_TIDS;
	int code = ft_proc_tgid(id, tgid);

	if (code == -ENOENT || code == -ESRCH)
		return ft_err_set(err, -ESRCH, "there is no %s %u", threads ? "thread" : "process",
				  id);
	if (code)
		return ft_err_set(err, code, "cannot read /proc/%u/status: %s", id,
				  strerror(-code));
	if (!threads && *tgid != id)
		return ft_err_set(err, -EINVAL, "%u is a thread of process %u: use -t %u or -p %u",
				  id, *tgid, id, *tgid);
	return 0;
}

int ft_programs_init(struct ft_programs *p, const struct ft_record_opts *opts, struct ft_err *err)
{
	int code = 0;

	*p = (struct ft_programs){
		.sample_fd = -1,
		.fork_fd = -1,
		.exit_fd = -1,
		.cgroup_fd = -1,
		.waits_fd = -1,
		.tracepoint_fd = -1,
		.allocs = {-1, -1, -1, -1, -1},
		.calls = {-1, -1, -1, -1},
		.wait_fds = {-1, -1, -1, -1, -1},
	};
	if (!targets_are_ids(opts))
		return 0;
	p->tgids = ft_try_alloc(opts->id_count, sizeof(*p->tgids));
	if (!p->tgids)
		return ft_err_set(err, -ENOMEM, "out of memory");
	for (u32 i = 0; i < opts->id_count && !code; i++)
		code = check_target(opts, opts->ids[i], &p->tgids[i], err);
	return code;
}

static int enter_ids(const struct ft_programs *p, const struct ft_record_opts *opts,
		     struct ft_err *err)
{
	int fd = bpf_map__fd(p->skeleton->maps.targets);
	u8 one = 1;

	for (u32 i = 0; i < opts->id_count; i++)
		if (bpf_map_update_elem(fd, &opts->ids[i], &one, BPF_ANY))
			return ft_err_set(err, -errno, "too many targets (%u): use -a or --cgroup",
					  opts->id_count);
	return 0;
}

/* Opens a cgroup given by its path, or by its path below the mount of cgroup2. */
static int open_cgroup(const char *path, struct ft_err *err)
{
	static const char *const mounts[] = {"", "/sys/fs/cgroup/", "/sys/fs/cgroup/unified/"};
	char full[PATH_MAX];
	struct statfs fs;

	for (size_t i = 0; i < FT_ARRAY_LEN(mounts); i++) {
		int fd;

		snprintf(full, sizeof(full), "%s%s", mounts[i], path);
		fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return fd;
		close(fd);
	}
	return ft_err_set(err, -ENOENT,
			  "there is no cgroup '%s' in the cgroup v2 hierarchy; see "
			  "/proc/PID/cgroup (line 0::) "
			  "and mount -t cgroup2",
			  path);
}

static int enter_cgroup(struct ft_programs *p, const char *path, struct ft_err *err)
{
	int fd = open_cgroup(path, err), code = 0;
	u32 key = 0;

	if (fd < 0)
		return fd;
	p->cgroup_fd = fd;
	if (bpf_map_update_elem(bpf_map__fd(p->skeleton->maps.cgroups), &key, &fd, BPF_ANY))
		code = ft_err_set(err, -errno, "cannot select cgroup '%s': %s", path,
				  strerror(errno));
	return code;
}

static int follow_children(struct ft_programs *p, struct ft_err *err)
{
	p->fork_fd = bpf_raw_tracepoint_open("sched_process_fork",
					     bpf_program__fd(p->skeleton->progs.ft_follow_fork));
	p->exit_fd = bpf_raw_tracepoint_open("sched_process_exit",
					     bpf_program__fd(p->skeleton->progs.ft_follow_exit));
	if (p->fork_fd < 0 || p->exit_fd < 0)
		return ft_err_set(err, -errno, "cannot follow new processes: %s", strerror(errno));
	return 0;
}

static bool walks_tables(const struct ft_record_opts *opts)
{
	enum ft_wire_unwind unwind = unwind_of(opts);

	return !opts->kernel_only &&
	       (unwind == FT_WIRE_UNWIND_AUTO || unwind == FT_WIRE_UNWIND_TABLES);
}

/*
 * Room for unwind tables and mappings to begin with. Where the processes are not known beforehand,
 * as much as a small machine needs.
 */
static u32 pool_chunks(const struct ft_record_opts *opts, u64 frame_bytes)
{
	u64 bytes = frame_bytes / 100 * TABLE_PERCENT + POOL_SPARE_BYTES;
	u32 chunks = (u32)(bytes / sizeof(u32) / FT_WIRE_POOL_CHUNK_WORDS) + 1;

	if (!walks_tables(opts))
		return 1;
	if (!follows(opts))
		return chunks < POOL_CHUNKS_MAX ? chunks : POOL_CHUNKS_MAX;
	return opts->target == FT_TARGET_PIDS ? POOL_CHUNKS_CHILDREN : POOL_CHUNKS_ALL;
}

int ft_programs_grow_pool(void *programs, u32 part)
{
	const struct ft_programs *p = programs;
	const struct bpf_map_create_opts opts = {.sz = sizeof(opts),
						 .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP};
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pool_part", sizeof(u32),
				sizeof(struct ft_wire_pool_chunk), FT_WIRE_POOL_PART_CHUNKS, &opts);

	if (fd < 0)
		return -errno;
	if (bpf_map_update_elem(bpf_map__fd(p->skeleton->maps.pool_parts), &part, &fd, BPF_ANY)) {
		int code = -errno;

		close(fd);
		return code;
	}
	return fd;
}

/*
 * Room for the stacks that come before user space has woken up: some milliseconds. Where processes
 * can come, a tenth of a second, since one that maps a large file holds up all others while its
 * table is made. Every byte counts twice in our resident memory, for the ring is mapped twice in a
 * row.
 */
static u32 captures_bytes(const struct ft_record_opts *opts, const struct ft_event *event)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	u64 part = follows(opts) ? 10 : 100;
	u64 want = event->freq_hz / part * (u64)(cpus > 0 ? cpus : 1) *
		   (offsetof(struct ft_wire_capture, stack) + FT_WIRE_CAPTURE_USUAL);
	u32 bytes = follows(opts) ? 8u << 20 : 4u << 20;

	if (!walks_tables(opts))
		return (u32)sysconf(_SC_PAGESIZE);
	if (!event->freq_hz)
		return CAPTURES_BYTES_UNKNOWN;
	while (bytes < want && bytes < CAPTURES_BYTES_MAX)
		bytes *= 2;
	return bytes;
}

/* The threads that are there. */
static u32 threads_now(const struct ft_record_opts *opts)
{
	u32 threads = 0;

	if (opts->target == FT_TARGET_ALL || opts->target == FT_TARGET_CGROUP)
		return ft_proc_threads(0);
	if (opts->target == FT_TARGET_TIDS)
		return opts->id_count;
	for (u32 i = 0; i < opts->id_count; i++)
		threads += ft_proc_threads(opts->ids[i]);
	return threads;
}

/* Room for the threads that are there and for many that come. */
static void size_waits(const struct ft_programs *p, const struct ft_record_opts *opts)
{
	u32 value_bytes = opts->mode == FT_RECORD_WAKEUP ? sizeof(struct ft_wire_wait)
							 : offsetof(struct ft_wire_wait, slack);
	u32 entries;

	if (!ft_record_has_waits(opts->mode))
		return;
	entries = 2 * threads_now(opts) + (follows(opts) ? WAITS_MORE_ALL : WAITS_MORE);
	if (opts->wait.depth > 1) {
		u32 threads = 2 * ft_proc_threads(0) + WAITS_MORE_ALL;

		bpf_map__set_max_entries(p->skeleton->maps.chains,
					 threads < CHAINS_MAX ? threads : CHAINS_MAX);
	}
	bpf_map__set_max_entries(p->skeleton->maps.waits,
				 entries < WAITS_MAX ? entries : WAITS_MAX);
	bpf_map__set_value_size(p->skeleton->maps.waits, value_bytes);
	bpf_map__set_value_size(p->skeleton->maps.blank_wait, value_bytes);
}

int ft_programs_load(struct ft_programs *p, const struct ft_record_opts *opts,
		     const struct ft_event *event, const struct ft_store *store, u64 frame_bytes,
		     struct ft_err *err)
{
	struct bpf_object_open_opts open_opts = {.sz = sizeof(open_opts)};
	int code;

	libbpf_set_print(silent);
	p->log = ft_alloc(LOG_BYTES);
	open_opts.kernel_log_buf = p->log;
	open_opts.kernel_log_size = LOG_BYTES;
	p->skeleton = cpu_bpf__open_opts(&open_opts);
	if (!p->skeleton)
		return ft_err_set(err, -errno, "cannot open the BPF programs: %s", strerror(errno));
	code = configure(p->skeleton, opts, event, store, err);
	if (code)
		return code;
	p->pool_chunks = pool_chunks(opts, frame_bytes);
	((struct ft_wire_config *)&p->skeleton->rodata->config)->pool_chunks = p->pool_chunks;
	choose(p->skeleton, opts, event);
	ft_uprobe_prepare(p->skeleton->progs.ft_cpu_uprobe);
	bpf_map__set_max_entries(p->skeleton->maps.slots, FT_WIRE_BANKS * store->slot_count);
	bpf_map__set_max_entries(p->skeleton->maps.chunks, FT_WIRE_BANKS * store->chunk_count);
	bpf_map__set_max_entries(p->skeleton->maps.cpus, store->cpu_count);
	if (!follows(opts)) { /* the ids are known, and maps are cleared at the start */
		bpf_map__set_max_entries(p->skeleton->maps.targets, opts->id_count + 1);
		bpf_map__set_max_entries(p->skeleton->maps.spaces, opts->id_count + 1);
	}
	size_waits(p, opts);
	bpf_map__set_max_entries(p->skeleton->maps.pool, p->pool_chunks);
	bpf_map__set_max_entries(p->skeleton->maps.captures, captures_bytes(opts, event));
	code = cpu_bpf__load(p->skeleton);
	if (code)
		return explain_load(code, p->log, err);
	if (!ft_event_is_probe(event) && event->kind != FT_EVENT_NONE)
		p->sample_fd = bpf_program__fd(p->skeleton->progs.ft_cpu_perf_event);
	p->spaces_fd = bpf_map__fd(p->skeleton->maps.spaces);
	p->pool_fd = bpf_map__fd(p->skeleton->maps.pool);
	p->captures_fd = bpf_map__fd(p->skeleton->maps.captures);
	p->slots_fd = bpf_map__fd(p->skeleton->maps.slots);
	p->chunks_fd = bpf_map__fd(p->skeleton->maps.chunks);
	p->cpus_fd = bpf_map__fd(p->skeleton->maps.cpus);
	if (ft_record_has_waits(opts->mode))
		p->waits_fd = bpf_map__fd(p->skeleton->maps.waits);
	if (opts->mode == FT_RECORD_ALLOC) {
		p->allocs.map = bpf_map__fd(p->skeleton->maps.allocs);
		p->allocs.enter = bpf_program__fd(p->skeleton->progs.ft_alloc_enter);
		p->allocs.leave = bpf_program__fd(p->skeleton->progs.ft_alloc_return);
		p->allocs.release = bpf_program__fd(p->skeleton->progs.ft_alloc_release);
		p->allocs.thread_ends = bpf_program__fd(p->skeleton->progs.ft_alloc_thread_ends);
	}
	if (opts->mode == FT_RECORD_CALLS)
		code = open_calls(p, err);
	if (code)
		return code;
	if (opts->target == FT_TARGET_CGROUP)
		code = enter_cgroup(p, opts->cgroup, err);
	else if (targets_are_ids(opts))
		code = enter_ids(p, opts, err);
	if (!code && follows(opts))
		code = follow_children(p, err);
	return code;
}

/*
 * Most tracepoints are open to raw programs, which attach at once. Those below syscalls: are not;
 * they need a perf event, and one is enough: the program then runs on every CPU. The same goes for
 * those whose record is looked at: raw programs get the tracepoint's arguments instead.
 */
static int attach_tracepoint(struct ft_programs *p, const struct ft_event *event,
			     struct ft_err *err)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.config = event->config,
		.sample_period = 1,
	};
	int fd = event->field_bytes
			 ? -1
			 : bpf_raw_tracepoint_open(
				   event->tracepoint,
				   bpf_program__fd(p->skeleton->progs.ft_cpu_raw_tracepoint));

	if (fd >= 0)
		return fd;
	fd = ft_event_syscall(&attr, -1, 0, -1, 0);
	if (fd < 0)
		return ft_event_explain(event->name, fd, err);
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF,
		  bpf_program__fd(p->skeleton->progs.ft_cpu_tracepoint))) {
		ft_event_explain(event->name, -errno, err);
		close(fd);
		return -EIO;
	}
	return fd;
}

u32 ft_programs_only_process(const struct ft_programs *p, const struct ft_record_opts *opts)
{
	return p->tgids && opts->id_count == 1 && !opts->children ? p->tgids[0] : 0;
}

int ft_programs_attach_probe(struct ft_programs *p, const struct ft_record_opts *opts,
			     const struct ft_event *event, struct ft_err *err)
{
	struct ft_uprobe_opts how = {.pid = ft_programs_only_process(p, opts)};
	int fd;

	if (event->kind == FT_EVENT_UPROBE)
		return ft_uprobe_attach(&p->uprobes,
					bpf_program__fd(p->skeleton->progs.ft_cpu_uprobe),
					event->path, event->sites, event->site_count, &how, err);
	fd = attach_tracepoint(p, event, err);
	if (fd < 0)
		return fd;
	p->tracepoint_fd = fd;
	return 0;
}

void ft_programs_detach_probe(struct ft_programs *p)
{
	if (p->tracepoint_fd >= 0)
		close(p->tracepoint_fd);
	p->tracepoint_fd = -1;
	ft_uprobe_detach(&p->uprobes);
}

static int attach_wait(int *fd, const char *tracepoint, const struct bpf_program *program,
		       struct ft_err *err)
{
	*fd = bpf_raw_tracepoint_open(tracepoint, bpf_program__fd(program));
	if (*fd >= 0)
		return 0;
	return ft_err_set(err, -errno, "cannot attach to the tracepoint %s: %s",
			  tracepoint ? tracepoint : "sched_switch", strerror(errno));
}

/* A kernel without the tracepoints of its own locks still has futexes. */
static int attach_locks(struct ft_programs *p, struct ft_err *err)
{
	struct ft_err ignored = {0};
	int code = attach_wait(&p->wait_fds[0], "sched_process_exit",
			       p->skeleton->progs.ft_lock_thread_ends, err);

	if (!code)
		code = attach_wait(&p->wait_fds[1], "sys_exit", p->skeleton->progs.ft_lock_exit,
				   err);
	if (!code)
		code = attach_wait(&p->wait_fds[2], "sys_enter", p->skeleton->progs.ft_lock_enter,
				   err);
	if (!code && !attach_wait(&p->wait_fds[3], "contention_end",
				  p->skeleton->progs.ft_lock_acquired, &ignored))
		attach_wait(&p->wait_fds[4], "contention_begin",
			    p->skeleton->progs.ft_lock_contended, &ignored);
	return code;
}

bool ft_programs_kernel_locks(const struct ft_programs *p)
{
	return p->wait_fds[4] >= 0;
}

int ft_programs_attach_waits(struct ft_programs *p, const struct ft_record_opts *opts,
			     struct ft_err *err)
{
	int code;

	if (opts->mode == FT_RECORD_LOCK)
		return attach_locks(p, err);
	code = attach_wait(&p->wait_fds[0], "sched_process_fork", p->skeleton->progs.ft_wait_fork,
			   err);

	if (!code && needs_waking(opts))
		code = attach_wait(&p->wait_fds[1], "sched_waking",
				   p->skeleton->progs.ft_wait_waking, err);
	if (!code)
		code = attach_wait(&p->wait_fds[2], NULL, /* the program says it */
				   p->skeleton->progs.ft_wait_switch, err);
	return code;
}

void ft_programs_detach_waits(struct ft_programs *p)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(p->wait_fds); i++) {
		if (p->wait_fds[i] >= 0)
			close(p->wait_fds[i]);
		p->wait_fds[i] = -1;
	}
}

struct ft_wire_bank *ft_programs_banks(const struct ft_programs *p)
{
	return p->skeleton->bss->banks;
}

const struct ft_wire_counters *ft_programs_counters(const struct ft_programs *p)
{
	return &p->skeleton->bss->counters;
}

const struct ft_wire_config *ft_programs_config(const struct ft_programs *p)
{
	return (const struct ft_wire_config *)&p->skeleton->rodata->config;
}

void ft_programs_unload(struct ft_programs *p)
{
	free(p->log);
	p->log = NULL;
	free(p->tgids);
	p->tgids = NULL;
	if (!p->skeleton)
		return;
	ft_programs_detach_waits(p);
	ft_programs_detach_probe(p);
	if (p->cgroup_fd >= 0)
		close(p->cgroup_fd);
	if (p->fork_fd >= 0)
		close(p->fork_fd);
	if (p->exit_fd >= 0)
		close(p->exit_fd);
	cpu_bpf__destroy(p->skeleton);
	memset(p, 0, sizeof(*p));
}
