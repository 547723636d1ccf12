/*
 * report.c - globals that were written and never read are printed at the end; see interp.h.
 */
#include <string.h>

#include "scriptlang/runtime/interp.h"

static void print_text(const struct ft_value *value, struct ft_out *out)
{
	if (!value->text) {
		ft_out_printf(out, "%lld", (long long)value->number);
		return;
	}
	ft_out_char(out, '"');
	for (u32 i = 0; i < value->len; i++) {
		if (value->text[i] == '"' || value->text[i] == '\\')
			ft_out_char(out, '\\');
		if (value->text[i] == '\n')
			ft_out_text(out, "\\n");
		else
			ft_out_char(out, value->text[i]);
	}
	ft_out_char(out, '"');
}

static void print_element(const struct ft_array *array, const struct ft_var *var,
			  const struct ft_element *e, struct ft_out *out)
{
	ft_out_text(out, var->name);
	for (u32 i = 0; i < array->key_count; i++) {
		ft_out_char(out, i ? ',' : '[');
		print_text(&e->keys[i], out);
	}
	ft_out_text(out, array->key_count ? "]" : "");
	if (var->type == FT_TYPE_STATS) {
		const struct ft_stats *s = &e->stats;

		if (!s->count)
			ft_out_text(out, " @count=0");
		else
			ft_out_printf(out, " @count=%llu @min=%lld @max=%lld @sum=%lld @avg=%lld",
				      (unsigned long long)s->count, (long long)s->min,
				      (long long)s->max, (long long)s->sum,
				      (long long)(s->sum / (s64)s->count));
	} else {
		ft_out_char(out, '=');
		print_text(&e->value, out);
	}
	ft_out_char(out, '\n');
}

/* By falling value; statistics by falling count. */
static int compare(const struct ft_element *a, const struct ft_element *b, void *context)
{
	const struct ft_var *var = context;

	if (var->type == FT_TYPE_STRING)
		return strcmp(b->value.text ? b->value.text : "",
			      a->value.text ? a->value.text : "");
	if (var->type == FT_TYPE_STATS)
		return (a->stats.count < b->stats.count) - (a->stats.count > b->stats.count);
	return (a->value.number < b->value.number) - (a->value.number > b->value.number);
}

void ft_interp_report(struct ft_interp *x)
{
	static const struct ft_element nothing;

	for (u32 i = 0; i < x->program->program->global_count; i++) {
		struct ft_var *var = x->program->program->globals[i];
		struct ft_variable *v = &x->globals[i];
		struct ft_array *array = &v->array;

		if (var->read || !var->written || var->type == FT_TYPE_UNKNOWN ||
		    (var->at.source && var->at.source->is_tapset))
			continue;
		if (v->store && !v->whole && v->store->pull(v, NULL))
			continue;
		ft_array_sort(array, compare, var);
		for (size_t k = 0; k < array->count; k++)
			print_element(array, var, array->items[k], x->out);
		if (!array->key_count && !array->count)
			print_element(array, var, &nothing, x->out);
	}
}
