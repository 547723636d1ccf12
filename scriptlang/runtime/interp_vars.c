/* interp_vars.c - globals, statistics and loops over them; see interp_parts.h. */
#include <errno.h>
#include <string.h>

#include "scriptlang/runtime/interp_parts.h"

static struct ft_variable *variable(const struct ft_interp *x, const struct ft_ir_op *op)
{
	return &x->globals[op->var->number];
}

/* Values of the key; those of '*' are left out. */
static void load_keys(const struct ft_activation *a, const u32 *regs, u32 count,
		      struct ft_value *keys)
{
	for (u32 i = 0; i < count && i < FT_KEYS_MAX; i++)
		keys[i] = regs[i] == FT_IR_NONE ? ft_interp_number(0) : a->regs[regs[i]];
}

/* Makes sure that the copy has an element, or all there are. */
static bool pull(struct ft_interp *x, struct ft_variable *v, const struct ft_value *keys,
		 const struct ft_expr *at)
{
	int code = v->store && !v->whole ? v->store->pull(v, keys) : 0;

	if (code)
		ft_interp_fail(x, at, "cannot read '%s': %s", v->var->name, strerror(-code));
	return !code;
}

static void stored(struct ft_interp *x, const struct ft_ir_op *op, int code)
{
	const struct ft_variable *v = variable(x, op);

	if (code == -E2BIG && v->var->global->limit)
		ft_interp_fail(x, op->expr, "Array overflow, check size limit (%lld)",
			       (long long)v->var->global->limit);
	else if (code == -E2BIG)
		ft_interp_fail(x, op->expr, "Array overflow, check MAXMAPENTRIES");
	else if (code)
		ft_interp_fail(x, op->expr, "cannot change '%s': %s", v->var->name,
			       strerror(-code));
}

/* The element of an operation's key. NULL: absent, or an error. */
static struct ft_element *find(struct ft_interp *x, const struct ft_activation *a,
			       const struct ft_ir_op *op)
{
	struct ft_variable *v = variable(x, op);
	struct ft_value keys[FT_KEYS_MAX];

	load_keys(a, op->args, op->arg_count, keys);
	return pull(x, v, keys, op->expr) ? ft_array_find(&v->array, keys) : NULL;
}

/* The same; made if there is none. NULL: an error. */
static struct ft_element *at(struct ft_interp *x, const struct ft_activation *a,
			     const struct ft_ir_op *op)
{
	struct ft_variable *v = variable(x, op);
	struct ft_value keys[FT_KEYS_MAX];
	struct ft_element *element = NULL;

	load_keys(a, op->args, op->arg_count, keys);
	if (!pull(x, v, keys, op->expr))
		return NULL;
	switch (ft_array_at(&v->array, keys, &element)) {
	case FT_ARRAY_OK:
		break;
	case FT_ARRAY_FULL:
		stored(x, op, -E2BIG);
		break;
	case FT_ARRAY_NO_MEMORY:
		stored(x, op, -ENOMEM);
		break;
	}
	return element;
}

static struct ft_value get(struct ft_interp *x, const struct ft_activation *a,
			   const struct ft_ir_op *op)
{
	const struct ft_element *e = find(x, a, op);
	char *copy;

	if (!e || !e->value.text)
		return e && op->var->type != FT_TYPE_STRING ? e->value
							    : ft_interp_empty(op->var->type);
	/* The element may go while its value is used. */
	copy = ft_arena_copy(x->arena, e->value.text, e->value.len);
	if (!copy)
		ft_interp_fail(x, op->expr, "out of memory");
	return (struct ft_value){.text = copy ? copy : "", .len = copy ? e->value.len : 0};
}

static void set(struct ft_interp *x, const struct ft_activation *a, const struct ft_ir_op *op)
{
	struct ft_variable *v = variable(x, op);
	struct ft_element *e = at(x, a, op);

	if (e && !ft_element_set(e, &a->regs[op->a]))
		stored(x, op, -ENOMEM);
	else if (e && v->store)
		stored(x, op, v->store->set(v, e));
}

