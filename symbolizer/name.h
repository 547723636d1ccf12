/*
 * name.h - from a symbol to a name that people read. Private to this folder.
 *
 * C++, Rust and D names are demangled by libiberty. Parameters and return types are left out: a
 * flame graph is read by function names, and its boxes are narrow. Template arguments stay: they
 * tell different code apart. What the compiler split off keeps its mark ("f [clone .cold]", as
 * binutils write it; "f.cold" in C). Rust's hash is left out.
 */
#ifndef FT_SYMBOLIZER_NAME_H
#define FT_SYMBOLIZER_NAME_H

#include "base/types.h"

#define FT_NAME_MAX 1000 /* bytes; a longer name is cut at a character's start and gets "..." */

struct ft_name {
	size_t len;
	u8 kind;		     /* enum ft_frame_kind: USER, CXX or RUST */
	char text[FT_NAME_MAX + 32]; /* NUL-terminated; room for "..." and a suffix */
};

/* How symbols become names. */
enum ft_name_style {
	FT_NAME_SHORT,	/* demangled, without parameters */
	FT_NAME_FULL,	/* demangled, with parameters and return types, as binutils write them */
	FT_NAME_LINKED, /* as the linker sees it */
};

/*
 * Makes the name of a symbol of len bytes. Its version ("@GLIBC_2.2.5") is dropped. suffix ("@plt")
 * is put behind the name; NULL for none, else at most 20 bytes. Any bytes are accepted; time and
 * memory are bounded.
 */
void ft_name_make(struct ft_name *name, const char *symbol, size_t len, const char *suffix,
		  enum ft_name_style style);

/* Takes text as it is, but for the length. Kind: CXX if it holds "::", else USER. */
void ft_name_plain(struct ft_name *name, const char *text, size_t len);

#endif
