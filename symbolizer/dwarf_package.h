/*
 * dwarf_package.h - units of a package of split debug information (.dwp). Private to dwarf.c.
 *
 * Formats: DWARF 5, section 7.3.5 and appendix F; version 2 of the index, of GCC's extension to
 * DWARF 4 (DebugFissionDWP in GCC's wiki).
 */
#ifndef FT_SYMBOLIZER_DWARF_PACKAGE_H
#define FT_SYMBOLIZER_DWARF_PACKAGE_H

#include "symbolizer/dwarf_image.h"

struct dwarf_package;

/* Where split units are that libdw does not find. */
struct dwarf_elsewhere {
	struct dwarf_package *package; /* or NULL */
	int (*open_unit)(void *context,
			 const char *path); /* as in struct ft_dwarf_files; or NULL */
	void *context;
};

/*
 * dwarf_unpack.c: makes a copy of an opened file, without compressed sections, in memory. 0: it is
 * *fd, for the caller to close. -ENOENT: no section is compressed. -ENODATA: damaged, or too large.
 */
int dwarf_unpack(const struct ft_elf *elf, int *fd);

/* A split unit, with its skeleton's addresses. */
struct dwarf_split {
	struct dwarf_image image;
	Dwarf_Die unit;	 /* has the functions; libdw takes it for a unit that is not split */
	Dwarf_Die files; /* a unit beside it that has the table of files, if has_files */
	bool has_files;	 /* else the skeleton's counts */
};

/*
 * Opens a package; fd must stay open until dwarf_package_close. 0, -ENODATA (it is none) or
 * -ENOMEM.
 */
int dwarf_package_open(int fd, struct dwarf_package **package);
void dwarf_package_close(struct dwarf_package *package); /* accepts NULL */

/*
 * The split unit of a skeleton. 0: split is the caller's, for dwarf_image_fini of its image; or
 * -ENODATA (it is not in the package, or damaged), or -ENOMEM.
 */
int dwarf_package_unit(struct dwarf_package *package, Dwarf_Die *skeleton,
		       struct dwarf_split **split);

/* The same from a file of its own (.dwo), which may be closed then. */
int dwarf_package_file(int fd, Dwarf_Die *skeleton, struct dwarf_split **split);

#endif
