/*
 * shape.h - what a type consists of, by the kernel's BTF or by a program's debug information: as
 * much as it takes to print a value (pretty.c).
 */
#ifndef FT_SCRIPTLANG_SHAPE_H
#define FT_SCRIPTLANG_SHAPE_H

#include "scriptlang/sema/compile.h"

enum ft_shape_kind {
	FT_SHAPE_OTHER,
	FT_SHAPE_POINTER,
	FT_SHAPE_STRUCTURE,
	FT_SHAPE_ARRAY,
	FT_SHAPE_NUMBER,
	FT_SHAPE_ENUM,
};

#define FT_SHAPE_DIMENSIONS_MAX 8

struct ft_shape {
	enum ft_shape_kind kind;
	s32 inner;			     /* POINTER, ARRAY: id of the type; 0: void */
	u32 counts[FT_SHAPE_DIMENSIONS_MAX]; /* ARRAY: elements in each dimension */
	u32 dimensions;
	bool is_signed;
	bool is_char;
	u32 char_bytes;	   /* of a character */
	bool is_union;	   /* STRUCTURE */
	bool is_reference; /* POINTER: one that C++ follows by itself */
	bool is_function;  /* OTHER */
};

struct ft_shape_member {
	const char *name; /* NULL: anonymous; its members are the structure's */
	s32 type;
	bool is_base; /* a base class */
};

/* Of a type by its id (target.h), without typedefs. */
void ft_shape_of(struct ft_compile *compile, s32 id, struct ft_shape *shape);

/* The members of a structure by number; false behind the last. Base classes come last. */
bool ft_shape_member(struct ft_compile *compile, s32 id, u32 number,
		     struct ft_shape_member *member);

/* The same for types of programs: user_type.c. */
void ft_user_shape_of(struct ft_compile *compile, s32 id, struct ft_shape *shape);
bool ft_user_shape_member(struct ft_compile *compile, s32 id, u32 number,
			  struct ft_shape_member *member);

#endif
