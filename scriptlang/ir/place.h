/* place.h - what the parts of place.c share; see ir.h. */
#ifndef FT_SCRIPTLANG_PLACE_H
#define FT_SCRIPTLANG_PLACE_H

#include "scriptlang/ir/ir.h"

/* Whether a handler can do an operation in the kernel, once it is known what holds references. */
bool ft_place_in_kernel(const struct ft_ir *ir, const struct ft_ir_op *op);

/* Whether it reads a variable, by a key that is known wherever its handler is handed over. */
bool ft_place_reads_early(const struct ft_ir *ir, const struct ft_ir_op *op);

/* Gives strings their sizes, and records theirs: place_sizes.c. */
void ft_place_sizes(struct ft_ir_program *program, u32 string_bytes);

/* Whether an operation in user space may touch a fenced variable, by itself or in what it calls. */
bool ft_place_touches_fenced(const struct ft_ir_program *program, const struct ft_ir_op *op);

/*
 * Finds the variables that are fenced, and puts fences before operations with them that kernel
 * handlers do: fence.c. 0 or -ENOMEM.
 */
int ft_place_fences(struct ft_arena *arena, struct ft_ir_program *program);

#endif
