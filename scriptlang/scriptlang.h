/*
 * scriptlang.h - the script language, as far as it goes: from a script to its tree.
 */
#ifndef FT_SCRIPTLANG_SCRIPTLANG_H
#define FT_SCRIPTLANG_SCRIPTLANG_H

#include "base/err.h"
#include "base/out.h"

/* A script as the command line gives it. All is borrowed. */
struct ft_script_text {
	const char *name; /* as messages show it: "<input>", "/path/demo.stp" */
	const char *text; /* any bytes; NUL-terminated */
	size_t len;
	const char *const *args; /* $1 is args[0] */
	u32 arg_count;
	bool guru; /* -g, as conditions see it */
};

enum ft_script_dump {
	FT_SCRIPT_DUMP_TOKENS, /* a line for each word, before macros are expanded */
	FT_SCRIPT_DUMP_TREE,   /* the script as it was understood */
};

/*
 * Reads the script and prints what it was understood as to out, and what is wrong with it to
 * complaints; *errors is their number: 0 means that SystemTap's pass 1 would be content, too. 0,
 * -EFBIG when the script is too large, or -ENOMEM.
 */
int ft_script_dump(const struct ft_script_text *script, enum ft_script_dump what,
		   struct ft_out *out, struct ft_out *complaints, u32 *errors, struct ft_err *err);

#endif
