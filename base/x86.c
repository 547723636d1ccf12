/* x86.c - see x86.h. */
#include "base/x86.h"

#include <string.h>

#define LEN_MAX 15

/* What follows an opcode, and what an instruction does. */
enum {
	M = 1,	 /* ModRM */
	B = 2,	 /* an immediate of a byte */
	Z = 4,	 /* of 4 bytes, or of 2 with 0x66 */
	X = 8,	 /* not in 64-bit mode, or not known */
	G = 16,	 /* plain: writes the register of ModRM.reg */
	E = 32,	 /* plain: writes that of ModRM.rm, or memory */
	T = 64,	 /* plain: writes neither */
	A = 128, /* plain: writes rax */
};

/* clang-format off */
/* By opcode of one byte. Those without G, E, T or A may do anything, or are looked at by name. */
static const u8 one[256] = {
	/* 00 */ M | E, M | E, M | G, M | G, B | A, Z | A, X, X,
	/* 08 */ M | E, M | E, M | G, M | G, B | A, Z | A, X, X,
	/* 10 */ M | E, M | E, M | G, M | G, B | A, Z | A, X, X,
	/* 18 */ M | E, M | E, M | G, M | G, B | A, Z | A, X, X,
	/* 20 */ M | E, M | E, M | G, M | G, B | A, Z | A, X, X,
	/* 28 */ M | E, M | E, M | G, M | G, B | A, Z | A, X, X,
	/* 30 */ M | E, M | E, M | G, M | G, B | A, Z | A, X, X,
	/* 38 */ M | T, M | T, M | T, M | T, B | T, Z | T, X, X,
	/* 40 */ X, X, X, X, X, X, X, X,
	/* 48 */ X, X, X, X, X, X, X, X,
	/* 50 */ 0, 0, 0, 0, 0, 0, 0, 0,
	/* 58 */ 0, 0, 0, 0, 0, 0, 0, 0,
	/* 60 */ X, X, X, M | G, X, X, X, X,
	/* 68 */ Z, M | Z | G, B, M | B | G, 0, 0, 0, 0,
	/* 70 */ B, B, B, B, B, B, B, B,
	/* 78 */ B, B, B, B, B, B, B, B,
	/* 80 */ M | B | E, M | Z | E, X, M | B | E, M | T, M | T, M, M,
	/* 88 */ M | E, M | E, M | G, M | G, M, M | G, M, M,
	/* 90 */ 0, 0, 0, 0, 0, 0, 0, 0,
	/* 98 */ A, 0, X, 0, 0, 0, 0, 0,
	/* a0 */ 0, 0, 0, 0, 0, 0, 0, 0,
	/* a8 */ B | T, Z | T, 0, 0, 0, 0, 0, 0,
	/* b0 */ B, B, B, B, B, B, B, B,
	/* b8 */ Z, Z, Z, Z, Z, Z, Z, Z,
	/* c0 */ M | B | E, M | B | E, 0, 0, X, X, M | B | E, M | Z | E,
	/* c8 */ B, 0, 0, 0, 0, B, X, 0,
	/* d0 */ M | E, M | E, M | E, M | E, X, X, X, 0,
	/* d8 */ M, M, M, M, M, M, M, M,
	/* e0 */ B, B, B, B, B, B, B, B,
	/* e8 */ Z, Z, X, B, 0, 0, 0, 0,
	/* f0 */ X, 0, X, X, 0, 0, M, M,
	/* f8 */ 0, 0, 0, 0, 0, 0, M, M,
};
/* clang-format on */

/* By opcode behind 0x0f, in rows of 16: a bit each for those without ModRM, and with a byte. */
static const u16 without_modrm[16] = {0x4be0, 0, 0,	0xff, 0,      0, 0, 0x80,
				      0xffff, 0, 0x707, 0,    0xff00, 0, 0, 0};
static const u16 with_byte[16] = {0, 0, 0, 0, 0, 0, 0, 0xf, 0, 0, 0x1010, 0x400, 0x74, 0, 0, 0};

struct reader {
	const u8 *code;
	size_t size, at;
	u8 rex;
	bool narrow, short_address, tls; /* prefixes: 0x66, 0x67, a segment's */
	struct ft_x86 *insn;
	u8 modrm;
	bool in_memory, safe; /* its operand; safe: on the stack, in data of the program, or TLS */
};

static bool take(struct reader *r, size_t bytes)
{
	r->at += bytes;
	return r->at <= r->size && r->at <= LEN_MAX;
}

static s64 number(const struct reader *r, size_t bytes)
{
	s32 word = 0;

	if (bytes == 1)
		return (s8)r->code[r->at - 1];
	memcpy(&word, r->code + r->at - 4, sizeof(word));
	return word;
}

