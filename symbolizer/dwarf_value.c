/*
 * dwarf_value.c - see dwarf_value.h.
 *
 * The form is gdb's, for who reads it knows that. Types and memory are a stranger's: everything
 * that repeats is counted, and text is escaped.
 */
#include "symbolizer/dwarf_value.h"

#include <dwarf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 600	/* of a variable's text, about */
#define DEPTH_MAX 4	/* of structures in structures */
#define MEMBERS_MAX 40	/* of a structure */
#define ELEMENTS_MAX 20 /* of an array */
#define TEXT_MAX 100	/* bytes of a string */
#define DIMENSIONS_MAX 8

struct value {
	struct ft_out *out;
	const struct ft_machine *machine;
	const struct dwarf_place *place;
};

static void write_type(struct value *v, Dwarf_Die *type, u64 offset, u32 depth);

static bool is_full(const struct value *v)
{
	size_t bytes;

	ft_out_memory(v->out, &bytes);
	return bytes > BYTES_MAX;
}

/* Reads bytes of the variable, or writes why that cannot be. */
static bool take(struct value *v, u64 offset, void *bytes, size_t count)
{
	u64 bad;

	switch (dwarf_place_read(v->place, v->machine, offset, bytes, count, &bad)) {
	case DWARF_PLACE_MEMORY:
		return true;
	case DWARF_PLACE_NOWHERE:
		ft_out_text(v->out, "<optimized out>");
		return false;
	case DWARF_PLACE_UNSAVED:
		if (bad)
			ft_out_printf(v->out, "<no memory at 0x%" PRIx64 ">", bad);
		else
			ft_out_text(v->out, "<not saved>");
		return false;
	default:
		ft_out_text(v->out, "<not understood>");
		return false;
	}
}

static u64 number_of(Dwarf_Die *die, unsigned int name, u64 otherwise)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	return dwarf_attr_integrate(die, name, &attr) && !dwarf_formudata(&attr, &value)
		       ? value
		       : otherwise;
}

/* The type that a DIE refers to, without typedefs and qualifiers. False: void, or damage. */
static bool type_of(Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Attribute attr;
	Dwarf_Die next;

	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, &next) &&
	       !dwarf_peel_type(&next, type);
}

/* ---- text ---- */

static void write_char(struct value *v, u8 c, char quote)
{
	static const char special[] = "\a\b\t\n\v\f\r";

	if (c && strchr(special, c))
		ft_out_printf(v->out, "\\%c", "abtnvfr"[strchr(special, c) - special]);
	else if (c < ' ' || c >= 0x7F)
		ft_out_printf(v->out, "\\%03o", c);
	else if (c == (u8)quote || c == '\\')
		ft_out_printf(v->out, "\\%c", c);
	else
		ft_out_char(v->out, (char)c);
}

/* Bytes in quotes, up to a NUL. whole: there are no more bytes behind these. */
static void write_string(struct value *v, const u8 *text, size_t bytes, bool whole)
{
	size_t len = strnlen((const char *)text, bytes);

	ft_out_char(v->out, '"');
	for (size_t i = 0; i < len; i++)
		write_char(v, text[i], '"');
	ft_out_text(v->out, len == bytes && !whole ? "\"..." : "\"");
}

/* What a pointer to characters leads to. */
static void write_pointed_text(struct value *v, u64 addr)
{
	u8 text[TEXT_MAX];
	size_t page = 4096 - addr % 4096, bytes = page < sizeof(text) ? page : sizeof(text);

	/* It may end where its page ends. */
	if (!v->machine->read(v->machine->context, addr, text, bytes))
		return;
	if (bytes < sizeof(text) && !memchr(text, 0, bytes) &&
	    v->machine->read(v->machine->context, addr + bytes, text + bytes, sizeof(text) - bytes))
		bytes = sizeof(text);
	ft_out_char(v->out, ' ');
	write_string(v, text, bytes, false);
}

/* ---- types with one value ---- */

static bool is_char(Dwarf_Die *type)
{
	u64 encoding = number_of(type, DW_AT_encoding, 0);

	return dwarf_tag(type) == DW_TAG_base_type && number_of(type, DW_AT_byte_size, 0) == 1 &&
	       (encoding == DW_ATE_signed_char || encoding == DW_ATE_unsigned_char ||
		encoding == DW_ATE_UTF);
}

/* The shortest text that reads back as the same number. */
static void write_double(struct value *v, double number)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	ft_out_text(v->out, text);
}

