/*
 * points.c - probe points: aliases become what they stand for, patterns what they match, and each
 * point is checked against the kinds there are.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "scriptlang/kernel/kernel_dwarf.h"
#include "scriptlang/kernel/kernel_function.h"
#include "scriptlang/kernel/netfilter.h"
#include "scriptlang/sema/functions.h"
#include "scriptlang/sema/point_globs.h"
#include "scriptlang/sema/point_kinds.h"
#include "scriptlang/sema/returns.h"
#include "scriptlang/sema/sema.h"
#include "scriptlang/syscalls/syscalls.h"
#include "scriptlang/user/user_point.h"

#define ALIAS_NESTING_MAX 50

struct resolver {
	struct ft_compile *compile;
	struct ft_program *program;
	u32 depth;
	const struct ft_point *alias;  /* the outermost one at hand; NULL: none */
	const struct ft_point *missed; /* the last that could be left out, and was; NULL: none */
	bool missed_is_forbidden;      /* it is there, but this kernel permits no programs at it */
	bool lists;		       /* -L: each place has variables of its own */
};

/* Bodies around a handler's own. */
struct bodies {
	struct ft_stmt *items[2 * ALIAS_NESTING_MAX + 1];
	u32 before, after; /* before: from the beginning; after: from the middle on */
};

static const char *point_text(const struct resolver *r, const struct ft_point *point)
{
	struct ft_out *out = ft_out_new_memory();
	const char *text;
	size_t len;

	for (u32 i = 0; i < point->part_count; i++) {
		struct ft_point one = {.parts = point->parts + i, .part_count = 1};

		if (i)
			ft_out_char(out, '.');
		ft_point_dump(&one, out);
	}
	text = ft_out_memory(out, &len);
	text = ft_arena_copy(r->compile->arena, text, len);
	ft_out_close(out);
	return text ? text : "";
}

static void push_handler(struct resolver *r, const struct ft_point *point,
			 const struct ft_point *written, const struct bodies *bodies)
{
	struct ft_handler *h = FT_ARENA_NEW(r->compile->arena, struct ft_handler), **slot;
	u32 middle = ALIAS_NESTING_MAX;

	slot = h && point ? FT_ARENA_PUSH(r->compile->arena, &r->program->handlers,
					  &r->program->handler_count)
			  : NULL;
	if (!slot)
		return;
	*slot = h;
	h->point = point;
	h->written = written;
	h->alias = r->alias;
	h->condition = ft_expr_copy(r->compile->arena, written->condition);
	h->at = written->at;
	for (u32 i = 0; i < bodies->before + bodies->after; i++) {
		struct ft_stmt **body =
			FT_ARENA_PUSH(r->compile->arena, &h->bodies, &h->body_count);

		if (body)
			*body = ft_stmt_copy(
				r->compile->arena,
				bodies->items[i < bodies->before ? i
								 : middle + i - bodies->before]);
		if (!body || !*body)
			return;
		if (i + 1 == bodies->before) /* aliases are before and behind it */
			h->own = *body;
	}
}

struct ft_point *ft_point_of_event(struct ft_compile *compile, const struct ft_point *point,
				   const char *event)
{
	struct ft_arena *arena = compile->arena;
	struct ft_point *copy = FT_ARENA_NEW(arena, struct ft_point);
	struct ft_expr *arg = FT_ARENA_NEW(arena, struct ft_expr);

	if (!copy || !arg)
		return NULL;
	*copy = *point;
	*arg = *point->parts[1].arg;
	copy->parts = ft_arena_alloc(arena, point->part_count, sizeof(*copy->parts));
	arg->kind = FT_EXPR_STRING; /* an address becomes its text */
	arg->text = ft_arena_copy(arena, event, strlen(event));
	if (!copy->parts || !arg->text)
		return NULL;
	arg->len = (u32)strlen(event);
	memcpy(copy->parts, point->parts, point->part_count * sizeof(*copy->parts));
	copy->parts[1].arg = arg;
	return copy;
}

/*
 * The tracepoints of a name or pattern, each with its handler; how many there are, or -1 where this
 * machine does not tell. Those of "syscalls" are none that programs can be attached to.
 */
