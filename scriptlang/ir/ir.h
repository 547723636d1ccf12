/*
 * ir.h - the intermediate representation: what a script does, as operations on registers.
 *
 * A handler or function is a graph of blocks. Registers are many, have a type, and may be written
 * more than once (locals of the script are registers); they begin as 0 or "". One representation
 * has two back ends: the interpreter of user space, and BPF.
 *
 * An operation that fails goes on at its block's catch; without one, its function ends.
 */
#ifndef FT_SCRIPTLANG_IR_H
#define FT_SCRIPTLANG_IR_H

#include "scriptlang/sema/sema.h"

struct ft_target;

#define FT_IR_NONE UINT32_MAX /* no register, no block */

enum ft_ir_kind {
#define FT_IR_OP(NAME, TEXT, SIDES, FLAGS) FT_IR_##NAME,
#include "scriptlang/ir/ir_ops.def"
#undef FT_IR_OP
	FT_IR_KINDS
};

struct ft_ir_op {
	enum ft_ir_kind kind;
	u32 dst, a, b; /* registers, or FT_IR_NONE */
	u32 *args;     /* registers; NONE: '*' of a slice */
	u32 arg_count;
	u32 then, other;			  /* blocks */
	u32 level;				  /* WALK, STEP, LEAVE: loops around it */
	s64 number;				  /* NUMBER; STAT: enum ft_stat_op */
	struct ft_var *var;			  /* a global */
	const struct ft_expr *expr;		  /* what it comes from: messages point there */
	const struct ft_foreach *foreach;	  /* WALK */
	struct ft_function *function;		  /* CALL: the first overload */
	const struct ft_tapset_function *builtin; /* BUILTIN */
	const struct ft_target *peek; /* TARGET: how user space reads it; NULL: it cannot */
	u32 number_in_code;	      /* of the operation among all; errors are told by it */
	/* place.c, of handlers of the kernel: */
	bool in_kernel;	 /* it is done there */
	u32 site;	 /* number of its record; 0: none */
	u32 hoist;	 /* number of what the kernel finds out for user space; 0: nothing */
	u32 hoist_fault; /* the same of whether it could not be read; 0: nobody asks */
	bool is_quiet;	 /* found out beforehand: what cannot be read is 0 */
	u32 fault;	 /* then this register, counted from 1, becomes 1, else 0; 0: nobody asks */
};

struct ft_ir_block {
	struct ft_ir_op *ops;
	u32 count;
	u32 catch;  /* block, or NONE */
	u32 levels; /* loops of foreach around it */
};

struct ft_ir_reg {
	enum ft_type type;
	u32 bytes;   /* strings: the most they can have, with NUL; a multiple of 8 (place.c) */
	u32 room;    /* of a string that is made of two: what both need */
	bool is_ref; /* it may be something that only user space can make a text of */
};

/* A handler, or one function of the script. */
struct ft_ir {
	const struct ft_handler *handler;   /* or NULL */
	const struct ft_function *function; /* or NULL */
	enum ft_side side;
	struct ft_ir_reg *regs; /* parameters first */
	u32 reg_count;
	struct ft_ir_block *blocks; /* it begins with the first */
	u32 block_count;
	u32 levels;    /* the most loops of foreach within each other */
	bool loops;    /* it has a way back */
	bool touches_fenced; /* a function: what user space does in it (fence.c) */
	bool is_fired; /* in the kernel, but it runs when user space says so */
};

/*
 * A record that a handler of the kernel sends: what user space is to do, and the values it needs.
 */
struct ft_ir_site {
	enum ft_site_kind {
		FT_SITE_POST,  /* an operation of output; the kernel goes on */
		FT_SITE_SHIP,  /* user space goes on at the operation; the handler ends */
		FT_SITE_ERROR, /* the handler ended by an error of the operation */
	} kind;
	const struct ft_ir *ir;
	u32 block, at;
	u32 *regs; /* whose values are sent, in this order */
	u32 reg_count;
	struct ft_ir_hoist {
		u32 number, reg;
	} * hoists; /* after them: values that only the kernel can find out */
	u32 hoist_count;
	u32 bytes;   /* of the record */
	bool fences; /* what is done then touches variables that are fenced */
};

/* A whole script. */
struct ft_ir_program {
	const struct ft_program *program;
	struct ft_ir_site **sites; /* sites[0] is none */
	u32 site_count;
	u32 hoist_count;
	struct ft_ir **handlers;  /* in the order of program->handlers */
	struct ft_ir **functions; /* that are called, by ft_function.number */
	u32 function_count;
};

/*
 * Makes the operations of all handlers and of the functions that are called. What cannot be run is
 * a diagnostic. 0, -EINVAL or -ENOMEM.
 */
int ft_lower(struct ft_compile *compile, struct ft_program *program, struct ft_ir_program **ir);

/* How many times MAXACTION statements a point's handlers may have. */
u32 ft_actions_factor(const struct ft_point *point);

/* Whether its handlers run when somebody reads or writes what flametap itself offers. */
bool ft_point_is_served(const struct ft_point *point);

/* Whether a probe point's handlers fire in the kernel. */
bool ft_point_is_kernel(const struct ft_point *point);

/*
 * Decides what is done where: marks the operations of kernel handlers that the kernel does, makes
 * the sites, gives strings their sizes, and says which globals live in maps. What cannot be done
 * anywhere is a diagnostic. 0, -EINVAL or -ENOMEM.
 */
int ft_place(struct ft_compile *compile, struct ft_ir_program *program, u32 string_bytes);

/* Registers that are alive: bit sets of ir->reg_count bits for each block. */
struct ft_liveness {
	u64 **in, **out; /* by block */
	u32 words;
};

/* 0 or -ENOMEM. Lives in the arena. */
int ft_liveness(struct ft_arena *arena, const struct ft_ir *ir, struct ft_liveness *live);
/* Turns what is alive behind an operation into what is alive before it. */
void ft_live_step(const struct ft_ir_op *op, u64 *live);

/* Facts about operations. */
const char *ft_ir_name(enum ft_ir_kind kind);
enum ft_side ft_ir_side(const struct ft_ir_op *op);
bool ft_ir_fails(const struct ft_ir_op *op);
bool ft_ir_ends(const struct ft_ir_op *op);
/* Whether it does nothing but give dst a value: without a reader it need not be done. */
bool ft_ir_pure(const struct ft_ir_op *op);
/* Whether it only outputs: user space can do it later while the kernel goes on. */
bool ft_ir_posts(const struct ft_ir_op *op);

/* --dump ir */
void ft_ir_dump(const struct ft_ir_program *program, struct ft_out *out);

#endif
