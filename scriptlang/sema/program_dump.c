/* program_dump.c - what -p2 prints: globals, functions and probes with their types. */
#include "scriptlang/sema/sema.h"
#include "scriptlang/user/user_point.h"

static const char *type_name(enum ft_type type)
{
	static const char *const names[] = {"unknown", "long", "string", "stats"};

	return names[type];
}

static void dump_var(const struct ft_var *var, struct ft_out *out)
{
	ft_out_printf(out, "%s:%s", var->name, type_name(var->type));
	for (int i = 0; i < var->key_count; i++)
		ft_out_printf(out, "%s%s%s", i ? ", " : " [", type_name(var->keys[i]),
			      i + 1 == var->key_count ? "]" : "");
	if (var->global && var->global->init) {
		ft_out_text(out, " = ");
		ft_expr_dump(var->global->init, out);
	}
	ft_out_char(out, '\n');
}

static void dump_locals(struct ft_var *const *vars, u32 count, u32 first, struct ft_out *out)
{
	if (count > first)
		ft_out_text(out, "  # locals\n");
	for (u32 i = first; i < count; i++) {
		ft_out_text(out, "  ");
		dump_var(vars[i], out);
	}
}

static void dump_function(const struct ft_function *f, struct ft_out *out)
{
	ft_out_printf(out, "%s:%s (", f->name, type_name(f->type));
	for (u32 i = 0; i < f->param_count; i++)
		ft_out_printf(out, "%s%s:%s", i ? ", " : "", f->params[i].name,
			      type_name(f->params[i].var->type));
	ft_out_text(out, ")\n");
	dump_locals(f->vars, f->var_count, f->param_count, out);
}

/* Where in its file a point is, as linked; of many places the first. */
static void dump_places(const struct ft_user_probe *user, struct ft_out *out)
{
	if (!user || !user->site_count)
		return;
	ft_out_printf(out, " /* pc=.absolute+0x%llx", (unsigned long long)user->sites[0].addr);
	if (user->site_count > 1)
		ft_out_printf(out, " and %u more", user->site_count - 1);
	ft_out_text(out, " */");
}

void ft_program_dump(const struct ft_program *program, struct ft_out *out)
{
	bool any = false;

	if (program->global_count)
		ft_out_text(out, "# globals\n");
	for (u32 i = 0; i < program->global_count; i++)
		dump_var(program->globals[i], out);
	for (u32 i = 0; i < program->file->function_count; i++) {
		if (!program->file->functions[i]->used)
			continue;
		ft_out_text(out, any ? "" : "# functions\n");
		any = true;
		dump_function(program->file->functions[i], out);
	}
	ft_out_text(out, "# probes\n");
	for (u32 i = 0; i < program->handler_count; i++) {
		const struct ft_handler *h = program->handlers[i];

		ft_point_dump(h->point, out);
		dump_places(h->point->user, out);
		ft_out_text(out, " /* <- ");
		ft_point_dump(h->written, out);
		ft_out_text(out, " */\n");
		dump_locals(h->vars, h->var_count, 0, out);
	}
}
