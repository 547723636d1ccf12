/* table_maker.c - see table_maker.h. */
#include "sampler/table_maker.h"

#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/elf.h"
#include "sampler/cfi.h"

#define BACKGROUND_NICE 10	/* as long as nobody waits */
#define WORTH_STORING_NS 500000 /* what is made faster is not worth a file */

/* A table for the thread to make, which alone touches the job before it is done. */
struct job {
	struct ft_module module; /* a copy: its descriptor stays open as long as raw lives */
	struct ft_elf *elf;	 /* owned; NULL: no file to make it of */
	struct ft_table_image image;
	int code;
	bool done;
	struct ft_table_image copy; /* to be stored; the thread's own */
};

struct ft_table_maker {
	const struct ft_raw *raw;
	struct ft_table_cache *cache;
	struct job *jobs; /* by module */
	u32 job_count;
	u64 frame_bytes;
	bool has_thread, cancelled;
	pthread_t thread;
	pid_t thread_id;      /* 0 until it runs */
	bool wanted;	      /* somebody has waited */
	pthread_mutex_t lock; /* of done, cancelled, wanted and thread_id */
	pthread_cond_t progress;
};

struct ft_table_maker *ft_table_maker_new(const struct ft_raw *raw, struct ft_table_cache *cache)
{
	struct ft_table_maker *maker = ft_try_alloc(1, sizeof(*maker));
	pthread_condattr_t attr;

	if (!maker)
		return NULL;
	maker->raw = raw;
	maker->cache = cache;
	pthread_mutex_init(&maker->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&maker->progress, &attr);
	pthread_condattr_destroy(&attr);
	return maker;
}

static int open_elf(const struct ft_module *module, struct ft_elf **elf)
{
	if (module->kind == FT_MODULE_VDSO)
		return ft_elf_open_vdso(elf);
	return module->fd >= 0 ? ft_elf_open(module->fd, elf) : -ENODATA;
}

/* Packs the table of a file. */
static int make_image(struct ft_elf *elf, struct ft_table_image *image)
{
	struct ft_table_segment *segments = ft_try_alloc(elf->segment_count, sizeof(*segments));
	struct ft_cfi_table cfi;
	u32 count = 0;
	int code;

	if (!segments)
		return -ENOMEM;
	for (u32 i = 0; i < elf->segment_count; i++) {
		const struct ft_elf_segment *s = &elf->segments[i];

		if (s->type == PT_LOAD)
			segments[count++] =
				(struct ft_table_segment){s->offset, s->file_bytes, s->addr};
	}
	code = ft_cfi_build(elf, &cfi, NULL);
	if (!code) {
		code = ft_table_image_make(&cfi, segments, count, image);
		ft_cfi_fini(&cfi);
	}
	free(segments);
	return code;
}

/* The image of a file from the cache or the file; whether it is worth storing. */
static int make(const struct ft_table_maker *maker, const struct ft_module *m, struct ft_elf *elf,
		struct ft_table_image *image, bool *store)
{
	u64 begin_ns;
	int code;

	*store = false;
	if (ft_table_cache_load(maker->cache, m, image) == 0)
		return 0;
	begin_ns = ft_clock_ns(CLOCK_MONOTONIC);
	code = make_image(elf, image);
	*store = !code && ft_clock_ns(CLOCK_MONOTONIC) - begin_ns > WORTH_STORING_NS;
	return code;
}

static void run_job(struct ft_table_maker *maker, struct job *job)
{
	bool store;

	if (!job->elf)
		return;
	job->code = make(maker, &job->module, job->elf, &job->image, &store);
	if (store && maker->cache)
		(void)ft_table_image_copy(&job->image, &job->copy); /* else it is not stored */
	ft_elf_close(job->elf);
	job->elf = NULL;
}

/*
 * Loading the programs takes longer than most tables, and both may have to share a CPU. On Linux
 * each thread has a niceness of its own.
 */
static void stand_back(struct ft_table_maker *maker)
{
	pthread_mutex_lock(&maker->lock);
	if (!maker->wanted)
		setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + BACKGROUND_NICE);
	maker->thread_id = gettid();
	pthread_mutex_unlock(&maker->lock);
}

/* Somebody waits from now on. Taking it back needs privileges, as BPF does. */
static void come_forward(struct ft_table_maker *maker)
{
	if (!maker->wanted && maker->thread_id)
		setpriority(PRIO_PROCESS, (id_t)maker->thread_id, getpriority(PRIO_PROCESS, 0));
	maker->wanted = true;
}

