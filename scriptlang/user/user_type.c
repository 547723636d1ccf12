/* user_type.c - see user_type.h. */
#include "scriptlang/user/user_type.h"

#include <dwarf.h>
#include <errno.h>
#include <string.h>

#include "scriptlang/sema/shape.h"
#include "scriptlang/user/user_units.h"

#define STRIPS_MAX 32 /* typedefs in a row */
#define BASES_MAX 32  /* structures that are searched for a member */
#define NAME_DEPTH 16

s32 ft_user_type_id(struct ft_compile *compile, struct ft_user_file *file, const Dwarf_Die *die)
{
	struct ft_user_type *slot;

	for (u32 i = 0; i < compile->user_type_count; i++)
		if (compile->user_types[i].die.addr == die->addr)
			return FT_USER_TYPE + (s32)i;
	slot = FT_ARENA_PUSH(compile->arena, &compile->user_types, &compile->user_type_count);
	if (!slot)
		return 0;
	*slot = (struct ft_user_type){.die = *die, .file = file};
	return FT_USER_TYPE + (s32)compile->user_type_count - 1;
}

const struct ft_user_type *ft_user_type(const struct ft_compile *compile, s32 id)
{
	u32 at = (u32)(id - FT_USER_TYPE);

	return id >= FT_USER_TYPE && at < compile->user_type_count ? &compile->user_types[at]
								   : NULL;
}

bool ft_user_type_of(const Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Die copy = *die;
	Dwarf_Attribute attr;

	return dwarf_formref_die(dwarf_attr_integrate(&copy, DW_AT_type, &attr), type) != NULL;
}

static bool is_declaration(const Dwarf_Die *die)
{
	Dwarf_Die copy = *die;
	Dwarf_Attribute attr;
	bool value = false;

	return !dwarf_formflag(dwarf_attr(&copy, DW_AT_declaration, &attr), &value) && value;
}

bool ft_user_type_strip(struct ft_user_file *file, const Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Die at = *die;

	for (u32 i = 0; i < STRIPS_MAX; i++) {
		const char *name;

		switch (dwarf_tag(&at)) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
			if (!ft_user_type_of(&at, &at))
				return false;
			continue;
		default:
			break;
		}
		name = is_declaration(&at) ? dwarf_diename(&at) : NULL;
		if (!name || !ft_user_type_find(file, name, type))
			*type = at;
		return true;
	}
	return false;
}

static const char *word_of(int tag)
{
	switch (tag) {
	case DW_TAG_structure_type:
		return "struct ";
	case DW_TAG_class_type:
		return "class ";
	case DW_TAG_union_type:
		return "union ";
	case DW_TAG_enumeration_type:
		return "enum ";
	default:
		return "";
	}
}

u32 ft_user_type_counts(const Dwarf_Die *array, u64 counts[FT_USER_DIMENSIONS_MAX])
{
	Dwarf_Die copy = *array, range;
	u32 count = 0;

	if (dwarf_child(&copy, &range))
		return 0;
	do {
		Dwarf_Attribute attr;
		Dwarf_Word bound;

		if (dwarf_tag(&range) != DW_TAG_subrange_type || count == FT_USER_DIMENSIONS_MAX)
			continue;
		counts[count] = 0;
		if (!dwarf_formudata(dwarf_attr(&range, DW_AT_count, &attr), &bound))
			counts[count] = bound;
		else if (!dwarf_formudata(dwarf_attr(&range, DW_AT_upper_bound, &attr), &bound))
			counts[count] = bound + 1;
		count++;
	} while (dwarf_siblingof(&range, &range) == 0);
	return count;
}

static const char *dimensions(struct ft_compile *compile, Dwarf_Die *array)
{
	const char *text = "";
	Dwarf_Die range;
	bool any = false;

	if (dwarf_child(array, &range))
		return "[]";
	do {
		Dwarf_Attribute attr;
		Dwarf_Word bound;

		if (dwarf_tag(&range) != DW_TAG_subrange_type)
			continue;
		any = true;
		if (!dwarf_formudata(dwarf_attr(&range, DW_AT_count, &attr), &bound))
			text = ft_arena_printf(compile->arena, "%s[%llu]", text,
					       (unsigned long long)bound);
		else if (!dwarf_formudata(dwarf_attr(&range, DW_AT_upper_bound, &attr), &bound))
			text = ft_arena_printf(compile->arena, "%s[%llu]", text,
					       (unsigned long long)bound + 1);
		else
			text = ft_arena_printf(compile->arena, "%s[]", text);
	} while (text && dwarf_siblingof(&range, &range) == 0);
	return any && text ? text : "[]";
}