static int push_tracepoints(struct resolver *r, const struct ft_point *point,
			    const struct ft_point *written, const struct bodies *bodies)
{
	static const char events[] = "/sys/kernel/tracing/events";
	const char *pattern = point->parts[1].arg->text, *colon = strchr(pattern, ':');
	const char *name = colon ? colon + 1 : pattern;
	bool is_pattern = strpbrk(pattern, "*?[") != NULL;
	DIR *systems = opendir(events), *dir;
	const struct dirent *system, *event;
	char path[sizeof(events) + NAME_MAX + 2];
	int count = 0;

	if (!systems)
		return -1;
	while ((system = readdir(systems))) {
		if (system->d_name[0] == '.' || !strcmp(system->d_name, "syscalls") ||
		    (colon && (strncmp(pattern, system->d_name, (size_t)(colon - pattern)) != 0 ||
			       system->d_name[colon - pattern])))
			continue;
		snprintf(path, sizeof(path), "%s/%s", events, system->d_name);
		dir = opendir(path);
		while (dir && (event = readdir(dir))) {
			if (event->d_name[0] == '.' || event->d_type != DT_DIR ||
			    fnmatch(name, event->d_name, 0) != 0)
				continue;
			count++;
			if (is_pattern)
				push_handler(r, ft_point_of_event(r->compile, point, event->d_name),
					     written, bodies);
		}
		if (dir)
			closedir(dir);
	}
	closedir(systems);
	if (count && !is_pattern)
		push_handler(r, ft_point_of_event(r->compile, point, name), written, bodies);
	return count;
}

/* ---- points in user space ---- */

struct user_points {
	struct resolver *r;
	const struct ft_point *written;
	const struct bodies *bodies;
	struct ft_returns returns;
};

/* The bodies of a handler, one after the other; how many. */
static u32 list_bodies(const struct bodies *bodies, struct ft_stmt *all[2 * ALIAS_NESTING_MAX + 1])
{
	for (u32 i = 0; i < bodies->before + bodies->after; i++)
		all[i] = bodies->items[i < bodies->before ? i
							  : ALIAS_NESTING_MAX + i - bodies->before];
	return bodies->before + bodies->after;
}

/* process.syscall: with the variables of syscall_any, or of each call. */
static void push_calls(const struct user_points *u, const struct ft_point *point)
{
	struct ft_arena *arena = u->r->compile->arena;
	struct ft_stmt *all[2 * ALIAS_NESTING_MAX + 1];
	u32 body_count = list_bodies(u->bodies, all), count;
	struct ft_probe **aliases;

	if (ft_syscall_aliases_any(u->r->compile, u->r->program->file, ft_syscall_returns(point),
				   all, body_count, &aliases, &count))
		return;
	for (u32 i = 0; i < count; i++) {
		struct bodies around = *u->bodies;
		struct ft_point *own = FT_ARENA_NEW(arena, struct ft_point);
		struct ft_user_life *life = FT_ARENA_NEW(arena, struct ft_user_life);

		if (!own || !life || around.before == ALIAS_NESTING_MAX)
			return;
		*own = *point;
		*life = *point->life;
		life->calls = ft_syscall_pattern(&aliases[i]->points[0]);
		own->life = life;
		for (u32 b = around.before; b > 0; b--)
			around.items[b] = around.items[b - 1];
		around.items[0] = aliases[i]->body;
		around.before++;
		push_handler(u->r, own, u->written, &around);
	}
}

static void take_user_point(void *context, struct ft_point *point)
{
	struct user_points *u = context;

	if (point->life && point->life->calls)
		push_calls(u, point);
	else if (ft_returns_spare(&u->returns, u->r->compile, point, u->written->at))
		push_handler(u->r, point, u->written, u->bodies);
}

static bool has_part(const struct ft_point *point, const char *name)
{
	for (u32 i = 0; i < point->part_count; i++)
		if (!strcmp(point->parts[i].name, name))
			return true;
	return false;
}

