/* user_location.c - see user_location.h; DWARF 5, 2.5 and 2.6. */
#include "scriptlang/user/user_location.h"

#include <dwarf.h>
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/codegen/bpf_registers.h"
#include "scriptlang/user/user_dwarf.h"
#include "scriptlang/user/user_places.h"
#include "scriptlang/user/user_type.h"

#define EXPRESSIONS_MAX 8 /* that may hold at one address */
#define STEPS_MAX 200
#define NESTING_MAX 4

int ft_user_say(struct ft_user_resolver *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (r->error)
		vsnprintf(r->error, 200, fmt, args);
	va_end(args);
	return -ENOENT;
}

int ft_user_say_vector(struct ft_user_resolver *r)
{
	return ft_user_say(r,
			   "it is in a vector register, which the kernel does not save at probes: "
			   "its programs cannot read it. Probe a line where it is in memory, or "
			   "build with -O0");
}

int ft_user_step(struct ft_user_resolver *r, struct ft_target_step step)
{
	struct ft_target_step *slot;

	if (step.kind == FT_STEP_WORD || step.kind == FT_STEP_NUMBER || step.kind == FT_STEP_PICK ||
	    step.kind == FT_STEP_COOKIE || step.kind == FT_STEP_KEPT)
		r->depth++;
	if (step.kind == FT_STEP_DROP || step.kind == FT_STEP_BINARY || step.kind == FT_STEP_ZERO ||
	    (step.kind == FT_STEP_THREAD && step.bytes))
		r->depth--;
	if (r->depth > FT_STEPS_DEPTH_MAX || r->target->step_count > STEPS_MAX)
		return ft_user_say(r, "where it is takes too long to compute");
	slot = FT_ARENA_PUSH(r->compile->arena, &r->target->steps, &r->target->step_count);
	if (!slot)
		return -ENOMEM;
	*slot = step;
	return 0;
}

int ft_user_simple(struct ft_user_resolver *r, enum ft_target_step_kind kind)
{
	return ft_user_step(r, (struct ft_target_step){.kind = kind});
}

int ft_user_number(struct ft_user_resolver *r, s64 number)
{
	return ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_NUMBER, .number = number});
}

int ft_user_binary(struct ft_user_resolver *r, u8 op)
{
	if (r->depth < 2)
		return ft_user_say(r, "its location expression is damaged");
	return ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_BINARY, .op = op});
}

int ft_user_add(struct ft_user_resolver *r, s64 number)
{
	int code;

	if (!number)
		return 0;
	if (number == (s32)number)
		return ft_user_step(
			r, (struct ft_target_step){.kind = FT_STEP_ADD, .bytes = (u32)number});
	code = ft_user_number(r, number);
	return code ? code : ft_user_binary(r, BPF_ADD);
}

/* By the numbers of DWARF: xmm0-xmm31 and the stack of the x87, or v0-v31. */
static bool is_vector(const struct ft_user_resolver *r, u64 number)
{
	if (r->file->elf->machine == EM_X86_64)
		return (number >= 17 && number <= 40) || (number >= 67 && number <= 82);
	return r->file->elf->machine == EM_AARCH64 && number >= 64 && number <= 95;
}

static int push_register(struct ft_user_resolver *r, u64 number)
{
	int word = number < 256 ? ft_register_word((u32)number) : -1;

	if (word < 0 && is_vector(r, number))
		return ft_user_say_vector(r);
	if (word < 0)
		return ft_user_say(r,
				   "it is in a register (number %llu) that programs of the "
				   "kernel cannot read",
				   (unsigned long long)number);
	return ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_WORD, .bytes = (u32)word});
}

/* ---- expressions ---- */

static int emit(struct ft_user_resolver *r, const Dwarf_Op *ops, size_t count, bool *is_value,
		u32 nesting);