/* Somebody may be waiting for the tables: they are stored when all are made. */
static void *run_jobs(void *context)
{
	struct ft_table_maker *maker = context;
	bool cancelled = false;

	stand_back(maker);
	for (u32 i = 0; i < maker->job_count && !cancelled; i++) {
		run_job(maker, &maker->jobs[i]);
		pthread_mutex_lock(&maker->lock);
		maker->jobs[i].done = true;
		cancelled = maker->cancelled;
		pthread_cond_broadcast(&maker->progress);
		pthread_mutex_unlock(&maker->lock);
	}
	for (u32 i = 0; i < maker->job_count; i++) {
		struct job *job = &maker->jobs[i];

		if (job->copy.header)
			ft_table_cache_store(maker->cache, &job->module, &job->copy);
		ft_table_image_fini(&job->copy);
	}
	return NULL;
}

static u64 frame_bytes(struct ft_elf *elf)
{
	const struct ft_elf_section *s = ft_elf_section(elf, SHT_PROGBITS, ".eh_frame");

	if (!s)
		s = ft_elf_section(elf, SHT_X86_64_UNWIND, ".eh_frame");
	return s && s->bytes <= elf->bytes ? s->bytes : 0;
}

void ft_table_maker_start(struct ft_table_maker *maker)
{
	u32 count = maker->raw->module_count;
	sigset_t all, before;

	maker->jobs = count ? ft_try_alloc(count, sizeof(*maker->jobs)) : NULL;
	if (!maker->jobs)
		return;
	for (u32 i = 0; i < count; i++) {
		struct job *job = &maker->jobs[i];

		job->module = maker->raw->modules[i];
		job->code = open_elf(&job->module, &job->elf);
		if (job->elf)
			maker->frame_bytes += frame_bytes(job->elf);
	}
	maker->job_count = count;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
	maker->has_thread = !pthread_create(&maker->thread, NULL, run_jobs, maker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

u64 ft_table_maker_frame_bytes(const struct ft_table_maker *maker)
{
	return maker->frame_bytes;
}

void ft_table_maker_wait(struct ft_table_maker *maker, u64 until_ns)
{
	struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
				 .tv_nsec = (long)(until_ns % 1000000000)};

	if (!maker->has_thread)
		return;
	pthread_mutex_lock(&maker->lock);
	come_forward(maker);
	while (!maker->jobs[maker->job_count - 1].done &&
	       !pthread_cond_timedwait(&maker->progress, &maker->lock, &until))
		;
	pthread_mutex_unlock(&maker->lock);
}

bool ft_table_maker_has(struct ft_table_maker *maker, u32 module)
{
	bool has;

	if (module >= maker->job_count || !maker->has_thread)
		return false;
	pthread_mutex_lock(&maker->lock);
	has = maker->jobs[module].done &&
	      (maker->jobs[module].code || maker->jobs[module].image.header);
	pthread_mutex_unlock(&maker->lock);
	return has;
}

/* What the thread makes of a module, as soon as it has. False: it has been taken before. */
static bool take(struct ft_table_maker *maker, struct job *job, struct ft_table_image *image)
{
	bool fresh;

	pthread_mutex_lock(&maker->lock);
	come_forward(maker);
	while (!job->done)
		pthread_cond_wait(&maker->progress, &maker->lock);
	fresh = job->code || job->image.header;
	*image = job->image;
	job->image = (struct ft_table_image){0};
	pthread_mutex_unlock(&maker->lock);
	return fresh;
}

int ft_table_maker_get(struct ft_table_maker *maker, u32 module, struct ft_table_image *image)
{
	const struct ft_module *m = &maker->raw->modules[module];
	struct ft_elf *elf;
	bool store;
	int code;

	/* A file that could not be opened may have been opened since. */
	if (module < maker->job_count && maker->has_thread &&
	    maker->jobs[module].module.fd == m->fd && take(maker, &maker->jobs[module], image))
		return maker->jobs[module].code;
	code = open_elf(m, &elf);
	if (code)
		return code;
	code = make(maker, m, elf, image, &store);
	ft_elf_close(elf);
	if (store)
		ft_table_cache_store(maker->cache, m, image);
	return code;
}

void ft_table_maker_free(struct ft_table_maker *maker)
{
	if (!maker)
		return;
	if (maker->has_thread) {
		pthread_mutex_lock(&maker->lock);
		maker->cancelled = true;
		pthread_mutex_unlock(&maker->lock);
		pthread_join(maker->thread, NULL);
	}
	for (u32 i = 0; i < maker->job_count; i++) {
		ft_elf_close(maker->jobs[i].elf);
		ft_table_image_fini(&maker->jobs[i].image);
	}
	free(maker->jobs);
	pthread_cond_destroy(&maker->progress);
	pthread_mutex_destroy(&maker->lock);
	free(maker);
}
