/*
 * cfi_asm.h - an assembler for call frame information, for tests.
 */
#ifndef FT_TESTS_CFI_ASM_H
#define FT_TESTS_CFI_ASM_H

#include "tests/unit/cfi_image.h"

struct cfi_asm {
	u8 bytes[1 << 20];
	size_t len;
	bool is_debug; /* form of .debug_frame */
};

static inline void asm_put(struct cfi_asm *a, const void *data, size_t len)
{
	if (len > sizeof(a->bytes) - a->len)
		abort();
	if (len)
		memcpy(a->bytes + a->len, data, len);
	a->len += len;
}

static inline void asm_u8(struct cfi_asm *a, u8 value)
{
	asm_put(a, &value, sizeof(value));
}

static inline void asm_u32(struct cfi_asm *a, u32 value)
{
	asm_put(a, &value, sizeof(value));
}

static inline void asm_u64(struct cfi_asm *a, u64 value)
{
	asm_put(a, &value, sizeof(value));
}

static inline void asm_uleb(struct cfi_asm *a, u64 value)
{
	do {
		asm_u8(a, (u8)((value & 0x7f) | (value >= 0x80 ? 0x80 : 0)));
		value >>= 7;
	} while (value);
}

/* Writes the length of an entry that starts at at. */
static inline void asm_end(struct cfi_asm *a, size_t at)
{
	u32 length = (u32)(a->len - at - 4);

	memcpy(a->bytes + at, &length, sizeof(length));
}

/*
 * A CIE of version 1, code alignment 1, data alignment -8. data: what 'z' in the augmentation says.
 * Returns its offset.
 */
static inline size_t asm_cie_aug(struct cfi_asm *a, const char *augmentation, const void *data,
				 size_t data_len, u8 ra, const void *code, size_t len)
{
	size_t at = a->len;

	asm_u32(a, 0);
	asm_u32(a, a->is_debug ? UINT32_MAX : 0);
	asm_u8(a, 1);
	asm_put(a, augmentation, strlen(augmentation) + 1);
	asm_uleb(a, 1);
	asm_u8(a, 0x78);
	asm_u8(a, ra);
	if (augmentation[0] == 'z') {
		asm_uleb(a, data_len);
		asm_put(a, data, data_len);
	}
	asm_put(a, code, len);
	asm_end(a, at);
	return at;
}

/* The CIE of all compilers for x86-64: CFA = rsp + 8, return address at CFA - 8. */
static inline size_t asm_cie(struct cfi_asm *a)
{
	static const u8 code[] = {0x0c, 7, 8, 0x90, 1};

	return asm_cie_aug(a, a->is_debug ? "" : "zR", "\x1b", 1, 16, code, sizeof(code));
}

/* Up to the address; the caller adds address, size, "0" for the augmentation, code, and asm_end. */
static inline size_t asm_fde_head(struct cfi_asm *a, size_t cie)
{
	size_t at = a->len;

	asm_u32(a, 0);
	asm_u32(a, (u32)(a->is_debug ? cie : a->len - cie));
	return at;
}

/* An FDE of a CIE as asm_cie makes it. start: from the first byte of code. */
static inline void asm_fde(struct cfi_asm *a, size_t cie, u32 start, u32 bytes, const void *code,
			   size_t len)
{
	size_t at = asm_fde_head(a, cie);

	if (a->is_debug) {
		asm_u64(a, CFI_CODE + start);
		asm_u64(a, bytes);
	} else {
		asm_u32(a, (u32)(CFI_CODE + start - (CFI_EH + a->len)));
		asm_u32(a, bytes);
		asm_uleb(a, 0);
	}
	asm_put(a, code, len);
	asm_end(a, at);
}

#endif
