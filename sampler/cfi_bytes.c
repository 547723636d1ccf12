/* cfi_bytes.c - see cfi_bytes.h: the rarer forms of numbers. */
#include "sampler/cfi_bytes.h"

u64 cfi_uleb_rest(struct cfi_bytes *b, u64 low, s64 *sign_fill)
{
	u64 value = low;
	unsigned int shift = 7;
	u8 byte;

	do {
		byte = cfi_u8(b);
		if (shift < 64)
			value |= (u64)(byte & 0x7f) << shift;
		shift = shift < 64 ? shift + 7 : shift;
	} while (byte & 0x80);
	*sign_fill = (byte & 0x40) && shift < 64 ? (s64)(UINT64_MAX << shift) : 0;
	return value;
}

/* The number as stored; signed forms are sign-extended. */
static u64 pointer_value(struct cfi_bytes *b, u8 format)
{
	switch (format) {
	case CFI_PE_ABSPTR: /* only 64-bit files are read */
	case CFI_PE_UDATA8:
	case CFI_PE_SDATA8:
		return cfi_u64(b);
	case CFI_PE_SDATA4:
		return (u64)(s64)(s32)cfi_u32(b);
	case CFI_PE_UDATA4:
		return cfi_u32(b);
	case CFI_PE_SDATA2:
		return (u64)(s64)(int16_t)cfi_u16(b);
	case CFI_PE_UDATA2:
		return cfi_u16(b);
	case CFI_PE_ULEB128:
		return cfi_uleb(b);
	case CFI_PE_SLEB128:
		return (u64)cfi_sleb(b);
	default:
		b->bad = true;
		return 0;
	}
}

u64 cfi_pointer(struct cfi_bytes *b, u8 encoding, u64 here, u64 data)
{
	u64 value = pointer_value(b, encoding & CFI_PE_FORMAT);

	switch (encoding & (CFI_PE_BASE | CFI_PE_INDIRECT)) {
	case 0:
		return value;
	case CFI_PE_PCREL:
		return value + here;
	case CFI_PE_DATAREL:
		return value + data;
	default:
		b->bad = true;
		return 0;
	}
}
