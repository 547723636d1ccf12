/*
 * cfi_bytes.h - a cursor over bytes that may end anywhere.
 *
 * Every read checks the end. A read beyond it yields 0, sets bad and puts the cursor at the end, so
 * that loops over a cursor end too; callers look at bad once, after a group of reads. Numbers are
 * in the machine's own byte order, since ft_elf_open takes no other files.
 */
#ifndef FT_SAMPLER_CFI_BYTES_H
#define FT_SAMPLER_CFI_BYTES_H

#include <string.h>

#include "base/types.h"

struct cfi_bytes {
	const u8 *at, *end;
	bool bad;
};

static inline size_t cfi_left(const struct cfi_bytes *b)
{
	return (size_t)(b->end - b->at);
}

static inline bool cfi_need(struct cfi_bytes *b, u64 len)
{
	if (__builtin_expect(len <= cfi_left(b), 1))
		return true;
	b->bad = true;
	b->at = b->end;
	return false;
}

static inline void cfi_skip(struct cfi_bytes *b, u64 len)
{
	if (cfi_need(b, len))
		b->at += len;
}

#define CFI_READ(NAME, TYPE)                                  \
	static inline TYPE NAME(struct cfi_bytes *b)          \
	{                                                     \
		TYPE value = 0;                               \
                                                              \
		if (cfi_need(b, sizeof(value))) {             \
			memcpy(&value, b->at, sizeof(value)); \
			b->at += sizeof(value);               \
		}                                             \
		return value;                                 \
	}
CFI_READ(cfi_u8, u8)
CFI_READ(cfi_u16, u16)
CFI_READ(cfi_u32, u32)
CFI_READ(cfi_u64, u64)
#undef CFI_READ

/* The bytes of a LEB128 number beyond its first. Bits beyond 64 are read and dropped. */
u64 cfi_uleb_rest(struct cfi_bytes *b, u64 low, s64 *sign_fill);

static inline u64 cfi_uleb(struct cfi_bytes *b)
{
	u8 byte = cfi_u8(b);
	s64 ignored;

	return __builtin_expect(byte < 0x80, 1) ? byte : cfi_uleb_rest(b, byte & 0x7f, &ignored);
}

static inline s64 cfi_sleb(struct cfi_bytes *b)
{
	u8 byte = cfi_u8(b);
	s64 fill;
	u64 value;

	if (__builtin_expect(byte < 0x80, 1))
		return (byte & 0x3f) - (byte & 0x40);
	value = cfi_uleb_rest(b, byte & 0x7f, &fill);
	return (s64)(value | (u64)fill);
}

/*
 * Pointer encodings of .eh_frame, from the Linux Standard Base, "DWARF Exception Header Encoding".
 */
enum {
	CFI_PE_ABSPTR = 0x00,
	CFI_PE_ULEB128 = 0x01,
	CFI_PE_UDATA2 = 0x02,
	CFI_PE_UDATA4 = 0x03,
	CFI_PE_UDATA8 = 0x04,
	CFI_PE_SLEB128 = 0x09,
	CFI_PE_SDATA2 = 0x0a,
	CFI_PE_SDATA4 = 0x0b,
	CFI_PE_SDATA8 = 0x0c,
	CFI_PE_FORMAT = 0x0f,
	CFI_PE_PCREL = 0x10,
	CFI_PE_DATAREL = 0x30,
	CFI_PE_BASE = 0x70,
	CFI_PE_INDIRECT = 0x80,
	CFI_PE_OMIT = 0xff,
};

/*
 * Reads a pointer. here is the address of the cursor's place, data the base of data-relative
 * pointers. An encoding that cannot be read (indirect, relative to a function or to text) makes the
 * cursor bad.
 */
u64 cfi_pointer(struct cfi_bytes *b, u8 encoding, u64 here, u64 data);

#endif
