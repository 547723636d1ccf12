/*
 * kernel_rounds.c - how loops of handlers end on this kernel (bpf_rounds.c), and the types that it
 * wants to see of programs with functions that helpers call; see kernel_parts.h.
 *
 * Types: Documentation/bpf/btf.rst in the kernel's source. All functions have the same.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/btf.h>
#include <string.h>
#include <unistd.h>

#include "scriptlang/codegen/bpf_asm.h"
#include "scriptlang/kernel/kernel_parts.h"

#define STRINGS "\0int\0f\0" /* a multiple of 4 bytes: nothing may lie behind them */
#define TYPE_FUNCTION 3

static const struct {
	struct btf_header header;
	struct btf_type number;
	u32 number_data;
	struct btf_type prototype, function;
	char strings[sizeof(STRINGS)];
} types = {
	.header = {.magic = BTF_MAGIC,
		   .version = BTF_VERSION,
		   .hdr_len = sizeof(struct btf_header),
		   .type_len = 3 * sizeof(struct btf_type) + sizeof(u32),
		   .str_off = 3 * sizeof(struct btf_type) + sizeof(u32),
		   .str_len = sizeof(STRINGS)},
	.number = {.name_off = 1, .info = BTF_KIND_INT << 24, .size = 4},
	.number_data = BTF_INT_SIGNED << 24 | 32,
	.prototype = {.info = BTF_KIND_FUNC_PROTO << 24, .type = 1},
	.function = {.name_off = 5, .info = BTF_KIND_FUNC << 24, .type = 2},
	.strings = STRINGS,
};

static bool calls_function(const struct bpf_insn *insn)
{
	return (insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL) ||
	       (insn->code == (BPF_LD | BPF_DW | BPF_IMM) && insn->src_reg == BPF_PSEUDO_FUNC);
}

int ft_kernel_describe(struct ft_kernel *k, const struct ft_bpf_program *program,
		       struct bpf_prog_load_opts *opts)
{
	u8 *begins = ft_arena_alloc(k->compile->arena, (size_t)program->count + 1, 1);
	struct bpf_func_info *functions = NULL;
	u32 count = 0;

	if (k->types < 0) {
		k->types = bpf_btf_load(&types, sizeof(types), NULL);
		if (k->types < 0)
			return -errno;
	}
	if (!begins)
		return -ENOMEM;
	begins[0] = 1;
	for (u32 i = 0; i < program->count; i++) {
		const struct bpf_insn *insn = &program->insns[i];

		if (calls_function(insn) && (u32)((s32)i + insn->imm + 1) < program->count)
			begins[(s32)i + insn->imm + 1] = 1;
		if (insn->code == (BPF_LD | BPF_DW | BPF_IMM))
			i++; /* its second half is none */
	}
	for (u32 i = 0; i < program->count; i++) {
		struct bpf_func_info *slot =
			begins[i] ? FT_ARENA_PUSH(k->compile->arena, &functions, &count) : NULL;

		if (slot)
			*slot = (struct bpf_func_info){.insn_off = i, .type_id = TYPE_FUNCTION};
	}
	opts->prog_btf_fd = (u32)k->types;
	opts->func_info = functions;
	opts->func_info_cnt = count;
	opts->func_info_rec_size = sizeof(*functions);
	return ft_arena_failed(k->compile->arena) ? -ENOMEM : 0;
}

/* Whether the kernel knows may_goto (Linux 6.9). */
static bool has_may_goto(struct ft_kernel *k)
{
	struct ft_bpf_code c = {.arena = k->compile->arena};
	u32 end = ft_bpf_label(&c);
	int fd;

	ft_bpf_alu_imm(&c, BPF_MOV, BPF_REG_0, 0);
	ft_bpf_may_goto(&c, end);
	ft_bpf_alu_imm(&c, BPF_MOV, BPF_REG_0, 1);
	ft_bpf_bind(&c, end);
	ft_bpf_exit(&c);
	if (ft_bpf_finish(&c))
		return false;
	fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "ft_loops", "GPL", c.insns, c.count, NULL);
	if (fd < 0)
		return errno != EINVAL; /* what else is in the way, others say */
	close(fd);
	return true;
}

void ft_kernel_choose_rounds(struct ft_kernel *k)
{
	bool loops = false;

	for (u32 i = 0; i < k->program->program->handler_count; i++)
		loops |= k->program->handlers[i]->side == FT_SIDE_KERNEL &&
			 k->program->handlers[i]->loops;
	if (!loops || (!k->compile->rounds_by_calls && has_may_goto(k)))
		return;
	k->maps.counts_rounds = k->maps.rounds_by_calls = true;
}
