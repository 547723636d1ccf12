/*
 * symbolizer.h - from places in files to names.
 *
 * Input is a raw profile, output a resolved one. A damaged or missing file costs its own names
 * only; its frames read "[file+0xoffset]". No subprocess is started.
 */
#ifndef FT_SYMBOLIZER_SYMBOLIZER_H
#define FT_SYMBOLIZER_SYMBOLIZER_H

#include "profile/profile.h"
#include "profile/raw.h"

struct ft_symbolize_opts {
	bool no_demangle; /* keep C++, Rust and D names as the linker sees them */
	/*
	 * Names as eu-addr2line has them: with parameters, and the plain one where debug
	 * information has no linkage name.
	 */
	bool as_addr2line;
	bool no_inline;	       /* leave inlined calls out */
	const char *symfs;     /* a folder where files are looked for first, or NULL */
	const char *debug_dir; /* a folder of debug files, beside /usr/lib/debug; or NULL */
	const struct ft_rounds *rounds; /* of raw; the result gets its own; or NULL */
	/* ft_symbols_open: the modules beside the one, for files about generated code; or NULL */
	const struct ft_raw *beside;
	struct ft_kept *keep;		/* what is found is noted here as well; or NULL */
};

/* What could not be named, and why, for the caller to say. */
struct ft_symbolize_notes {
	bool kernel_hidden; /* there were kernel addresses, and kptr_restrict hides the symbols */
	bool no_debuginfod; /* DEBUGINFOD_URLS is set, but there is no libdebuginfod here */
	u32 files_missing;  /* files with samples that could not be opened or read */
	u32 debug_refused;  /* debug files that belong to other files (build-id, checksum) */
	u32 debug_damaged;  /* files that were truncated while their debug information was read */
	u32 files_damaged;  /* files with samples, or of debug information, that make no sense */
	u32 files_replaced; /* files with samples that are no longer those mapped (build-id) */
	/* The path of the first of each, cut to fit; "" if none. */
	char first_missing[200], first_replaced[200], first_refused[200], first_damaged[200];
	char first_senseless[200];
};

/*
 * Names every location of raw, by raw->kept alone where that knows it; inlined calls become frames
 * of their own. The result belongs to the caller (ft_profile_free); raw is only read. Quality is
 * copied and completed: frames, frames_named, and (for stacks whose end the sampler did not judge)
 * ends[]. notes may be NULL. Errors: -ENOMEM only.
 */
int ft_symbolize(const struct ft_raw *raw, const struct ft_symbolize_opts *opts,
		 struct ft_symbolize_notes *notes, struct ft_profile **profile, struct ft_err *err);

/*
 * Of stacks with code made at run time (raw->dated): gives those a place of their own whose
 * functions were other ones then than they are at the end, as jitdump files tell. rounds, if not
 * NULL, follow. To be called before ft_symbolize, while the files are there. Errors: -ENOMEM only.
 */
int ft_symbols_date(struct ft_raw *raw, struct ft_rounds *rounds, struct ft_err *err);

/* ---- a file held open for look-ups, one batch after the other ---- */

struct ft_symbols;

/* A function at a looked-up place. Strings are borrowed until the next look-up. */
struct ft_symbols_frame {
	const char *function; /* NULL where unknown */
	const char *file;     /* of the place in the function; NULL where unknown */
	u32 line, column;     /* 0 where unknown */
	bool inlined;	      /* into the next frame */
	u64 start; /* of the function, of the kernel's; the address itself where unknown */
};

/*
 * Opens a module: a file by its descriptor, else by path (as process pid sees it, unless pid is 0).
 * module and opts are borrowed until ft_symbols_close. Errors: there is no such file, it is another
 * one (build-id), or no ELF file.
 */
int ft_symbols_open(const struct ft_module *module, const struct ft_symbolize_opts *opts,
		    struct ft_symbols **symbols, struct ft_err *err);
void ft_symbols_close(struct ft_symbols *symbols); /* accepts NULL */

/* The same for the running kernel, whose addresses are those that it runs at. -ENOMEM only. */
int ft_symbols_open_kernel(struct ft_symbols **symbols, struct ft_err *err);

/*
 * From an offset in the file to an address as linked. False: no segment holds it. Code made at run
 * time (FT_MODULE_ANON) has run-time addresses for both.
 */
bool ft_symbols_link(const struct ft_symbols *symbols, u64 offset, u64 *addr);

