/*
 * dwarf_place.c - see dwarf_place.h.
 *
 * A stack machine. Values are 64 bits wide: what computes with floating point numbers is not
 * understood. What registers held when the function was entered, its caller may know.
 */
#include "symbolizer/dwarf_place.h"

#include <dwarf.h>
#include <string.h>

#define STACK_MAX 64
#define STEPS_MAX 10000

struct eval {
	struct dwarf_frame *frame;
	Dwarf_Attribute *attr;
	Dwarf_Op *ops;
	size_t count;
	u64 stack[STACK_MAX];
	u32 depth;
	bool overflow;		       /* or underflow */
	enum dwarf_place_kind trouble; /* DWARF_PLACE_NOWHERE: none so far */
};

static void push(struct eval *e, u64 value)
{
	if (e->depth == STACK_MAX)
		e->overflow = true;
	else
		e->stack[e->depth++] = value;
}

static u64 pop(struct eval *e)
{
	if (!e->depth) {
		e->overflow = true;
		return 0;
	}
	return e->stack[--e->depth];
}

static void give_up(struct eval *e, enum dwarf_place_kind why)
{
	if (e->trouble == DWARF_PLACE_NOWHERE)
		e->trouble = why;
}

static u64 reg_value(struct eval *e, u64 number)
{
	const struct ft_machine *m = e->frame->machine;

	if (number >= FT_MACHINE_REGS || !(m->known >> number & 1)) {
		give_up(e, DWARF_PLACE_UNSAVED);
		return 0;
	}
	return m->regs[number];
}

static u64 memory_value(struct eval *e, u64 addr, u64 bytes)
{
	const struct ft_machine *m = e->frame->machine;
	u64 value = 0;

	if (!bytes || bytes > sizeof(value) || !m->read(m->context, addr, &value, bytes))
		give_up(e, DWARF_PLACE_UNSAVED);
	return value;
}

/* An address that stands in a table, by its index. */
static u64 indexed(struct eval *e, const Dwarf_Op *op)
{
	Dwarf_Attribute attr;
	Dwarf_Addr addr;

	if (dwarf_getlocation_attr(e->attr, op, &attr) || dwarf_formaddr(&attr, &addr)) {
		give_up(e, DWARF_PLACE_UNKNOWN);
		return 0;
	}
	return addr;
}

static u64 frame_base(struct eval *e)
{
	struct dwarf_frame *frame = e->frame;
	struct dwarf_place place;
	Dwarf_Attribute attr;

	if (frame->in_frame_base ||
	    !dwarf_attr_integrate(&frame->function, DW_AT_frame_base, &attr)) {
		give_up(e, DWARF_PLACE_UNKNOWN);
		return 0;
	}
	frame->in_frame_base = true;
	dwarf_place_find(frame, &attr, &place);
	frame->in_frame_base = false;
	switch (place.parts[0].kind) {
	case DWARF_PLACE_REGISTER:
		return reg_value(e, place.parts[0].number);
	case DWARF_PLACE_MEMORY:
	case DWARF_PLACE_VALUE:
		return place.parts[0].number;
	default:
		give_up(e, place.parts[0].kind == DWARF_PLACE_NOWHERE ? DWARF_PLACE_UNKNOWN
								      : place.parts[0].kind);
		return 0;
	}
}