/* What a handler has: variables of the place; functions that may look at registers or memory. */
static void look_into(const struct ft_stmt *body, const char *but, bool *variables, bool *asks)
{
	static const char *const others[] = {"cpu",
					     "execname",
					     "exit",
					     "get_cycles",
					     "gettimeofday_ms",
					     "gettimeofday_ns",
					     "gettimeofday_s",
					     "gettimeofday_us",
					     "indent",
					     "pid",
					     "pn",
					     "pp",
					     "ppfunc",
					     "ppid",
					     "probefunc",
					     "strlen",
					     "substr",
					     "target",
					     "target_set_pid",
					     "thread_indent",
					     "tid",
					     "uid",
					     NULL};

	*variables |= ft_stmt_has_targets(body, but);
	*asks |= !ft_stmt_calls_only(body, others);
}

/* Those of process(...). As resolve_kind. */
static bool resolve_user(struct resolver *r, const struct ft_point *point,
			 const struct ft_point *written, const struct bodies *bodies)
{
	struct user_points u = {.r = r, .written = written, .bodies = bodies};
	char why[300] = "";
	/* The names of stubs are looked up, as ppfunc() is: one program is for all of them. */
	const char *but = has_part(point, "plt") ? "$$name" : NULL;
	bool apart = r->lists, asks = false;
	int code;

	for (u32 i = 0; i < bodies->before; i++)
		look_into(bodies->items[i], but, &apart, &asks);
	for (u32 i = 0; i < bodies->after; i++)
		look_into(bodies->items[ALIAS_NESTING_MAX + i], but, &apart, &asks);
	code = ft_user_points_find(r->compile, point, apart, asks, take_user_point, &u, why);

	if (!code && (u.returns.any_left || !u.returns.spared))
		return true;
	if (!code)
		snprintf(why, sizeof(why), "a return probe at %.100s would break the program",
			 u.returns.spared);
	if (!written->optional || code == -EINVAL)
		ft_sema_fail(r->compile, written->at, "identifier",
			     "while resolving probe point: no match for %s: %s",
			     point_text(r, point), why);
	return false;
}

/* Places of the kernel by its debug information. As resolve_kind; why: what is in the way. */
static bool resolve_kernel(struct resolver *r, const struct ft_point *point,
			   const struct ft_point *written, const struct bodies *bodies,
			   bool *has_file, char why[300])
{
	struct user_points u = {.r = r, .written = written, .bodies = bodies};

	*has_file = false;
	if (written->optional && !ft_function_has_kprobes())
		return false;
	return !ft_kernel_dwarf_find(r->compile, point, has_file, take_user_point, &u, why);
}

static bool refuse_kernel(struct resolver *r, const struct ft_point *point,
			  const struct ft_point *written, const char *why)
{
	if (!written->optional)
		ft_sema_fail(r->compile, written->at, "identifier",
			     "while resolving probe point: no match for %s: %s",
			     point_text(r, point), why);
	return false;
}

/* The functions of the kernel that a point names. False: there are none. */
static bool push_functions(struct resolver *r, const struct ft_point *point,
			   const struct ft_point *written, const struct bodies *bodies)
{
	struct ft_arena *arena = r->compile->arena;
	struct ft_point whole = *point;
	struct ft_point_part kernel = {.name = "kernel", .at = point->parts[0].at};
	const char **names;
	bool returns;

	if (ft_function_names(r->compile, point, &names, &returns))
		return false;
	whole.part_count = returns || ft_function_is_address(point) ? 3 : 2;
	whole.parts = ft_arena_alloc(arena, whole.part_count, sizeof(*whole.parts));
	if (!whole.parts)
		return false;
	memcpy(whole.parts, point->parts, whole.part_count * sizeof(*whole.parts));
	if (strcmp(point->parts[0].name, "module") != 0)
		whole.parts[0] = kernel;
	if (written->optional && names[0] &&
	    !ft_function_is_permitted(r->compile,
				      ft_point_of_event(r->compile, &whole, names[0]))) {
		r->missed = point;
		r->missed_is_forbidden = true;
		if (!r->depth) /* of what an alias has to choose from nothing is said */
			ft_diag_add(&r->compile->diags, FT_DIAG_WARNING, "left-out", written->at,
				    "%s is left out: this kernel permits no programs at its "
				    "functions",
				    point_text(r, point))
				->word = "identifier";
		return false;
	}
	for (u32 i = 0; names[i]; i++)
		push_handler(r, ft_point_of_event(r->compile, &whole, names[i]), written, bodies);
	return true;
}

