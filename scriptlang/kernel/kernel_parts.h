/*
 * kernel_parts.h - what the files of the kernel's side share; private to scriptlang/kernel*.c.
 */
#ifndef FT_SCRIPTLANG_KERNEL_PARTS_H
#define FT_SCRIPTLANG_KERNEL_PARTS_H

#include <bpf/bpf.h>

#include "scriptlang/codegen/bpf.h"
#include "scriptlang/kernel/kernel.h"
#include "scriptlang/user/user_point.h"

/* A variable that lives in a map. */
struct ft_kernel_var {
	struct ft_kernel *kernel;
	struct ft_var *var;
	u32 key_bytes, value_bytes; /* of the map */
	char *key, *value;	    /* room for one; owned */
	struct ft_array fed;	    /* statistics that user space has fed: added to the map's */
	int flush;	   /* the program that empties places in front; -1: there is none */
	const char *front; /* these places; mapped */
	size_t front_len;
};

struct ft_kernel {
	struct ft_compile *compile;
	const struct ft_ir_program *program;
	struct ft_kernel_opts opts;
	struct ft_bpf_maps maps;
	struct ft_bpf_formats formats; /* of maps */
	struct ft_session *session;    /* mapped; the scalars behind it */
	struct ft_kernel_var *vars;    /* by number of the global; owned */
	u32 var_count, cpu_count;
	int *programs, *links; /* descriptors; owned */
	u32 program_count, link_count;
	size_t link_cap;
	struct ft_uprobes uprobes;
	struct ft_stacks *stacks; /* NULL: nobody asks for any; owned */
	bool detached;
	struct ft_kernel_calls *calls; /* programs by system call; NULL: none; owned */
	struct ft_array refs;	       /* by text: what it was made of, where a key has it */
	struct ft_out *text;	       /* where one is made; owned */
	char *texts;		       /* that were made of references, the last ones; owned */
	u32 text_at;
	int types;	/* of functions that helpers call; -1: none are needed */
	u32 calls_made; /* programs that go on after a stack was taken */
	struct ring_buffer *ring;
	struct ft_value *regs, *hoisted; /* of the record at hand; owned */
	u64 stop_ns; /* when to stop taking records; 0: when there are no more */
	u32 taken;   /* since the last call */
	void (*take)(void *context, const struct ft_record *record);
	void *context;
};

/* A string of the kernel's: a reference to a stack becomes its text. Borrowed. */
struct ft_value ft_kernel_text(struct ft_kernel *k, const char *at, u32 bytes);

/* Says where globals are in the map of globals, and how large that is. */
void ft_kernel_layout(struct ft_kernel *k);
/* Makes the maps of variables, and makes them the store of x's. 0, or what err says. */
int ft_kernel_vars_open(struct ft_kernel *k, struct ft_interp *x, struct ft_err *err);
void ft_kernel_vars_close(struct ft_kernel *k);

/*
 * Makes the fronts of arrays (bpf_front.c). Where the kernel cannot run programs on CPUs of choice
 * (Linux before 5.10), arrays do without.
 */
void ft_kernel_fronts_open(struct ft_kernel *k);
/* Brings what is in front of a variable into its map. */
void ft_kernel_front_flush(const struct ft_kernel_var *kv);
void ft_kernel_front_close(struct ft_kernel_var *kv);

/* Makes the map of names of system calls, if a program wants it. 0, or what err says. */
int ft_kernel_names_open_map(struct ft_kernel *k, struct ft_err *err);
/*
 * Finds out whether programs of system calls can have arguments with types: notes those in maps. In
 * any case whose calls are left out.
 */
void ft_kernel_call_types(struct ft_kernel *k);
/* Options to load such a program; its type. */
enum bpf_prog_type ft_kernel_call_opts(const struct ft_kernel *k, bool exits,
				       struct bpf_prog_load_opts *opts);
/* Lets a program run at the system calls of its handler. 0, or what err says. */
int ft_kernel_call_add(struct ft_kernel *k, const struct ft_handler *handler, int program,
		       struct ft_err *err);
/*
 * The text of what stands for one (syscalls.h); lives until some hundred more were made. False: it
 * stands for none.
 */
bool ft_kernel_call_text(struct ft_kernel *k, const char *at, u32 bytes, struct ft_value *text);
void ft_kernel_calls_close(struct ft_kernel *k);
/* Whether programs may write memory of processes. */
bool ft_kernel_can_write(void);

/* Decides how loops end on this kernel, if there are any (bpf_rounds.c). */
void ft_kernel_choose_rounds(struct ft_kernel *k);
/* Adds the types that a program by_calls is loaded with. 0 or a negative errno. */
struct bpf_prog_load_opts;
int ft_kernel_describe(struct ft_kernel *k, const struct ft_bpf_program *program,
		       struct bpf_prog_load_opts *opts);

/*
 * Sets of processes (user_point.h). opens: the maps, filled, and from then on kept up to date as
 * processes begin; before any program is loaded. watches: also as they end, behind all handlers,
 * which want to know to which a process that ends belongs. 0, or what err says.
 */
int ft_kernel_sets_open(struct ft_kernel *k, struct ft_err *err);
int ft_kernel_sets_watch(struct ft_kernel *k, struct ft_err *err);
void ft_kernel_sets_close(struct ft_kernel *k);
/* Keeps a link until the end. 0, or what err says. */
int ft_kernel_keep(struct ft_kernel *k, int fd, struct ft_err *err);

/* Attaches a handler's program. 0, or what err says. */
int ft_kernel_attach(struct ft_kernel *k, const struct ft_handler *handler, int program,
		     struct ft_err *err);

/* The same for places in user space: kernel_user.c. */
int ft_kernel_attach_user(struct ft_kernel *k, const struct ft_user_probe *probe, int program,
			  struct ft_err *err);

/* Makes the maps of pp() and ppfunc(), where programs look them up. 0, or what err says. */
int ft_kernel_places_open(struct ft_kernel *k, struct ft_err *err);

/* Bytes of the statistics of a variable, with its buckets. */
u32 ft_kernel_stats_bytes(const struct ft_var *var);

#endif
