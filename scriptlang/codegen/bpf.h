/*
 * bpf.h - the back end for the kernel: a handler becomes a BPF program.
 */
#ifndef FT_SCRIPTLANG_BPF_H
#define FT_SCRIPTLANG_BPF_H

#include <linux/bpf.h>

#include "scriptlang/ir/ir.h"
#include "scriptlang/runtime/stacks.h"
#include "scriptlang/user/user_point.h"

/* What a program is attached to, as far as its code depends on that. */
enum ft_bpf_kind {
	FT_BPF_TRACEPOINT, /* raw: words of arguments */
	FT_BPF_PERF,	   /* perf event: registers */
	FT_BPF_UPROBE,	   /* place in user space: registers */
	FT_BPF_KPROBE,	   /* function of the kernel, where no other program fits: registers */
};

/* Formats of bpf_snprintf(), one behind the other with their NULs. */
struct ft_bpf_formats {
	char text[1024];
	u32 bytes;
};

struct ft_bpf_maps {
	int globals; /* struct ft_session, then the scalars, then the table of log buckets */
	u32 globals_bytes;
	u32 log_table; /* where that table begins */
	int ring;
	int slots; /* FT_SLOTS a CPU */
	u32 slot_bytes;
	int texts;			/* one value: the formats; frozen */
	struct ft_bpf_formats *formats; /* borrowed; generating a program adds to them */
	int zeros;			/* one value of zeros */
	int names;			/* of system calls, by number */
	u32 zero_bytes;
	/*
	 * The kernel has no may_goto: loops end by counting statements, and the verifier goes
	 * through all their rounds.
	 */
	bool counts_rounds;
	bool rounds_by_calls; /* then: loops are calls of a function, where no stack is taken */
	bool no_fentry;	      /* functions of the kernel are probed by kprobes alone */
	bool no_sleep;	      /* programs at places in user space cannot sleep (Linux before 6.0) */
	u32 cpu_count;	      /* possible ones */
	u32 max_errors;
	u32 max_actions;
	u32 target_pid;
	/*
	 * Of this program, whose system calls are left out: its process; its saved registers if it
	 * has one thread only, else 0.
	 */
	u32 own_pid;
	u64 own_regs;
	/* BTF ids of the tracepoints of system calls; 0: their programs are raw ones. */
	u32 call_types[2];
	int places[FT_USER_TEXTS];	/* texts of places in user space, by number */
	u32 place_bytes[FT_USER_TEXTS]; /* of one */
	/* Stacks: maps of the sampler, and the number of the first program to go on at. */
	struct ft_recording_calls calls;
	u32 next_call;
};

/* A program, as bpf(2) takes it. Lives in the arena. */
struct ft_bpf_program {
	enum ft_bpf_kind kind;
	struct bpf_insn *insns;
	u32 count;
	u32 slot_bytes; /* scratch memory that it needs; 0: none */
	u32 zero_bytes; /* zeros that it needs */
	bool loops;	/* needs may_goto */
	bool by_calls;	/* has a function that a helper calls, and needs BTF */
	bool writes;	/* to memory of processes, which not all kernels permit */
	bool sleeps;	/* is to be loaded as one that may sleep */
};

/*
 * A handler is one program, and one more for each place where it asks for a stack: there it ends,
 * and the next one goes on (script.bpf.h of the sampler).
 */
u32 ft_bpf_parts(const struct ft_ir *ir);

/* What makes the code of a function of the tapset. */
struct ft_gen;
struct ft_bpf_builtin {
	const char *name;
	void (*emit)(struct ft_gen *g, const struct ft_ir_op *op);
	bool of_event; /* the value depends on the event */
	u32 bytes;     /* of its text, with NUL; 0: a number, or any */
	u32 stack;     /* FT_STACK_*: it is one */
};

/* Whether its arguments are literals, which decide about the code: register("rdi"), int_arg(1). */
bool ft_bpf_takes_literals(const struct ft_bpf_builtin *builtin);

/* NULL: the kernel cannot run it. */
const struct ft_bpf_builtin *ft_bpf_builtin_find(const char *name, u32 arg_count);
/* Those of bpf_syscalls.c alone. */
const struct ft_bpf_builtin *ft_bpf_syscall_find(const char *name);
/* Whether its value stands for a text that only user space can make. */
bool ft_bpf_is_ref(const struct ft_bpf_builtin *b);
/* Bytes of its text in a handler; 0: a number, or any. */
u32 ft_bpf_builtin_bytes(const struct ft_bpf_builtin *b, const struct ft_handler *handler);
/* Temporary bytes that it needs. */
u32 ft_bpf_builtin_temp(const struct ft_bpf_builtin *b);

/*
 * Makes a program of a handler; part 0 is its beginning. The maps may still be missing (descriptors
 * of -1): it is made once to learn what it needs, and again when the maps are there. What cannot be
 * expressed is a diagnostic. 0, -EINVAL or -ENOMEM.
 */
int ft_bpf_generate(struct ft_compile *compile, const struct ft_ir_program *program,
		    const struct ft_ir *ir, u32 part, const struct ft_bpf_maps *maps,
		    struct ft_bpf_program *out);

/* Decides which arrays get a front (bpf_front.c), before programs are made. 0 or -ENOMEM. */
int ft_bpf_choose_fronts(struct ft_arena *arena, const struct ft_ir_program *program);
/*
 * Makes the program that brings what is at a place in front of an array into it, on the CPU where
 * it runs. The place's number is its argument. It returns 1 when somebody else is at it. 0 or
 * -ENOMEM.
 */
int ft_bpf_generate_flush(struct ft_compile *compile, const struct ft_var *v,
			  const struct ft_bpf_maps *maps, struct ft_bpf_program *out);

/* --dump bpf */
void ft_bpf_dump(const struct ft_bpf_program *program, struct ft_out *out);

/* Whether programs can make the text of a sprintf() or sprint(). */
bool ft_bpf_format_fits(const struct ft_expr *e);
/* Bytes that it needs while it is made; args: registers. */
u32 ft_bpf_format_room(const struct ft_expr *e, const struct ft_ir *ir, const u32 *args);

#endif
