/*
 * user_target.c - see user_target.h.
 *
 * A variable is where a location expression says (DWARF 5, 2.5 and 2.6): in memory, in a register,
 * nowhere as itself but computable, or in pieces. Members are followed first; then the piece that
 * has what is wanted becomes steps (target.h), and what is left to do depends on whether these give
 * its address or its value.
 */
#include "scriptlang/user/user_target.h"

#include <dwarf.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scriptlang/kernel/kernel_dwarf.h"
#include "scriptlang/sema/shape.h"
#include "scriptlang/user/user_dwarf.h"
#include "scriptlang/user/user_header.h"
#include "scriptlang/user/user_location.h"
#include "scriptlang/user/user_mark.h"
#include "scriptlang/user/user_places.h"
#include "scriptlang/user/user_type.h"
#include "scriptlang/user/user_units.h"

static int step_member(struct ft_user_resolver *r, const char *name);

static int load_pointer(struct ft_user_resolver *r)
{
	Dwarf_Die inner;
	int code = ft_user_value(r, 8);

	if (code)
		return code;
	if (!ft_user_type_of(&r->type, &inner))
		return ft_user_say(r, "cannot follow a pointer to void");
	r->type = inner;
	r->state = FT_USER_MEMORY;
	return 0;
}

static bool is_pointer(int tag)
{
	return tag == DW_TAG_pointer_type || tag == DW_TAG_reference_type ||
	       tag == DW_TAG_rvalue_reference_type;
}

static bool is_structure(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

/* The type at hand without typedefs; its tag. */
static int strip(struct ft_user_resolver *r)
{
	Dwarf_Die peeled;

	if (!ft_user_type_strip(r->file, &r->type, &peeled))
		return 0;
	r->type = peeled;
	return dwarf_tag(&r->type);
}

static int step_member(struct ft_user_resolver *r, const char *name)
{
	struct ft_user_member member;
	int tag = strip(r), code;

	/* A reference to a pointer is followed twice. */
	for (u32 i = 0; i < 2 && is_pointer(tag); i++) {
		code = load_pointer(r);
		if (code)
			return code;
		tag = strip(r);
	}
	if (!is_structure(tag))
		return ft_user_say(r, "unable to find member '%s': it is no structure", name);
	code = ft_user_member_find(r->file, &r->type, name, &member);
	if (code == -ENOTSUP)
		return ft_user_say(r, "nothing tells where '%s' is", name);
	if (code)
		return ft_user_say(r, "unable to find member '%s' of %s", name,
				   ft_user_type_name(r->compile, &r->type));
	for (u32 i = 0; i < member.hop_count && !code; i++)
		code = ft_user_hop(r, &member.hops[i]);
	if (code)
		return code;
	r->type = member.type;
	r->bit_offset = member.bit_offset;
	r->bit_size = member.bit_size;
	return ft_user_skip(r, member.offset);
}

/*
 * Indexes an array once: it has one type for all its dimensions. *size: bytes of what one index is
 * of.
 */
static int index_array(struct ft_user_resolver *r, u64 *size)
{
	u64 counts[FT_USER_DIMENSIONS_MAX];
	u32 dimensions = ft_user_type_counts(&r->type, counts);
	Dwarf_Die inner;

	if (!ft_user_type_of(&r->type, &inner))
		return ft_user_say(r, "cannot index: its elements have no type");
	*size = ft_user_type_bytes(&inner);
	for (u32 i = ++r->dimension; i < dimensions; i++)
		if (__builtin_mul_overflow(*size, counts[i], size))
			return ft_user_say(r, "cannot index: its elements have no size");
	if (r->dimension >= dimensions) {
		r->type = inner;
		r->dimension = 0;
	}
	return 0;
}

static int step_index(struct ft_user_resolver *r, u32 access, const struct ft_expr *index,
		      bool first)
{
	int tag = strip(r), code = 0;
	bool is_array = tag == DW_TAG_array_type;
	u64 size = 0;

	if (is_pointer(tag)) {
		code = load_pointer(r);
	} else if (is_array) {
		code = index_array(r, &size);
	} else if (!first) {
		return ft_user_say(r, "cannot index: it is neither an array nor a pointer");
	}
	if (code)
		return code;
	if (!is_array)
		size = ft_user_type_bytes(&r->type);
	if (!size || size > INT32_MAX)
		return ft_user_say(r, "cannot index: its elements have no size");
	if (index->kind == FT_EXPR_NUMBER && index->number >= 0 &&
	    index->number < INT32_MAX / (s64)size)
		return ft_user_skip(r, (u64)index->number * size);
	code = ft_user_address(r);
	return code ? code
		    : ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_INDEX,
							      .bytes = (u32)size,
							      .access = access});
}