static void write_float(struct value *v, const u8 *bytes, size_t size)
{
	float single;
	double number;

	if (size == sizeof(single)) {
		memcpy(&single, bytes, sizeof(single));
		ft_out_printf(v->out, "%.9g", (double)single);
	} else if (size == sizeof(number)) {
		memcpy(&number, bytes, sizeof(number));
		write_double(v, number);
	} else {
		long double extended;

		if (size != sizeof(extended)) {
			ft_out_text(v->out, "<not understood>");
			return;
		}
		memcpy(&extended, bytes, sizeof(extended));
		ft_out_printf(v->out, "%.21Lg", extended);
	}
}

/* A number of at most 8 bytes with its sign. */
static void write_integer(struct value *v, u64 raw, u32 bits, u64 encoding)
{
	u64 sign = bits && bits < 64 ? 1ull << (bits - 1) : 0;
	s64 number = (s64)raw;

	if (sign)
		number = (s64)(((raw & (sign * 2 - 1)) ^ sign) - sign);
	switch (encoding) {
	case DW_ATE_boolean:
		ft_out_text(v->out, raw ? "true" : "false");
		return;
	case DW_ATE_signed:
		ft_out_printf(v->out, "%" PRId64, number);
		return;
	case DW_ATE_signed_char:
	case DW_ATE_unsigned_char:
		ft_out_printf(v->out, "%" PRId64 " '",
			      encoding == DW_ATE_signed_char ? number : (s64)raw);
		write_char(v, (u8)raw, '\'');
		ft_out_char(v->out, '\'');
		return;
	default:
		ft_out_u64(v->out, raw);
	}
}

static void write_base(struct value *v, Dwarf_Die *type, u64 offset)
{
	u64 size = number_of(type, DW_AT_byte_size, 0);
	u64 encoding = number_of(type, DW_AT_encoding, 0), raw = 0;
	u8 bytes[16];

	if (!size || size > sizeof(bytes)) {
		ft_out_text(v->out, "<not understood>");
		return;
	}
	if (!take(v, offset, bytes, size))
		return;
	if (encoding == DW_ATE_float) {
		write_float(v, bytes, size);
		return;
	}
	if (size > sizeof(raw) || encoding == DW_ATE_complex_float) {
		ft_out_text(v->out, "0x");
		for (u64 i = size; i-- > 0;)
			ft_out_printf(v->out, "%02x", bytes[i]);
		return;
	}
	memcpy(&raw, bytes, size);
	write_integer(v, raw, (u32)size * 8, encoding);
}

static void write_enum(struct value *v, Dwarf_Die *type, u64 raw, u64 size)
{
	u64 mask = size < 8 ? (1ull << size * 8) - 1 : UINT64_MAX;
	Dwarf_Die child;
	u32 count = 0;

	if (!dwarf_child(type, &child)) {
		do {
			Dwarf_Attribute attr;
			Dwarf_Sword constant;
			const char *name = dwarf_diename(&child);

			if (dwarf_tag(&child) == DW_TAG_enumerator && name &&
			    dwarf_attr(&child, DW_AT_const_value, &attr) &&
			    !dwarf_formsdata(&attr, &constant) &&
			    ((u64)constant & mask) == (raw & mask)) {
				ft_out_text(v->out, name);
				return;
			}
		} while (++count < 100000 && !dwarf_siblingof(&child, &child));
	}
	write_integer(v, raw, (u32)size * 8, DW_ATE_signed);
}

static void write_pointer(struct value *v, Dwarf_Die *type, u64 offset, u32 depth)
{
	bool is_reference = dwarf_tag(type) == DW_TAG_reference_type ||
			    dwarf_tag(type) == DW_TAG_rvalue_reference_type;
	struct dwarf_place place = {.count = 1};
	struct value inside = {v->out, v->machine, &place};
	Dwarf_Die to;
	u64 addr;

	if (!take(v, offset, &addr, sizeof(addr)))
		return;
	ft_out_printf(v->out, "%s0x%" PRIx64, is_reference ? "@" : "", addr);
	if (!addr || !type_of(type, &to))
		return;
	if (!is_reference) {
		if (is_char(&to))
			write_pointed_text(v, addr);
		return;
	}
	place.parts[0] =
		(struct dwarf_part){.kind = DWARF_PLACE_MEMORY, .number = addr, .size = UINT64_MAX};
	ft_out_text(v->out, ": ");
	write_type(&inside, &to, 0, depth + 1);
}

/* ---- structures and arrays ---- */