/* Operations on two values. False: op is none. */
static bool binary(struct eval *e, u8 atom)
{
	u64 b = e->depth ? e->stack[e->depth - 1] : 0;
	u64 a = e->depth > 1 ? e->stack[e->depth - 2] : 0, r;

	switch (atom) {
	case DW_OP_and:
		r = a & b;
		break;
	case DW_OP_or:
		r = a | b;
		break;
	case DW_OP_xor:
		r = a ^ b;
		break;
	case DW_OP_plus:
		r = a + b;
		break;
	case DW_OP_minus:
		r = a - b;
		break;
	case DW_OP_mul:
		r = a * b;
		break;
	case DW_OP_div:
		r = !b || (a == 1ull << 63 && b == UINT64_MAX) ? 0 : (u64)((s64)a / (s64)b);
		break;
	case DW_OP_mod:
		r = b ? a % b : 0;
		break;
	case DW_OP_shl:
		r = b < 64 ? a << b : 0;
		break;
	case DW_OP_shr:
		r = b < 64 ? a >> b : 0;
		break;
	case DW_OP_shra:
		/* The sign's bits come in from above. */
		b = b < 63 ? b : 63;
		r = a >> b | (a >> 63 && b ? ~(u64)0 << (64 - b) : 0);
		break;
	case DW_OP_eq:
		r = a == b;
		break;
	case DW_OP_ne:
		r = a != b;
		break;
	case DW_OP_lt:
		r = (s64)a < (s64)b;
		break;
	case DW_OP_le:
		r = (s64)a <= (s64)b;
		break;
	case DW_OP_gt:
		r = (s64)a > (s64)b;
		break;
	case DW_OP_ge:
		r = (s64)a >= (s64)b;
		break;
	default:
		return false;
	}
	pop(e);
	pop(e);
	push(e, r);
	return true;
}

/* Operations on the stack itself, and on one value. False: op is none. */
static bool unary(struct eval *e, const Dwarf_Op *op)
{
	u64 a, b, c;

	switch (op->atom) {
	case DW_OP_dup:
		a = pop(e);
		push(e, a);
		push(e, a);
		return true;
	case DW_OP_drop:
		pop(e);
		return true;
	case DW_OP_over:
	case DW_OP_pick:
		a = op->atom == DW_OP_over ? 1 : op->number;
		if (a >= e->depth)
			e->overflow = true;
		else
			push(e, e->stack[e->depth - 1 - a]);
		return true;
	case DW_OP_swap:
		a = pop(e);
		b = pop(e);
		push(e, a);
		push(e, b);
		return true;
	case DW_OP_rot:
		a = pop(e);
		b = pop(e);
		c = pop(e);
		push(e, a);
		push(e, c);
		push(e, b);
		return true;
	case DW_OP_abs:
		a = pop(e);
		push(e, (s64)a < 0 ? 0 - a : a);
		return true;
	case DW_OP_neg:
		push(e, 0 - pop(e));
		return true;
	case DW_OP_not:
		push(e, ~pop(e));
		return true;
	case DW_OP_plus_uconst:
		push(e, pop(e) + op->number);
		return true;
	case DW_OP_deref:
		push(e, memory_value(e, pop(e), 8));
		return true;
	case DW_OP_deref_size:
		push(e, memory_value(e, pop(e), op->number));
		return true;
	case DW_OP_nop:
		return true;
	default:
		return false;
	}
}

/* Operations that begin with nothing. False: op is none. */
static bool nullary(struct eval *e, const Dwarf_Op *op)
{
	const struct ft_machine *m = e->frame->machine;

	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31) {
		push(e, op->atom - DW_OP_lit0);
		return true;
	}
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		push(e, reg_value(e, op->atom - DW_OP_breg0) + op->number);
		return true;
	}
	switch (op->atom) {
	case DW_OP_addr:
		push(e, op->number + m->bias);
		return true;
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		push(e, indexed(e, op) + m->bias);
		return true;
	case DW_OP_constx:
	case DW_OP_GNU_const_index:
		push(e, indexed(e, op));
		return true;
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		push(e, op->number);
		return true;
	case DW_OP_bregx:
		push(e, reg_value(e, op->number) + op->number2);
		return true;
	case DW_OP_fbreg:
		push(e, frame_base(e) + op->number);
		return true;
	case DW_OP_call_frame_cfa:
		if (!m->has_cfa)
			give_up(e, DWARF_PLACE_UNSAVED);
		push(e, m->cfa);
		return true;
	default:
		return false;
	}
}

