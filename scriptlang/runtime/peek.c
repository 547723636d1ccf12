/*
 * peek.c - see peek.h.
 *
 * Under lockdown nobody reads /dev/mem or /proc/kcore, but programs may read the kernel's memory.
 * So there is one that is run on demand, in this thread: its context says what to read, and what it
 * read lies in a map that is mapped here.
 */
#include "scriptlang/runtime/peek.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "scriptlang/codegen/bpf_asm.h"

#define CODE_BYTES_MAX (64u << 10)

enum what {
	PEEK_BYTES,
	PEEK_STRING,
	PEEK_TASK,
};

struct ft_peek {
	int map, program;
	char *found; /* mapped, FT_PEEK_MAX bytes */
};

/* The context's words: address, bytes, what. The result: 0, or below 0. */
static void make_code(struct ft_bpf_code *c, int map)
{
	u32 text = ft_bpf_label(c), task = ft_bpf_label(c);

	ft_bpf_load(c, FT_BPF_8, BPF_REG_6, BPF_REG_1, 16);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_2, BPF_REG_1, 8);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_1, 0);
	ft_bpf_map_value(c, BPF_REG_1, map, 0);
	ft_bpf_alu_imm(c, BPF_AND, BPF_REG_2, FT_PEEK_MAX - 1);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_6, PEEK_STRING, text);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_6, PEEK_TASK, task);
	ft_bpf_call(c, BPF_FUNC_probe_read_kernel);
	ft_bpf_exit(c);
	ft_bpf_bind(c, text);
	ft_bpf_call(c, BPF_FUNC_probe_read_kernel_str);
	ft_bpf_exit(c);
	ft_bpf_bind(c, task);
	ft_bpf_call(c, BPF_FUNC_get_current_task);
	ft_bpf_map_value(c, BPF_REG_1, map, 0);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_1, 0, BPF_REG_0);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 0);
	ft_bpf_exit(c);
}

static int load(struct ft_peek *peek)
{
	const struct bpf_map_create_opts opts = {.sz = sizeof(opts), .map_flags = BPF_F_MMAPABLE};
	struct ft_bpf_code code = {.arena = ft_arena_new(CODE_BYTES_MAX)};
	int error = -ENOMEM;

	peek->map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ft_peek", 4, FT_PEEK_MAX, 1, &opts);
	if (peek->map < 0) {
		error = peek->map;
		goto out;
	}
	peek->found = mmap(NULL, FT_PEEK_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, peek->map, 0);
	if (peek->found == MAP_FAILED)
		goto out;
	make_code(&code, peek->map);
	error = ft_bpf_finish(&code);
	if (error)
		goto out;
	peek->program = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "ft_peek", "GPL", code.insns,
				      code.count, NULL);
	error = peek->program < 0 ? peek->program : 0;
out:
	ft_arena_free(code.arena);
	return error;
}

int ft_peek_new(struct ft_peek **peek)
{
	struct ft_peek *made = ft_alloc(sizeof(*made));
	int error;

	*made = (struct ft_peek){.map = -1, .program = -1, .found = MAP_FAILED};
	error = load(made);
	if (error)
		ft_peek_free(made);
	else
		*peek = made;
	return error;
}

void ft_peek_free(struct ft_peek *peek)
{
	if (!peek)
		return;
	if (peek->found != MAP_FAILED)
		munmap(peek->found, FT_PEEK_MAX);
	if (peek->map >= 0)
		close(peek->map);
	if (peek->program >= 0)
		close(peek->program);
	free(peek);
}

static int peek_at(struct ft_peek *peek, u64 addr, size_t bytes, enum what what)
{
	u64 context[] = {addr, bytes, what};
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts), .ctx_in = context, .ctx_size_in = sizeof(context)};

	if (bpf_prog_test_run_opts(peek->program, &opts))
		return -errno;
	return (s32)opts.retval < 0 ? -EFAULT : 0;
}

int ft_peek_read(struct ft_peek *peek, u64 addr, void *to, size_t bytes)
{
	char *at = to;

	while (bytes) {
		size_t some = bytes < FT_PEEK_MAX ? bytes : FT_PEEK_MAX - 1;
		int error = peek_at(peek, addr, some, PEEK_BYTES);

		if (error)
			return error;
		memcpy(at, peek->found, some);
		at += some;
		addr += some;
		bytes -= some;
	}
	return 0;
}

int ft_peek_string(struct ft_peek *peek, u64 addr, char *to, size_t bytes)
{
	size_t some = bytes < FT_PEEK_MAX ? bytes : FT_PEEK_MAX - 1;
	int error = some ? peek_at(peek, addr, some, PEEK_STRING) : -EINVAL;
	size_t len = error ? 0 : strnlen(peek->found, some - 1);

	if (error)
		return error;
	memcpy(to, peek->found, len);
	to[len] = '\0';
	return 0;
}

u64 ft_peek_task(struct ft_peek *peek)
{
	u64 task = 0;

	if (!peek_at(peek, 0, 0, PEEK_TASK))
		memcpy(&task, peek->found, sizeof(task));
	return task;
}
