/*
 * kernel_front.c - fronts of arrays, as user space sees them: see bpf_front.c and kernel_parts.h.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scriptlang/kernel/kernel_parts.h"

#define FRONT_BYTES (1u << 20) /* of one array, on all CPUs; more only if there are thousands */
#define TRIES 1000 /* of finding a front that nobody is at: a handler takes no microsecond */

/* A place on one CPU; 0, or a negative errno. */
static int flush_place(const struct ft_kernel_var *kv, u32 cpu, u64 place)
{
	u64 args[1] = {place};
	struct bpf_test_run_opts opts = {.sz = sizeof(opts),
					 .ctx_in = args,
					 .ctx_size_in = sizeof(args),
					 .flags = BPF_F_TEST_RUN_ON_CPU,
					 .cpu = cpu};

	for (int i = 0; i < TRIES; i++)
		if (bpf_prog_test_run_opts(kv->flush, &opts))
			return errno == ENXIO ? 0 : -errno; /* that CPU is not online */
		else if (!opts.retval)
			return 0;
	return -EBUSY;
}

/* Those where there is something; most are empty as a rule. */
void ft_kernel_front_flush(const struct ft_kernel_var *kv)
{
	const struct ft_var *v = kv->var;

	if (kv->flush < 0)
		return;
	for (u32 at = 0; at < kv->kernel->cpu_count * v->front_count; at++) {
		const struct ft_front_head *head =
			(const void *)(kv->front + (size_t)at * v->front_bytes);

		if (__atomic_load_n(&head->order, __ATOMIC_ACQUIRE) &&
		    flush_place(kv, at / v->front_count, at % v->front_count))
			__atomic_add_fetch(&kv->kernel->session->lost, 1, __ATOMIC_RELAXED);
	}
}

/* False: the kernel cannot run it, and the array does without. */
static bool open_one(struct ft_kernel *k, struct ft_kernel_var *kv)
{
	const struct bpf_map_create_opts opts = {.sz = sizeof(opts), .map_flags = BPF_F_MMAPABLE};
	struct ft_bpf_program program;
	struct ft_var *v = kv->var;
	void *front;

	while (v->front_count > 1 &&
	       (u64)v->front_count * k->cpu_count * v->front_bytes > FRONT_BYTES)
		v->front_count /= 2;
	kv->front_len = (size_t)v->front_count * k->cpu_count * v->front_bytes;
	v->front_fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "ft_front", 4, (u32)kv->front_len, 1, &opts);
	if (v->front_fd < 0 || ft_bpf_generate_flush(k->compile, v, &k->maps, &program))
		return false;
	front = mmap(NULL, kv->front_len, PROT_READ, MAP_SHARED, v->front_fd, 0);
	if (front == MAP_FAILED)
		return false;
	kv->front = front;
	kv->flush = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "ft_flush", "GPL", program.insns,
				  program.count, NULL);
	return kv->flush >= 0 && !flush_place(kv, 0, 0);
}

void ft_kernel_front_close(struct ft_kernel_var *kv)
{
	if (kv->flush >= 0)
		close(kv->flush);
	if (kv->front)
		munmap((void *)(uintptr_t)kv->front, kv->front_len);
	kv->flush = -1;
	kv->front = NULL;
}

void ft_kernel_fronts_open(struct ft_kernel *k)
{
	for (u32 i = 0; i < k->var_count; i++) {
		struct ft_kernel_var *kv = &k->vars[i];

		if (!kv->var || !kv->var->front_bytes || open_one(k, kv))
			continue;
		kv->var->front_bytes = 0;
		ft_kernel_front_close(kv);
	}
}
