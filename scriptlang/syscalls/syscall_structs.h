/*
 * syscall_structs.h - texts of structures that system calls take: those of signals, clocks, the
 * scheduler and the machine.
 */
#ifndef FT_SCRIPTLANG_SYSCALL_STRUCTS_H
#define FT_SCRIPTLANG_SYSCALL_STRUCTS_H

#include "base/out.h"
#include "scriptlang/syscalls/syscalls.h"

/* Bytes of a structure that its text needs; 0: it is none of these. */
u32 ft_syscall_struct_bytes(const char *type);

/* The text of a structure, of so many bytes at bytes. False: it is none of these. */
bool ft_syscall_struct_text(const char *type, const void *bytes, struct ft_out *out);

/*
 * prctl() and ptrace(), whose first argument says what the others are: changes the kind of an
 * argument, and the table of its names; '-': it is not shown.
 */
void ft_syscall_form(const struct ft_syscall *s, const u64 *values, u32 at,
		     struct ft_syscall_arg *arg);

#endif
