/*
 * syscall_points.c - syscall.NAME and its kin: each becomes an alias of the tracepoint of all
 * system calls, whose body gives the script its variables; see syscalls.h.
 *
 * A pattern stands for one alias a call, as each has variables of its own. But where the handler
 * only wants to know which call it is, and what came of it, one alias is for all of them: it is
 * one program, and the kernel need not load hundreds.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scriptlang/syntax/parse.h"
#include "scriptlang/syscalls/syscalls.h"

/* Words of a handler: names of variables and functions. */
struct words {
	struct ft_arena *arena;
	const char **items; /* variables */
	u32 count;
	const char **calls;
	u32 call_count;
};

static void note_name(struct words *w, const struct ft_expr *e)
{
	const char **slot = e->kind == FT_EXPR_CALL
				    ? FT_ARENA_PUSH(w->arena, &w->calls, &w->call_count)
				    : FT_ARENA_PUSH(w->arena, &w->items, &w->count);

	if (slot)
		*slot = e->name;
}

static void note_expr(struct words *w, const struct ft_expr *e)
{
	if (!e)
		return;
	if (e->name)
		note_name(w, e);
	note_expr(w, e->left);
	note_expr(w, e->right);
	note_expr(w, e->third);
	for (u32 i = 0; i < e->arg_count; i++)
		note_expr(w, e->args[i]);
	for (u32 i = 0; i < e->access_count; i++)
		note_expr(w, e->accesses[i].index);
	if (e->print)
		note_expr(w, e->print->hist);
}

static void note_stmt(struct words *w, const struct ft_stmt *s)
{
	const struct ft_foreach *f = s ? s->foreach : NULL;

	if (!s)
		return;
	note_expr(w, s->expr);
	note_expr(w, s->init);
	note_expr(w, s->step);
	note_expr(w, s->caught);
	if (f) {
		note_expr(w, f->value);
		note_expr(w, f->base);
		note_expr(w, f->limit);
		for (u32 i = 0; i < f->key_count; i++)
			note_expr(w, f->keys[i]);
		for (u32 i = 0; f->slice && i < f->slice_count; i++)
			note_expr(w, f->slice[i]);
	}
	for (u32 i = 0; i < s->body_count; i++)
		note_stmt(w, s->body[i]);
}

static bool has(const char *const *items, u32 count, const char *word)
{
	for (u32 i = 0; i < count; i++)
		if (!strcmp(items[i], word))
			return true;
	return false;
}

static bool is_global(const struct ft_file *file, const char *name)
{
	for (u32 i = 0; i < file->global_count; i++)
		if (!strcmp(file->globals[i]->name, name))
			return true;
	return false;
}

/* ---- the text of an alias ---- */

struct writer {
	struct ft_out *out;
	const struct ft_file *file;
};

/* "NAME = function(number)". A global of the script's keeps its name. */
static void FT_PRINTF(3, 4) assign(const struct writer *w, const char *value, const char *fmt, ...)
{
	char name[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);
	if (!is_global(w->file, name))
		ft_out_printf(w->out, "\t%s = %s\n", name, value);
}

static bool has_function(const struct ft_file *file, const char *name)
{
	for (u32 i = 0; i < file->function_count; i++)
		if (!strcmp(file->functions[i]->name, name))
			return true;
	return false;
}

/* Parts of the text of an address, where a script asks for some (tapset/sockaddr.stp). */
static void assign_sockaddr(const struct writer *w, const char *text)
{
	static const char *const parts[][2] = {
		{"uaddr_af", "part"}, {"uaddr_ip", "inet"}, {"uaddr_ip_port", "inet"}};
	char value[80];

	for (u32 i = 0; i < FT_ARRAY_LEN(parts); i++) {
		snprintf(value, sizeof(value), "__sockaddr_%s(%s, %u)", parts[i][1], text, i);
		assign(w, value, "%s", parts[i][0]);
	}
}

