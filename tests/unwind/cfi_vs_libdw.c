/*
 * cfi_vs_libdw.c - compares the tables of sampler/cfi.h with libdw, for every address of every file
 * given.
 *
 * libdw answers with DWARF expressions; ours are rules. Both are worked out over made-up registers
 * and memory, in which a word is a hash of its address: equal results mean equal places. What a
 * rule cannot hold must be a named class below; anything else is a difference, and the exit status
 * is 1.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "sampler/cfi.h"

#define DIFFERENCES_SHOWN 20
#define SIGCONTEXT_BX (40 + 11 * 8) /* asm/sigcontext.h: r8 to r15, di, si, bp, bx */

enum where { AT, IN, IS, SAME, GONE, UNKNOWN };

/* Where the caller's value of a register is: at an address, in a register, or itself. */
struct place {
	enum where where;
	u64 value;
	/*
	 * Forms that rules do not have: computed by rounding; and for bx, relative to a register
	 * other than fp.
	 */
	bool is_aligned, is_other_base;
};

static struct place place(enum where where, u64 value)
{
	return (struct place){.where = where, .value = value};
}

struct machine {
	u64 regs[33]; /* [16] on x86-64: the pc */
	u64 cfa;
};

/* Explained classes, and what is not explained. */
struct counts {
	u64 files, empty, rows, addresses;
	u64 padding; /* bytes between functions: ours continue the function before */
	/* Functions in .debug_frame behind a zero word: libdw stops there. readelf reads on. */
	u64 behind_end;
	u64 cfa_bad; /* the CFA or return address is an expression that rules do not have */
	/* A register for the CFA after an expression: libdw refuses it, unlike libgcc, readelf. */
	u64 refused;
	u64 sp_other;	      /* the caller's sp is not the CFA: ours takes the sp */
	u64 fp_lost, bx_lost; /* saved where a rule cannot say */
	u64 landing_pads;     /* libdw does not say that the caller's pc is exact */
	u64 crt;	      /* code of crti.o and crtbegin.o, which no section describes */
	u64 differences;
};

struct file {
	const char *path;
	struct ft_cfi_table table;
	struct ft_elf *elf;
	Dwarf_CFI *cfis[2]; /* .eh_frame, .debug_frame; may be NULL */
	struct counts *counts;
};

static u64 memory_at(u64 addr)
{
	return ft_hash_word(addr ^ UINT64_C(0x5851f42d4c957f2d));
}

static struct machine machine_make(u64 seed, u64 pc)
{
	struct machine m;

	for (size_t i = 0; i < FT_ARRAY_LEN(m.regs); i++)
		m.regs[i] = ft_hash_mix(seed, i);
	m.regs[16] = pc;
	m.cfa = 0;
	return m;
}

/* ---- libdw's side ---- */

struct stack {
	u64 values[32];
	size_t count;
	bool bad;
};

static void push(struct stack *s, u64 value)
{
	if (s->count < FT_ARRAY_LEN(s->values))
		s->values[s->count++] = value;
	else
		s->bad = true;
}

static u64 pop(struct stack *s)
{
	if (s->count)
		return s->values[--s->count];
	s->bad = true;
	return 0;
}

static void run_binary(struct stack *s, u8 atom)
{
	u64 b = pop(s), a = pop(s);

	switch (atom) {
	case DW_OP_plus:
		push(s, a + b);
		break;
	case DW_OP_minus:
		push(s, a - b);
		break;
	case DW_OP_mul:
		push(s, a * b);
		break;
	case DW_OP_and:
		push(s, a & b);
		break;
	case DW_OP_shl:
		push(s, b < 64 ? a << b : 0);
		break;
	case DW_OP_ge:
		push(s, (s64)a >= (s64)b);
		break;
	default:
		s->bad = true;
	}
}

