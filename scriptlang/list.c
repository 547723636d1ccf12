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
		const char *text = ft_point_text(compile->arena, program->handlers[i]->point),
			   **slot;

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