static const char *name_of(struct ft_compile *compile, const Dwarf_Die *type, u32 depth)
{
	Dwarf_Die copy = *type, inner;
	bool has_inner = ft_user_type_of(type, &inner);
	int tag = dwarf_tag(&copy);
	const char *name, *end = NULL;

	switch (tag) {
	case DW_TAG_pointer_type:
		end = "*";
		break;
	case DW_TAG_reference_type:
		end = "&";
		break;
	case DW_TAG_rvalue_reference_type:
		end = "&&";
		break;
	case DW_TAG_const_type:
		end = " const";
		break;
	case DW_TAG_volatile_type:
		end = " volatile";
		break;
	case DW_TAG_restrict_type:
		end = " restrict";
		break;
	case DW_TAG_atomic_type:
		end = " _Atomic";
		break;
	case DW_TAG_array_type:
		end = dimensions(compile, &copy);
		break;
	case DW_TAG_subroutine_type:
		end = "(...)";
		break;
	default:
		break;
	}
	if (end)
		return ft_arena_printf(compile->arena, "%s%s",
				       has_inner && depth < NAME_DEPTH
					       ? name_of(compile, &inner, depth + 1)
					       : "void",
				       end);
	name = dwarf_diename(&copy);
	return ft_arena_printf(compile->arena, "%s%s", word_of(tag), name ? name : "<anonymous>");
}

const char *ft_user_type_name(struct ft_compile *compile, const Dwarf_Die *type)
{
	return name_of(compile, type, 0);
}

u64 ft_user_type_bytes(const Dwarf_Die *type)
{
	Dwarf_Die copy = *type;
	Dwarf_Word bytes;

	switch (dwarf_tag(&copy)) {
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		return dwarf_bytesize(&copy) > 0 ? (u64)dwarf_bytesize(&copy) : 8;
	default:
		return dwarf_aggregate_size(&copy, &bytes) ? 0 : bytes;
	}
}

bool ft_user_type_signed(const Dwarf_Die *type)
{
	Dwarf_Die copy = *type, inner;
	Dwarf_Attribute attr;
	Dwarf_Word encoding;

	if (dwarf_tag(&copy) == DW_TAG_enumeration_type) {
		if (ft_user_type_of(type, &inner) && ft_user_type_of(&inner, &copy))
			inner = copy;
		return ft_user_type_of(type, &inner) ? ft_user_type_signed(&inner) : true;
	}
	if (dwarf_formudata(dwarf_attr_integrate(&copy, DW_AT_encoding, &attr), &encoding))
		return false;
	return encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
}

/* ---- members ---- */

static int offset_of(Dwarf_Die *member, u64 *offset)
{
	Dwarf_Attribute attr;
	Dwarf_Word word;
	Dwarf_Op *ops;
	size_t count;

	*offset = 0;
	if (!dwarf_attr(member, DW_AT_data_member_location, &attr))
		return 0; /* of a union, or of a bit field */
	if (!dwarf_formudata(&attr, &word)) {
		*offset = word;
		return 0;
	}
	if (dwarf_getlocation(&attr, &ops, &count) || count != 1 ||
	    ops[0].atom != DW_OP_plus_uconst)
		return -ENOTSUP; /* a virtual base class */
	*offset = ops[0].number;
	return 0;
}

/* A bit field: the first byte that has some of it, and the bits from there on. */
static void place_bits(Dwarf_Die *die, struct ft_user_member *member)
{
	Dwarf_Attribute attr;
	Dwarf_Word size, at, unit;

	if (dwarf_formudata(dwarf_attr(die, DW_AT_bit_size, &attr), &size) || !size || size > 64)
		return;
	if (!dwarf_formudata(dwarf_attr(die, DW_AT_data_bit_offset, &attr), &at)) {
		at += member->offset * 8;
	} else if (!dwarf_formudata(dwarf_attr(die, DW_AT_bit_offset, &attr), &at)) {
		/* Before DWARF 4: from the most significant bit of its storage. */
		if (dwarf_formudata(dwarf_attr(die, DW_AT_byte_size, &attr), &unit))
			unit = ft_user_type_bytes(&member->type);
		at = member->offset * 8 + unit * 8 - at - size;
	} else {
		at = member->offset * 8;
	}
	member->offset = at / 8;
	member->bit_offset = (u32)(at % 8);
	member->bit_size = (u32)size;
}