static void run_op(struct stack *s, const struct machine *m, const Dwarf_Op *op)
{
	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31) {
		push(s, op->atom - DW_OP_lit0);
	} else if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		push(s, m->regs[op->atom - DW_OP_breg0] + op->number);
	} else if (op->atom == DW_OP_bregx && op->number < FT_ARRAY_LEN(m->regs)) {
		push(s, m->regs[op->number] + op->number2);
	} else if (op->atom == DW_OP_call_frame_cfa) {
		push(s, m->cfa);
	} else if (op->atom == DW_OP_plus_uconst) {
		push(s, pop(s) + op->number);
	} else if (op->atom == DW_OP_deref) {
		push(s, memory_at(pop(s)));
	} else if (op->atom >= DW_OP_const1u && op->atom <= DW_OP_consts) {
		push(s, op->number);
	} else {
		run_binary(s, op->atom);
	}
}

static struct place run_ops(const struct machine *m, const Dwarf_Op *ops, size_t count)
{
	struct stack s = {.count = 0};
	struct place result = {.where = AT};

	if (count == 1 && ops->atom >= DW_OP_reg0 && ops->atom <= DW_OP_reg31)
		return place(IN, (u64)(ops->atom - DW_OP_reg0));
	if (count == 1 && ops->atom == DW_OP_regx)
		return place(IN, ops->number);
	for (size_t i = 0; i < count; i++) {
		u8 atom = ops[i].atom;

		result.is_aligned |= atom == DW_OP_and;
		result.is_other_base |=
			atom >= DW_OP_breg0 && atom <= DW_OP_breg31 && atom != DW_OP_breg6;
		if (atom == DW_OP_stack_value && i + 1 == count)
			result.where = IS;
		else
			run_op(&s, m, &ops[i]);
	}
	/* Expressions of registers start with the CFA on the stack, used or not. */
	if (s.bad || !s.count)
		return place(UNKNOWN, 0);
	result.value = s.values[s.count - 1];
	return result;
}

static struct place libdw_place(Dwarf_Frame *frame, const struct machine *m, int reg)
{
	Dwarf_Op mem[3], *ops;
	size_t count;

	if (dwarf_frame_register(frame, reg, mem, &ops, &count))
		return place(UNKNOWN, 0);
	if (!count)
		return place(ops ? GONE : SAME, 0);
	return run_ops(m, ops, count);
}

static struct place libdw_cfa(Dwarf_Frame *frame, const struct machine *m)
{
	Dwarf_Op *ops;
	size_t count;
	struct place cfa;

	if (dwarf_frame_cfa(frame, &ops, &count) || !count)
		return place(UNKNOWN, 0);
	cfa = run_ops(m, ops, count);
	return cfa.where == AT ? place(IS, cfa.value) : place(UNKNOWN, 0);
}

/* ---- our side ---- */

static struct place our_cfa(const struct ft_cfi_rule *r, const struct machine *m, u64 pc)
{
	u64 at = m->regs[r->cfa_reg] + (u64)(s64)r->cfa_offset;

	switch (r->cfa_kind) {
	case FT_CFI_CFA_REG:
		return place(IS, at);
	case FT_CFI_CFA_DEREF:
	case FT_CFI_CFA_SIGFRAME:
		return place(IS, memory_at(at) + (u64)(s64)r->cfa_add);
	case FT_CFI_CFA_INDEXED:
		return place(IS, memory_at(at + 8 * m->regs[r->cfa_index]) + (u64)(s64)r->cfa_add);
	case FT_CFI_CFA_PLT:
		return place(IS, at + ((pc & 15) >= (u64)r->cfa_add ? 8 : 0));
	default:
		return place(UNKNOWN, 0);
	}
}

static struct place our_place(const struct machine *m, u64 cfa, u8 kind, u8 reg, s64 words)
{
	switch (kind) {
	case FT_CFI_AT_CFA:
		return place(AT, cfa + 8 * (u64)words);
	case FT_CFI_AT_REG:
		return place(AT, m->regs[reg] + 8 * (u64)words);
	case FT_CFI_IN_REG:
		return place(IN, reg);
	case FT_CFI_IS_CFA:
		return place(IS, cfa + 8 * (u64)words);
	case FT_CFI_SAME:
		return place(SAME, 0);
	default:
		return place(GONE, 0);
	}
}

