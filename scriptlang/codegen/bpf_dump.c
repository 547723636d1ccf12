/* bpf_dump.c - programs as text (--dump bpf); see bpf.h. */
#include "scriptlang/codegen/bpf.h"

static const char *const alu_names[16] = {
	"+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "swap"};
static const char *const jump_names[16] = {"goto", "==",   ">", ">=", "&",  "!=",  "s>",      "s>=",
					   "call", "exit", "<", "<=", "s<", "s<=", "may_goto"};
static const char *const size_names[4] = {"u32", "u16", "u8", "u64"};

static void dump_alu(const struct bpf_insn *i, struct ft_out *out)
{
	const char *name = alu_names[i->code >> 4];

	if (BPF_OP(i->code) == BPF_NEG)
		ft_out_printf(out, "r%u = -r%u", i->dst_reg, i->dst_reg);
	else if (i->code & BPF_X)
		ft_out_printf(out, "r%u %s r%u", i->dst_reg, name, i->src_reg);
	else
		ft_out_printf(out, "r%u %s %d", i->dst_reg, name, i->imm);
}

static void dump_jump(const struct bpf_insn *i, u32 at, struct ft_out *out)
{
	const char *name = jump_names[i->code >> 4];
	u32 to = (u32)((s32)at + 1 + i->off);

	if (BPF_OP(i->code) == BPF_EXIT)
		ft_out_text(out, "exit");
	else if (BPF_OP(i->code) == BPF_CALL && i->src_reg == BPF_PSEUDO_CALL)
		ft_out_printf(out, "call to %d", (s32)at + 1 + i->imm);
	else if (BPF_OP(i->code) == BPF_CALL)
		ft_out_printf(out, "call %d", i->imm);
	else if (BPF_OP(i->code) == BPF_JA || BPF_OP(i->code) == 0xe0)
		ft_out_printf(out, "%s %u", name, to);
	else if (i->code & BPF_X)
		ft_out_printf(out, "if r%u %s r%u goto %u", i->dst_reg, name, i->src_reg, to);
	else
		ft_out_printf(out, "if r%u %s %d goto %u", i->dst_reg, name, i->imm, to);
}

static void dump_memory(const struct bpf_insn *i, struct ft_out *out)
{
	const char *size = size_names[BPF_SIZE(i->code) >> 3];

	if (BPF_CLASS(i->code) == BPF_LDX)
		ft_out_printf(out, "r%u = *(%s *)(r%u %+d)", i->dst_reg, size, i->src_reg, i->off);
	else if (BPF_CLASS(i->code) == BPF_ST)
		ft_out_printf(out, "*(%s *)(r%u %+d) = %d", size, i->dst_reg, i->off, i->imm);
	else if (BPF_MODE(i->code) == BPF_ATOMIC)
		ft_out_printf(out, "atomic 0x%x *(%s *)(r%u %+d) r%u", i->imm, size, i->dst_reg,
			      i->off, i->src_reg);
	else
		ft_out_printf(out, "*(%s *)(r%u %+d) = r%u", size, i->dst_reg, i->off, i->src_reg);
}

void ft_bpf_dump(const struct ft_bpf_program *program, struct ft_out *out)
{
	for (u32 at = 0; at < program->count; at++) {
		const struct bpf_insn *i = &program->insns[at];

		ft_out_printf(out, "%5u: ", at);
		switch (BPF_CLASS(i->code)) {
		case BPF_ALU64:
			dump_alu(i, out);
			break;
		case BPF_JMP:
			dump_jump(i, at, out);
			break;
		case BPF_LD:
			if (i->src_reg)
				ft_out_printf(out, "r%u = map, %d", i->dst_reg, i[1].imm);
			else
				ft_out_printf(out, "r%u = 0x%llx", i->dst_reg,
					      (unsigned long long)(u32)i[1].imm << 32 |
						      (u32)i->imm);
			at++;
			break;
		default:
			dump_memory(i, out);
		}
		ft_out_char(out, '\n');
	}
}
