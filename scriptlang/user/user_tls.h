/*
 * user_tls.h - where the block of a file's thread variables is; private to scriptlang/user_*.c.
 */
#ifndef FT_SCRIPTLANG_USER_TLS_H
#define FT_SCRIPTLANG_USER_TLS_H

#include "scriptlang/sema/target.h"
#include "scriptlang/user/user_file.h"

struct ft_user_tls {
	enum ft_user_tls_kind kind;
	u64 slot; /* OFFSET, MODULE: where the word is, as linked */
	s64 add;  /* to a variable's offset within the block */
};

/*
 * 0; -ENOENT: there is none, or nothing in the file has to know where it is; -ENOTSUP: not of this
 * kind of machine.
 */
int ft_user_tls_find(const struct ft_user_file *file, struct ft_user_tls *tls);

/*
 * The same of a variable of another file, by the words of one that uses it by its name. False: this
 * one does not. Of OFFSET and DESCRIPTOR the word is of the variable itself, not of its block.
 */
bool ft_user_tls_needed(const struct ft_user_file *from, const char *name, struct ft_user_tls *tls);

#endif