/* ---- comparison ---- */

static void report(struct file *f, u64 addr, const char *what, struct place theirs,
		   struct place ours)
{
	static const char *const names[] = {"at", "in", "is", "same", "gone", "unknown"};

	if (f->counts->differences++ < DIFFERENCES_SHOWN)
		printf("DIFFERENCE %s %#llx: %s: libdw %s %llx, ours %s %llx\n", f->path,
		       (unsigned long long)addr, what, names[theirs.where],
		       (unsigned long long)theirs.value, names[ours.where],
		       (unsigned long long)ours.value);
}

static bool same_place(struct place a, struct place b)
{
	return a.where == b.where && a.value == b.value;
}

/*
 * A register that is saved somewhere. What we call lost must be gone for libdw too, or be one of
 * the forms that rules do not have: a computed value, or for bx anything but a place relative to
 * the CFA where that is the caller's sp.
 */
static void compare_saved(struct file *f, u64 addr, const char *name, struct place theirs,
			  struct place ours, bool is_bx, bool is_sp_other, u64 *lost)
{
	if (same_place(theirs, ours) || (theirs.where == GONE && ours.where == GONE))
		return;
	/*
	 * libdw's list of call-saved registers for x86-64 (0.188) has rax in rbx's place: unsaved
	 * rbx is gone for it.
	 */
	if (is_bx && theirs.where == GONE && ours.where == SAME)
		return;
	if (ours.where == GONE &&
	    (theirs.where == UNKNOWN || theirs.where == IS || theirs.is_aligned ||
	     (is_bx && (theirs.where == IN || theirs.is_other_base || is_sp_other)))) {
		++*lost;
		return;
	}
	report(f, addr, name, theirs, ours);
}

/* Our rule says BAD: right only if it is a form that rules do not have. */
static void compare_bad(struct file *f, u64 addr, Dwarf_Frame *frame, struct place theirs,
			struct place ra)
{
	Dwarf_Op *ops;
	size_t count;

	if (theirs.where == IS && !dwarf_frame_cfa(frame, &ops, &count) && count == 1 &&
	    ra.where != UNKNOWN && ra.where != IS)
		report(f, addr, "bad rule", theirs, place(UNKNOWN, 0));
	else
		f->counts->cfa_bad++;
}

/* Only where libgcc's unwinder jumps to a landing pad is the caller's pc exact without a word. */
static void compare_exact(struct file *f, u64 addr, const struct ft_cfi_rule *r, bool saves_eh_data)
{
	if (r->signal && saves_eh_data && r->fp_kind == FT_CFI_SAME)
		f->counts->landing_pads++;
	else
		report(f, addr, "signal", place(IS, !r->signal), place(IS, r->signal));
}

