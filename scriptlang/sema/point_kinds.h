/* point_kinds.h - the kinds of points there are: point_kinds.c. */
#ifndef FT_SCRIPTLANG_POINT_KINDS_H
#define FT_SCRIPTLANG_POINT_KINDS_H

#include "scriptlang/syntax/ast.h"

/* Whether a point is of some kind. misfit: a part whose name fits and whose argument does not. */
bool ft_point_is_of_kind(const struct ft_point *point, const struct ft_point_part **misfit);

/* Whether later versions have points that begin with that word. */
bool ft_point_is_later(const char *name);

#endif