/* A member of so many bits, of which the first is that of its storage's bytes from offset on. */
static void write_bits(struct value *v, Dwarf_Die *type, u64 first_bit, u64 bits)
{
	u64 raw = 0, from = first_bit / 8, shift = first_bit % 8;
	u64 bytes = (shift + bits + 7) / 8;

	if (!bits || bits > 64 || bytes > sizeof(raw)) {
		ft_out_text(v->out, "<not understood>");
		return;
	}
	if (!take(v, from, &raw, bytes))
		return;
	raw >>= shift;
	if (bits < 64)
		raw &= (1ull << bits) - 1;
	if (dwarf_tag(type) == DW_TAG_enumeration_type)
		write_enum(v, type, raw, 8);
	else
		write_integer(v, raw, (u32)bits, number_of(type, DW_AT_encoding, 0));
}

/* The first bit of a bit field of DWARF 2 or 3, which is counted from the storage's highest. */
static u64 old_bit(Dwarf_Die *member, Dwarf_Die *type, u64 bits)
{
	u64 storage = number_of(member, DW_AT_byte_size, number_of(type, DW_AT_byte_size, 4));

	return storage * 8 - bits - number_of(member, DW_AT_bit_offset, 0);
}

static void write_member(struct value *v, Dwarf_Die *member, u64 offset, u32 depth)
{
	u64 bits = number_of(member, DW_AT_bit_size, 0), at;
	Dwarf_Attribute attr;
	Dwarf_Word constant;
	Dwarf_Die type;

	if (!type_of(member, &type)) {
		ft_out_text(v->out, "<not understood>");
		return;
	}
	if (bits && dwarf_attr(member, DW_AT_data_bit_offset, &attr) &&
	    !dwarf_formudata(&attr, &constant)) {
		write_bits(v, &type, offset * 8 + constant, bits);
		return;
	}
	at = 0;
	if (dwarf_attr(member, DW_AT_data_member_location, &attr)) {
		/* A virtual base has no constant place. */
		if (dwarf_formudata(&attr, &constant)) {
			ft_out_text(v->out, "<not understood>");
			return;
		}
		at = constant;
	}
	if (bits)
		write_bits(v, &type, (offset + at) * 8 + old_bit(member, &type, bits), bits);
	else
		write_type(v, &type, offset + at, depth + 1);
}

static void write_struct(struct value *v, Dwarf_Die *type, u64 offset, u32 depth)
{
	bool first = true;
	u32 count = 0;
	Dwarf_Die child;

	if (depth >= DEPTH_MAX) {
		ft_out_text(v->out, "{...}");
		return;
	}
	if (dwarf_hasattr(type, DW_AT_declaration)) {
		ft_out_text(v->out, "<incomplete type>");
		return;
	}
	ft_out_char(v->out, '{');
	if (!dwarf_child(type, &child)) {
		do {
			int tag = dwarf_tag(&child);
			const char *name = dwarf_diename(&child);

			if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) ||
			    dwarf_hasattr(&child, DW_AT_external) ||
			    dwarf_hasattr(&child, DW_AT_declaration))
				continue;
			if (!first)
				ft_out_text(v->out, ", ");
			first = false;
			if (count++ == MEMBERS_MAX || is_full(v)) {
				ft_out_text(v->out, "...");
				break;
			}
			if (tag == DW_TAG_inheritance) {
				Dwarf_Die base;

				name = type_of(&child, &base) ? dwarf_diename(&base) : NULL;
				ft_out_printf(v->out, "<%s> = ", name ? name : "base");
			} else if (name) {
				ft_out_printf(v->out, "%s = ", name);
			}
			write_member(v, &child, offset, depth);
		} while (!dwarf_siblingof(&child, &child));
	}
	ft_out_char(v->out, '}');
}

/* The lengths of an array's dimensions; a length that is not known is 0. Returns how many. */
static u32 dimensions(Dwarf_Die *type, u64 counts[DIMENSIONS_MAX])
{
	u32 count = 0;
	Dwarf_Die child;

	if (dwarf_child(type, &child))
		return 0;
	do {
		u64 upper;

		if (dwarf_tag(&child) != DW_TAG_subrange_type || count == DIMENSIONS_MAX)
			continue;
		upper = number_of(&child, DW_AT_upper_bound, UINT64_MAX);
		counts[count++] = number_of(&child, DW_AT_count, upper + 1);
	} while (!dwarf_siblingof(&child, &child));
	return count;
}