/*
 * The function around an address as linked, by unwind information: [*start, *end). Of the kernel,
 * for addresses of the last look-up: up to the next symbol. False: not known.
 */
bool ft_symbols_function(const struct ft_symbols *symbols, u64 addr, u64 *start, u64 *end);

/* What was found on the way, for the caller to say. Borrowed until ft_symbols_close. */
const struct ft_symbolize_notes *ft_symbols_notes(const struct ft_symbols *symbols);

/* Looks up count addresses as linked, in any order. 0 or -ENOMEM. */
int ft_symbols_find(struct ft_symbols *symbols, const u64 *addrs, u32 count);

/*
 * The frame number depth (0 is the innermost) of the address number index of the last look-up.
 * False: there are no more.
 */
bool ft_symbols_frame(const struct ft_symbols *symbols, u32 index, u32 depth,
		      struct ft_symbols_frame *frame);

/* ---- the running kernel, one address at a time ---- */

/*
 * All functions of the running kernel in memory (kernel_table.c): the kernel writes /proc/kallsyms
 * anew for every reader, which takes 50 ms. Some 5 MB.
 */
struct ft_kernel_table;

/* NULL: without memory, or the kernel shows no addresses. */
struct ft_kernel_table *ft_kernel_table_load(void);
void ft_kernel_table_free(struct ft_kernel_table *table); /* accepts NULL */

/*
 * The function at an address, up to the next symbol: *end is 0 for the last one. Borrowed from the
 * table. NULL: there is none.
 */
const char *ft_kernel_table_find(const struct ft_kernel_table *table, u64 addr, u64 *start,
				 u64 *end);

/*
 * The path of the file with the debug information of the kernel that runs, told by its build-id:
 * where packages and builds leave it; fetch: or delivered by debuginfod, which may take minutes. 0,
 * or what err says.
 */
int ft_symbols_vmlinux(bool fetch, char *path, size_t size, struct ft_err *err);

/* ---- variables ---- */

#define FT_MACHINE_REGS 33    /* by DWARF number */
#define FT_MACHINE_VECTORS 17 /* x86-64: xmm0 to xmm15; System V ABI, figure 3.36 */
#define FT_MACHINE_VECTOR_COUNT 16

/* A thread that stands still, in one of its frames. */
struct ft_machine {
	const u64 *regs; /* FT_MACHINE_REGS of them */
	u64 known;	 /* bit n: regs[n] is known */
	/*
	 * Vector registers, low half first, from the number FT_MACHINE_VECTORS on; NULL: not known
	 */
	const u64 (*vectors)[2];
	u64 cfa;	 /* the frame's canonical frame address, if has_cfa */
	bool has_cfa;
	u64 bias; /* run-time address minus address as linked, of the function's file */
	/* Copies memory of the process. False: it is not there. */
	bool (*read)(void *context, u64 addr, void *out, size_t bytes);
	/*
	 * What a register held when the function of this frame was called, by its number: most
	 * often ft_symbols_call_value of the caller. False: not known. NULL: the same.
	 */
	bool (*entry)(void *context, u32 reg, u64 *value);
	void *context;
	bool is_caller; /* it waits for a function that it called */
};

/* Told of a variable. Strings are borrowed for the call; value is one line of text, as in gdb. */
typedef void (*ft_variable_fn)(void *context, const char *name, const char *value,
			       bool is_parameter);

/*
 * Calls fn for the parameters and the local variables of the frame number depth (0 is the
 * innermost) at an address as linked: parameters first, outer blocks before inner ones. False:
 * there is no debug information about the function.
 */
bool ft_symbols_variables(struct ft_symbols *symbols, u64 addr, u32 depth,
			  const struct ft_machine *machine, ft_variable_fn fn, void *context);

/*
 * What a function passed to the one that it called, in a register, at an address as linked (in the
 * call) of its frame machine: debug information about calls tells. callee: the name of the function
 * that was called, as ft_symbols_frame has it; for where one has called another in its place, their
 * registers are not known. False: not known.
 */
bool ft_symbols_call_value(struct ft_symbols *symbols, u64 addr, u32 reg, const char *callee,
			   const struct ft_machine *machine, u64 *value);

/*
 * Whether a function of the kernel lies between a tracepoint and the program that takes a stack
 * there.
 */
bool ft_symbols_is_machinery(const char *name);

#endif
