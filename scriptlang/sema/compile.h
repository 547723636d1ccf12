/*
 * compile.h - what all passes of one compilation share.
 *
 * A pass takes it and the result of the pass before, adds diagnostics, and returns 0, -EINVAL when
 * it added errors, or -ENOMEM.
 */
#ifndef FT_SCRIPTLANG_COMPILE_H
#define FT_SCRIPTLANG_COMPILE_H

#include "scriptlang/syntax/diag.h"
#include "scriptlang/syntax/token.h"

/* The machine as conditions see it: %( kernel_v >= "5.4" %? ... %). */
struct ft_machine {
	char release[65];   /* kernel_vr: uname -r */
	char version[65];   /* kernel_v: release up to the first '-' */
	char arch[65];	    /* "x86_64", "arm64" */
	const char *config; /* text of the kernel's configuration, or NULL; read when first asked */
	bool config_read;
};

struct btf;
struct ft_module_types;
struct ft_type_names;
struct ft_macro;
struct ft_user_file;
struct ft_user_set;
struct ft_user_type;

struct ft_compile {
	struct ft_arena *arena;
	struct ft_diags diags;
	struct ft_script_args args;
	bool guru;	      /* -g */
	bool lists;	      /* -l or -L */
	bool lists_variables; /* -L */
	bool skip_badvars;    /* target variables that cannot be are 0 */
	bool unoptimized;     /* -u: keeps what has no effect */
	/* systemtap_v, --compatible: the version a script was written for; NULL: the newest */
	const char *compatible;
	/* Also handlers of begin, end and timers become programs of the kernel: for tests. */
	bool all_in_kernel;
	bool rounds_by_calls; /* as on Linux before 6.9: for tests */
	struct ft_machine machine;
	struct ft_macro **macros; /* of the tapset and of -I: macro.c */
	u32 macro_count;
	bool tapset_macros_read;
	struct btf *btf;      /* the kernel's types, once somebody asked: target.h; owned */
	struct btf *btf_base; /* of the kernel alone, where btf is of modules, too; owned */
	struct ft_module_types *module_types; /* whose: module_types.h; owned */
	const char *traced; /* functions that may be traced, once somebody asked: functions.c */
	struct ft_type_names *type_names; /* looked for lately: module_types.h; in the arena */
	bool btf_failed;
	u32 target_pid; /* -x, -c; 0: none */
	const char
		*target_path; /* the file that the process of -c is going to be; NULL: ask /proc */
	struct ft_user_type *user_types; /* that expressions point to: user_type.h */
	u32 user_type_count;
	u32 user_places;		/* of points that have several: user_point.h */
	struct ft_user_set **user_sets; /* of processes: user_point.h */
	u32 user_set_count;
	/* Files that probes in user space are on: user_file.h; closed by ft_user_files_close */
	struct {
		struct ft_user_file **items;
		u32 count;
	} user_files;
	struct ft_user_file *kernel_file; /* one of them: kernel_dwarf.h */
	/* Why there is none: 0: without asking servers, 1: with. */
	const char *kernel_why[2];
	/* The same of modules: names, each with the reason behind it; in the arena. */
	const char **module_whys;
	u32 module_why_count;
};

/* SystemTap's version whose language this is. */
#define FT_SYSTEMTAP_VERSION "4.8"

/* Whether the script was written for a SystemTap before that version. */
bool ft_compatible_before(const struct ft_compile *compile, const char *version);

#define FT_COMPILE_BYTES_MAX (256u << 20) /* of the arena */

/* Finds out what machine this is. */
void ft_machine_init(struct ft_machine *machine);

/*
 * The value of a kernel configuration option; "" when it is not set, or when this machine does not
 * tell how its kernel was configured. Borrowed from the arena.
 */
const char *ft_machine_config(struct ft_compile *compile, const char *option);
/* Clock ticks a second (CONFIG_HZ); 1000 where the kernel does not tell. */
u32 ft_machine_hz(struct ft_compile *compile);

#endif
