/*
 * number_text.h - functions of the tapset that make a text of one number, and nothing else:
 * errno_str(), signal_str(), sock_fam_num2str() and their kin. In the kernel their value is a
 * reference (syscalls.h), so that it can be a key there without being a text.
 */
#ifndef FT_SCRIPTLANG_NUMBER_TEXT_H
#define FT_SCRIPTLANG_NUMBER_TEXT_H

#include "base/out.h"

/* The number of a function; -1: it is none of these. */
int ft_number_text_find(const char *name);
/* Its name; NULL behind the last one. */
const char *ft_number_text_name(u32 function);
/* The text of a number. False: there is no such function. */
bool ft_number_text(u32 function, s64 value, struct ft_out *out);

#endif