static void write_elements(struct value *v, Dwarf_Die *element, u64 size, const u64 *counts,
			   u32 dims, u64 offset, u32 depth)
{
	u64 stride = size;

	for (u32 i = 1; i < dims; i++)
		if (__builtin_mul_overflow(stride, counts[i], &stride))
			stride = 0;
	if (dims == 1 && is_char(element)) {
		u8 text[TEXT_MAX];
		u64 bytes = counts[0] < sizeof(text) ? counts[0] : sizeof(text);

		if (take(v, offset, text, bytes))
			write_string(v, text, bytes, bytes == counts[0]);
		return;
	}
	ft_out_char(v->out, '{');
	for (u64 i = 0; i < counts[0]; i++) {
		if (i)
			ft_out_text(v->out, ", ");
		if (i == ELEMENTS_MAX || is_full(v)) {
			ft_out_text(v->out, "...");
			break;
		}
		if (dims > 1)
			write_elements(v, element, size, counts + 1, dims - 1, offset + i * stride,
				       depth + 1);
		else
			write_type(v, element, offset + i * stride, depth + 1);
	}
	ft_out_char(v->out, '}');
}

static void write_array(struct value *v, Dwarf_Die *type, u64 offset, u32 depth)
{
	u64 counts[DIMENSIONS_MAX];
	u32 dims = dimensions(type, counts);
	Dwarf_Die element;
	Dwarf_Word size;

	if (!dims || !type_of(type, &element) || dwarf_aggregate_size(&element, &size))
		ft_out_text(v->out, "<not understood>");
	else if (depth >= DEPTH_MAX)
		ft_out_text(v->out, "{...}");
	else
		write_elements(v, &element, size, counts, dims, offset, depth);
}

static void write_type(struct value *v, Dwarf_Die *type, u64 offset, u32 depth)
{
	u64 raw = 0, size;

	switch (dwarf_tag(type)) {
	case DW_TAG_base_type:
		write_base(v, type, offset);
		return;
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		if (depth >= 2 * DEPTH_MAX)
			ft_out_text(v->out, "...");
		else
			write_pointer(v, type, offset, depth);
		return;
	case DW_TAG_enumeration_type:
		size = number_of(type, DW_AT_byte_size, 4);
		if (size > sizeof(raw))
			ft_out_text(v->out, "<not understood>");
		else if (take(v, offset, &raw, size))
			write_enum(v, type, raw, size);
		return;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		write_struct(v, type, offset, depth);
		return;
	case DW_TAG_array_type:
		write_array(v, type, offset, depth);
		return;
	default:
		ft_out_text(v->out, "<not understood>");
	}
}

/* Whether all of a variable is nowhere: said once, not for each of its members. */
static bool is_nowhere(const struct dwarf_place *place)
{
	for (u32 i = 0; i < place->count; i++)
		if (place->parts[i].kind != DWARF_PLACE_NOWHERE)
			return false;
	return true;
}

void dwarf_value_write(struct ft_out *out, Dwarf_Die *type, const struct dwarf_place *place,
		       const struct ft_machine *machine)
{
	struct value v = {out, machine, place};
	Dwarf_Die peeled;

	if (is_nowhere(place))
		ft_out_text(out, "<optimized out>");
	else if (!type || dwarf_peel_type(type, &peeled))
		ft_out_text(out, "<unknown type>");
	else
		write_type(&v, &peeled, 0, 0);
}

void dwarf_value_constant(struct ft_out *out, Dwarf_Die *type, Dwarf_Attribute *value,
			  const struct ft_machine *machine)
{
	struct dwarf_place place = {.count = 1};
	const char *text;
	Dwarf_Sword number;
	Dwarf_Block block;

	place.parts[0] = (struct dwarf_part){.kind = DWARF_PLACE_UNKNOWN, .size = UINT64_MAX};
	if (!dwarf_formsdata(value, &number)) {
		place.parts[0].kind = DWARF_PLACE_VALUE;
		place.parts[0].number = (u64)number;
	} else if (!dwarf_formblock(value, &block)) {
		place.parts[0].kind = DWARF_PLACE_BYTES;
		place.parts[0].bytes = block.data;
		place.parts[0].number = block.length;
	} else if ((text = dwarf_formstring(value))) {
		place.parts[0].kind = DWARF_PLACE_BYTES;
		place.parts[0].bytes = (const u8 *)text;
		place.parts[0].number = strlen(text) + 1;
	}
	dwarf_value_write(out, type, &place, machine);
}