static void compare_frame(struct file *f, u64 addr, Dwarf_Frame *frame, const struct ft_cfi_rule *r,
			  u64 seed)
{
	bool arm = f->table.machine == EM_AARCH64;
	int ra_reg = dwarf_frame_info(frame, NULL, NULL, NULL);
	struct machine m = machine_make(seed, addr);
	struct place cfa = libdw_cfa(frame, &m), ours = our_cfa(r, &m, addr), sp, ra, bx;
	bool is_signal, is_sp_other;

	m.cfa = cfa.value;
	ra = libdw_place(frame, &m, ra_reg);
	if (r->cfa_kind == FT_CFI_CFA_BAD) {
		compare_bad(f, addr, frame, cfa, ra);
		return;
	}
	if (cfa.where == UNKNOWN && ours.where != UNKNOWN) {
		f->counts->refused++;
		return;
	}
	sp = libdw_place(frame, &m, arm ? FT_CFI_ARM_SP : FT_CFI_X86_SP);
	if (sp.where == IN)
		sp = place(IS, m.regs[sp.value % 33]);
	else if (sp.where == AT)
		sp = place(IS, memory_at(sp.value));
	else if (sp.where == SAME)
		sp = cfa;
	is_sp_other = !same_place(sp, cfa);
	f->counts->sp_other += is_sp_other;
	if (!same_place(sp, ours))
		report(f, addr, "sp", sp, ours);
	compare_saved(f, addr, "fp", libdw_place(frame, &m, arm ? FT_CFI_ARM_FP : FT_CFI_X86_FP),
		      our_place(&m, ours.value, r->fp_kind, r->fp_reg, r->fp_words), false,
		      is_sp_other, &f->counts->fp_lost);
	bx = r->cfa_kind == FT_CFI_CFA_SIGFRAME
		     ? place(AT, m.regs[r->cfa_reg] + SIGCONTEXT_BX)
		     : our_place(&m, ours.value, r->bx_kind, FT_CFI_X86_FP, r->bx_words);
	if (!arm)
		compare_saved(f, addr, "bx", libdw_place(frame, &m, FT_CFI_X86_BX), bx, true,
			      is_sp_other, &f->counts->bx_lost);
	/* libdw has a default for lr alone; in glibc's rawmemchr x15 is the return address. */
	if (arm && (ra.where == SAME || (ra.where == GONE && ra_reg != FT_CFI_ARM_LR)))
		ra = place(IN, (u64)ra_reg);
	if (!same_place(ra, our_place(&m, ours.value, r->ra_kind, r->ra_reg, r->ra_words)))
		report(f, addr, "ra", ra,
		       our_place(&m, ours.value, r->ra_kind, r->ra_reg, r->ra_words));
	dwarf_frame_info(frame, NULL, NULL, &is_signal);
	if (is_signal != r->signal)
		compare_exact(f, addr, r,
			      !arm && libdw_place(frame, &m, FT_CFI_X86_AX).where == AT);
}

static Dwarf_Frame *libdw_frame(struct file *f, u64 addr)
{
	Dwarf_Frame *frame;

	for (size_t i = 0; i < FT_ARRAY_LEN(f->cfis); i++) {
		if (f->cfis[i] && !dwarf_cfi_addrframe(f->cfis[i], addr, &frame))
			return frame;
	}
	return NULL;
}

/* Whether an address is in _init or _fini, or near the function that .fini_array begins with. */
static bool near_start_code(struct file *f, u64 addr)
{
	const struct ft_elf_section *s = ft_elf_code_section(f->elf, addr);
	const struct ft_elf_section *array = ft_elf_section(f->elf, SHT_FINI_ARRAY, NULL);
	u64 first;

	if (!f->table.stats.fdes_crt)
		return false;
	if (s && (s == ft_elf_section(f->elf, SHT_PROGBITS, ".init") ||
		  s == ft_elf_section(f->elf, SHT_PROGBITS, ".fini")))
		return true;
	return array && !ft_elf_read(f->elf, array->offset, &first, sizeof(first)) &&
	       addr + 160 + FT_CFI_PADDING >= first && addr < first + 96;
}

/*
 * The code of crti.o and crtbegin.o pushes 8 bytes at most: after the instruction that does it
 * (sub $8,%rsp; push %rax; push %rbp) and up to the one that takes them back, the CFA is 16 bytes
 * away. With rbp, its place is known.
 */
