/* bpf_asm.c - see bpf_asm.h. */
#include "scriptlang/codegen/bpf_asm.h"

#include <errno.h>
#include <string.h>

#ifndef BPF_PSEUDO_MAP_VALUE
#define BPF_PSEUDO_MAP_VALUE 2
#endif
#define JCOND 0xe0 /* BPF_JCOND, Linux 6.9; src 0 is may_goto */

u32 ft_bpf_label(struct ft_bpf_code *c)
{
	u32 *slot = FT_ARENA_PUSH(c->arena, &c->labels, &c->label_count);

	if (!slot)
		return 0;
	*slot = UINT32_MAX;
	return c->label_count - 1;
}

void ft_bpf_bind(struct ft_bpf_code *c, u32 label)
{
	if (label < c->label_count)
		c->labels[label] = c->count;
}

bool ft_bpf_is_target(const struct ft_bpf_code *c, u32 label)
{
	for (u32 i = c->fixup_count; i-- > 0;)
		if (c->fixups[i].label == label)
			return true;
	return false;
}

void ft_bpf_emit(struct ft_bpf_code *c, u8 code, u8 dst, u8 src, s32 off, s32 imm)
{
	struct bpf_insn *insn = FT_ARENA_PUSH(c->arena, &c->insns, &c->count);

	if (!insn)
		return;
	*insn = (struct bpf_insn){.code = code, .off = (s16)off, .imm = imm};
	insn->dst_reg = dst & 0xfu;
	insn->src_reg = src & 0xfu;
}

void ft_bpf_alu(struct ft_bpf_code *c, u8 op, u8 dst, u8 src)
{
	ft_bpf_emit(c, BPF_ALU64 | BPF_X | op, dst, src, 0, 0);
}

void ft_bpf_alu_imm(struct ft_bpf_code *c, u8 op, u8 dst, s32 imm)
{
	ft_bpf_emit(c, BPF_ALU64 | BPF_K | op, dst, 0, 0, imm);
}

void ft_bpf_leave_out(struct ft_bpf_code *c, u32 at)
{
	u32 *slot = FT_ARENA_PUSH(c->arena, &c->needless, &c->needless_count);

	if (slot)
		*slot = at;
}

void ft_bpf_mov(struct ft_bpf_code *c, u8 dst, u8 src)
{
	if (dst != src)
		ft_bpf_alu(c, BPF_MOV, dst, src);
}

static void load_wide(struct ft_bpf_code *c, u8 dst, u8 src, u32 low, u32 high)
{
	ft_bpf_emit(c, BPF_LD | BPF_DW | BPF_IMM, dst, src, 0, (s32)low);
	ft_bpf_emit(c, 0, 0, 0, 0, (s32)high);
}

void ft_bpf_number(struct ft_bpf_code *c, u8 dst, s64 number)
{
	if (number == (s32)number)
		ft_bpf_alu_imm(c, BPF_MOV, dst, (s32)number);
	else
		load_wide(c, dst, 0, (u32)number, (u32)((u64)number >> 32));
}

void ft_bpf_load(struct ft_bpf_code *c, u8 size, u8 dst, u8 src, s32 off)
{
	ft_bpf_emit(c, BPF_LDX | BPF_MEM | size, dst, src, off, 0);
}

void ft_bpf_store(struct ft_bpf_code *c, u8 size, u8 dst, s32 off, u8 src)
{
	ft_bpf_emit(c, BPF_STX | BPF_MEM | size, dst, src, off, 0);
}

void ft_bpf_store_imm(struct ft_bpf_code *c, u8 size, u8 dst, s32 off, s32 imm)
{
	ft_bpf_emit(c, BPF_ST | BPF_MEM | size, dst, 0, off, imm);
}

void ft_bpf_atomic_add(struct ft_bpf_code *c, u8 dst, s32 off, u8 src, bool fetch)
{
	ft_bpf_emit(c, BPF_STX | BPF_ATOMIC | BPF_DW, dst, src, off,
		    BPF_ADD | (fetch ? BPF_FETCH : 0));
}

void ft_bpf_exchange(struct ft_bpf_code *c, u8 dst, s32 off, u8 src)
{
	ft_bpf_emit(c, BPF_STX | BPF_ATOMIC | BPF_DW, dst, src, off, BPF_XCHG);
}

static void fix_later(struct ft_bpf_code *c, u32 label, bool calls)
{
	struct ft_bpf_fixup *f = FT_ARENA_PUSH(c->arena, &c->fixups, &c->fixup_count);

	if (f)
		*f = (struct ft_bpf_fixup){.insn = c->count, .label = label, .calls = calls};
}

void ft_bpf_jump(struct ft_bpf_code *c, u32 label)
{
	fix_later(c, label, false);
	ft_bpf_emit(c, BPF_JMP | BPF_JA, 0, 0, 0, 0);
}

void ft_bpf_jump_if(struct ft_bpf_code *c, u8 op, u8 dst, u8 src, u32 label)
{
	fix_later(c, label, false);
	ft_bpf_emit(c, BPF_JMP | BPF_X | op, dst, src, 0, 0);
}

void ft_bpf_jump_imm(struct ft_bpf_code *c, u8 op, u8 dst, s32 imm, u32 label)
{
	fix_later(c, label, false);
	ft_bpf_emit(c, BPF_JMP | BPF_K | op, dst, 0, 0, imm);
}

