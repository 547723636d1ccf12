/*
 * user_location.h - location expressions become steps; private to scriptlang/user_*.c.
 */
#ifndef FT_SCRIPTLANG_USER_LOCATION_H
#define FT_SCRIPTLANG_USER_LOCATION_H

#include "scriptlang/user/user_target.h"
#include "scriptlang/user/user_type.h"

enum ft_user_state {
	FT_USER_VARIABLE, /* nothing is computed yet: the variable's bytes from "skip" on */
	FT_USER_MEMORY,	  /* its address is on top of the stack */
	FT_USER_VALUE,	  /* its value is */
	FT_USER_RETURNED, /* in the registers of a returned value, from "skip" on */
};

struct ft_user_resolver {
	struct ft_compile *compile;
	const struct ft_user_probe *probe; /* NULL: there is no place, only a type */
	const struct ft_user_probe
		*around; /* the handler's, also where there is no place; or NULL */
	const struct ft_user_site *site;
	struct ft_user_file *file;
	struct ft_target *target;
	char *error;	    /* 200 bytes, or NULL */
	Dwarf_Die type;	    /* of what is at hand */
	Dwarf_Die variable; /* VARIABLE: what it is of */
	enum ft_user_state state;
	u64 skip;
	u32 dimension; /* of the array at hand: how many indexes there have been */
	u32 bit_offset, bit_size;
	u32 depth; /* of the stack of steps */
};

/* Says why it cannot be: -ENOENT. */
int ft_user_say(struct ft_user_resolver *r, const char *fmt, ...) FT_PRINTF(2, 3);

/*
 * Why nothing is read from vector registers: the kernel saves them when a thread leaves its CPU,
 * not at probes (TIF_NEED_FPU_LOAD, bit 19 on Linux 6.18, was set at 1 to 39 of 20,000 in four
 * runs on a busy machine, by preemption), and no helper is known that would make it do so.
 */
int ft_user_say_vector(struct ft_user_resolver *r);

/* Adds a step. 0, -ENOENT (too many) or -ENOMEM. */
int ft_user_step(struct ft_user_resolver *r, struct ft_target_step step);

/* The usual ones: see enum ft_target_step_kind. */
int ft_user_simple(struct ft_user_resolver *r, enum ft_target_step_kind kind);
int ft_user_number(struct ft_user_resolver *r, s64 number);
int ft_user_add(struct ft_user_resolver *r, s64 number);
int ft_user_binary(struct ft_user_resolver *r, u8 op);
int ft_user_load(struct ft_user_resolver *r, u32 bytes);
int ft_user_pick(struct ft_user_resolver *r, u32 which);

/*
 * user_elsewhere.c: the address of a global; that of a thread's variable, whose offset in its block
 * is on top.
 */
int ft_user_emit_address(struct ft_user_resolver *r, u64 addr);
int ft_user_emit_thread(struct ft_user_resolver *r);

/* Goes on so many bytes further. */
int ft_user_skip(struct ft_user_resolver *r, u64 bytes);

/* Goes on to a virtual base class: the structure has to be in memory. */
int ft_user_hop(struct ft_user_resolver *r, struct ft_user_hop *hop);

/* Computes what is at hand, of so many bytes: MEMORY or VALUE. */
int ft_user_settle(struct ft_user_resolver *r, u32 bytes);
/* The same, and reads it if it is in memory: VALUE. */
int ft_user_value(struct ft_user_resolver *r, u32 bytes);
/* The same for its address: MEMORY, or an error where it has none. */
int ft_user_address(struct ft_user_resolver *r);

/* Whether the whole of it is in one register, or computed. */
bool ft_user_in_register(struct ft_user_resolver *r);

/* Begins with the value that a function of this return type returns. */
int ft_user_return(struct ft_user_resolver *r);

/* The frame of the function (FT_USER_FRAME), told apart by a number. */
int ft_user_frame(struct ft_user_resolver *r, s64 number);

#endif
