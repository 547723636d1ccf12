/*
 * syscalls.h - the system calls that scripts can name: numbers, arguments, and how they are shown.
 *
 * A row of syscalls.def has one word for each argument: KIND[.TYPE]:NAME, with '-' before it if the
 * text of all arguments (argstr) leaves it out. Kinds:
 *
 *   i u l U   a number: int, unsigned, long, unsigned long
 *   h X x o   the same as 0x%x (unsigned, long), %#x, %#o (unsigned)
 *   p         an address
 *   d         a folder's descriptor, or AT_FDCWD
 *   f.T F.T   one or more names of a table in syscall_flags.c (int, long)
 *   m         a mode that counts if the argument before it has O_CREAT
 *   r         a protocol of a socket
 *   s S       a string; S: NAME is its address, NAME_str its text
 *   b B k     bytes (B: NAME is the text, too), an address of a socket: as many as the next
 *             argument says
 *   t.T T.T   a structure, which syscall_text.c knows
 *   a         an array of strings
 *
 * The kernel only copies (struct ft_syscall_ref); text is made in user space, of what was copied.
 */
#ifndef FT_SCRIPTLANG_SYSCALLS_H
#define FT_SCRIPTLANG_SYSCALLS_H

#include "base/arena.h"
#include "base/out.h"
#include "scriptlang/sema/compile.h"
#include "scriptlang/sema/sema.h"

#define FT_SYSCALL_ARGS_MAX 6
#define FT_SYSCALL_NUMBERS 512	 /* more than any machine has */
#define FT_SYSCALL_NAME_BYTES 32 /* of a name, with NUL */
#define FT_SYSCALL_ALL 0xff	 /* all arguments */
#define FT_SYSCALL_LIST_MAX 8	 /* strings of an array that are copied */

struct ft_syscall {
	const char *kernel; /* what the kernel calls it */
	const char *script; /* syscall.NAME */
	const char *title;  /* what "name" is there */
	const char *args;   /* see above */
	u32 number;
};

struct ft_syscall_arg {
	char kind;
	bool hidden;
	char type[24], name[24];
	u32 capture; /* bytes of memory behind it that are copied; 0: none */
};

u32 ft_syscall_count(void);
const struct ft_syscall *ft_syscall_at(u32 index);
/* The row of a kernel's name; NULL: there is none. */
const struct ft_syscall *ft_syscall_find(const char *kernel);
const struct ft_syscall *ft_syscall_of_number(u64 number);
/* Its place among all. */
u32 ft_syscall_index(const struct ft_syscall *s);
/* Whether a pattern of shell's kind is one of its names. */
bool ft_syscall_fits(const struct ft_syscall *s, const char *pattern);
/* Its arguments; how many. */
u32 ft_syscall_args(const struct ft_syscall *s, struct ft_syscall_arg args[FT_SYSCALL_ARGS_MAX]);

/* ---- what the kernel copies ---- */

/*
 * The beginning of a string that stands for a text (the mark is that of stacks.h). Behind it:
 * - ARGS: the values of all arguments (6 words), or of one and the next one (2 words); then for
 *   each of these with memory a word with what the helper said, and the bytes.
 * - RET: the returned value.
 * - QUOTED: an address, what the helper said about reading a string there, and the string. Of
 *   characters of two or four bytes there are as many bytes as it says.
 */
struct ft_syscall_ref {
	u8 mark, kind;
	u8 which; /* ARGS: argument, or FT_SYSCALL_ALL; QUOTED: bytes of a character, if not 0 */
	u8 unused;
	u32 index; /* ARGS: of the row; RET: number of the call */
};
_Static_assert(sizeof(struct ft_syscall_ref) == 8, "reference has holes");

#define FT_SYSCALL_PLAIN 128 /* in "which": without quotes */

enum ft_syscall_ref_kind {
	FT_SYSCALL_REF_ARGS = 16, /* stacks have 1 to 3 */
	FT_SYSCALL_REF_RET,
	FT_SYSCALL_REF_QUOTED,
	FT_SYSCALL_REF_WORDS,	/* bytes that there are; words of a command line, each with NUL */
	FT_SYSCALL_REF_ADDRESS, /* family; 16 bytes of an address */
	FT_SYSCALL_REF_NUMBER,	/* index: the function of number_text.h; then the number */
};

/* Bytes of the words before copied memory. */
u32 ft_syscall_values_bytes(u32 which);
/* Bytes of a whole reference to arguments; a multiple of 8. */
u32 ft_syscall_ref_bytes(const struct ft_syscall *s, u32 which);
/* One array of strings of a capture: of so many bytes each, with the word before them. */
u32 ft_syscall_list_stride(const struct ft_syscall_arg *arg);

/* The text of a reference in so many bytes. False: it is none. */
bool ft_syscall_text(const void *ref, u32 bytes, struct ft_out *out);
/* "-2 (ENOENT)". */
void ft_syscall_ret_text(u64 number, s64 value, struct ft_out *out);
/* A name of what an error is called, also those that only the kernel knows; NULL: none. */
const char *ft_syscall_errno(s64 number);
/* Names of the bits of a value, by a table of syscall_flags.c. False: there is no such table. */
bool ft_syscall_flags_text(const char *table, u64 value, bool is_int, struct ft_out *out);

/* ---- probe points ---- */

/*
 * Whether a point is of a call that scripts know, and that only other machines or older kernels
 * have: it never fires, and is no mistake.
 */
bool ft_syscall_is_elsewhere(const struct ft_point *point);

/*
 * If a point is syscall.NAME, nd_syscall.NAME or syscall_any: the aliases that its parts stand for,
 * made for this script. body: what the handler does with their variables. 0; -ENOENT: it is no
 * such point or there is no such call; -ENOMEM.
 */
int ft_syscall_aliases(struct ft_compile *compile, const struct ft_file *file,
		       const struct ft_point *point, struct ft_stmt *const *bodies, u32 body_count,
		       struct ft_probe ***aliases, u32 *count);
bool ft_syscall_is_point(const struct ft_point *point);
/*
 * The aliases whose bodies give process.syscall its variables: one, or if the handler asks for all
 * arguments' text, one for each call.
 */
int ft_syscall_aliases_any(struct ft_compile *compile, const struct ft_file *file, bool returns,
			   struct ft_stmt *const *bodies, u32 body_count,
			   struct ft_probe ***aliases, u32 *count);

/*
 * The pattern of calls that a tracepoint's handler is for (also that of process.syscall); NULL: it
 * is of no calls, or for all events.
 */
const char *ft_syscall_pattern(const struct ft_point *point);
/* Whether it is for all system calls. */
bool ft_syscall_for_all(const struct ft_point *point);
/* Of such a point: whether it is where calls return. */
bool ft_syscall_returns(const struct ft_point *point);
/* The only call that it is for; NULL: several. */
const struct ft_syscall *ft_syscall_of_point(const struct ft_point *point);

/* Where an argument is in the saved registers, in bytes; exits: at the end of the call. */
u32 ft_syscall_arg_offset(u32 arg, bool exits);
/* The number of the call in the saved registers: where, and its bytes. */
u32 ft_syscall_number_offset(u32 *bytes);
/* The argument of a point's call that has a name: its place, or -1. $buf is buf_uaddr, too. */
int ft_syscall_arg_named(const struct ft_point *point, const char *name,
			 struct ft_syscall_arg *arg);

/* Names and types of __syscall_...: "__syscall_int0" and its kin. NULL: it is none. */
const char *ft_syscall_function_types(const char *name);

#endif