/* ModRM, SIB and displacement. */
static bool take_modrm(struct reader *r)
{
	u8 mod, rm, base;

	if (!take(r, 1))
		return false;
	r->modrm = r->code[r->at - 1];
	mod = r->modrm >> 6;
	rm = r->modrm & 7;
	r->in_memory = mod != 3;
	if (!r->in_memory)
		return true;
	if (rm == 4) {
		if (!take(r, 1))
			return false;
		base = r->code[r->at - 1] & 7;
		/* without an index, from rsp */
		r->safe = base == 4 && !(r->rex & 1) && (r->code[r->at - 1] >> 3 & 7) == 4 &&
			  !(r->rex & 2);
		if (base == 5 && !mod && !take(r, 4))
			return false;
	} else if (rm == 5 && !mod) {
		r->safe = true; /* from rip */
		if (!take(r, 4))
			return false;
	}
	r->safe |= r->tls;
	return mod == 1 ? take(r, 1) : mod == 2 ? take(r, 4) : true;
}

static u32 reg_bit(u8 number, bool high)
{
	return 1u << (number + (high ? 8 : 0));
}

static u32 reg_of_reg(const struct reader *r)
{
	return reg_bit(r->modrm >> 3 & 7, r->rex & 4);
}

/* One that writes the operand of ModRM.rm. */
static void writes_rm(struct reader *r)
{
	r->insn->kind = r->in_memory ? FT_X86_OTHER : FT_X86_PLAIN;
	if (!r->in_memory)
		r->insn->writes |= reg_bit(r->modrm & 7, r->rex & 1);
}

/* Numbers of byte registers without REX are those of ah, ch, dh, bh from 4 on: both are meant. */
static void widen(struct reader *r)
{
	if (!r->rex)
		r->insn->writes |= (r->insn->writes >> 4 & 0xf);
}

/* What those do that have no plain row. */
static void describe_special(struct reader *r, u8 op)
{
	struct ft_x86 *insn = r->insn;
	u8 reg = r->modrm >> 3 & 7;

	if ((op & 0xf8) == 0x50) {
		insn->kind = FT_X86_PUSH;
		insn->writes = FT_X86_RSP;
	} else if ((op & 0xf0) == 0x70) {
		insn->kind = FT_X86_JUMP_IF;
		insn->target = number(r, 1);
	} else if (op == 0xe8 || op == 0xe9 || op == 0xeb) {
		insn->kind = op == 0xe8 ? FT_X86_CALL : FT_X86_JUMP;
		insn->target = number(r, op == 0xeb ? 1 : 4);
	} else if (op >= 0xe0 && op <= 0xe3) {
		insn->kind = FT_X86_JUMP_IF; /* loop, jrcxz */
		insn->target = number(r, 1);
		insn->writes = op < 0xe3 ? FT_X86_RCX : 0;
	} else if (op == 0x90) {
		insn->kind = r->rex & 1 ? FT_X86_OTHER : FT_X86_NOP;
	} else if ((op & 0xf0) == 0xb0) {
		insn->kind = FT_X86_PLAIN;
		insn->writes = reg_bit(op & 7, r->rex & 1);
	} else if (op == 0x99) {
		insn->kind = FT_X86_PLAIN;
		insn->writes = FT_X86_RDX;
	} else if (op == 0xc2 || op == 0xc3 || op == 0xca || op == 0xcb || op == 0xcc ||
		   op == 0xcf || op == 0xf4) {
		insn->kind = FT_X86_END;
	} else if (op == 0xff && (reg == 4 || reg == 5)) {
		insn->kind = FT_X86_INDIRECT;
	} else if (op >= 0xf6 && op <= 0xf7 && reg < 2) {
		insn->kind = FT_X86_PLAIN; /* test */
	} else if ((op >= 0xf6 && op <= 0xf7 && reg < 4) || (op >= 0xfe && reg < 2)) {
		writes_rm(r);
	}
}

static void describe_one(struct reader *r, u8 op)
{
	struct ft_x86 *insn = r->insn;
	u8 row = one[op];

	if (row & G)
		insn->writes = reg_of_reg(r);
	else if (row & A)
		insn->writes = 1;
	if (row & (G | A | T) || (op >= 0x80 && op <= 0x83 && (r->modrm >> 3 & 7) == 7))
		insn->kind = FT_X86_PLAIN; /* the latter is cmp */
	else if (!(row & E))
		describe_special(r, op);
	else
		writes_rm(r);
	widen(r);
	insn->faults = r->in_memory && !r->safe && op != 0x8d; /* lea only computes */
}

