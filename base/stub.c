/* stub.c - see stub.h. */
#include "base/stub.h"

#include <string.h>

#define A64_BTI_C 0xd503245fu
#define A64_BR_X17 0xd61f0220u

u64 ft_stub_slot_x86_64(const u8 *code, size_t bytes, u64 addr)
{
	static const u8 endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};
	size_t at = 0;
	s32 disp;

	if (bytes >= 4 && !memcmp(code, endbr64, 4))
		at = 4;
	if (at < bytes && code[at] == 0xf2)
		at++;
	if (at + 6 > bytes || code[at] != 0xff || code[at + 1] != 0x25)
		return 0;
	memcpy(&disp, code + at + 2, sizeof(disp));
	return addr + at + 6 + (u64)(s64)disp;
}

u64 ft_stub_slot_aarch64(const u8 *code, size_t bytes, u64 addr)
{
	u32 op, adrp, ldr, last, pages;

	if (bytes < 4)
		return 0;
	memcpy(&op, code, 4);
	if (op == A64_BTI_C) {
		code += 4;
		bytes -= 4;
		addr += 4;
	}
	if (bytes < 16)
		return 0;
	memcpy(&adrp, code, 4);
	memcpy(&ldr, code + 4, 4);
	memcpy(&last, code + 12, 4);
	if ((adrp & 0x9f00001fu) != 0x90000010u || (ldr & 0xffc003ffu) != 0xf9400211u ||
	    last != A64_BR_X17)
		return 0;
	/* A signed number of pages in 21 bits; the offset is in words. */
	pages = (adrp >> 29 & 3) | (adrp >> 5 & 0x7ffff) << 2;
	return (addr & ~UINT64_C(0xfff)) + ((u64)(s64)(s32)(pages << 11) >> 11 << 12) +
	       (u64)(ldr >> 10 & 0xfff) * 8;
}