static bool is_start_code(struct file *f, u64 addr, u64 start, u64 end, const struct ft_cfi_rule *r)
{
	struct ft_cfi_rule expected = {.cfa_kind = FT_CFI_CFA_REG,
				       .cfa_reg = FT_CFI_X86_SP,
				       .ra_kind = FT_CFI_AT_CFA,
				       .ra_words = -1};
	u8 first[4], last[4];
	u64 offset;

	if (!near_start_code(f, addr))
		return false;
	expected.cfa_offset = 8;
	if (!memcmp(r, &expected, sizeof(expected)))
		return true;
	expected.cfa_offset = 16;
	if (!ft_elf_offset_of_addr(f->elf, start, &offset) ||
	    ft_elf_read(f->elf, offset - 4, first, sizeof(first)) ||
	    ft_elf_read(f->elf, offset + (end - start) - 4, last, sizeof(last)))
		return false;
	if (first[3] == 0x55 && last[3] == 0x5d) {
		expected.fp_kind = FT_CFI_AT_CFA;
		expected.fp_words = -2;
	} else if (!(first[3] == 0x50 && last[3] == 0x58) &&
		   (memcmp(first, (const u8[]){0x48, 0x83, 0xec, 8}, 4) ||
		    memcmp(last, (const u8[]){0x48, 0x83, 0xc4, 8}, 4))) {
		return false;
	}
	return !memcmp(r, &expected, sizeof(expected));
}

/*
 * libdw knows nothing about an address: nor do we, unless it follows a function within the padding.
 */
static void compare_nothing(struct file *f, u64 addr, u64 next, u64 known_end, u64 start, u64 end,
			    const struct ft_cfi_rule *r)
{
	if (r->cfa_kind == FT_CFI_CFA_NONE)
		return;
	if (known_end && addr >= known_end && next - known_end <= FT_CFI_PADDING)
		f->counts->padding++;
	else if (is_start_code(f, addr, start, end, r))
		f->counts->crt++;
	else if (f->table.stats.fdes_debug_frame)
		f->counts->behind_end++;
	else
		report(f, addr, "no information", place(GONE, 0), place(IS, r->cfa_kind));
}

/* The first address from addr on, below limit, that libdw knows; or limit. */
static u64 libdw_next(struct file *f, u64 addr, u64 limit)
{
	for (; addr < limit; addr++) {
		Dwarf_Frame *frame = libdw_frame(f, addr);

		free(frame);
		if (frame)
			break;
	}
	return addr;
}

/* All addresses of one of our rows. known_end: where what libdw knows ended last. */
static void compare_row(struct file *f, u64 start, u64 end, const struct ft_cfi_rule *r,
			u64 *known_end)
{
	u64 addr = start;

	while (addr < end) {
		Dwarf_Frame *frame = libdw_frame(f, addr);
		Dwarf_Addr from = addr, next = addr;

		if (!frame) {
			bool is_none = r->cfa_kind == FT_CFI_CFA_NONE;

			/* Gaps may be megabytes: of what is NONE for us, the ends are looked at. */
			next = is_none && end - addr > 64 ? end - 32 : libdw_next(f, addr, end);
			compare_nothing(f, addr, next, *known_end, start, end, r);
			addr = next;
			continue;
		}
		dwarf_frame_info(frame, &from, &next, NULL);
		if (next > end)
			next = end;
		if (r->cfa_kind == FT_CFI_CFA_NONE)
			report(f, addr, "no rule", place(IS, 0), place(GONE, 0));
		/* The first and last address; in a PLT each address has its own CFA. */
		for (u64 at = addr; at < next;
		     at += r->cfa_kind == FT_CFI_CFA_PLT || at == next - 1 ? 1 : next - 1 - at) {
			f->counts->addresses++;
			if (r->cfa_kind != FT_CFI_CFA_NONE)
				compare_frame(f, at, frame, r, at);
		}
		free(frame);
		*known_end = next;
		addr = next > addr ? next : addr + 1;
	}
}