static void increase(struct ft_interp *x, const struct ft_activation *a, const struct ft_ir_op *op)
{
	struct ft_variable *v = variable(x, op);
	struct ft_element *e = at(x, a, op);
	s64 by = a->regs[op->a].number;

	if (!e)
		return;
	e->value.number = (s64)((u64)e->value.number + (u64)by);
	if (op->dst != FT_IR_NONE)
		a->regs[op->dst] = ft_interp_number(e->value.number);
	if (v->store)
		stored(x, op, v->store->increase(v, e, by));
}

static void feed(struct ft_interp *x, const struct ft_activation *a, const struct ft_ir_op *op)
{
	struct ft_variable *v = variable(x, op);
	struct ft_element *e = at(x, a, op);
	s64 value = a->regs[op->a].number;

	if (e && !ft_stats_add(&e->stats, &op->var->stats, value))
		stored(x, op, -ENOMEM);
	else if (e && v->store)
		stored(x, op, v->store->feed(v, e, value));
}

/* Whether an element lies in a slice: parts without a register match everything. */
static bool in_slice(const struct ft_element *e, const struct ft_value *keys, const u32 *regs,
		     u32 count)
{
	for (u32 i = 0; i < count; i++) {
		const struct ft_value *key = &e->keys[i];

		if (regs[i] == FT_IR_NONE)
			continue;
		if (key->text ? strcmp(key->text, keys[i].text) != 0
			      : key->number != keys[i].number)
			return false;
	}
	return true;
}

static bool has_slice(struct ft_interp *x, const struct ft_activation *a, const struct ft_ir_op *op)
{
	struct ft_variable *v = variable(x, op);
	struct ft_value keys[FT_KEYS_MAX];

	load_keys(a, op->args, op->arg_count, keys);
	if (!pull(x, v, NULL, op->expr))
		return false;
	for (size_t i = 0; i < v->array.count; i++)
		if (!v->array.items[i]->is_dead &&
		    in_slice(v->array.items[i], keys, op->args, op->arg_count))
			return true;
	return false;
}

static void remove_one(struct ft_interp *x, const struct ft_ir_op *op, struct ft_element *e)
{
	struct ft_variable *v = variable(x, op);

	if (v->store)
		stored(x, op, v->store->remove(v, e));
	ft_array_delete(&v->array, e);
}

static void remove_some(struct ft_interp *x, const struct ft_activation *a,
			const struct ft_ir_op *op)
{
	struct ft_variable *v = variable(x, op);
	struct ft_element *e;
	struct ft_value keys[FT_KEYS_MAX];

	if (op->kind == FT_IR_CLEAR) {
		ft_array_clear(&v->array);
		if (v->store)
			stored(x, op, v->store->remove(v, NULL));
		v->whole = v->store != NULL;
	} else if (op->kind == FT_IR_DELETE) {
		e = find(x, a, op);
		if (e)
			remove_one(x, op, e);
	} else if (pull(x, v, NULL, op->expr)) {
		load_keys(a, op->args, op->arg_count, keys);
		for (size_t i = 0; i < v->array.count; i++)
			if (!v->array.items[i]->is_dead &&
			    in_slice(v->array.items[i], keys, op->args, op->arg_count))
				remove_one(x, op, v->array.items[i]);
	}
	if (!v->array.walks)
		ft_array_sweep(&v->array);
}

/* ---- statistics ---- */

s64 ft_stats_extract(const struct ft_stats *stats, const struct ft_var *var, enum ft_stat_op op)
{
	switch (op) {
	case FT_STAT_COUNT:
		return (s64)stats->count;
	case FT_STAT_SUM:
		return stats->sum;
	case FT_STAT_MIN:
		return stats->min;
	case FT_STAT_MAX:
		return stats->max;
	case FT_STAT_AVG:
		return stats->sum / (s64)stats->count;
	default:
		return ft_stats_variance(stats, &var->stats, var->key_count == 0);
	}
}

