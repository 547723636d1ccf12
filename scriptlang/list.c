/* list.c - the probe points that match a pattern (-l, -L); see list.h. */
#include "scriptlang/list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scriptlang/target.h"

/* " $prev:struct task_struct*" for each argument of a tracepoint. */
static void print_variables(struct ft_compile *compile, const struct ft_point *point,
			    struct ft_out *out)
{
	struct ft_target_arg *args;
	u32 count;

	if (point->part_count < 2 || strcmp(point->parts[1].name, "trace") != 0 ||
	    ft_target_args(compile, point->parts[1].arg->text, &args, &count))
		return;
	for (u32 i = 0; i < count; i++)
		ft_out_printf(out, " $%s:%s", args[i].name, args[i].type);
}

/* What a handler's point is called in the list: the alias, if it came through one. */
static const char *text_of(struct ft_compile *compile, const struct ft_handler *h)
{
	struct ft_point point = *h->point;
	struct ft_out *out = ft_out_new_memory();
	const char *text;
	size_t len;

	point.optional = point.sufficient = false;
	point.condition = NULL;
	ft_point_dump(&point, out);
	text = ft_out_memory(out, &len);
	text = ft_arena_copy(compile->arena, text, len);
	ft_out_close(out);
	return text ? text : "";
}

static bool is_known(const char *const *texts, u32 count, const char *text)
{
	for (u32 i = 0; i < count; i++)
		if (!strcmp(texts[i], text))
			return true;
	return false;
}

u32 ft_list_points(struct ft_compile *compile, const struct ft_program *program, bool variables,
		   struct ft_out *out)
{
	const char **texts = NULL;
	u32 count = 0;

	for (u32 i = 0; i < program->handler_count; i++) {
		const char *text = text_of(compile, program->handlers[i]), **slot;

		if (is_known(texts, count, text))
			continue;
		slot = FT_ARENA_PUSH(compile->arena, &texts, &count);
		if (!slot)
			break;
		*slot = text;
		ft_out_text(out, text);
		if (variables)
			print_variables(compile, program->handlers[i]->point, out);
		ft_out_char(out, '\n');
	}
	return count;
}