/* A point of a kind. False: it is of none, which is said unless it is optional. */
static bool resolve_kind(struct resolver *r, const struct ft_point *point,
			 const struct ft_point *written, const struct bodies *bodies)
{
	const struct ft_point_part *misfit = NULL, *last = &point->parts[point->part_count - 1];
	char why[FT_KERNEL_FUNCTION_WHY], kernel_why[300] = "";
	bool is_known, has_file;

	if (!strcmp(point->parts[0].name, "process"))
		return resolve_user(r, point, written, bodies);
	if (ft_kernel_dwarf_wants(point)) {
		if (resolve_kernel(r, point, written, bodies, &has_file, kernel_why))
			return true;
		if (has_file) /* then it knows better than the kernel's types */
			return refuse_kernel(r, point, written, kernel_why);
	}
	if ((ft_function_is_point(point) || ft_function_is_address(point)) &&
	    push_functions(r, point, written, bodies))
		return true;
	if (ft_kernel_dwarf_may_know(point) && !ft_kernel_dwarf_wants(point) &&
	    resolve_kernel(r, point, written, bodies, &has_file, kernel_why))
		return true;
	is_known = ft_point_is_of_kind(point, &misfit);
	if (is_known && !strcmp(point->parts[0].name, "kernel") && !ft_syscall_pattern(point)) {
		int count = push_tracepoints(r, point, written, bodies);

		if (count > 0)
			return true;
		if (!count)
			is_known = false;
	}
	if (is_known && ft_netfilter_is_point(point) && written->optional &&
	    !ft_netfilter_is_there(r->compile))
		return false;
	if (is_known && ft_netfilter_is_point(point) && ft_netfilter_problem(point)) {
		ft_sema_fail(r->compile, written->at, "identifier",
			     "while resolving probe point: no match for %s: %s",
			     point_text(r, point), ft_netfilter_problem(point));
		return false;
	}
	if (is_known) {
		push_handler(r, point, written, bodies);
		return true;
	}
	if (written->optional) {
		if (r->missed != point && (!strcmp(point->parts[0].name, "kernel") ||
					   !strcmp(point->parts[0].name, "module"))) {
			r->missed = point;
			r->missed_is_forbidden = false;
		}
		return false;
	}
	if (misfit)
		ft_sema_fail(r->compile, misfit->at, "identifier",
			     "while resolving probe point: probe point mismatch: wrong argument of "
			     "'%s' in %s",
			     misfit->name, point_text(r, point));
	else if (ft_kernel_function_why(point, kernel_why, why))
		ft_sema_fail(r->compile, written->at, "identifier",
			     "while resolving probe point: no match for %s: %s",
			     point_text(r, point), why);
	else if (ft_point_is_later(point->parts[0].name) && strcmp(last->name, "trace") != 0)
		ft_sema_fail(
			r->compile, written->at, "identifier",
			"while resolving probe point: this version has no points of the kind %s",
			point_text(r, point));
	else
		ft_sema_fail(r->compile, written->at, "identifier",
			     "while resolving probe point: probe point mismatch: no match for %s",
			     point_text(r, point));
	return false;
}

/* Whether a point names an alias, maybe by pattern. */
static bool names(const struct ft_point *point, const struct ft_point *alias, bool has_suffix)
{
	if (has_suffix ? point->part_count <= alias->part_count
		       : point->part_count != alias->part_count)
		return false;
	/* "*" means none of those that are the library's own affair */
	if (alias->parts[0].name[0] == '_' && point->parts[0].name[0] != '_')
		return false;
	for (u32 i = 0; i < alias->part_count; i++)
		if (point->parts[i].arg || alias->parts[i].arg ||
		    fnmatch(point->parts[i].name, alias->parts[i].name, 0) != 0)
			return false;
	return true;
}