/* ---- where it begins ---- */

static int begin_at(struct ft_user_resolver *r, Dwarf_Die *variable, const char *name)
{
	if (!ft_user_type_of(variable, &r->type))
		return ft_user_say(r, "'%s' has no type", name);
	r->variable = *variable;
	r->state = FT_USER_VARIABLE;
	r->target->word = FT_TARGET_STEPS;
	return 0;
}

/*
 * What a place sees, innermost first. Where a function begins with an inlined call, a probe of the
 * function is not within that.
 */
static int scopes_of(const struct ft_user_probe *probe, const struct ft_user_site *site,
		     Dwarf_Die **scopes)
{
	int count = ft_user_scopes(site->file, site->addr, scopes);
	Dwarf_Die function, *around;
	int outer;

	if (probe->kind != FT_USER_FUNCTION || !site->function)
		return count;
	for (int i = 0; i < count; i++) {
		if (dwarf_tag(&(*scopes)[i]) != DW_TAG_inlined_subroutine ||
		    !ft_user_function_at(site->file, site->addr, &function))
			continue;
		outer = ft_user_around(&function, &around);
		if (outer <= 0)
			return count;
		free(*scopes);
		*scopes = around;
		return outer;
	}
	return count;
}

/* A parameter, or a variable of a function or a file, as the place sees it. */
static int begin_local(struct ft_user_resolver *r, const char *name)
{
	Dwarf_Die *scopes, variable;
	int count = scopes_of(r->probe, r->site, &scopes), at, code;

	if (!count)
		return ft_user_say(r, "unable to find local '%s': %s", name,
				   r->file->dwarf ? "there is no debug information about this "
						    "place"
						  : "the file has no debug information (-g, or a "
						    "package with -dbgsym in its name)");
	at = dwarf_getscopevar(scopes, count, name + 1, 0, NULL, 0, 0, &variable);
	free(scopes);
	if (at < 0)
		return ft_user_say(r, "unable to find local '%s' in %s", name,
				   r->site->name ? r->site->name : r->file->shown);
	code = begin_at(r, &variable, name);
	r->target->is_local = at < count - 1; /* the last one is the unit */
	return code;
}

static bool is_unit(Dwarf_Die *unit, const char *wanted)
{
	const char *name = dwarf_diename(unit), *base;

	if (!*wanted)
		return true;
	base = name ? strrchr(name, '/') : NULL;
	return name && (!fnmatch(wanted, name, 0) || (base && !fnmatch(wanted, base + 1, 0)));
}

