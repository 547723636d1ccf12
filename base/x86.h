/*
 * x86.h - how long instructions of x86-64 are, and what the simple ones do: as much as is needed to
 * tell where a function can be probed. Encoding: AMD64 Architecture Programmer's Manual, volume 3,
 * appendix A; Intel SDM, volume 2, appendix A (VEX, EVEX).
 */
#ifndef FT_BASE_X86_H
#define FT_BASE_X86_H

#include <stdbool.h>
#include <stddef.h>

#include "base/types.h"

enum ft_x86_kind {
	FT_X86_PLAIN,	/* goes on behind itself, and changes registers of writes and flags alone */
	FT_X86_OTHER,	/* goes on behind itself, and may change anything */
	FT_X86_NOP,	/* also endbr64 */
	FT_X86_PUSH,	/* of a whole register */
	FT_X86_CALL,	/* to target */
	FT_X86_JUMP,	/* to target */
	FT_X86_JUMP_IF, /* to target, or on */
	FT_X86_INDIRECT, /* a jump to what is not known */
	FT_X86_END,	 /* nothing behind it is reached by it: ret, ud2, hlt, int3 */
};

struct ft_x86 {
	u8 len; /* bytes */
	enum ft_x86_kind kind;
	u32 writes;  /* general registers: bit by number, rax rcx rdx rbx rsp rbp rsi rdi r8 ... */
	bool faults; /* it reads memory that may not be there: not its own stack, data or TLS */
	s64 target;  /* relative to the instruction's beginning */
};

#define FT_X86_RCX (1u << 1)
#define FT_X86_RDX (1u << 2)
#define FT_X86_RSP (1u << 4)
#define FT_X86_RSI (1u << 6)
#define FT_X86_RDI (1u << 7)
#define FT_X86_R8 (1u << 8)
#define FT_X86_R9 (1u << 9)

/* Decodes one. False: it is cut off at size, or none that this reader knows. */
bool ft_x86_decode(const u8 *code, size_t size, struct ft_x86 *insn);

#endif
