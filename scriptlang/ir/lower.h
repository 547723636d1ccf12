/*
 * lower.h - what the files of the lowering share; private to scriptlang/lower*.c.
 */
#ifndef FT_SCRIPTLANG_LOWER_H
#define FT_SCRIPTLANG_LOWER_H

#include "scriptlang/ir/ir.h"

/* The body at hand: of the handler, or of a function that was put into it. */
struct ft_lower_frame {
	const struct ft_function *function; /* NULL: the handler */
	u32 *regs;			    /* by number of the variable */
	u32 result;			    /* register that "return" sets, or NONE */
	u32 done, next; /* blocks that "return" and "next" go to; NONE: they end the whole */
	u32 levels;	/* loops of foreach around it */
	struct ft_lower_frame *outer;
};

struct ft_lower {
	struct ft_compile *compile;
	struct ft_ir_program *program;
	struct ft_ir *ir;
	struct ft_lower_frame *frame;
	u32 block; /* the one that operations go to */
	u32 catch, levels;
	u32 break_to, continue_to; /* NONE: not in a loop */
	u32 op_count;
};

/* A block, empty; start makes it the one at hand. */
u32 ft_lower_block(struct ft_lower *l);
void ft_lower_start(struct ft_lower *l, u32 block);

/* A register. */
u32 ft_lower_reg(struct ft_lower *l, enum ft_type type);

/*
 * Adds an operation, with its registers unset, and returns it; never NULL. Valid until the next
 * one.
 */
struct ft_ir_op *ft_lower_op(struct ft_lower *l, enum ft_ir_kind kind, const struct ft_expr *expr);

/* dst = a of a type */
u32 ft_lower_value(struct ft_lower *l, enum ft_ir_kind kind, enum ft_type type, u32 a, u32 b,
		   const struct ft_expr *expr);
void ft_lower_move(struct ft_lower *l, u32 dst, u32 a);
void ft_lower_jump(struct ft_lower *l, u32 block);
void ft_lower_branch(struct ft_lower *l, u32 a, u32 then, u32 other);
void ft_lower_action(struct ft_lower *l, const struct ft_expr *at);

/* The register of an expression's value. */
u32 ft_lower_expr(struct ft_lower *l, const struct ft_expr *e);
/* Goes to one of two blocks. */
void ft_lower_condition(struct ft_lower *l, const struct ft_expr *e, u32 then, u32 other);
/* Assigns to a variable or element. */
void ft_lower_assign(struct ft_lower *l, const struct ft_expr *left, const u32 *keys, u32 value);
/* Registers of a list; NULL and '*' become NONE. */
u32 *ft_lower_list(struct ft_lower *l, struct ft_expr *const *list, const bool *any, u32 count);

/* The register of a number. */
u32 ft_lower_number(struct ft_lower *l, s64 value);
/* The register of a target variable's value: lower_target.c. */
u32 ft_lower_target(struct ft_lower *l, const struct ft_expr *e);
/* Writes to a target variable: e is an assignment, ++ or --. The register of the value. */
u32 ft_lower_poke(struct ft_lower *l, const struct ft_expr *e, enum ft_ir_kind kind);
/*
 * $value of a script's file (files.h), which functions of the tapset keep. arg: what one of them
 * is given, or NONE. The register of the value.
 */
u32 ft_lower_file(struct ft_lower *l, const struct ft_expr *e, const char *name, u32 arg);
/* Finds out what runs a function of the tapset, and where. */
void ft_lower_bind(struct ft_lower *l, struct ft_tapset_function *f, struct ft_span at);

void ft_lower_stmt(struct ft_lower *l, const struct ft_stmt *s);

/* Notes that a function is called, so that it is lowered, too. */
void ft_lower_need(struct ft_lower *l, struct ft_function *f);

/* Whether a handler of user space asks what only the kernel knows (fired.c). */
bool ft_handler_asks_kernel(const struct ft_handler *handler);

#endif