/* The frame's canonical address, by unwind information. */
static int emit_cfa(struct ft_user_resolver *r, u32 nesting)
{
	Dwarf_Addr bias;
	Dwarf_Frame *frame = NULL;
	Dwarf_CFI *cfi;
	Dwarf_Op *ops;
	size_t count;
	bool is_value;
	int code;
	u64 at;

	if (!r->site)
		return ft_user_say(r, "it is a variable of a function");
	at = ft_user_to_dwarf(r->file, r->site->addr);
	ft_user_file_dwarf(r->file); /* opens the module */
	cfi = r->file->module ? dwfl_module_eh_cfi(r->file->module, &bias) : NULL;
	if (!cfi || dwarf_cfi_addrframe(cfi, r->site->addr + r->file->elf_bias - bias, &frame)) {
		cfi = r->file->module ? dwfl_module_dwarf_cfi(r->file->module, &bias) : NULL;
		if (!cfi || dwarf_cfi_addrframe(cfi, at, &frame))
			return ft_user_say(r, "there is no unwind information about this place");
	}
	if (dwarf_frame_cfa(frame, &ops, &count))
		code = ft_user_say(r, "the unwind information of this place is damaged");
	else
		code = emit(r, ops, count, &is_value, nesting + 1);
	free(frame);
	return code;
}

static int emit_frame_base(struct ft_user_resolver *r, u32 nesting)
{
	Dwarf_Attribute attr;
	Dwarf_Die function;
	Dwarf_Op *ops;
	size_t count;
	bool is_value;
	u64 at;

	if (!r->site)
		return ft_user_say(r, "it is a variable of a function");
	at = ft_user_to_dwarf(r->file, r->site->addr);
	if (!ft_user_function_at(r->file, r->site->addr, &function) ||
	    !dwarf_attr_integrate(&function, DW_AT_frame_base, &attr) ||
	    dwarf_getlocation_addr(&attr, at, &ops, &count, 1) < 1)
		return ft_user_say(r, "the debug information tells no frame base");
	return emit(r, ops, count, &is_value, nesting + 1);
}

/* Also behind a mark for indirect branches. */
static bool is_beginning(const struct ft_user_site *site)
{
	return site->as_at_beginning || site->addr == site->function ||
	       (site->function &&
		site->addr == ft_user_probe_place(site->file, site->function, 0, true));
}

/* What is in DW_OP_entry_value: an expression of its own. */
static bool entry_inner(const struct ft_user_resolver *r, const Dwarf_Op *op, Dwarf_Op **ops,
			size_t *count)
{
	Dwarf_Attribute attr, inner;
	Dwarf_Die die = r->variable;

	return dwarf_attr_integrate(&die, DW_AT_location, &attr) &&
	       !dwarf_getlocation_attr(&attr, op, &inner) && !dwarf_getlocation(&inner, ops, count);
}

/* The word of the context that such an expression is, if it is one. */
static int entry_word(const struct ft_user_resolver *r, const Dwarf_Op *op)
{
	Dwarf_Op *ops;
	size_t count;

	if (!entry_inner(r, op, &ops, &count) || count != 1)
		return -1;
	if (ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31)
		return ft_register_word(ops[0].atom - DW_OP_reg0);
	return ops[0].atom == DW_OP_regx && ops[0].number < 256
		       ? ft_register_word((u32)ops[0].number)
		       : -1;
}

/*
 * The words of the entry that a variable needs here, all of them: its members have the same list,
 * whatever their own piece needs.
 */
static void note_kept(struct ft_user_resolver *r, const Dwarf_Op *ops, size_t count)
{
	struct ft_target *t = r->target;

	if (!r->site || is_beginning(r->site))
		return;
	t->kept_count = 0;
	for (size_t i = 0; i < count; i++) {
		bool is_entry =
			ops[i].atom == DW_OP_entry_value || ops[i].atom == DW_OP_GNU_entry_value;
		int word = is_entry ? entry_word(r, &ops[i]) : -1;

		for (u32 k = 0; k < t->kept_count; k++)
			if ((int)t->kept[k] == word)
				word = -1;
		if (word >= 0 && t->kept_count < FT_TARGET_KEPT_MAX)
			t->kept[t->kept_count++] = (u32)word;
	}
}

