/*
 * target.h - target variables ($next->comm, @cast(p, "task_struct")->pid), by the kernel's types.
 *
 * Types come from the kernel's own BTF, which is read when a script first asks for one.
 */
#ifndef FT_SCRIPTLANG_TARGET_H
#define FT_SCRIPTLANG_TARGET_H

#include "scriptlang/sema/compile.h"
#include "scriptlang/sema/sema.h"

enum ft_target_step_kind {
	FT_STEP_ADD,   /* bytes */
	FT_STEP_INDEX, /* register of the access, times bytes */
	FT_STEP_LOAD,  /* a pointer, or so many bytes (0: 8) */
	/* what places in user space have besides; these work on a stack, whose top is at hand */
	FT_STEP_WORD,	/* pushes a word of the context: bytes */
	FT_STEP_NUMBER, /* pushes number */
	FT_STEP_BIAS,	/* adds run-time address minus address as linked; number: the probe's */
	/*
	 * the same for the program of the task at hand; number: of its first code; bytes, access:
	 * inode
	 */
	FT_STEP_PROGRAM,
	FT_STEP_PICK, /* pushes a copy of what lies so many below the top: access */
	FT_STEP_DROP,
	FT_STEP_SWAP,
	FT_STEP_BINARY, /* below op top; op: BPF_ADD, BPF_SUB, ... */
	FT_STEP_NEG,
	FT_STEP_NOT,
	FT_STEP_COOKIE, /* pushes the number of the place */
	FT_STEP_EXTEND, /* the lower bytes; access: signed */
	/*
	 * from an offset to the address of a thread's variable; op: FT_USER_TLS_*; number: of the
	 * word that tells, minus the probe's address; bytes: 1 where that word's address is on top,
	 * and the offset below
	 */
	FT_STEP_THREAD,
	FT_STEP_ZERO, /* drops the top, which has to be 0: else there is no such variable */
	FT_STEP_KEPT, /* pushes a register as it was at the function's entry: access, of kept */
};

/* What a variable's offset is added to: user_tls.c. */
enum ft_user_tls_kind {
	FT_USER_TLS_PROGRAM,	/* the thread pointer */
	FT_USER_TLS_OFFSET,	/* thread pointer, and what a word says */
	FT_USER_TLS_MODULE,	/* the block of the module whose number a word says */
	FT_USER_TLS_DESCRIPTOR, /* a word that is either: negative, or where both are */
};

#define FT_STEPS_DEPTH_MAX 6 /* of that stack */
#define FT_TARGET_KEPT_MAX 4

struct ft_target_step {
	enum ft_target_step_kind kind;
	u8 op;
	u32 bytes;
	u32 access; /* INDEX: which */
	s64 number;
};

/* How a target variable is read: from a word of the context, or from a value. */
struct ft_target {
	/* of the context; UINT32_MAX: from the value of expr->left; FT_TARGET_STEPS: of steps */
	u32 word;
	bool in_user; /* memory is the process's */
	struct ft_target_step *steps;
	u32 step_count;
	bool loads; /* at the end something is read; else the value is an address, or the word */
	u32 size;   /* bytes that are read, or that a word has */
	bool is_signed;
	u32 bit_offset, bit_size; /* a bit field, within what is read; size 0: none */
	const char *type;	  /* of the value, as -L shows it */
	/* ids of types are BTF's, or FT_USER_TYPE and more: user_type.h */
	s32 type_id;   /* of the value */
	s32 points_to; /* of what the value is the address of; 0: it is none */
	u32 dimension; /* of an array: how many indexes are given already */
	bool is_local; /* of a function: gone when it returns */
	/* words of the context at the function's entry that steps need: entries.c keeps them */
	u32 kept[FT_TARGET_KEPT_MAX];
	u32 kept_count;
};

#define FT_TARGET_STEPS (UINT32_MAX - 1)

/*
 * Finds out how a target variable is read in handlers of a point (NULL: a function, where only
 * @cast can be). 0; -ENOENT: there is no such thing, which error says, or -ENOMEM. error may be
 * NULL.
 */
int ft_target_resolve(struct ft_compile *compile, const struct ft_point *point,
		      const struct ft_expr *expr, struct ft_target *target, char error[200]);

/* The kernel's types; NULL: they cannot be read. Lives until ft_target_close. */
struct btf;
const struct btf *ft_target_btf(struct ft_compile *compile);

/* Adds the types of a module that is loaded. */
void ft_target_add_module(struct ft_compile *compile, const char *module);

/* Offset of a member in a structure of the kernel, in bytes; -ENOENT. */
int ft_target_offset(struct ft_compile *compile, const char *type, const char *member);

/*
 * Names and types of the variables of a point: all that "$$vars" means, or "$$parms", "$$locals",
 * "$$return". -ENOENT: it has none. The texts live in the arena.
 */
struct ft_target_arg {
	const char *name, *type;
	/* what "$$vars" has for it: "{...}", "[...]", "?"; NULL: the number that it is */
	const char *shown;
	bool is_lost; /* the optimizer has left nothing of it here, or nobody can read it */
};
int ft_target_args(struct ft_compile *compile, const struct ft_point *point, const char *which,
		   struct ft_target_arg **args, u32 *count);

/*
 * Replaces @defined and @choose_defined by what they are, and checks target variables. 0 or
 * -EINVAL.
 */
int ft_sema_targets(struct ft_compile *compile, struct ft_program *program);

/*
 * @defined and @choose_defined of what values point to, behind ft_sema_autocasts: they become what
 * they are.
 */
void ft_sema_settle(struct ft_compile *compile, struct ft_program *program);

/*
 * @entry(x) and variables in return probes: adds handlers at the entry that keep what they were.
 * Works on what ft_sema_targets left. 0 or -ENOMEM.
 */
int ft_sema_entries(struct ft_compile *compile, struct ft_program *program);

/*
 * Gives (value)->member the type that the value got where it came from: out of a target variable,
 * through variables, functions and ?:. 0 or -ENOMEM.
 */
int ft_sema_autocasts(struct ft_compile *compile, struct ft_program *program);

/*
 * Turns a target variable that was resolved, with '$' behind it, into the text of all that it has,
 * as handlers of a point see it (NULL: a function).
 */
void ft_pretty(struct ft_compile *compile, const struct ft_point *point, struct ft_expr *e,
	       const struct ft_target *target);

void ft_target_close(struct ft_compile *compile);

#endif
