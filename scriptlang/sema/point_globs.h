/*
 * point_globs.h - probe points whose words are patterns: "kern*.func*("vfs_read").*", "ti**es(1)".
 */
#ifndef FT_SCRIPTLANG_POINT_GLOBS_H
#define FT_SCRIPTLANG_POINT_GLOBS_H

#include "scriptlang/sema/sema.h"

/* Whether some word of a point is a pattern. */
bool ft_point_is_glob(const struct ft_point *point);

/*
 * The points that a pattern stands for: of all kinds, system calls and the script's aliases. '*' is
 * any text within a word, '**' also across words; arguments go along. Points are in the arena;
 * take says whether one is there. How many are.
 */
typedef bool ft_point_take(void *context, const struct ft_point *point);
u32 ft_point_globs(struct ft_compile *compile, const struct ft_file *file,
		   const struct ft_point *point, ft_point_take *take, void *context);

#endif
