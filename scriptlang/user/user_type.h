/*
 * user_type.h - types of programs, by their debug information (DWARF 5, chapter 5).
 */
#ifndef FT_SCRIPTLANG_USER_TYPE_H
#define FT_SCRIPTLANG_USER_TYPE_H

#include "scriptlang/user/user_file.h"

#define FT_USER_TYPE (1 << 28) /* ids from here on are of these types */

struct ft_user_type {
	Dwarf_Die die;
	struct ft_user_file *file;
};

/* The id of a type; 0: it is "void", or there is no memory left. */
s32 ft_user_type_id(struct ft_compile *compile, struct ft_user_file *file, const Dwarf_Die *die);
const struct ft_user_type *ft_user_type(const struct ft_compile *compile, s32 id);

/* The type that an entry has (DW_AT_type). False: none, which is "void". */
bool ft_user_type_of(const Dwarf_Die *die, Dwarf_Die *type);

/* Goes through typedefs, const and the like. A declaration becomes the definition, if there is. */
bool ft_user_type_strip(struct ft_user_file *file, const Dwarf_Die *die, Dwarf_Die *type);

/* As SystemTap shows it: "struct pt*", "char const*", "int[4]". NULL for void. In the arena. */
const char *ft_user_type_name(struct ft_compile *compile, const Dwarf_Die *type);

/* Bytes, or 0 where not known. */
u64 ft_user_type_bytes(const Dwarf_Die *type);

/* Elements in each dimension of an array; how many dimensions. */
#define FT_USER_DIMENSIONS_MAX 8 /* as FT_SHAPE_DIMENSIONS_MAX */
u32 ft_user_type_counts(const Dwarf_Die *array, u64 counts[FT_USER_DIMENSIONS_MAX]);

/* What a base type or an enumeration is. */
bool ft_user_type_signed(const Dwarf_Die *type);

/* To a virtual base class: so many bytes further, then by an expression (DWARF 5, 5.7.3). */
struct ft_user_hop {
	u64 offset;
	Dwarf_Attribute place;
};

#define FT_USER_HOPS_MAX 4

/* A member of a structure, also of anonymous ones within it and of its base classes. */
struct ft_user_member {
	Dwarf_Die type;
	struct ft_user_hop hops[FT_USER_HOPS_MAX]; /* first */
	u32 hop_count;
	u64 offset;		  /* bytes from the beginning of the structure, or the last hop */
	u32 bit_offset, bit_size; /* of a bit field, from offset on; size 0: it is none */
};

/* 0; -ENOENT: there is none; -ENOTSUP: nothing tells where it is. */
int ft_user_member_find(struct ft_user_file *file, const Dwarf_Die *type, const char *name,
			struct ft_user_member *member);

/* The type of that name ("struct pt", "pt", "pt *"), in the whole file. */
bool ft_user_type_find(struct ft_user_file *file, const char *name, Dwarf_Die *type);

#endif