/* Address and text of something in memory. */
static void assign_memory(const struct writer *w, const struct ft_syscall_arg *arg, u32 at)
{
	size_t len = strlen(arg->name);
	bool is_str = len > 4 && !strcmp(arg->name + len - 4, "_str");
	char address[40], text[40], raw[80];

	snprintf(address, sizeof(address), "__syscall_long%u()", at);
	snprintf(text, sizeof(text), "__syscall_text%u()", at);
	snprintf(raw, sizeof(raw), "user_string_nofault(%s)", address);
	assign(w, address, "%.*s_uaddr", (int)(is_str ? len - 4 : len), arg->name);
	if (arg->kind == 'k' && has_function(w->file, "__sockaddr_part"))
		assign_sockaddr(w, text);
	assign(w, text, is_str ? "%s" : "%s_str", arg->name);
	switch (arg->kind) {
	case 's':
		assign(w, text, "%s", arg->name);
		assign(w, raw, "%s_unquoted", arg->name);
		break;
	case 'S':
		assign(w, address, "%s", arg->name);
		assign(w, raw, "%s_str_unquoted", arg->name);
		break;
	case 't':
	case 'T':
		assign(w, address, "%s", arg->name);
		assign(w, text, "%s_uaddr_str", arg->name);
		break;
	case 'b':
		break;
	default:
		assign(w, text, "%s", arg->name);
	}
}

static void assign_arg(const struct writer *w, const struct ft_syscall_arg *arg, u32 at)
{
	char number[40], text[40];

	if (arg->capture) {
		assign_memory(w, arg, at);
		return;
	}
	snprintf(number, sizeof(number), "__syscall_%s%u()",
		 strchr("idfr", arg->kind)   ? "int"
		 : strchr("uhom", arg->kind) ? "uint"
					     : "long",
		 at);
	snprintf(text, sizeof(text), "__syscall_text%u()", at);
	assign(w, number, "%s", arg->name);
	if (strchr("dfFr", arg->kind))
		assign(w, text, "%s_str", arg->name);
}

static void write_alias(const struct writer *w, const char *name, const struct ft_syscall *s,
			bool returns)
{
	struct ft_syscall_arg args[FT_SYSCALL_ARGS_MAX];
	u32 count = s ? ft_syscall_args(s, args) : 0;
	char title[64];

	ft_out_printf(w->out, "probe syscall.%s%s = kernel.trace(\"%s\").syscall(\"%s\")\n{\n",
		      s ? s->script : "any", returns ? ".return" : "",
		      returns ? "sys_exit" : "sys_enter", name);
	if (s)
		snprintf(title, sizeof(title), "\"%s\"", s->title);
	assign(w, s ? title : "__syscall_name()", "name");
	for (u32 i = 0; i < count; i++)
		assign_arg(w, &args[i], i);
	if (s)
		assign(w, "__syscall_all()", "argstr");
	assign(w, "__syscall_nr()", "syscall_nr");
	if (returns) {
		assign(w, "__syscall_ret()", "retval");
		assign(w, "__syscall_retstr()", "retstr");
	}
	ft_out_text(w->out, "}\n");
}

/* Parses an alias, which is the only thing in its text. */
static int make_alias(struct ft_compile *compile, const struct ft_file *file, const char *name,
		      const struct ft_syscall *s, bool returns, struct ft_probe ***aliases,
		      u32 *count)
{
	struct writer w = {.out = ft_out_new_memory(), .file = file};
	struct ft_source *source = FT_ARENA_NEW(compile->arena, struct ft_source);
	struct ft_probe **slot;
	struct ft_file *made = NULL;
	const char *text;
	size_t len;
	int code;

	write_alias(&w, name, s, returns);
	text = ft_out_memory(w.out, &len);
	text = ft_arena_copy(compile->arena, text, len);
	ft_out_close(w.out);
	if (!source || !text)
		return -ENOMEM;
	*source = (struct ft_source){.name = "syscalls",
				     .text = text,
				     .len = (u32)len,
				     .is_tapset = true,
				     .is_private = true};
	code = ft_parse(compile, source, &made);
	if (code)
		return code;
	slot = FT_ARENA_PUSH(compile->arena, aliases, count);
	if (!slot)
		return -ENOMEM;
	*slot = made->probes[0];
	return 0;
}

/* ---- which ones ---- */

/* Whether a call has a variable that a handler names. */
static bool gives_wanted(const struct ft_syscall *s, const struct words *w)
{
	struct ft_syscall_arg args[FT_SYSCALL_ARGS_MAX];
	u32 count = ft_syscall_args(s, args);

	for (u32 i = 0; i < count; i++) {
		size_t len = strlen(args[i].name);

		if (len > 4 && !strcmp(args[i].name + len - 4, "_str"))
			len -= 4;
		for (u32 k = 0; k < w->count; k++)
			if (strcmp(w->items[k], "name") != 0 &&
			    !strncmp(w->items[k], args[i].name, len) &&
			    (!w->items[k][len] || w->items[k][len] == '_'))
				return true;
	}
	return false;
}