/* A value at the function's entry: where the probe is, or a hidden one there has kept it. */
static int emit_entry(struct ft_user_resolver *r, const Dwarf_Op *op, u32 nesting)
{
	Dwarf_Op *ops;
	size_t count;
	bool is_value;
	int word;

	if (r->site && !is_beginning(r->site)) {
		word = entry_word(r, op);
		for (u32 i = 0; i < r->target->kept_count; i++)
			if ((int)r->target->kept[i] == word)
				return ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_KEPT,
									       .access = i});
	}
	if (!r->site || !is_beginning(r->site))
		return ft_user_say(r, "it is optimized out here: only its value at the entry of "
				      "the function is known");
	if (!entry_inner(r, op, &ops, &count))
		return ft_user_say(r, "its location expression is damaged");
	return emit(r, ops, count, &is_value, nesting + 1);
}

static int emit_implicit(struct ft_user_resolver *r, const Dwarf_Op *op)
{
	Dwarf_Attribute attr;
	Dwarf_Die die = r->variable;
	Dwarf_Block block;
	s64 value = 0;

	if (!dwarf_attr_integrate(&die, DW_AT_location, &attr) ||
	    dwarf_getlocation_implicit_value(&attr, op, &block))
		return ft_user_say(r, "its location expression is damaged");
	if (r->skip >= block.length)
		return ft_user_say(r, "it is optimized out");
	memcpy(&value, block.data + r->skip,
	       block.length - r->skip < 8 ? block.length - r->skip : 8);
	r->skip = 0;
	return ft_user_number(r, value);
}

static int emit_typed(struct ft_user_resolver *r, const Dwarf_Op *op)
{
	Dwarf_Attribute attr;
	Dwarf_Die die = r->variable, type;
	Dwarf_Word encoding;
	u64 bytes;

	if (!dwarf_attr_integrate(&die, DW_AT_location, &attr) ||
	    dwarf_getlocation_die(&attr, op, &type))
		return 0; /* generic */
	bytes = ft_user_type_bytes(&type);
	if (dwarf_tag(&type) != DW_TAG_base_type || bytes > 8 ||
	    dwarf_formudata(dwarf_attr(&type, DW_AT_encoding, &attr), &encoding) ||
	    encoding == DW_ATE_float)
		return ft_user_say(r, "it is computed by floating point");
	return ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_EXTEND,
						       .bytes = (u32)bytes,
						       .access = ft_user_type_signed(&type)});
}

int ft_user_load(struct ft_user_resolver *r, u32 bytes)
{
	if (!r->depth)
		return ft_user_say(r, "its location expression is damaged");
	return ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_LOAD, .bytes = bytes});
}

int ft_user_pick(struct ft_user_resolver *r, u32 which)
{
	if (which >= r->depth)
		return ft_user_say(r, "its location expression is damaged");
	return ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_PICK, .access = which});
}

/* Arithmetic. 1: it is none. */
static int emit_arithmetic(struct ft_user_resolver *r, const Dwarf_Op *op)
{
	static const struct {
		u8 atom, op;
	} table[] = {{DW_OP_plus, BPF_ADD}, {DW_OP_minus, BPF_SUB}, {DW_OP_mul, BPF_MUL},
		     {DW_OP_and, BPF_AND},  {DW_OP_or, BPF_OR},	    {DW_OP_xor, BPF_XOR},
		     {DW_OP_shl, BPF_LSH},  {DW_OP_shr, BPF_RSH},   {DW_OP_shra, BPF_ARSH},
		     {DW_OP_mod, BPF_MOD}};

	for (size_t i = 0; i < FT_ARRAY_LEN(table); i++)
		if (op->atom == table[i].atom)
			return ft_user_binary(r, table[i].op);
	switch (op->atom) {
	case DW_OP_plus_uconst:
		return ft_user_add(r, (s64)op->number);
	case DW_OP_neg:
		return ft_user_simple(r, FT_STEP_NEG);
	case DW_OP_not:
		return ft_user_simple(r, FT_STEP_NOT);
	case DW_OP_dup:
		return ft_user_pick(r, 0);
	case DW_OP_over:
		return ft_user_pick(r, 1);
	case DW_OP_pick:
		return ft_user_pick(r, (u32)op->number);
	case DW_OP_drop:
		return r->depth ? ft_user_simple(r, FT_STEP_DROP) : -ENOENT;
	case DW_OP_swap:
		return r->depth > 1 ? ft_user_simple(r, FT_STEP_SWAP) : -ENOENT;
	case DW_OP_deref:
		return ft_user_load(r, 8);
	case DW_OP_deref_size:
		return op->number == 1 || op->number == 2 || op->number == 4 || op->number == 8
			       ? ft_user_load(r, (u32)op->number)
			       : -ENOENT;
	case DW_OP_nop:
		return 0;
	default:
		return 1;
	}
}

