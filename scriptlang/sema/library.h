/*
 * library.h - functions and aliases that scripts have without writing them: the files of tapset/,
 * and those of -I.
 */
#ifndef FT_SCRIPTLANG_LIBRARY_H
#define FT_SCRIPTLANG_LIBRARY_H

#include "scriptlang/syntax/parse.h"

/* Reads files of macros (*.stpm) in folders, before the script is parsed. As ft_library_import. */
int ft_library_macros(struct ft_compile *compile, const char *const *folders, u32 folder_count);

/*
 * Adds to file what its script names and does not define itself, and what that names in turn.
 * folders: of -I. 0, -EINVAL (diagnostics) or -ENOMEM.
 */
int ft_library_import(struct ft_compile *compile, struct ft_file *file, const char *const *folders,
		      u32 folder_count);

/* The text of a file of tapset/, by its place; NULL behind the last one. */
const char *ft_library_file(u32 index, const char **name);

#endif