/* Among the members of a structure itself, and of anonymous ones in it. */
static int find_own(struct ft_user_file *file, const Dwarf_Die *type, const char *name,
		    struct ft_user_member *found, u32 depth)
{
	Dwarf_Die copy = *type, child;

	if (depth > BASES_MAX || dwarf_child(&copy, &child))
		return -ENOENT;
	do {
		const char *own = dwarf_diename(&child);
		struct ft_user_member inner;
		Dwarf_Die peeled;
		u64 offset;
		int place;

		if (dwarf_tag(&child) != DW_TAG_member || (own && strcmp(own, name) != 0) ||
		    !ft_user_type_of(&child, &inner.type))
			continue;
		if (own && is_declaration(&child))
			continue; /* a static member: it is no part of the structure */
		place = offset_of(&child, &offset);
		if (own) {
			*found = (struct ft_user_member){.type = inner.type, .offset = offset};
			if (!place)
				place_bits(&child, found);
			return place;
		}
		if (place || !ft_user_type_strip(file, &inner.type, &peeled) ||
		    find_own(file, &peeled, name, &inner, depth + 1))
			continue;
		*found = inner;
		found->offset += offset;
		return 0;
	} while (dwarf_siblingof(&child, &child) == 0);
	return -ENOENT;
}

/* A structure, and how one comes to it from the one that is searched. */
struct base {
	Dwarf_Die type;
	u64 offset; /* from the last hop */
	struct ft_user_hop hops[FT_USER_HOPS_MAX];
	u32 hop_count;
};

/* Adds the base classes of one. */
static void push_bases(struct ft_user_file *file, const struct base *of, struct base *bases,
		       u32 *count)
{
	Dwarf_Die copy = of->type, child, inner;

	if (dwarf_child(&copy, &child))
		return;
	do {
		struct base *next = &bases[*count];
		struct ft_user_hop *hop;
		u64 offset;

		if (dwarf_tag(&child) != DW_TAG_inheritance || *count == BASES_MAX ||
		    !ft_user_type_of(&child, &inner))
			continue;
		*next = *of;
		if (!ft_user_type_strip(file, &inner, &next->type))
			continue;
		if (!offset_of(&child, &offset)) {
			next->offset += offset;
		} else if (next->hop_count < FT_USER_HOPS_MAX) {
			hop = &next->hops[next->hop_count++];
			hop->offset = next->offset;
			next->offset = 0;
			if (!dwarf_attr(&child, DW_AT_data_member_location, &hop->place))
				continue;
		} else {
			continue;
		}
		(*count)++;
	} while (dwarf_siblingof(&child, &child) == 0);
}

/* Members mask those of base classes, nearer base classes those further away. */
int ft_user_member_find(struct ft_user_file *file, const Dwarf_Die *type, const char *name,
			struct ft_user_member *member)
{
	struct base bases[BASES_MAX] = {{.type = *type}};
	u32 count = 1;

	for (u32 at = 0; at < count; at++) {
		int code = find_own(file, &bases[at].type, name, member, 0);

		if (!code) {
			member->offset += bases[at].offset;
			memcpy(member->hops, bases[at].hops, sizeof(member->hops));
			member->hop_count = bases[at].hop_count;
		}
		if (code != -ENOENT)
			return code;
		push_bases(file, &bases[at], bases, &count);
	}
	return -ENOENT;
}

/* ---- by name ---- */

static bool is_type(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type ||
	       tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type ||
	       tag == DW_TAG_typedef || tag == DW_TAG_base_type;
}

