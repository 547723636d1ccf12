/*
 * flame.h - an array of a script as a profile.
 */
#ifndef FT_SCRIPTLANG_FLAME_H
#define FT_SCRIPTLANG_FLAME_H

#include "profile/profile.h"
#include "scriptlang/runtime/interp.h"

/*
 * The profile of the array that flamegraph() names, or of the only one that is keyed by stacks; the
 * caller's. Once, after the script has ended. Errors name the cause and the remedy.
 */
int ft_flame(struct ft_interp *x, struct ft_profile **profile, struct ft_err *err);

#endif
