/*
 * flame.c - an array that is keyed by stacks becomes a profile: what --flame writes.
 *
 * One part of the key is the stack; other parts that are strings become frames below it. The weight
 * is the value, or of statistics the count, unless flamegraph(@sum(x)) says otherwise.
 */
#include "scriptlang/runtime/flame.h"

#include <errno.h>

#include "scriptlang/runtime/interp_parts.h"
#include "scriptlang/runtime/stacks.h"

/* The part of an element's key that is a stack; -1: none is. */
static int stack_part(const struct ft_interp *x, const struct ft_variable *v,
		      const struct ft_element *e)
{
	u8 kinds;

	for (int i = 0; i < v->var->key_count; i++)
		if (v->var->keys[i] == FT_TYPE_STRING && e->keys[i].text &&
		    ft_stacks_number(x->stacks, e->keys[i].text, e->keys[i].len, &kinds))
			return i;
	return -1;
}

static bool has_stacks(const struct ft_interp *x, const struct ft_variable *v)
{
	for (size_t i = 0; i < v->array.count; i++)
		if (!v->array.items[i]->is_dead && stack_part(x, v, v->array.items[i]) >= 0)
			return true;
	return false;
}

/* The array that the script names, or the only one that there can be. */
static int choose(struct ft_interp *x, struct ft_variable **chosen, struct ft_err *err)
{
	const struct ft_program *program = x->program->program;
	int code = 0;

	*chosen = NULL;
	for (u32 i = 0; i < program->global_count && !code; i++) {
		struct ft_variable *v = &x->globals[i];

		if (program->flame ? program->globals[i] != program->flame
				   : v->var->key_count <= 0 || v->var->type == FT_TYPE_STRING)
			continue;
		code = v->store && !v->whole ? v->store->pull(v, NULL) : 0;
		if (code || (!program->flame && !has_stacks(x, v)))
			continue;
		if (*chosen)
			return ft_err_set(
				err, -EINVAL,
				"'%s' and '%s' both are keyed by stacks: say which is to be "
				"the flame graph by flamegraph(%s) in the script",
				(*chosen)->var->name, v->var->name, v->var->name);
		*chosen = v;
	}
	if (code)
		return ft_err_set(err, code, "cannot read the script's arrays");
	return *chosen ? 0
		       : ft_err_set(err, -ENODATA,
				    "no array of the script is keyed by stacks (ubacktrace() or "
				    "backtrace()): there is nothing to draw");
}

static u64 weight_of(const struct ft_interp *x, const struct ft_variable *v,
		     const struct ft_element *e)
{
	s64 weight = e->value.number;

	if (v->var->type == FT_TYPE_STATS)
		weight = e->stats.count ? ft_stats_extract(&e->stats, x->program->program->flame,
							   x->program->program->flame_stat)
					: 0;
	return weight > 0 ? (u64)weight : 0;
}

static int weigh(const struct ft_interp *x, const struct ft_variable *v, const struct ft_element *e)
{
	const char *roots[FT_KEYS_MAX];
	int part = stack_part(x, v, e);
	u32 count = 0;

	if (part < 0)
		return 0;
	for (int i = 0; i < v->var->key_count; i++)
		if (i != part && v->var->keys[i] == FT_TYPE_STRING)
			roots[count++] = e->keys[i].text;
	return ft_stacks_weigh(x->stacks, e->keys[part].text, e->keys[part].len, roots, count,
			       weight_of(x, v, e));
}

int ft_flame(struct ft_interp *x, struct ft_profile **profile, struct ft_err *err)
{
	struct ft_variable *v = NULL;
	int code;

	if (!x->stacks)
		return ft_err_set(
			err, -ENODATA,
			"the script takes no stacks (ubacktrace() or backtrace()): there is "
			"nothing to draw");
	code = choose(x, &v, err);
	if (!code && v)
		x->program->program->globals[v->var->number]->read = true; /* not printed, too */
	for (size_t i = 0; !code && v && i < v->array.count; i++)
		if (!v->array.items[i]->is_dead)
			code = weigh(x, v, v->array.items[i]);
	if (code == -ENOMEM)
		return ft_err_set(err, code, "out of memory");
	return code ? code : ft_stacks_profile(x->stacks, profile, err);
}