/* Numbers, registers and addresses. 1: it is none. */
/* An address by its number in a table of the unit. */
static int emit_indexed(struct ft_user_resolver *r, const Dwarf_Op *op)
{
	Dwarf_Attribute attr, address;
	Dwarf_Addr addr;

	if (!dwarf_attr_integrate(&r->variable, DW_AT_location, &attr) ||
	    dwarf_getlocation_attr(&attr, op, &address) || dwarf_formaddr(&address, &addr))
		return ft_user_say(r, "its address is in a table that is not there");
	return ft_user_emit_address(r, addr);
}

static int emit_operand(struct ft_user_resolver *r, const Dwarf_Op *op, bool *is_value, u32 nesting)
{
	int code;

	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
		return ft_user_number(r, op->atom - DW_OP_lit0);
	if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31) {
		*is_value = true;
		return push_register(r, op->atom - DW_OP_reg0);
	}
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		code = push_register(r, op->atom - DW_OP_breg0);
		return code ? code : ft_user_add(r, (s64)op->number);
	}
	switch (op->atom) {
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
		return ft_user_number(r, (s64)op->number);
	case DW_OP_regx:
		*is_value = true;
		return push_register(r, op->number);
	case DW_OP_bregx:
		code = push_register(r, op->number);
		return code ? code : ft_user_add(r, (s64)op->number2);
	case DW_OP_fbreg:
		code = emit_frame_base(r, nesting);
		return code ? code : ft_user_add(r, (s64)op->number);
	case DW_OP_call_frame_cfa:
		return emit_cfa(r, nesting);
	case DW_OP_addr:
		return ft_user_emit_address(r, op->number);
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		return emit_indexed(r, op);
	default:
		return 1;
	}
}

static int emit_special(struct ft_user_resolver *r, const Dwarf_Op *op, bool *is_value, u32 nesting)
{
	int code;

	switch (op->atom) {
	case DW_OP_stack_value:
		*is_value = true;
		return 0;
	case DW_OP_implicit_value:
		*is_value = true;
		return emit_implicit(r, op);
	case DW_OP_entry_value:
	case DW_OP_GNU_entry_value:
		return emit_entry(r, op, nesting);
	case DW_OP_convert:
	case DW_OP_GNU_convert:
	case DW_OP_reinterpret:
	case DW_OP_GNU_reinterpret:
		return emit_typed(r, op);
	case DW_OP_regval_type:
	case DW_OP_GNU_regval_type:
		code = push_register(r, op->number);
		return code ? code : emit_typed(r, op);
	case DW_OP_form_tls_address:
	case DW_OP_GNU_push_tls_address:
		return ft_user_emit_thread(r);
	case DW_OP_implicit_pointer:
	case DW_OP_GNU_implicit_pointer:
		return ft_user_say(r, "it is optimized out: a pointer to what is in no memory");
	default:
		return ft_user_say(r,
				   "its location has an operation (0x%x) that this version "
				   "does not know",
				   op->atom);
	}
}

