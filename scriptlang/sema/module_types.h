/*
 * module_types.h - the types of kernel modules, beside those of the kernel itself; types by name.
 */
#ifndef FT_SCRIPTLANG_MODULE_TYPES_H
#define FT_SCRIPTLANG_MODULE_TYPES_H

#include "scriptlang/sema/compile.h"

/* Whether a module of that name is loaded and tells its types. */
bool ft_module_has_types(const char *module);

/*
 * Adds the types of a loaded module to compile->btf, which must have been read. Types that were
 * known keep their numbers, and what was found of them stays valid. What cannot be read is not
 * there afterwards, which whoever looks for a type says.
 */
void ft_module_add_types(struct ft_compile *compile, const char *module);

/* The same with the module that has this tracepoint. False: none that is not there already has. */
bool ft_module_add_types_of_event(struct ft_compile *compile, const char *event);

/*
 * The number of a type (BTF_KIND_...) among those that are known; 0: there is none. Going through
 * all names takes a millisecond, so what was asked for lately is kept.
 */
s32 ft_types_find(struct ft_compile *compile, const char *name, u32 kind);

/* The value of an enumerator of the types that are known. False: there is none of that name. */
bool ft_types_enumerator(const struct ft_compile *compile, const char *name, s64 *value);

void ft_module_types_free(struct ft_compile *compile);

#endif
