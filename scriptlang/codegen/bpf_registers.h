/*
 * bpf_registers.h - the registers of a probed program, as words of struct pt_regs (x86-64) or
 * struct user_pt_regs (aarch64), which is the context of programs at places in user space.
 */
#ifndef FT_SCRIPTLANG_BPF_REGISTERS_H
#define FT_SCRIPTLANG_BPF_REGISTERS_H

#include "base/types.h"

struct ft_register {
	u32 word;
	u32 size;  /* bytes: 1, 2, 4 or 8 */
	u32 shift; /* bits: where they begin */
};

/* A register, or the lower part of one, by its assembler name, with or without '%'. */
bool ft_register_find(const char *name, struct ft_register *found);

/* The word of a register by its DWARF number, or -1. */
int ft_register_word(u32 dwarf_number);

/* The words of the stack pointer, and of the place of the event. */
u32 ft_register_stack(void);
u32 ft_register_pc(void);
/* That of an argument of a function, from 0, or -1; and of what it returns. */
int ft_register_argument(u32 number);
/* Bytes from the stack pointer at a function's entry to an argument that is in no register. */
s32 ft_register_stack_argument(u32 number);
u32 ft_register_returned(void);
/* That of the return address at a function's entry; false: it is on the stack. */
bool ft_register_link(u32 *word);

struct ft_bpf_builtin;

/* Functions of the tapset that read them, or NULL. */
const struct ft_bpf_builtin *ft_bpf_register_builtin_find(const char *name);

#endif
