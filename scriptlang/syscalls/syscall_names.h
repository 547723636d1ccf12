/*
 * syscall_names.h - tables of names, of syscall_flags.c and its companions. A table ends with END;
 * entries of several bits come before those of single ones of them.
 */
#ifndef FT_SCRIPTLANG_SYSCALL_NAMES_H
#define FT_SCRIPTLANG_SYSCALL_NAMES_H

#include "base/out.h"

struct ft_name {
	const char *text;
	u64 value;
};

#define N(NAME)                    \
	{                          \
#NAME, (u64)(NAME) \
	}
#define AS(TEXT, VALUE)            \
	{                          \
		TEXT, (u64)(VALUE) \
	}
#define END             \
	{               \
		NULL, 0 \
	}

/* NULL: it has none. */
const char *ft_names_find(const struct ft_name *names, u64 value);

/* Names of the bits that have one; the others together. any: whether something stands before. */
void ft_names_bits(struct ft_out *out, const struct ft_name *names, u64 value, bool any);

/* The name, or the number in hexadecimal. */
void ft_names_value(struct ft_out *out, const struct ft_name *names, u64 value);

/* Tables that hardly any script needs (syscall_rare.c). False: there is none of that name. */
bool ft_syscall_flags_rare(const char *table, u64 value, struct ft_out *out);

#endif
