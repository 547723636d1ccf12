/*
 * user_header.h - types of a C header, for @cast(p, "type", "<header.h>").
 *
 * Debug information of a header exists only once a compiler has read it. Where the machine has one,
 * it compiles nothing but the header, as SystemTap does; else there is nothing to read.
 */
#ifndef FT_SCRIPTLANG_USER_HEADER_H
#define FT_SCRIPTLANG_USER_HEADER_H

#include "scriptlang/user/user_file.h"

/* Whether a module is a header: "<name>", or several. */
bool ft_user_is_header(const char *module);

/*
 * The file that a compiler made of it, kept for the compilation. NULL: there is no compiler, or it
 * refuses the header, which why says.
 */
struct ft_user_file *ft_user_header_open(struct ft_compile *compile, const char *module,
					 char why[200]);

#endif