static bool resolve(struct resolver *r, const struct ft_point *point,
		    const struct ft_point *written, const struct bodies *bodies);

/* Lives as long as the handlers that are written so. */
static const struct ft_point *optional_copy(struct resolver *r, const struct ft_point *point)
{
	struct ft_point *copy = FT_ARENA_NEW(r->compile->arena, struct ft_point);

	if (!copy)
		return point;
	*copy = *point;
	copy->optional = true;
	return copy;
}

/* "a.b" and the last parts of "x.c.d" are "a.b.c.d". Parts before "from" are those of an alias. */
struct suffix {
	const struct ft_point *of;
	u32 from;
};

/* NULL without memory. */
static const struct ft_point *with_suffix(struct resolver *r, const struct ft_point *point,
					  const struct suffix *suffix)
{
	u32 more = suffix ? suffix->of->part_count - suffix->from : 0;
	struct ft_point *whole = more ? FT_ARENA_NEW(r->compile->arena, struct ft_point) : NULL;

	if (!more)
		return point;
	if (!whole)
		return NULL;
	*whole = *point;
	whole->part_count += more;
	whole->parts = ft_arena_alloc(r->compile->arena, whole->part_count, sizeof(*whole->parts));
	if (!whole->parts)
		return NULL;
	memcpy(whole->parts, point->parts, point->part_count * sizeof(*whole->parts));
	memcpy(whole->parts + point->part_count, suffix->of->parts + suffix->from,
	       more * sizeof(*whole->parts));
	return whole;
}

/*
 * The points of an alias, with its body around the handler's. suffix: what is behind its name;
 * NULL: nothing.
 */
static bool resolve_alias(struct resolver *r, const struct ft_probe *alias,
			  const struct ft_point *name, const struct suffix *suffix,
			  const struct ft_point *written, const struct bodies *bodies)
{
	struct bodies around = *bodies;
	bool found = false;

	if (r->depth == ALIAS_NESTING_MAX) {
		ft_sema_fail(r->compile, written->at, "identifier",
			     "while resolving probe point: recursive loop in alias expansion");
		return false;
	}
	if (alias->form == FT_PROBE_ALIAS_PROLOGUE) {
		for (u32 i = around.before; i > 0; i--)
			around.items[i] = around.items[i - 1];
		around.items[0] = alias->body;
		around.before++;
	} else {
		around.items[ALIAS_NESTING_MAX + around.after++] = alias->body;
	}
	if (!r->depth)
		r->alias = with_suffix(r, name, suffix);
	r->depth++;
	for (u32 i = 0; i < alias->point_count; i++) {
		const struct ft_point *point = with_suffix(r, &alias->points[i], suffix);
		const struct ft_point *as = written;
		bool is_there;

		if (!point)
			break;
		if (point->optional && !written->optional) /* it is optional here, too */
			as = optional_copy(r, written);
		is_there = resolve(r, point, as, &around);
		found |= is_there;
		if (is_there && point->sufficient)
			break;
	}
	r->depth--;
	if (!r->depth)
		r->alias = NULL;
	return found;
}

/* The calls that a point names, each an alias that is made for it. */
static bool resolve_syscalls(struct resolver *r, const struct ft_point *point,
			     const struct ft_point *written, const struct bodies *bodies)
{
	struct ft_stmt *all[2 * ALIAS_NESTING_MAX + 1];
	struct ft_probe **aliases;
	u32 body_count = list_bodies(bodies, all), count;
	bool found = false;

	if (ft_syscall_aliases(r->compile, r->program->file, point, all, body_count, &aliases,
			       &count))
		return false;
	for (u32 i = 0; i < count; i++)
		found |= resolve_alias(r, aliases[i], &aliases[i]->names[0], NULL, written, bodies);
	return found;
}

