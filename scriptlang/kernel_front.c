/*
 * kernel_front.c - fronts of arrays, as user space sees them: see bpf_front.c and kernel_parts.h.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "scriptlang/kernel_parts.h"

#define TRIES 1000 /* of finding a front that nobody is at: a handler takes no microsecond */

/* On one CPU; 0, or a negative errno. */
static int flush_on(const struct ft_kernel_var *kv, u32 cpu)
{
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts), .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = cpu};

	for (int i = 0; i < TRIES; i++)
		if (bpf_prog_test_run_opts(kv->flush, &opts))
			return errno == ENXIO ? 0 : -errno; /* that CPU is not online */
		else if (!opts.retval)
			return 0;
	return -EBUSY;
}

void ft_kernel_front_flush(const struct ft_kernel_var *kv)
{
	for (u32 cpu = 0; kv->flush >= 0 && cpu < kv->kernel->cpu_count; cpu++)
		if (flush_on(kv, cpu))
			__atomic_add_fetch(&kv->kernel->session->lost, 1, __ATOMIC_RELAXED);
}

/* False: the kernel cannot run it, and the array does without. */
static bool open_one(struct ft_kernel *k, struct ft_kernel_var *kv)
{
	const struct bpf_map_create_opts opts = {.sz = sizeof(opts)};
	struct ft_bpf_program program;
	struct ft_var *v = kv->var;

	v->front_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ft_front", 4,
				     v->front_bytes * k->cpu_count, 1, &opts);
	if (v->front_fd < 0 || ft_bpf_generate_flush(k->compile, v, &k->maps, &program))
		return false;
	kv->flush = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "ft_flush", "GPL", program.insns,
				  program.count, NULL);
	for (u32 cpu = 0; kv->flush >= 0 && cpu < k->cpu_count; cpu++)
		if (flush_on(kv, cpu))
			return false;
	return kv->flush >= 0;
}

void ft_kernel_fronts_open(struct ft_kernel *k)
{
	for (u32 i = 0; i < k->var_count; i++) {
		struct ft_kernel_var *kv = &k->vars[i];

		if (!kv->var || !kv->var->front_bytes || open_one(k, kv))
			continue;
		kv->var->front_bytes = 0;
		if (kv->flush >= 0)
			close(kv->flush);
		kv->flush = -1;
	}
}
