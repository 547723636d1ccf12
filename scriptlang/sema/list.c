/* list.c - the probe points that match a pattern (-l, -L); see list.h. */
#include "scriptlang/sema/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/sema/target.h"
#include "scriptlang/user/user_point.h"

static void print_returned(struct ft_compile *compile, const struct ft_point *point,
			   struct ft_out *out)
{
	struct ft_target_arg *args;
	u32 count;

	if (!ft_target_args(compile, point, "$$return", &args, &count) && count && !args[0].is_lost)
		ft_out_printf(out, " $%s:%s", args[0].name, args[0].type);
}

/* " $prev:struct task_struct*" for each argument of a tracepoint. */
static void print_variables(struct ft_compile *compile, const struct ft_point *point,
			    struct ft_out *out)
{
	struct ft_target_arg *args;
	u32 count;

	if (point->user)
		print_returned(compile, point, out);
	if (ft_target_args(compile, point, "$$vars", &args, &count))
		return;
	for (u32 i = 0; i < count; i++)
		if (!args[i].is_lost)
			ft_out_printf(out, " $%s:%s", args[i].name, args[i].type);
}

/* " name:string" for each variable that aliases give. */
static void print_locals(const struct ft_handler *h, struct ft_out *out)
{
	for (u32 i = 0; h->alias && i < h->var_count; i++) {
		const struct ft_var *v = h->vars[i];

		if (strncmp(v->name, "__", 2) != 0)
			ft_out_printf(out, " %s:%s", v->name,
				      v->type == FT_TYPE_STRING ? "string" : "long");
	}
}

static bool is_known(const char *const *texts, u32 count, const char *text)
{
	for (u32 i = 0; i < count; i++)
		if (!strcmp(texts[i], text))
			return true;
	return false;
}

struct list {
	const char **texts;
	u32 count;
};

static const char **add(struct ft_compile *compile, struct list *list, const char *text)
{
	const char **slot;

	if (is_known(list->texts, list->count, text))
		return NULL;
	slot = FT_ARENA_PUSH(compile->arena, &list->texts, &list->count);
	if (slot)
		*slot = text;
	return slot;
}

static int by_text(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

/* Each place of a point in user space, sorted; the same text may come from several. */
static u32 list_places(struct ft_compile *compile, const struct ft_point *point, struct ft_out *out)
{
	const struct ft_user_probe *user = point->user;
	const char **texts = ft_arena_alloc(compile->arena, user->site_count, sizeof(*texts));
	u32 count = 0;

	if (!texts)
		return 0;
	for (u32 i = 0; i < user->site_count; i++)
		texts[i] = ft_user_text(compile, point, &user->sites[i], FT_USER_TEXT_POINT);
	qsort(texts, user->site_count, sizeof(*texts), by_text);
	for (u32 i = 0; i < user->site_count; i++) {
		if (i && !strcmp(texts[i], texts[i - 1]))
			continue;
		ft_out_printf(out, "%s\n", texts[i]);
		count++;
	}
	return count;
}

u32 ft_list_points(struct ft_compile *compile, const struct ft_program *program, bool variables,
		   struct ft_out *out)
{
	struct list list = {0};
	u32 places = 0;

	for (u32 i = 0; i < program->handler_count; i++) {
		const struct ft_point *point = program->handlers[i]->point;
		const struct ft_point *alias = program->handlers[i]->alias;
		const char *text = ft_point_text(compile->arena, alias ? alias : point);

		if (point->user && point->user->site_count > 1) {
			places += list_places(compile, point, out);
			continue;
		}
		if (!add(compile, &list, text))
			continue;
		ft_out_text(out, text);
		if (variables)
			print_locals(program->handlers[i], out);
		if (variables)
			print_variables(compile, point, out);
		ft_out_char(out, '\n');
	}
	return list.count + places;
}