/* A variable of a unit, by the first bytes of a text. */
static bool find_variable(Dwarf_Die *unit, const char *text, size_t len, Dwarf_Die *found)
{
	Dwarf_Die child;

	if (dwarf_child(unit, &child))
		return false;
	do {
		const char *name;
		Dwarf_Attribute attr;

		if (dwarf_tag(&child) != DW_TAG_variable)
			continue;
		name = dwarf_diename(&child);
		if (name && !strncmp(name, text, len) && !name[len] &&
		    (dwarf_attr_integrate(&child, DW_AT_location, &attr) ||
		     dwarf_attr_integrate(&child, DW_AT_const_value, &attr))) {
			*found = child;
			return true;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

/* @var("name@file.c"): a variable of some unit; without a file of the probe's own unit first. */
static int begin_global(struct ft_user_resolver *r, const char *text)
{
	size_t len = strcspn(text, "@");
	const char *wanted = text[len] ? text + len + 1 : "";
	const struct ft_user_probe *at = r->probe ? r->probe : r->around;
	struct ft_user_units units;
	Dwarf_Die unit, found;

	if (!ft_user_file_dwarf(r->file))
		return ft_user_say(r, "%.120s has no debug information", r->file->shown);
	if (!*wanted && at && at->site_count == 1 && at->sites[0].file->inode == r->file->inode &&
	    ft_user_unit_at(r->file, at->sites[0].addr, &unit) &&
	    find_variable(&unit, text, len, &found))
		return begin_at(r, &found, text);
	ft_user_units_begin(&units, r->file, ft_arena_copy(r->compile->arena, text, len), NULL);
	while (ft_user_units_next(&units, &unit))
		if (is_unit(&unit, wanted) && find_variable(&unit, text, len, &found))
			return begin_at(r, &found, text);
	return ft_user_say(r, "unable to find global '%s' in %.100s", text, r->file->shown);
}

/* The path of a file that @var names: a library by its name alone, too. To be freed; NULL: none. */
static char *real_module(const struct ft_user_resolver *r, const char *module)
{
	char path[4096];

	if (strchr(module, '/') || !strstr(module, ".so") || !access(module, R_OK) ||
	    !ft_user_library_path(r->compile, module, path))
		return realpath(module, NULL);
	return realpath(path, NULL);
}

/*
 * @var("name") is what $name would be, else a global; with a module, of that program, which the
 * task at hand has to run.
 */
static int begin_var(struct ft_user_resolver *r, const struct ft_expr *expr)
{
	const char *module = expr->target_module;
	struct ft_user_file *file = r->file;
	bool of_kernel = module ? !strncmp(module, "kernel", 6) : !file;
	char *real = module && !of_kernel ? real_module(r, module) : NULL, why[300];
	char *error = r->error;
	int code;

	if (of_kernel)
		file = ft_kernel_dwarf_file(r->compile, NULL, true, why);
	else if (module)
		file = ft_user_file_open(r->compile, real ? real : module, NULL, why);
	free(real);
	if (!file && !module)
		return ft_user_say(r,
				   "this event is of no program: name one, @var(\"name@file.c\", "
				   "\"/path/program\"); as to the kernel's: %s",
				   why);
	if (!file)
		return ft_user_say(r, "%s", why);
	if (r->site && file->inode != r->site->file->inode)
		r->site = NULL;
	r->file = file;
	if (r->site && !strchr(expr->target_type, '@')) {
		r->error = NULL;
		code = begin_local(r, ft_arena_printf(r->compile->arena, "$%s", expr->target_type));
		r->error = error;
		if (code != -ENOENT)
			return code;
	}
	return begin_global(r, expr->target_type);
}

static int begin_return(struct ft_user_resolver *r)
{
	Dwarf_Die function;

	if (!r->probe->at_return)
		return ft_user_say(r, "$return is of return probes: write .return behind the "
				      "function");
	if (!ft_user_function_at(r->file, r->site->function, &function))
		return ft_user_say(r, "there is no debug information about this function: use "
				      "returnval()");
	if (!ft_user_type_of(&function, &r->type))
		return ft_user_say(r, "the function returns nothing");
	r->target->word = FT_TARGET_STEPS;
	return ft_user_return(r);
}

static int begin_cast(struct ft_user_resolver *r, const struct ft_expr *expr)
{
	const char *module = expr->target_module;
	char why[200];

	if (module) {
		r->file = ft_user_is_header(module)
				  ? ft_user_header_open(r->compile, module, why)
				  : ft_user_file_open(r->compile, module, NULL, why);
		if (!r->file)
			return ft_user_say(r, "%s", why);
	}
	if (!ft_user_file_dwarf(r->file))
		return ft_user_say(r, "%.120s has no debug information", r->file->shown);
	if (!ft_user_type_find(r->file, expr->target_type, &r->type))
		return ft_user_say(r, "type '%s' not found in %.100s", expr->target_type,
				   r->file->shown);
	r->target->word = UINT32_MAX;
	r->depth = 1;
	r->state = FT_USER_MEMORY; /* the value is its address */
	return 0;
}

/* ---- the end ---- */

/* Whether something of it is anywhere: of what is printed by its members. */
static int check_place(struct ft_user_resolver *r)
{
	struct ft_target target = *r->target;
	struct ft_user_resolver trial = *r;

	/* Steps that the trial adds lie behind those of r, or in an array of their own. */
	trial.target = &target;
	return ft_user_settle(&trial, 1);
}

/* What the whole is: a number that is read, or an address. */
static int finish(struct ft_user_resolver *r, bool address_of, bool pretty)
{
	struct ft_target *target = r->target;
	Dwarf_Die shown = r->type, inner;
	int tag, code;

	target->type = ft_user_type_name(r->compile, &shown);
	target->type_id = ft_user_type_id(r->compile, r->file, &shown);
	target->dimension = r->dimension;
	tag = strip(r);
	target->size = 8;
	if (pretty && !address_of && (is_structure(tag) || tag == DW_TAG_array_type))
		return check_place(r);
	if (address_of || is_structure(tag) || tag == DW_TAG_array_type) {
		target->points_to = ft_user_type_id(r->compile, r->file, &r->type);
		if (!address_of && is_structure(tag) && ft_user_type_bytes(&r->type) <= 8 &&
		    ft_user_in_register(r))
			return ft_user_value(r, (u32)ft_user_type_bytes(&r->type));
		return ft_user_address(r);
	}
	if (is_pointer(tag) && ft_user_type_of(&r->type, &inner) &&
	    ft_user_type_strip(r->file, &inner, &r->type))
		target->points_to = ft_user_type_id(r->compile, r->file, &r->type);
	else if (!is_pointer(tag))
		target->size = (u32)ft_user_type_bytes(&shown);
	if (pretty && (!target->size || target->size > 8))
		return 0; /* "?" */
	if (!target->size || target->size > 8)
		return ft_user_say(r, "%s is wider than 64 bits", target->type);
	target->is_signed = !is_pointer(tag) && ft_user_type_signed(&r->type);
	if (r->bit_size) {
		target->bit_offset = r->bit_offset;
		target->bit_size = r->bit_size;
		target->size = (r->bit_offset + r->bit_size + 7) / 8;
	}
	while (target->size & (target->size - 1)) /* what is loaded at once */
		target->size++;
	if (target->size > 8)
		return ft_user_say(r,
				   "a bit field of %u bits that begins within a byte is wider "
				   "than what is read at once",
				   r->bit_size);
	code = ft_user_settle(r, target->size);
	target->loads = r->state == FT_USER_MEMORY;
	return code;
}

static bool is_mark_arg(const struct ft_user_resolver *r, const char *name)
{
	return r->probe->kind == FT_USER_MARK && !strncmp(name, "$arg", 4) && name[4] >= '0' &&
	       name[4] <= '9';
}

static int begin(struct ft_user_resolver *r, const struct ft_expr *expr)
{
	const struct ft_user_type *type;

	if (expr->left && expr->target_type)
		return begin_cast(r, expr);
	if (expr->left) {
		type = ft_user_type(r->compile, expr->cast_id);
		if (!type)
			return ft_user_say(r, "unknown type in dereference");
		r->type = type->die;
		r->file = type->file;
		r->target->word = UINT32_MAX;
		r->depth = 1;
		r->state = FT_USER_MEMORY;
		return 0;
	}
	if (expr->target_type)
		return begin_var(r, expr);
	if (is_mark_arg(r, expr->name))
		return ft_user_mark_arg(r, (u32)atoi(expr->name + 4));
	return !strcmp(expr->name, "$return") ? begin_return(r) : begin_local(r, expr->name);
}

/* An argument of a mark: a number, of which nobody knows what it stands for. */
static int finish_mark(struct ft_user_resolver *r, const struct ft_expr *expr)
{
	if (expr->access_count || expr->pretty)
		return ft_user_say(r, "nothing tells the type of '%s': use @cast(%s, \"type\")",
				   expr->name, expr->name);
	if (expr->address_of)
		return ft_user_say(r, "'%s' has no address", expr->name);
	r->target->type = "long";
	r->target->loads = r->state == FT_USER_MEMORY;
	return 0;
}

static int take_word(struct ft_user_resolver *r, u32 word)
{
	r->target->word = FT_TARGET_STEPS;
	r->target->size = 8;
	r->target->type = "long";
	return ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_WORD, .bytes = word});
}

int ft_user_target_resolve(struct ft_compile *compile, const struct ft_user_probe *around,
			   const struct ft_expr *expr, struct ft_target *target, char error[200])
{
	struct ft_user_resolver r = {.compile = compile,
				     .probe = expr->user,
				     .around = around,
				     .target = target,
				     .error = error};
	int code;

	*target = (struct ft_target){.word = UINT32_MAX, .in_user = true};
	if (expr->user) {
		r.site = &expr->user->sites[0];
		r.file = r.site->file;
	}
	if (expr->name && !strcmp(expr->name, FT_USER_FRAME))
		return ft_user_frame(&r, expr->number);
	if (expr->name && !strcmp(expr->name, FT_USER_WORD))
		return take_word(&r, (u32)expr->number);
	code = begin(&r, expr);
	if (!code && expr->name && r.probe && !expr->left && is_mark_arg(&r, expr->name))
		return finish_mark(&r, expr);
	for (u32 i = 0; i < expr->access_count && !code; i++)
		code = expr->accesses[i].member
			       ? step_member(&r, expr->accesses[i].member)
			       : step_index(&r, i, expr->accesses[i].index, !i && expr->left);
	code = code ? code : finish(&r, expr->address_of, expr->pretty != FT_PRETTY_NO);
	target->in_user = !r.file || !r.file->in_kernel;
	return code == -ENOMEM ? code : code ? -ENOENT : 0;
}

/* ---- all that a place can see ---- */

struct lister {
	struct ft_compile *compile;
	const struct ft_user_probe *probe;
	u32 which;
	struct ft_target_arg **args;
	u32 *count;
};

static bool is_listed(const struct lister *l, const char *name)
{
	for (u32 i = 0; i < *l->count; i++)
		if (!strcmp((*l->args)[i].name, name))
			return true;
	return false;
}

/* What SystemTap shows of a variable among others. */
static const char *shown_as(struct ft_compile *compile, const struct ft_target *target,
			    bool is_lost)
{
	struct ft_shape shape = {0};

	if (target->type_id)
		ft_shape_of(compile, target->type_id, &shape);
	if (shape.kind == FT_SHAPE_STRUCTURE)
		return "{...}";
	if (shape.kind == FT_SHAPE_ARRAY)
		return "[...]";
	return is_lost ? "?" : NULL;
}

static int list_one(struct lister *l, const char *name)
{
	/* Of structures it is enough that some of it is anywhere. */
	struct ft_expr e = {.kind = FT_EXPR_TARGET, .user = l->probe, .pretty = FT_PRETTY_ONE};
	struct ft_target target;
	struct ft_target_arg *arg;
	bool is_lost;

	e.name = ft_arena_printf(l->compile->arena, "$%s", name);
	if (!e.name || is_listed(l, name))
		return 0;
	is_lost = ft_user_target_resolve(l->compile, NULL, &e, &target, NULL) != 0;
	arg = FT_ARENA_PUSH(l->compile->arena, l->args, l->count);
	if (!arg)
		return -ENOMEM;
	*arg = (struct ft_target_arg){.name = e.name + 1,
				      .type = target.type,
				      .shown = shown_as(l->compile, &target, is_lost),
				      .is_lost = is_lost};
	return 0;
}

/* Arguments of a mark are all listed: what is there to read them may change with the kernel. */
static int list_mark(struct lister *l)
{
	const char *arguments = l->probe->sites[0].arguments;
	u32 count = l->which & FT_USER_PARMS ? ft_user_mark_args(arguments) : 0;

	*l->args = NULL;
	*l->count = 0;
	for (u32 i = 1; i <= count; i++) {
		struct ft_expr e = {.kind = FT_EXPR_TARGET, .user = l->probe};
		struct ft_target target;
		struct ft_target_arg *arg = FT_ARENA_PUSH(l->compile->arena, l->args, l->count);

		e.name = ft_arena_printf(l->compile->arena, "$arg%u", i);
		if (!arg || !e.name)
			return -ENOMEM;
		arg->name = e.name + 1;
		arg->type = "long";
		if (ft_user_target_resolve(l->compile, NULL, &e, &target, NULL))
			arg->shown = "?";
	}
	return 0;
}

int ft_user_target_args(struct ft_compile *compile, const struct ft_user_probe *probe,
			const struct ft_user_site *site, u32 which, struct ft_target_arg **args,
			u32 *count)
{
	struct ft_user_probe alone = *probe;
	struct ft_user_site own = *site;
	struct lister l = {
		.compile = compile, .probe = &alone, .which = which, .args = args, .count = count};
	Dwarf_Die *scopes, child;
	int scope_count, code = 0;

	alone.sites = &own;
	alone.site_count = 1;
	if (probe->kind == FT_USER_MARK)
		return list_mark(&l);
	*args = NULL;
	*count = 0;
	if (which & FT_USER_RETURN && probe->at_return)
		code = list_one(&l, "return");
	/* Variables as they are at the entry: return probes keep them. */
	alone.at_return = false;
	scope_count = scopes_of(probe, site, &scopes);
	for (int i = 0; i < scope_count - 1 && !code; i++) {
		bool is_function = dwarf_tag(&scopes[i]) == DW_TAG_subprogram ||
				   dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine;

		if (dwarf_child(&scopes[i], &child))
			continue;
		do {
			int tag = dwarf_tag(&child);
			const char *name;

			if (!(tag == DW_TAG_formal_parameter && which & FT_USER_PARMS) &&
			    !(tag == DW_TAG_variable && which & FT_USER_LOCALS))
				continue;
			name = dwarf_diename(&child);
			if (name)
				code = list_one(&l, name);
		} while (!code && dwarf_siblingof(&child, &child) == 0);
		if (is_function)
			break;
	}
	free(scopes);
	return code;
}