void ft_bpf_may_goto(struct ft_bpf_code *c, u32 label)
{
	fix_later(c, label, false);
	ft_bpf_emit(c, BPF_JMP | JCOND, 0, 0, 0, 0);
}

void ft_bpf_call(struct ft_bpf_code *c, s32 helper)
{
	ft_bpf_emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

void ft_bpf_call_label(struct ft_bpf_code *c, u32 label)
{
	fix_later(c, label, true);
	ft_bpf_emit(c, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
}

void ft_bpf_function(struct ft_bpf_code *c, u8 dst, u32 label)
{
	fix_later(c, label, true);
	load_wide(c, dst, BPF_PSEUDO_FUNC, 0, 0);
}

void ft_bpf_exit(struct ft_bpf_code *c)
{
	ft_bpf_emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void ft_bpf_map(struct ft_bpf_code *c, u8 dst, int fd)
{
	load_wide(c, dst, BPF_PSEUDO_MAP_FD, (u32)fd, 0);
}

void ft_bpf_map_value(struct ft_bpf_code *c, u8 dst, int fd, u32 off)
{
	load_wide(c, dst, BPF_PSEUDO_MAP_VALUE, (u32)fd, off);
}

/* What a walk over the program's ways has seen. */
struct ways {
	const struct ft_bpf_code *c;
	u32 *targets; /* of each instruction, UINT32_MAX: it goes nowhere else */
	u8 *idle;     /* not met, so far */
	u32 *todo;
	u32 todo_count;
};

static void meet(struct ways *w, u32 at)
{
	if (at >= w->c->count || !w->idle[at])
		return;
	w->idle[at] = 0;
	w->todo[w->todo_count++] = at;
}

/*
 * Marks the instructions to which no way leads as idle: where a branch turned out to be decided.
 * The kernel refuses a program that has such.
 */
static int find_unreached(struct ft_bpf_code *c, u8 *idle)
{
	struct ways w = {.c = c, .idle = idle};

	w.targets = ft_arena_alloc(c->arena, (size_t)c->count + 1, sizeof(*w.targets));
	w.todo = ft_arena_alloc(c->arena, (size_t)c->count + 1, sizeof(*w.todo));
	if (!w.targets || !w.todo)
		return -ENOMEM;
	memset(w.targets, 0xff, c->count * sizeof(*w.targets));
	memset(idle, 1, c->count);
	for (u32 i = 0; i < c->fixup_count; i++)
		w.targets[c->fixups[i].insn] = c->labels[c->fixups[i].label];
	meet(&w, 0);
	while (w.todo_count) {
		u32 at = w.todo[--w.todo_count];
		u8 code = c->insns[at].code;

		if (w.targets[at] != UINT32_MAX)
			meet(&w, w.targets[at]);
		if (code != (BPF_JMP | BPF_JA) && code != (BPF_JMP | BPF_EXIT))
			meet(&w, at + 1); /* also the second half of a wide load */
	}
	return 0;
}

/*
 * Leaves out what is never reached, what is needless, and jumps to what comes next anyway. Most the
 * kernel would leave out, too, but it moves the whole program for each of them.
 */
static int drop_idle(struct ft_bpf_code *c)
{
	u32 *place = ft_arena_alloc(c->arena, (size_t)c->count + 1, sizeof(*place)), kept = 0,
	    f = 0;
	u8 *idle = ft_arena_alloc(c->arena, (size_t)c->count + 1, 1);

	if (!place || !idle || find_unreached(c, idle))
		return -ENOMEM;
	for (u32 i = 0; i < c->needless_count; i++)
		idle[c->needless[i]] = 1;
	for (u32 i = c->fixup_count; i-- > 0;) {
		u32 at = c->fixups[i].insn, to = c->labels[c->fixups[i].label], next = at + 1;

		while (next < to && idle[next])
			next++;
		idle[at] |= c->insns[at].code == (BPF_JMP | BPF_JA) && next == to;
	}
	for (u32 i = 0; i < c->count; i++) {
		place[i] = kept;
		if (!idle[i])
			c->insns[kept++] = c->insns[i];
	}
	place[c->count] = kept;
	for (u32 i = 0; i < c->fixup_count; i++) {
		if (idle[c->fixups[i].insn])
			continue;
		c->fixups[f] = c->fixups[i];
		c->fixups[f++].insn = place[c->fixups[i].insn];
	}
	for (u32 i = 0; i < c->label_count; i++)
		if (c->labels[i] != UINT32_MAX)
			c->labels[i] = place[c->labels[i]];
	c->fixup_count = f;
	c->count = kept;
	return 0;
}

int ft_bpf_finish(struct ft_bpf_code *c)
{
	if (ft_arena_failed(c->arena) || drop_idle(c))
		return -ENOMEM;
	for (u32 i = 0; i < c->fixup_count; i++) {
		struct bpf_insn *insn = &c->insns[c->fixups[i].insn];
		s64 off = (s64)c->labels[c->fixups[i].label] - (s64)c->fixups[i].insn - 1;

		if (c->fixups[i].calls) {
			insn->imm = (s32)off;
			continue;
		}
		if (off != (s16)off)
			return -E2BIG;
		insn->off = (s16)off;
	}
	return 0;
}