static int emit(struct ft_user_resolver *r, const Dwarf_Op *ops, size_t count, bool *is_value,
		u32 nesting)
{
	*is_value = false;
	if (nesting > NESTING_MAX)
		return ft_user_say(r, "its location expression is damaged");
	for (size_t i = 0; i < count; i++) {
		int code = emit_arithmetic(r, &ops[i]);

		if (code == 1)
			code = emit_operand(r, &ops[i], is_value, nesting);
		if (code == 1)
			code = emit_special(r, &ops[i], is_value, nesting);
		if (code)
			return code;
	}
	return 0;
}

/* ---- what is at hand ---- */

int ft_user_skip(struct ft_user_resolver *r, u64 bytes)
{
	if (r->state == FT_USER_MEMORY)
		return ft_user_add(r, (s64)bytes);
	r->skip += bytes;
	return 0;
}

/* The value on top of the stack, from so many bytes on. */
static int cut(struct ft_user_resolver *r, u64 skip)
{
	int code;

	r->state = FT_USER_VALUE;
	if (!skip)
		return 0;
	if (skip >= 8)
		return ft_user_say(r, "it is optimized out in part");
	code = ft_user_number(r, (s64)skip * 8);
	return code ? code : ft_user_binary(r, BPF_RSH);
}

/* The piece that has bytes of a variable; its own size, and where it begins. */
static bool find_piece(const Dwarf_Op *ops, size_t count, u64 skip, u32 bytes, size_t *first,
		       size_t *end, u64 *begins)
{
	u64 at = 0;
	bool any = false;

	*first = 0;
	*begins = 0;
	for (size_t i = 0; i < count; i++) {
		if (ops[i].atom != DW_OP_piece)
			continue;
		any = true;
		*end = i;
		*begins = at;
		at += ops[i].number;
		if (skip < at)
			return skip + bytes <= at;
		*first = i + 1;
	}
	*end = count;
	return !any;
}

static int settle_variable(struct ft_user_resolver *r, u32 bytes)
{
	u64 at = r->site ? ft_user_to_dwarf(r->file, r->site->addr) : 0, begins;
	Dwarf_Op *exprs[EXPRESSIONS_MAX];
	size_t lens[EXPRESSIONS_MAX], first, end;
	Dwarf_Attribute attr;
	Dwarf_Word constant;
	bool is_value;
	int count, code;

	if (dwarf_attr_integrate(&r->variable, DW_AT_const_value, &attr)) {
		s64 number;
		Dwarf_Block block;

		if (!dwarf_formsdata(&attr, &number) ||
		    (!dwarf_formudata(&attr, &constant) && (number = (s64)constant, true))) {
			code = ft_user_number(r, number);
			return code ? code : cut(r, r->skip);
		}
		if (dwarf_formblock(&attr, &block) || r->skip >= block.length)
			return ft_user_say(r, "it is a constant that is no number");
		number = 0;
		memcpy(&number, block.data + r->skip,
		       block.length - r->skip < 8 ? block.length - r->skip : 8);
		code = ft_user_number(r, number);
		return code ? code : cut(r, 0);
	}
	if (!dwarf_attr_integrate(&r->variable, DW_AT_location, &attr))
		return ft_user_say(r, "it is optimized out");
	count = dwarf_getlocation_addr(&attr, at, exprs, lens, EXPRESSIONS_MAX);
	if (count < 1 || !lens[0])
		return ft_user_say(r, "it is optimized out here");
	note_kept(r, exprs[0], lens[0]);
	if (!find_piece(exprs[0], lens[0], r->skip, bytes, &first, &end, &begins))
		return ft_user_say(r, "it is spread over several places");
	if (first == end)
		return ft_user_say(r, "it is optimized out in part");
	r->skip -= begins;
	code = emit(r, exprs[0] + first, end - first, &is_value, 0);
	if (code)
		return code;
	if (is_value)
		return cut(r, r->skip);
	r->state = FT_USER_MEMORY;
	return ft_user_add(r, (s64)r->skip);
}

