/*
 * bpf_asm.h - an assembler for BPF: instructions, labels.
 *
 * Instructions: Documentation/bpf/standardization/instruction-set.rst in the kernel's source.
 */
#ifndef FT_SCRIPTLANG_BPF_ASM_H
#define FT_SCRIPTLANG_BPF_ASM_H

#include <linux/bpf.h>

#include "base/arena.h"

struct ft_bpf_fixup {
	u32 insn, label;
	bool calls; /* the distance goes into imm, not off */
};

struct ft_bpf_code {
	struct ft_arena *arena;
	struct bpf_insn *insns;
	u32 count;
	u32 *labels; /* where each is, or UINT32_MAX */
	u32 label_count;
	struct ft_bpf_fixup *fixups;
	u32 fixup_count;
	u32 *needless; /* instructions that turned out to do nothing */
	u32 needless_count;
};

/* Memory of an instruction, by bytes. */
enum { FT_BPF_8 = BPF_DW, FT_BPF_4 = BPF_W, FT_BPF_2 = BPF_H, FT_BPF_1 = BPF_B };

/* Leaves out an instruction, which is no jump, when the code is finished. */
void ft_bpf_leave_out(struct ft_bpf_code *c, u32 at);

u32 ft_bpf_label(struct ft_bpf_code *c);
void ft_bpf_bind(struct ft_bpf_code *c, u32 label);
/* Whether something goes to a label so far. */
bool ft_bpf_is_target(const struct ft_bpf_code *c, u32 label);

void ft_bpf_emit(struct ft_bpf_code *c, u8 code, u8 dst, u8 src, s32 off, s32 imm);

/* dst op= src; dst op= imm. op: BPF_ADD, BPF_MOV, ... */
void ft_bpf_alu(struct ft_bpf_code *c, u8 op, u8 dst, u8 src);
void ft_bpf_alu_imm(struct ft_bpf_code *c, u8 op, u8 dst, s32 imm);
void ft_bpf_mov(struct ft_bpf_code *c, u8 dst, u8 src);
/* Any number. */
void ft_bpf_number(struct ft_bpf_code *c, u8 dst, s64 number);
/* dst = *(size *)(src + off); *(size *)(dst + off) = src */
void ft_bpf_load(struct ft_bpf_code *c, u8 size, u8 dst, u8 src, s32 off);
void ft_bpf_store(struct ft_bpf_code *c, u8 size, u8 dst, s32 off, u8 src);
void ft_bpf_store_imm(struct ft_bpf_code *c, u8 size, u8 dst, s32 off, s32 imm);
/* Atomic: *(u64 *)(dst + off) += src, with src = what was there if fetch. */
void ft_bpf_atomic_add(struct ft_bpf_code *c, u8 dst, s32 off, u8 src, bool fetch);
/* Atomic: swaps *(u64 *)(dst + off) and src. */
void ft_bpf_exchange(struct ft_bpf_code *c, u8 dst, s32 off, u8 src);
/* Jumps: op is BPF_JEQ, BPF_JNE, BPF_JSLT, ... */
void ft_bpf_jump(struct ft_bpf_code *c, u32 label);
void ft_bpf_jump_if(struct ft_bpf_code *c, u8 op, u8 dst, u8 src, u32 label);
void ft_bpf_jump_imm(struct ft_bpf_code *c, u8 op, u8 dst, s32 imm, u32 label);
/* Goes to the label when the kernel thinks that the loop has run for too long (Linux 6.9). */
void ft_bpf_may_goto(struct ft_bpf_code *c, u32 label);
void ft_bpf_call(struct ft_bpf_code *c, s32 helper);
/* Calls what begins at a label: a subprogram behind the main program's end. */
void ft_bpf_call_label(struct ft_bpf_code *c, u32 label);
/* dst = what begins at a label, for helpers that call it. Needs BTF. */
void ft_bpf_function(struct ft_bpf_code *c, u8 dst, u32 label);
void ft_bpf_exit(struct ft_bpf_code *c);
/* dst = a map; dst = address in the first value of a map. */
void ft_bpf_map(struct ft_bpf_code *c, u8 dst, int fd);
void ft_bpf_map_value(struct ft_bpf_code *c, u8 dst, int fd, u32 off);

/* Puts in where labels are. 0, -ENOMEM, or -E2BIG when a jump is too far. */
int ft_bpf_finish(struct ft_bpf_code *c);

#endif
