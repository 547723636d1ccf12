/*
 * peek.h - memory of the kernel, read by user space: what a script follows from a value that it
 * has computed there.
 */
#ifndef FT_SCRIPTLANG_PEEK_H
#define FT_SCRIPTLANG_PEEK_H

#include <stddef.h>

#include "base/types.h"

#define FT_PEEK_MAX 4096 /* bytes of one read */

struct ft_peek;

/* 0, or a negative errno: the kernel permits no such program (it wants Linux 5.10). */
int ft_peek_new(struct ft_peek **peek);
void ft_peek_free(struct ft_peek *peek);

/* Copies what lies at an address. 0, or -EFAULT: it cannot be read. */
int ft_peek_read(struct ft_peek *peek, u64 addr, void *to, size_t bytes);
/* The same of a string, which is cut so that it fits with its NUL. */
int ft_peek_string(struct ft_peek *peek, u64 addr, char *to, size_t bytes);
/* The address of the task_struct of this thread, or 0. */
u64 ft_peek_task(struct ft_peek *peek);

#endif