/* Whether one handler can be for several calls. */
static bool can_be_one(const char *pattern, const struct words *w)
{
	static const char *const own[] = {"pp", "pn", "ppfunc", "probefunc"};

	for (size_t i = 0; i < FT_ARRAY_LEN(own); i++)
		if (has(w->calls, w->call_count, own[i]))
			return false;
	if (has(w->items, w->count, "argstr"))
		return false;
	for (u32 i = 0; i < ft_syscall_count(); i++)
		if (ft_syscall_fits(ft_syscall_at(i), pattern) && gives_wanted(ft_syscall_at(i), w))
			return false;
	return true;
}

/* Bodies of the handler, and of the script's functions. */
static void note_all(struct words *w, const struct ft_file *file, struct ft_stmt *const *bodies,
		     u32 body_count)
{
	for (u32 i = 0; i < body_count; i++)
		note_stmt(w, bodies[i]);
	for (u32 i = 0; i < file->function_count; i++)
		note_stmt(w, file->functions[i]->body);
}

bool ft_syscall_is_elsewhere(const struct ft_point *point)
{
	static const char *const names[] = {
		"bdflush",    "chown16",     "fchown16",  "fstatfs64",	    "gethostname",
		"lchown16",   "llseek",	     "mmap2",	  "nfsservctl",	    "ni_syscall",
		"nice",	      "pread",	     "pselect7",  "pwrite",	    "readdir",
		"recv",	      "send",	     "sgetmask",  "sigaction",	    "signal",
		"sigpending", "sigprocmask", "sigreturn", "sigsuspend",	    "ssetmask",
		"statfs64",   "stime",	     "sysctl",	  "timerfd",	    "umount",
		"waitpid",    "socketcall",  "ipc",	  "lookup_dcookie",
	};

	for (size_t i = 0;
	     ft_syscall_is_point(point) && point->part_count > 1 && i < FT_ARRAY_LEN(names); i++)
		if (!strcmp(point->parts[1].name, names[i]))
			return point->part_count == 2 ||
			       (point->part_count == 3 && !strcmp(point->parts[2].name, "return"));
	return false;
}

int ft_syscall_aliases(struct ft_compile *compile, const struct ft_file *file,
		       const struct ft_point *point, struct ft_stmt *const *bodies, u32 body_count,
		       struct ft_probe ***aliases, u32 *count)
{
	bool any = !strcmp(point->parts[0].name, "syscall_any");
	const char *pattern = any ? "*" : point->part_count > 1 ? point->parts[1].name : "";
	u32 named = any ? 1 : 2, matches = 0;
	bool returns =
		point->part_count == named + 1 && !strcmp(point->parts[named].name, "return");
	struct words w = {.arena = compile->arena};
	int code = 0;

	*count = 0;
	*aliases = NULL;
	if (!ft_syscall_is_point(point) || point->part_count != named + returns)
		return -ENOENT;
	for (u32 i = 0; i < point->part_count; i++)
		if (point->parts[i].arg)
			return -ENOENT;
	for (u32 i = 0; i < ft_syscall_count(); i++)
		matches += ft_syscall_fits(ft_syscall_at(i), pattern);
	note_all(&w, file, bodies, body_count);
	/* A kernel's own name is that of one call, whatever others scripts call so. */
	if (any || (matches > 1 && !compile->lists && !ft_syscall_find(pattern) &&
		    can_be_one(pattern, &w)))
		return make_alias(compile, file, pattern, NULL, returns, aliases, count);
	for (u32 i = 0; i < ft_syscall_count() && !code; i++) {
		const struct ft_syscall *s = ft_syscall_at(i);

		if (ft_syscall_fits(s, pattern))
			code = make_alias(compile, file, s->kernel, s, returns, aliases, count);
	}
	return code ? code : *count ? 0 : -ENOENT;
}

int ft_syscall_aliases_any(struct ft_compile *compile, const struct ft_file *file, bool returns,
			   struct ft_stmt *const *bodies, u32 body_count,
			   struct ft_probe ***aliases, u32 *count)
{
	struct words w = {.arena = compile->arena};
	int code = 0;

	*count = 0;
	*aliases = NULL;
	note_all(&w, file, bodies, body_count);
	if (!has(w.items, w.count, "argstr"))
		return make_alias(compile, file, "*", NULL, returns, aliases, count);
	for (u32 i = 0; i < ft_syscall_count() && !code; i++) {
		const struct ft_syscall *s = ft_syscall_at(i);

		code = make_alias(compile, file, s->kernel, s, returns, aliases, count);
	}
	return code;
}
