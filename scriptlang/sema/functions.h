/*
 * functions.h - kernel.function("name") and its kin: functions of the kernel by its own types, at
 * their entry and return (fentry and fexit programs, Linux 5.5).
 *
 * Points are kernel.function("name") and kernel.function("name").return once they are resolved.
 */
#ifndef FT_SCRIPTLANG_FUNCTIONS_H
#define FT_SCRIPTLANG_FUNCTIONS_H

#include "scriptlang/sema/compile.h"
#include "scriptlang/sema/sema.h"

struct bpf_prog_load_opts;

/* Whether a point is on functions of the kernel, resolved or not. */
bool ft_function_is_point(const struct ft_point *point);
/* kernel.statement(0xADDRESS).absolute, not resolved. */
bool ft_function_is_address(const struct ft_point *point);
bool ft_function_returns(const struct ft_point *point);

/*
 * The functions that a point names, by its pattern; NULL-terminated, in the arena. *file: the
 * point names a file or a line, which the kernel's types do not tell: it is not looked at. 0;
 * -ENOENT: there are none, or points of that form are of none; -ENOMEM.
 */
int ft_function_names(struct ft_compile *compile, const struct ft_point *point, const char ***names,
		      bool *returns);

/* What a program at a resolved point is loaded with. 0, or what err says. */
int ft_function_opts(struct ft_compile *compile, const struct ft_point *point,
		     struct bpf_prog_load_opts *opts, struct ft_err *err);
/* Whether the kernel's types have the function of a resolved point, with so many arguments. */
bool ft_function_has_types(struct ft_compile *compile, const struct ft_point *point);
u32 ft_function_arg_count(struct ft_compile *compile, const struct ft_point *point);
/* Whether this kernel has kprobes. */
bool ft_function_has_kprobes(void);
/* Attaches a program of the type "kprobe" to a resolved point: a descriptor, or what err says. */
int ft_function_attach_kprobe(const struct ft_point *point, int program, struct ft_err *err);
/* The same at an address of the kernel that runs. */
int ft_function_attach_address(const struct ft_point *point, u64 addr, bool at_return, int program,
			       struct ft_err *err);
/* Whether this kernel has what it takes, as far as it tells. */
bool ft_function_can_be_probed(void);
/*
 * Whether the kernel takes a program at a resolved point: a try, of 20 ms where there are none. For
 * points that may be left out.
 */
bool ft_function_is_permitted(struct ft_compile *compile, const struct ft_point *point);
/* Why the kernel takes no program at its functions, and which tracepoints are near to one. */
int ft_function_explain(const struct ft_point *point, int code, struct ft_err *err);

#endif
