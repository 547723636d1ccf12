/*
 * user_file.h - the files that probes in user space are on: their symbols, and their debug
 * information, both read when somebody first asks for them and kept for the compilation.
 *
 * Addresses are as linked; the bias of libdw's is taken off here.
 */
#ifndef FT_SCRIPTLANG_USER_FILE_H
#define FT_SCRIPTLANG_USER_FILE_H

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include "base/elf.h"
#include "scriptlang/sema/compile.h"

struct ft_user_mentions;
struct ft_user_ranges;

struct ft_user_symbol {
	const char *name; /* without a version; in the arena */
	u64 addr, size;
	bool exported, is_local;
};

struct ft_user_file {
	const char *path;  /* absolute; below /proc/PID for files of another root */
	const char *shown; /* as probe points show it */
	int fd;
	struct ft_elf *elf;
	u64 inode;
	struct ft_arena *arena; /* of the compilation */

	Dwfl *dwfl;
	Dwfl_Module *module;
	Dwarf *dwarf;		   /* NULL: there is no debug information */
	Dwarf_Addr bias, elf_bias; /* of libdw's addresses */
	bool dwarf_read;
	const struct ft_user_mentions *mentions; /* of names that were looked for */
	/* The kernel: what runs is so far from where it was linked; what is kept from probes. */
	bool in_kernel;
	u64 slide, *kept;
	/* A module of it, which lies there; all addresses are those that it runs at. NULL: none. */
	const char *kernel_module;
	u64 module_start, module_bytes;
	/* Where code is (user_dwarf.c): units; functions of units. */
	struct ft_user_ranges *units, *functions;
};

/*
 * Opens a file. shown: NULL for the path. NULL: it cannot be read or is no ELF file of this
 * machine, which why says.
 */
struct ft_user_file *ft_user_file_open(struct ft_compile *compile, const char *path,
				       const char *shown, char why[200]);

/*
 * The functions whose names match a pattern (NULL: any), or that begin at an address (0: any), in
 * the order of their addresses; those that the file exports only, if asked for. Symbols of a file
 * that was stripped are read from its debug file. 0 or -ENOMEM; the list lives in the arena.
 */
struct ft_user_wanted {
	const char *pattern;
	u64 addr;
	bool exported;
};
int ft_user_file_symbols(struct ft_compile *compile, struct ft_user_file *file,
			 const struct ft_user_wanted *wanted, struct ft_user_symbol **symbols,
			 u32 *count);

/* Where a variable of the symbol tables is, as linked. False: there is none of that name. */
bool ft_user_file_variable(struct ft_user_file *file, const char *name, u64 *addr);

/* The debug information, also from a file beside it; NULL: there is none. */
Dwarf *ft_user_file_dwarf(struct ft_user_file *file);

/* Closes all files of a compilation. */
void ft_user_files_close(struct ft_compile *compile);

#endif