const struct ft_stats *ft_interp_stats(struct ft_interp *x, const struct ft_activation *a,
				       const struct ft_ir_op *op)
{
	const struct ft_element *e = find(x, a, op);

	return e && e->stats.count ? &e->stats : NULL;
}

static s64 stat(struct ft_interp *x, const struct ft_activation *a, const struct ft_ir_op *op)
{
	const struct ft_stats *stats = ft_interp_stats(x, a, op);

	if (stats)
		return ft_stats_extract(stats, op->var, (enum ft_stat_op)op->number);
	if (op->number != FT_STAT_COUNT && op->number != FT_STAT_SUM)
		ft_interp_fail(x, op->expr, "empty aggregate");
	return 0;
}

/* How many buckets a histogram has. */
static u32 buckets_of(const struct ft_expr *hist)
{
	return hist->hist_linear ? ft_stats_linear_buckets(&hist->left->var->stats) + 2
				 : FT_STATS_LOG_BUCKETS;
}

static s64 bucket(struct ft_interp *x, const struct ft_activation *a, const struct ft_ir_op *op)
{
	const struct ft_expr *hist = op->expr->left;
	const struct ft_stats *stats = ft_interp_stats(x, a, op);
	const u64 *counts = !stats ? NULL : hist->hist_linear ? stats->linear : stats->log;
	s64 at_bucket = a->regs[op->a].number;

	if (op->expr->hist_member)
		return at_bucket >= 0 && at_bucket < buckets_of(hist);
	if (!counts)
		ft_interp_fail(x, hist, "empty aggregate");
	else if (at_bucket < 0 || at_bucket >= buckets_of(hist))
		ft_interp_fail(x, op->expr, "histogram index out of range");
	else
		return (s64)counts[at_bucket];
	return 0;
}

void ft_interp_var(struct ft_interp *x, struct ft_activation *a, const struct ft_ir_op *op)
{
	struct ft_value value = ft_interp_number(0);

	switch (op->kind) {
	case FT_IR_GET:
		value = get(x, a, op);
		break;
	case FT_IR_SET:
		set(x, a, op);
		return;
	case FT_IR_INCREASE:
		increase(x, a, op);
		return;
	case FT_IR_FEED:
		feed(x, a, op);
		return;
	case FT_IR_HAS:
		value.number = find(x, a, op) != NULL;
		break;
	case FT_IR_HAS_SLICE:
		value.number = has_slice(x, a, op);
		break;
	case FT_IR_STAT:
		value.number = stat(x, a, op);
		break;
	case FT_IR_BUCKET:
		value.number = bucket(x, a, op);
		break;
	default:
		remove_some(x, a, op);
		return;
	}
	a->regs[op->dst] = value;
}

/* ---- foreach ---- */

/* How foreach sorts. */
struct order {
	const struct ft_foreach *foreach;
	enum ft_type type; /* of the array's values */
};

static int compare_values(const struct ft_value *a, const struct ft_value *b)
{
	if (a->text && b->text)
		return strcmp(a->text, b->text);
	return (a->number > b->number) - (a->number < b->number);
}

static int compare_elements(const struct ft_element *a, const struct ft_element *b, void *context)
{
	const struct order *o = context;
	const struct ft_foreach *f = o->foreach;
	s64 x, y;

	if (a->is_dead || b->is_dead)
		return a->is_dead - b->is_dead;
	if (f->sort_by && !f->sort_stat_given)
		return f->sort * compare_values(&a->keys[f->sort_by - 1], &b->keys[f->sort_by - 1]);
	if (o->type != FT_TYPE_STATS)
		return f->sort * compare_values(&a->value, &b->value);
	x = a->stats.count ? ft_stats_extract(&a->stats, f->base->var, f->sort_stat) : 0;
	y = b->stats.count ? ft_stats_extract(&b->stats, f->base->var, f->sort_stat) : 0;
	return f->sort * ((x > y) - (x < y));
}