static void describe_two(struct reader *r, u8 op)
{
	struct ft_x86 *insn = r->insn;

	if ((op & 0xf0) == 0x80) {
		insn->kind = FT_X86_JUMP_IF;
		insn->target = number(r, 4);
	} else if (op == 0x1e || op == 0x1f) {
		insn->kind = FT_X86_NOP;
		return;
	} else if (op == 0x0b || op == 0xb9 || op == 0xff) {
		insn->kind = FT_X86_END;
	} else if ((op & 0xf0) == 0x40 || op == 0xaf || op == 0xb6 || op == 0xb7 || op == 0xbe ||
		   op == 0xbf || op == 0xbc || op == 0xbd) {
		insn->kind = FT_X86_PLAIN;
		insn->writes = reg_of_reg(r);
	} else if ((op & 0xf0) == 0x90) {
		writes_rm(r);
		widen(r);
	}
	insn->faults = r->in_memory && !r->safe;
}

/* Prefixes of old; REX comes last. */
static bool take_prefixes(struct reader *r)
{
	for (;;) {
		u8 byte;

		if (!take(r, 1))
			return false;
		byte = r->code[r->at - 1];
		if (byte == 0x66)
			r->narrow = true;
		else if (byte == 0x67)
			r->short_address = true;
		else if (byte == 0x64 || byte == 0x65)
			r->tls = true;
		else if ((byte & 0xf0) == 0x40)
			r->rex = byte;
		else if (byte != 0xf0 && byte != 0xf2 && byte != 0xf3 && byte != 0x2e &&
			 byte != 0x36 && byte != 0x3e && byte != 0x26)
			return true;
		if ((byte & 0xf0) != 0x40)
			r->rex = 0; /* one that is not last counts for nothing */
	}
}

static bool has_bit(const u16 rows[16], u8 op)
{
	return rows[op >> 4] >> (op & 15) & 1;
}

/* What has a prefix of VEX (map of 5 bits in its second byte, or 1) or EVEX. */
static bool decode_vex(struct reader *r, u8 op)
{
	u8 map = 1;

	if (!take(r, op == 0x62 ? 3 : op == 0xc4 ? 2 : 1))
		return false;
	if (op != 0xc5)
		map = r->code[r->at - (op == 0x62 ? 3 : 2)] & (op == 0x62 ? 7 : 31);
	if (!take(r, 1) || !map || map > 6 || map == 4)
		return false;
	op = r->code[r->at - 1];
	if (!(map == 1 && op == 0x77) && !take_modrm(r)) /* vzeroupper has none */
		return false;
	return map != 3 && !(map == 1 && has_bit(with_byte, op)) ? true : take(r, 1);
}

static bool decode_two(struct reader *r)
{
	u8 op;

	if (!take(r, 1))
		return false;
	op = r->code[r->at - 1];
	if (op == 0x38 || op == 0x3a)
		return take(r, 1) && take_modrm(r) && (op == 0x38 || take(r, 1));
	if (op == 0x0f || op == 0x04 || op == 0x0a || op == 0x0c || op == 0x24 || op == 0x26)
		return false;
	if (!has_bit(without_modrm, op) && !take_modrm(r))
		return false;
	if ((op & 0xf0) == 0x80 && (r->narrow || !take(r, 4)))
		return false;
	if (has_bit(with_byte, op) && !take(r, 1))
		return false;
	describe_two(r, op);
	return true;
}

/* Bytes of the immediate. */
static size_t immediate(const struct reader *r, u8 op)
{
	u8 row = one[op];
	size_t word = r->narrow && !(r->rex & 8) ? 2 : 4;

	if ((op & 0xf8) == 0xb8 && r->rex & 8)
		return 8;
	if (op >= 0xa0 && op <= 0xa3) /* an address */
		return r->short_address ? 4 : 8;
	if (op == 0xc2 || op == 0xca)
		return 2;
	if (op == 0xc8)
		return 3;
	if (op == 0xf6 || op == 0xf7)
		return r->modrm >> 3 & 6 ? 0 : op == 0xf6 ? 1 : word;
	return row & B ? 1 : row & Z ? word : 0;
}

static bool decode_one(struct reader *r, u8 op)
{
	if (one[op] & X || (op == 0x8f && r->size > r->at && r->code[r->at] >> 3 & 7))
		return false; /* 8f with more is XOP */
	if (one[op] & M && !take_modrm(r))
		return false;
	if ((op == 0xe8 || op == 0xe9) && r->narrow)
		return false; /* makers disagree about its length */
	if (!take(r, immediate(r, op)))
		return false;
	describe_one(r, op);
	return true;
}

bool ft_x86_decode(const u8 *code, size_t size, struct ft_x86 *insn)
{
	struct reader r = {.code = code, .size = size, .insn = insn};
	bool known;
	u8 op;

	*insn = (struct ft_x86){.kind = FT_X86_OTHER};
	if (!take_prefixes(&r))
		return false;
	op = code[r.at - 1];
	known = op == 0x0f				 ? decode_two(&r)
		: op == 0xc4 || op == 0xc5 || op == 0x62 ? decode_vex(&r, op)
							 : decode_one(&r, op);
	if (!known)
		return false;
	insn->len = (u8)r.at;
	insn->target += insn->len;
	return true;
}