/* The operation that a jump leads to; count is the end. */
static size_t jump(const struct eval *e, const Dwarf_Op *op)
{
	Dwarf_Word target = op->offset + 3 + (Dwarf_Word)(s64)(s16)op->number;
	size_t i = 0;

	while (i < e->count && e->ops[i].offset != target)
		i++;
	return i;
}

/* Operations that say what kind of place it is. False: op is none. */
static bool describe(struct eval *e, const Dwarf_Op *op, struct dwarf_part *part)
{
	Dwarf_Block block;

	if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31) {
		*part = (struct dwarf_part){.kind = DWARF_PLACE_REGISTER,
					    .number = op->atom - DW_OP_reg0};
		return true;
	}
	switch (op->atom) {
	case DW_OP_regx:
		*part = (struct dwarf_part){.kind = DWARF_PLACE_REGISTER, .number = op->number};
		return true;
	case DW_OP_stack_value:
		*part = (struct dwarf_part){.kind = DWARF_PLACE_VALUE, .number = pop(e)};
		return true;
	case DW_OP_implicit_value:
		*part = (struct dwarf_part){.kind = DWARF_PLACE_UNKNOWN};
		if (!dwarf_getlocation_implicit_value(e->attr, op, &block))
			*part = (struct dwarf_part){.kind = DWARF_PLACE_BYTES,
						    .bytes = block.data,
						    .number = block.length};
		return true;
	case DW_OP_implicit_pointer:
	case DW_OP_GNU_implicit_pointer:
		*part = (struct dwarf_part){.kind = DWARF_PLACE_NOWHERE};
		return true;
	default:
		return false;
	}
}

/* Adds a part: what was described, else the address on the stack, else nothing. */
static void part_add(struct eval *e, struct dwarf_place *place, struct dwarf_part *part,
		     bool described, u64 size)
{
	if (!described && e->depth)
		*part = (struct dwarf_part){.kind = DWARF_PLACE_MEMORY, .number = pop(e)};
	else if (!described)
		*part = (struct dwarf_part){.kind = DWARF_PLACE_NOWHERE};
	if (e->trouble != DWARF_PLACE_NOWHERE)
		part->kind = e->trouble;
	part->size = size;
	if (place->count < DWARF_PARTS_MAX)
		place->parts[place->count++] = *part;
}

/* Pushes what a register held on entry. False: op is another one, or it is not known. */
static bool entry_value(struct eval *e, const Dwarf_Op *op)
{
	const struct ft_machine *m = e->frame->machine;
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	size_t count;
	u64 value;

	if ((op->atom != DW_OP_entry_value && op->atom != DW_OP_GNU_entry_value) || !m->entry ||
	    dwarf_getlocation_attr(e->attr, op, &attr) || dwarf_getlocation(&attr, &ops, &count) ||
	    count != 1 || ops[0].atom < DW_OP_reg0 || ops[0].atom > DW_OP_reg31 ||
	    !m->entry(m->context, (u32)(ops[0].atom - DW_OP_reg0), &value))
		return false;
	push(e, value);
	return true;
}

static bool is_entry_value(u8 atom)
{
	return atom == DW_OP_entry_value || atom == DW_OP_GNU_entry_value;
}

static void run(struct eval *e, struct dwarf_place *place)
{
	struct dwarf_part part = {.kind = DWARF_PLACE_NOWHERE};
	bool described = false;
	u32 steps = 0;

	for (size_t i = 0; i < e->count && steps < STEPS_MAX && !e->overflow; steps++) {
		const Dwarf_Op *op = &e->ops[i++];

		if (entry_value(e, op))
			continue;
		if (is_entry_value(op->atom)) {
			place->parts[0] = (struct dwarf_part){.size = UINT64_MAX};
			place->count = 1;
			return;
		}
		if (op->atom == DW_OP_piece) {
			part_add(e, place, &part, described, op->number);
			described = false;
		} else if (op->atom == DW_OP_skip) {
			i = jump(e, op);
		} else if (op->atom == DW_OP_bra) {
			i = pop(e) ? jump(e, op) : i;
		} else if (describe(e, op, &part)) {
			described = true;
		} else if (!nullary(e, op) && !unary(e, op) && !binary(e, op->atom)) {
			give_up(e, DWARF_PLACE_UNKNOWN);
			break;
		}
	}
	if (e->overflow || steps == STEPS_MAX)
		give_up(e, DWARF_PLACE_UNKNOWN);
	if (!place->count || e->trouble == DWARF_PLACE_UNKNOWN) {
		place->count = 0;
		part_add(e, place, &part, described, UINT64_MAX);
	}
}