/* Aliases of a name. False: there is none. *found: whether there are points. */
static bool resolve_aliases(struct resolver *r, const struct ft_point *point, bool has_suffix,
			    const struct ft_point *written, const struct bodies *bodies,
			    bool *found)
{
	const struct ft_file *file = r->program->file;
	bool any = false;

	for (u32 i = 0; i < file->probe_count; i++) {
		const struct ft_probe *probe = file->probes[i];

		for (u32 k = 0; k < probe->name_count; k++) {
			struct suffix suffix = {.of = point, .from = probe->names[k].part_count};

			if (!names(point, &probe->names[k], has_suffix))
				continue;
			any = true;
			*found |= resolve_alias(r, probe, &probe->names[k],
						has_suffix ? &suffix : NULL, written, bodies);
			break;
		}
	}
	return any;
}

struct glob {
	struct resolver *r;
	const struct ft_point *written;
	const struct bodies *bodies;
};

static bool take_glob(void *context, const struct ft_point *point)
{
	const struct glob *g = context;

	return resolve(g->r, point, g->written, g->bodies);
}

/* The points of a pattern, none of which has to be there. */
static bool resolve_glob(struct resolver *r, const struct ft_point *point,
			 const struct ft_point *written, const struct bodies *bodies)
{
	struct glob g = {.r = r, .written = written, .bodies = bodies};

	return ft_point_globs(r->compile, r->program->file, point, take_glob, &g) > 0;
}

static bool resolve(struct resolver *r, const struct ft_point *point,
		    const struct ft_point *written, const struct bodies *bodies)
{
	const struct ft_point *each = written;
	bool found = false;

	if (ft_syscall_is_point(point) && resolve_syscalls(r, point, written, bodies))
		return true;
	if (!written->optional && ft_point_is_glob(point)) /* one of a pattern may be missing */
		each = optional_copy(r, written);
	if (resolve_aliases(r, point, false, each, bodies, &found) ||
	    resolve_aliases(r, point, true, each, bodies, &found))
		return found;
	if (ft_point_is_glob(point) && resolve_glob(r, point, each, bodies))
		return true;
	return ft_syscall_is_elsewhere(point) || resolve_kind(r, point, written, bodies);
}

/* Of an alias all of whose points may be missing one has to be there. */
static void say_nothing_found(struct resolver *r, const struct ft_point *point)
{
	char why[FT_KERNEL_FUNCTION_WHY] = "nothing of what it stands for is there";
	const char *missed = "", *because = "";
	struct ft_err err = {0};

	if (r->missed && r->missed_is_forbidden) {
		ft_function_explain(r->missed, -EPERM, &err);
		snprintf(why, sizeof(why), "%.*s", (int)sizeof(why) - 1, err.text);
	} else if (r->missed && ft_kernel_function_why(r->missed, "", why)) {
		missed = point_text(r, r->missed);
		because = ": ";
	}
	ft_sema_fail(r->compile, point->at, "identifier",
		     "while resolving probe point: no match for %s: %s%s%s", point_text(r, point),
		     missed, because, why);
}

int ft_sema_points(struct ft_compile *compile, struct ft_program *program)
{
	struct resolver r = {
		.compile = compile, .program = program, .lists = compile->lists_variables};
	u32 errors = compile->diags.errors;

	for (u32 i = 0; i < program->file->probe_count; i++) {
		const struct ft_probe *probe = program->file->probes[i];
		struct bodies bodies = {.items = {probe->body}, .before = 1};

		for (u32 k = 0; probe->form == FT_PROBE_PLAIN && k < probe->point_count; k++) {
			const struct ft_point *point = &probe->points[k];
			u32 before = compile->diags.errors;
			bool found;

			r.missed = NULL;
			found = resolve(&r, point, point, &bodies);
			if (found && point->sufficient)
				break;
			if (!found && !point->optional && compile->diags.errors == before)
				say_nothing_found(&r, point);
		}
	}
	if (!program->handler_count && compile->diags.errors == errors) {
		struct ft_span nowhere = {.source = program->file->source};

		ft_sema_fail(compile, nowhere, NULL, "no probes found");
	}
	return ft_arena_failed(compile->arena)	? -ENOMEM
	       : compile->diags.errors > errors ? -EINVAL
						: 0;
}