static void walk_array(struct ft_interp *x, const struct ft_activation *a, struct ft_walk *w,
		       const struct ft_ir_op *op)
{
	struct ft_variable *v = variable(x, op);
	struct order order = {op->foreach, v->var->type};

	if (!pull(x, v, NULL, op->expr))
		return;
	if (op->foreach->sort && v->array.walks) {
		ft_interp_fail(x, op->expr, "foreach sorts '%s' while another loop walks it",
			       v->var->name);
		return;
	}
	if (op->foreach->sort && !ft_array_sort(&v->array, compare_elements, &order)) {
		ft_interp_fail(x, op->expr, "out of memory");
		return;
	}
	w->slice = op->args;
	w->slice_count = op->arg_count;
	load_keys(a, op->args, op->arg_count, w->keys);
	w->array = &v->array;
	w->end = v->array.count;
	v->array.walks++;
}

static void walk_hist(struct ft_interp *x, const struct ft_activation *a, struct ft_walk *w,
		      const struct ft_ir_op *op)
{
	const struct ft_stats *stats = ft_interp_stats(x, a, op);
	const struct ft_expr *hist = op->foreach->base;

	w->buckets = !stats ? NULL : hist->hist_linear ? stats->linear : stats->log;
	w->end = w->buckets ? buckets_of(hist) : 0;
}

void ft_interp_walk(struct ft_interp *x, struct ft_activation *a, const struct ft_ir_op *op)
{
	struct ft_walk *w = &a->walks[op->level];

	*w = (struct ft_walk){.foreach = op->foreach,
			      .left = op->a == FT_IR_NONE ? INT64_MAX : a->regs[op->a].number};
	a->walk_count = op->level + 1;
	if (op->foreach->base->kind == FT_EXPR_HIST)
		walk_hist(x, a, w, op);
	else
		walk_array(x, a, w, op);
}

void ft_interp_leave(struct ft_activation *a, u32 level)
{
	while (a->walk_count > level) {
		struct ft_walk *w = &a->walks[--a->walk_count];

		if (w->array && !--w->array->walks)
			ft_array_sweep(w->array);
		w->array = NULL;
	}
}

/* The values of a round: copies, for the loop may delete the element. */
static struct ft_value keep(struct ft_interp *x, const struct ft_value *value)
{
	struct ft_value copy = *value;

	if (value->text)
		copy.text = ft_arena_copy(x->arena, value->text, value->len);
	if (value->text && !copy.text) {
		ft_interp_fail(x, NULL, "out of memory");
		copy = ft_interp_empty(FT_TYPE_STRING);
	}
	return copy;
}

bool ft_interp_step(struct ft_interp *x, struct ft_activation *a, const struct ft_ir_op *op)
{
	struct ft_walk *w = &a->walks[op->level];
	u32 keys = op->arg_count - 1, into = op->args[keys];
	const struct ft_element *e;

	while (w->array && w->at < w->end &&
	       (w->array->items[w->at]->is_dead ||
		(w->slice_count &&
		 !in_slice(w->array->items[w->at], w->keys, w->slice, w->slice_count))))
		w->at++;
	if (w->at >= w->end || w->left-- <= 0)
		return false;
	if (w->buckets) {
		a->regs[op->args[0]] = ft_interp_number((s64)w->at);
		if (into != FT_IR_NONE)
			a->regs[into] = ft_interp_number((s64)w->buckets[w->at]);
		w->at++;
		return true;
	}
	e = w->array->items[w->at++];
	for (u32 i = 0; i < keys; i++)
		a->regs[op->args[i]] = keep(x, &e->keys[i]);
	if (into != FT_IR_NONE)
		a->regs[into] = e->value.text || a->ir->regs[into].type != FT_TYPE_STRING
					? keep(x, &e->value)
					: ft_interp_empty(FT_TYPE_STRING);
	return true;
}

void ft_interp_settle(struct ft_interp *x)
{
	for (u32 i = 0; i < x->program->program->global_count; i++) {
		struct ft_variable *v = &x->globals[i];

		if (v->store) {
			ft_array_clear(&v->array);
			v->whole = false;
		}
		ft_array_sweep(&v->array);
	}
}
