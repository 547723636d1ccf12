/*
 * dwarf.h - functions, inlined calls and lines from DWARF 2 to 5. Private to this folder.
 *
 * DIEs and abbreviations are read by libdw (elfutils), lines by dwarf_lines.h. libdw follows split
 * units (.dwo) and dwz's supplementary files; sections compressed by zstd and packages (.dwp) are
 * made readable for it (dwarf_image.h). What it reads is kept per compilation unit and only
 * for units in which an address was looked up: docs/symbols.md.
 */
#ifndef FT_SYMBOLIZER_DWARF_H
#define FT_SYMBOLIZER_DWARF_H

#include "base/elf.h"
#include "symbolizer/symbolizer.h"

struct ft_dwarf;

#define FT_DWARF_FRAMES_MAX 128 /* inlined calls in one place, and the function around them */

struct ft_dwarf_frame {
	const char *symbol; /* linkage name, else plain name; NULL if there is none */
	const char *file;   /* of the place in this function; NULL where unknown */
	u32 line, column;   /* 0 where unknown */
	bool inlined;
	bool plain; /* symbol is no linkage name, though its language has such */
	u32 *memo;  /* for the caller's use: 0 at first, kept with the function */
};

/* Where debug information is. Descriptors must stay open until ft_dwarf_close. */
struct ft_dwarf_files {
	int fd;		    /* of a file */
	struct ft_elf *elf; /* the same, opened; used by ft_dwarf_open only */
	int package_fd;	    /* of a package of split units (.dwp), or -1 */
	int alt_fd;	    /* of dwz's supplementary file, or -1: libdw looks for it itself */
	/*
	 * Opens the file of a split unit by its path, where libdw, which knows our root only, has
	 * found none. A descriptor for the caller to close, or -1. NULL: nobody is to be asked.
	 */
	int (*open_unit)(void *context, const char *path);
	void *context; /* lives as long as the descriptors stay open */
};

/*
 * Opens debug information for the code of an opened file (the same file, or the one that was
 * stripped). Returns 0, -ENODATA (nothing in it is about code), -ENOEXEC (it makes no sense) or
 * -ENOMEM.
 */
int ft_dwarf_open(const struct ft_dwarf_files *files, const struct ft_elf *code,
		  struct ft_dwarf **dwarf);

/* Accepts NULL. */
void ft_dwarf_close(struct ft_dwarf *dwarf);

/*
 * Whether the file became shorter, or could not be read, while it was in use. From then on nothing
 * is found.
 */
bool ft_dwarf_damaged(const struct ft_dwarf *dwarf);

/* Whether something in it, as far as it was read, makes no sense: it costs its own names. */
bool ft_dwarf_senseless(const struct ft_dwarf *dwarf);

/*
 * The functions at an address as linked, innermost first: each but the last was inlined into the
 * one behind it. Returns how many of at most FT_DWARF_FRAMES_MAX were put into frames; 0: nothing
 * is known; or -ENOMEM. A function without a symbol but with a line is one frame with symbol NULL.
 * Strings are borrowed until ft_dwarf_close.
 */
int ft_dwarf_find(struct ft_dwarf *dwarf, u64 addr,
		  struct ft_dwarf_frame frames[FT_DWARF_FRAMES_MAX]);

/* ft_symbols_variables (symbolizer.h) in debug information. */
bool ft_dwarf_variables(struct ft_dwarf *dwarf, u64 addr, u32 depth,
			const struct ft_machine *machine, ft_variable_fn fn, void *context);

/* ft_symbols_call_value (symbolizer.h); *callee is the symbol of what is called there. */
bool ft_dwarf_call_value(struct ft_dwarf *dwarf, u64 addr, u32 reg,
			 const struct ft_machine *machine, const char **callee, u64 *value);

#endif