int ft_user_settle(struct ft_user_resolver *r, u32 bytes)
{
	int code;

	if (r->state == FT_USER_VARIABLE)
		return settle_variable(r, bytes);
	if (r->state != FT_USER_RETURNED)
		return 0;
	if (r->skip % 8 + bytes > 8)
		return ft_user_say(r, "it is spread over several places");
	code = push_register(r, r->skip < 8 ? 0 : 1);
	return code ? code : cut(r, r->skip % 8);
}

int ft_user_value(struct ft_user_resolver *r, u32 bytes)
{
	int code = ft_user_settle(r, bytes);

	if (!code && r->state == FT_USER_MEMORY)
		code = ft_user_load(r, bytes);
	r->state = FT_USER_VALUE;
	return code;
}

int ft_user_address(struct ft_user_resolver *r)
{
	int code = ft_user_settle(r, 1);

	if (code || r->state == FT_USER_MEMORY)
		return code;
	return ft_user_say(r, "it is in a register, and has no address");
}

int ft_user_hop(struct ft_user_resolver *r, struct ft_user_hop *hop)
{
	Dwarf_Op *ops;
	size_t count;
	bool is_value;
	int code = ft_user_skip(r, hop->offset);

	code = code ? code : ft_user_address(r);
	if (code)
		return code;
	if (dwarf_getlocation(&hop->place, &ops, &count))
		return ft_user_say(r, "nothing tells where its base class is");
	return emit(r, ops, count, &is_value, 0);
}

bool ft_user_in_register(struct ft_user_resolver *r)
{
	struct ft_target target = *r->target;
	struct ft_user_resolver trial = *r;
	char error[200];

	trial.target = &target;
	trial.error = error;
	/* Steps that the trial adds lie behind those of r, or in an array of their own. */
	return r->state == FT_USER_RETURNED ||
	       (r->state == FT_USER_VARIABLE &&
		!ft_user_settle(&trial, (u32)ft_user_type_bytes(&r->type)) &&
		trial.state == FT_USER_VALUE);
}

/*
 * A returned value: in rax (x0), a structure of up to 16 bytes in two registers, a larger one in
 * memory, where the first register points. System V ABI for x86-64, 3.2.3.
 */
int ft_user_return(struct ft_user_resolver *r)
{
	Dwarf_Die peeled;
	Dwarf_Attribute attr;
	Dwarf_Word encoding;
	u64 bytes = ft_user_type_bytes(&r->type);
	int tag;

	if (!ft_user_type_strip(r->file, &r->type, &peeled))
		return ft_user_say(r, "the function returns nothing");
	tag = dwarf_tag(&peeled);
	if (tag == DW_TAG_base_type &&
	    !dwarf_formudata(dwarf_attr(&peeled, DW_AT_encoding, &attr), &encoding) &&
	    encoding == DW_ATE_float)
		return ft_user_say_vector(r);
	r->skip = 0;
	if (bytes <= 16) {
		r->state = FT_USER_RETURNED;
		return 0;
	}
	r->state = FT_USER_MEMORY;
	return push_register(r, 0);
}

/* The stack pointer before the call; with numbers above what addresses have. */
int ft_user_frame(struct ft_user_resolver *r, s64 number)
{
	bool at_entry = is_beginning(r->site) || !r->site->function;
	int code;

	r->target->word = FT_TARGET_STEPS;
	r->target->size = 8;
	r->target->type = "long";
	r->state = FT_USER_VALUE;
	if (!r->probe->at_return && !at_entry) {
		code = emit_cfa(r, 0);
	} else {
		code = ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_WORD,
							       .bytes = ft_register_stack()});
		if (!code && !r->probe->at_return && r->file->elf->machine == EM_X86_64)
			code = ft_user_add(r, 8);
	}
	if (!code)
		code = ft_user_number(r, number << 48);
	if (!code)
		code = ft_user_binary(r, BPF_XOR);
	if (code || r->probe->site_count == 1)
		return code;
	code = ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_COOKIE});
	if (!code)
		code = ft_user_number(r, 48);
	if (!code)
		code = ft_user_binary(r, BPF_LSH);
	return code ? code : ft_user_binary(r, BPF_XOR);
}
