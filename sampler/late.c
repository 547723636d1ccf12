/* late.c - see late.h. The loop mirrors ft_walk_frame in bpf/ustack.bpf.h. */
#include "sampler/late.h"

#include <string.h>

#include "profile/quality.h"
#include "sampler/unwind_state.h"

/* A walk; u comes first, since unwind_read gets its address. */
struct late {
	struct ft_unwind u;
	const struct ft_wire_capture *capture;
	const struct ft_space *space;
	struct ft_tables *tables;
	u32 suspect; /* enum ft_end: the reason if the last step led to no code */
};

/* Whether the piece of a byte of the stack was not resident. */
static bool is_missing(const struct ft_wire_capture *capture, u64 at)
{
	return capture->missing >> at / FT_WIRE_CAPTURE_PIECE & 1;
}

static bool unwind_read(struct ft_unwind *u, u64 addr, u64 *word)
{
	const struct ft_wire_capture *c = ((const struct late *)u)->capture;
	u64 at = addr - FT_WIRE_CAPTURE_FROM(c->regs[FT_CFI_X86_SP]);

	if (at > c->stack_bytes || c->stack_bytes - at < sizeof(*word) || is_missing(c, at) ||
	    is_missing(c, at + sizeof(*word) - 1))
		return false;
	memcpy(word, c->stack + at, sizeof(*word));
	return true;
}

#include "sampler/unwind.h"

/* Whether the walk has come to a stack of which nothing was sent. */
static bool left_stack(const struct late *late)
{
	const struct ft_wire_capture *c = late->capture;

	return late->u.sp - FT_WIRE_CAPTURE_FROM(c->regs[FT_CFI_X86_SP]) > c->stack_bytes;
}

static bool step_frame_pointer(struct late *late, enum ft_end reason, u8 *end)
{
	enum ft_unwind_result result = unwind_frame_pointer(&late->u);

	late->suspect = reason;
	*end = result == FT_UNWIND_ROOT ? FT_END_ROOT : (u8)reason;
	return result == FT_UNWIND_MORE;
}

static bool step_rule(struct late *late, const struct ft_cfi_rule *rule, u8 *end)
{
	enum ft_unwind_result result =
		rule->cfa_kind == FT_CFI_CFA_BAD ? FT_UNWIND_BAD : unwind_rule(&late->u, rule);

	late->suspect = FT_END_BAD_RULE;
	*end = result == FT_UNWIND_ROOT	   ? FT_END_ROOT
	       : result == FT_UNWIND_FAULT ? FT_END_FAULT
					   : FT_END_BAD_RULE;
	return result == FT_UNWIND_MORE;
}

/*
 * Goes to the caller of the frame at addr, which is code in mapping m. False at the end, whose
 * reason is in *end.
 */
static bool step(struct late *late, const struct ft_mapping *m, u64 addr, enum ft_wire_unwind how,
		 u8 *end)
{
	enum ft_wire_table table = ft_tables_build(late->tables, m->module);
	const struct ft_cfi_rule *rule;
	struct ft_wire_mapping wire;

	if (table == FT_WIRE_TABLE_READY) {
		ft_tables_describe(late->tables, m, &wire);
		table = wire.table;
	}
	if (table == FT_WIRE_TABLE_READY) {
		rule = ft_tables_find(late->tables, &wire, addr);
		if (rule->cfa_kind != FT_CFI_CFA_NONE)
			return step_rule(late, rule, end);
	}
	if (table ==
	    FT_WIRE_TABLE_PENDING) { /* there is one, but the pool has no room for it now */
		*end = FT_END_NOT_READY;
		return false;
	}
	*end = table == FT_WIRE_TABLE_JIT	? FT_END_JIT
	       : table == FT_WIRE_TABLE_NO_ROOM ? FT_END_NO_ROOM
						: FT_END_NO_TABLE;
	return how == FT_WIRE_UNWIND_AUTO && step_frame_pointer(late, *end, end);
}

/* Walks into frames, of which there is room for FT_WIRE_MAX_FRAMES. Sets *end; returns how many. */
static u8 walk(struct late *late, enum ft_wire_unwind how, u64 *frames, u8 *end)
{
	u64 when_ns = late->capture->record.first_ns;
	u8 count = 0;

	unwind_begin(&late->u, late->capture->pc, late->capture->regs);
	late->suspect = FT_END_BAD_RULE;
	*end = FT_END_DEPTH;
	while (count < FT_WIRE_MAX_FRAMES) {
		u64 addr = late->u.exact ? late->u.pc : late->u.pc - 1;
		const struct ft_mapping *m =
			late->space ? ft_space_find(late->space, addr, when_ns) : NULL;

		if (!m && count) {
			*end = (u8)late->suspect;
			break;
		}
		frames[count++] = addr;
		if (!m) {
			*end = FT_END_NOT_READY;
			break;
		}
		if (!step(late, m, addr, how, end))
			break;
		*end = FT_END_DEPTH;
	}
	/*
	 * Not the stack was missing, but the part of it that was not sent; or another stack, to
	 * which the program has switched.
	 */
	if (*end == FT_END_FAULT && (late->capture->cut || left_stack(late)))
		*end = FT_END_NOT_READY;
	return count;
}

void ft_late_walk(struct ft_wire_capture *capture, const struct ft_space *space,
		  struct ft_tables *tables, enum ft_wire_unwind how)
{
	struct ft_wire_record *record = &capture->record;
	struct late late = {.capture = capture, .space = space, .tables = tables};
	u64 frames[FT_WIRE_MAX_FRAMES];
	u8 end, count = walk(&late, how, frames, &end);

	/*
	 * The programs read all of the process's memory. Where they reached a root, though by a
	 * return address of 0, and what was sent does not do for a second opinion, theirs counts.
	 */
	if (record->later != FT_WIRE_LATER_UNKNOWN || record->end != FT_END_ROOT ||
	    (end != FT_END_FAULT && end != FT_END_NOT_READY)) {
		memcpy(record->frames + record->kernel_frames, frames, count * sizeof(*frames));
		record->user_frames = count;
		record->end = end;
	}
	/*
	 * From a point within execve on, the old stack is gone and the new program has not begun.
	 */
	if (capture->in_execve && (record->end == FT_END_FAULT || record->end == FT_END_NOT_READY))
		record->user_frames = 0;
	record->words = FT_WIRE_FIXED_WORDS + record->kernel_frames + record->user_frames;
}