void dwarf_place_find(struct dwarf_frame *frame, Dwarf_Attribute *attr, struct dwarf_place *place)
{
	struct eval e = {.frame = frame, .attr = attr};
	int found = dwarf_getlocation_addr(attr, frame->addr, &e.ops, &e.count, 1);

	place->count = 0;
	if (found == 1 && e.count) {
		run(&e, place);
		return;
	}
	place->parts[place->count++] = (struct dwarf_part){
		.kind = found < 0 ? DWARF_PLACE_UNKNOWN : DWARF_PLACE_NOWHERE, .size = UINT64_MAX};
}

/* Bytes of a vector register. False: it is none, or not known. */
static bool vector_read(const struct ft_machine *machine, u64 number, u64 offset, void *out,
			size_t bytes)
{
	u64 index = number - FT_MACHINE_VECTORS;
	size_t size = sizeof(*machine->vectors);

	if (!machine->vectors || index >= FT_MACHINE_VECTOR_COUNT || offset > size ||
	    bytes > size - offset)
		return false;
	memcpy(out, (const u8 *)machine->vectors[index] + offset, bytes);
	return true;
}

static enum dwarf_place_kind part_read(const struct dwarf_part *part,
				       const struct ft_machine *machine, u64 offset, u8 *out,
				       size_t bytes, u64 *bad)
{
	u64 value = part->number;

	switch (part->kind) {
	case DWARF_PLACE_MEMORY:
		if (machine->read(machine->context, part->number + offset, out, bytes))
			return DWARF_PLACE_MEMORY;
		*bad = part->number + offset;
		return DWARF_PLACE_UNSAVED;
	case DWARF_PLACE_REGISTER:
		if (vector_read(machine, part->number, offset, out, bytes))
			return DWARF_PLACE_MEMORY;
		if (part->number >= FT_MACHINE_REGS || !(machine->known >> part->number & 1))
			return DWARF_PLACE_UNSAVED;
		value = machine->regs[part->number];
		break;
	case DWARF_PLACE_VALUE:
		break;
	case DWARF_PLACE_BYTES:
		if (offset > part->number || bytes > part->number - offset)
			return DWARF_PLACE_UNKNOWN;
		memcpy(out, part->bytes + offset, bytes);
		return DWARF_PLACE_MEMORY;
	default:
		return part->kind;
	}
	if (offset > sizeof(value) || bytes > sizeof(value) - offset)
		return DWARF_PLACE_UNKNOWN;
	memcpy(out, (const u8 *)&value + offset, bytes);
	return DWARF_PLACE_MEMORY;
}

enum dwarf_place_kind dwarf_place_read(const struct dwarf_place *place,
				       const struct ft_machine *machine, u64 offset, void *out,
				       size_t bytes, u64 *bad)
{
	u8 *to = out;

	*bad = 0;
	for (u32 i = 0; i < place->count && bytes; i++) {
		const struct dwarf_part *part = &place->parts[i];
		size_t n;
		enum dwarf_place_kind kind;

		if (offset >= part->size) {
			offset -= part->size;
			continue;
		}
		n = part->size - offset < bytes ? (size_t)(part->size - offset) : bytes;
		kind = part_read(part, machine, offset, to, n, bad);
		if (kind != DWARF_PLACE_MEMORY)
			return kind;
		to += n;
		bytes -= n;
		offset = 0;
	}
	return bytes ? DWARF_PLACE_UNKNOWN : DWARF_PLACE_MEMORY;
}