/* Among the entries of a unit, and of the name spaces in it. */
static bool find_in(Dwarf_Die *parent, const char *name, size_t len, int tag, Dwarf_Die *type,
		    u32 depth)
{
	Dwarf_Die child;

	if (depth > 8 || dwarf_child(parent, &child))
		return false;
	do {
		int own = dwarf_tag(&child);
		const char *text;

		if (own == DW_TAG_namespace && find_in(&child, name, len, tag, type, depth + 1))
			return true;
		if (!is_type(own) || (tag && own != tag) || is_declaration(&child))
			continue;
		text = dwarf_diename(&child);
		if (text && !strncmp(text, name, len) && !text[len]) {
			*type = child;
			return true;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

bool ft_user_type_find(struct ft_user_file *file, const char *name, Dwarf_Die *type)
{
	static const struct {
		const char *word;
		int tag;
	} words[] = {{"struct ", DW_TAG_structure_type},
		     {"class ", DW_TAG_class_type},
		     {"union ", DW_TAG_union_type},
		     {"enum ", DW_TAG_enumeration_type},
		     {"const ", 0}};
	struct ft_user_units units;
	const char *own;
	Dwarf_Die unit;
	int tag = 0;
	size_t len;

	for (size_t i = 0; i < FT_ARRAY_LEN(words); i++)
		if (!strncmp(name, words[i].word, strlen(words[i].word))) {
			name += strlen(words[i].word);
			tag = words[i].tag;
		}
	len = strcspn(name, "*&");
	while (len && name[len - 1] == ' ')
		len--;
	own = len ? ft_arena_copy(file->arena, name, len) : NULL;
	if (!own)
		return false;
	ft_user_units_begin(&units, file, own, NULL);
	while (ft_user_units_next(&units, &unit))
		if (find_in(&unit, name, len, tag, type, 0))
			return true;
	return false;
}

/* ---- shapes ---- */

static bool stripped(struct ft_compile *compile, s32 id, Dwarf_Die *type,
		     struct ft_user_file **file)
{
	const struct ft_user_type *known = ft_user_type(compile, id);

	if (!known)
		return false;
	*file = known->file;
	return ft_user_type_strip(known->file, &known->die, type);
}

static void array_shape(Dwarf_Die *array, struct ft_shape *shape)
{
	u64 counts[FT_USER_DIMENSIONS_MAX];

	shape->kind = FT_SHAPE_ARRAY;
	shape->dimensions = ft_user_type_counts(array, counts);
	for (u32 i = 0; i < shape->dimensions; i++)
		shape->counts[i] = counts[i] < UINT32_MAX ? (u32)counts[i] : UINT32_MAX;
}

static void base_shape(Dwarf_Die *type, struct ft_shape *shape)
{
	u64 bytes = ft_user_type_bytes(type);
	Dwarf_Attribute attr;
	Dwarf_Word encoding;

	if (!bytes || bytes > 8 ||
	    dwarf_formudata(dwarf_attr(type, DW_AT_encoding, &attr), &encoding) ||
	    encoding == DW_ATE_float || encoding == DW_ATE_complex_float)
		return;
	shape->kind = FT_SHAPE_NUMBER;
	shape->is_signed = ft_user_type_signed(type);
	/* "unsigned char" and "signed char" are characters, too, as in SystemTap. */
	shape->is_char =
		bytes == 1 && (encoding == DW_ATE_signed_char || encoding == DW_ATE_unsigned_char);
	shape->is_char |= encoding == DW_ATE_UTF && bytes <= 4;
	shape->char_bytes = (u32)bytes;
}

void ft_user_shape_of(struct ft_compile *compile, s32 id, struct ft_shape *shape)
{
	struct ft_user_file *file;
	Dwarf_Die type, inner;

	if (!stripped(compile, id, &type, &file))
		return;
	if (ft_user_type_of(&type, &inner))
		shape->inner = ft_user_type_id(compile, file, &inner);
	switch (dwarf_tag(&type)) {
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		shape->kind = FT_SHAPE_POINTER;
		shape->is_reference = dwarf_tag(&type) != DW_TAG_pointer_type;
		break;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		shape->kind = FT_SHAPE_STRUCTURE;
		shape->is_union = dwarf_tag(&type) == DW_TAG_union_type;
		break;
	case DW_TAG_subroutine_type:
		shape->is_function = true;
		break;
	case DW_TAG_array_type:
		array_shape(&type, shape);
		break;
	case DW_TAG_enumeration_type:
		shape->kind = FT_SHAPE_ENUM;
		break;
	case DW_TAG_base_type:
		base_shape(&type, shape);
		break;
	default:
		break;
	}
}

bool ft_user_shape_member(struct ft_compile *compile, s32 id, u32 number,
			  struct ft_shape_member *member)
{
	static const int tags[] = {DW_TAG_member, DW_TAG_inheritance};
	struct ft_user_file *file;
	Dwarf_Die type, child, inner;

	if (!stripped(compile, id, &type, &file))
		return false;
	for (size_t i = 0; i < FT_ARRAY_LEN(tags); i++) {
		if (dwarf_child(&type, &child))
			return false;
		do {
			if (dwarf_tag(&child) != tags[i] || is_declaration(&child) ||
			    !ft_user_type_of(&child, &inner) || number--)
				continue;
			*member = (struct ft_shape_member){
				.name = i ? NULL : dwarf_diename(&child),
				.type = ft_user_type_id(compile, file, &inner),
				.is_base = i == 1};
			return true;
		} while (dwarf_siblingof(&child, &child) == 0);
	}
	return false;
}