/* The same rules must come out of the packed form. */
static void compare_packed(struct file *f)
{
	const struct ft_cfi_table *t = &f->table;
	u32 *index = malloc(ft_cfi_index_count(t) * sizeof(*index));
	u16 *rows = malloc(t->packed_count * sizeof(*rows));

	if (!index || !rows)
		abort();
	ft_cfi_pack(t, 0, index, rows);
	for (u32 i = 0; i < t->row_count; i++) {
		u32 last = (i + 1 < t->row_count ? t->pcs[i + 1] : t->span) - 1;
		u32 first_rule = ft_cfi_packed_find(index, rows, t->pcs[i]);

		if (first_rule != t->row_rules[i] ||
		    ft_cfi_packed_find(index, rows, last) != t->row_rules[i])
			report(f, t->base + t->pcs[i], "packed", place(IS, t->row_rules[i]),
			       place(IS, first_rule));
	}
	free(rows);
	free(index);
}

static void compare_tables(struct file *f)
{
	const struct ft_cfi_table *t = &f->table;
	u64 known_end = 0;

	for (u32 i = 0; i < t->row_count; i++) {
		u64 start = t->base + t->pcs[i];
		u64 end = t->base + (i + 1 < t->row_count ? t->pcs[i + 1] : t->span);

		compare_row(f, start, end, &t->rules[t->row_rules[i]], &known_end);
	}
	/* Nothing may be left out at either end. */
	for (u64 addr = t->base - 64; addr < t->base; addr++) {
		if (libdw_next(f, addr, addr + 1) == addr)
			report(f, addr, "before the table", place(IS, 0), place(GONE, 0));
	}
	for (u64 addr = t->base + t->span; addr < t->base + t->span + 64; addr++) {
		if (libdw_next(f, addr, addr + 1) == addr)
			report(f, addr, "behind the table", place(IS, 0), place(GONE, 0));
	}
	f->counts->rows += t->row_count;
	compare_packed(f);
}

static void compare_file(const char *path, struct counts *counts)
{
	struct file f = {.path = path, .counts = counts};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf *libelf = elf_begin(fd, ELF_C_READ, NULL);
	Dwarf *dwarf = dwarf_begin_elf(libelf, DWARF_C_READ, NULL);
	int code = ft_elf_open(fd, &f.elf);

	if (!code)
		code = ft_cfi_build(f.elf, &f.table, NULL);
	f.cfis[0] = dwarf_getcfi_elf(libelf);
	f.cfis[1] = dwarf ? dwarf_getcfi(dwarf) : NULL;
	counts->files++;
	if (!code) {
		compare_tables(&f);
		ft_cfi_fini(&f.table);
	} else if (code == -ENODATA) {
		counts->empty++;
	} else {
		report(&f, 0, strerror(-code), place(UNKNOWN, 0), place(UNKNOWN, 0));
	}
	ft_elf_close(f.elf);
	if (f.cfis[0])
		dwarf_cfi_end(f.cfis[0]);
	dwarf_end(dwarf);
	elf_end(libelf);
	close(fd);
}

int main(int argc, char **argv)
{
	struct counts c = {.files = 0};

	elf_version(EV_CURRENT);
	for (int i = 1; i < argc; i++)
		compare_file(argv[i], &c);
	printf("%llu files (%llu without unwind information), %llu rows, %llu addresses compared: "
	       "%llu differences\n"
	       "explained: padding after a function %llu, expression beyond rules %llu, sp is not "
	       "the CFA %llu, "
	       "fp lost %llu, bx lost %llu, behind a zero word in .debug_frame %llu, "
	       "register after expression %llu, to a landing pad %llu, crti and crtbegin %llu\n",
	       (unsigned long long)c.files, (unsigned long long)c.empty, (unsigned long long)c.rows,
	       (unsigned long long)c.addresses, (unsigned long long)c.differences,
	       (unsigned long long)c.padding, (unsigned long long)c.cfa_bad,
	       (unsigned long long)c.sp_other, (unsigned long long)c.fp_lost,
	       (unsigned long long)c.bx_lost, (unsigned long long)c.behind_end,
	       (unsigned long long)c.refused, (unsigned long long)c.landing_pads,
	       (unsigned long long)c.crt);
	return c.differences || c.files == c.empty;
}
