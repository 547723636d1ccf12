/*
 * catalog.c - "flametap list": what scripts can use, one a line; see scriptlang.h.
 *
 * Aliases and functions of the library are read out of its files, those that are built in stand in
 * tables with a line of documentation each.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/scriptlang.h"
#include "scriptlang/sema/library.h"
#include "scriptlang/sema/target.h"
#include "scriptlang/syntax/parse.h"
#include "scriptlang/syscalls/number_text.h"
#include "scriptlang/syscalls/syscalls.h"

struct catalog {
	struct ft_compile compile;
	const char *pattern; /* NULL: all */
	struct ft_out *out;
	int count;
};

static const struct {
	const char *point, *doc;
} kinds[] = {
	{"begin(N)", "when the script starts, in the order of N"},
	{"end(N)", "when it ends"},
	{"error(N)", "when it ends by an error"},
	{"never", "not at all"},
	{"timer.s(N) timer.ms(N) timer.us(N) timer.ns(N) timer.hz(N) timer.jiffies(N)",
	 "every N units; .randomize(N) varies that by so many"},
	{"netfilter.hook(\"NF_INET_LOCAL_IN\").pf(\"NFPROTO_IPV4\")",
	 "packets at a hook of the kernel's netfilter: $skb, $state"},
	{"procfs(\"path\").read procfs(\"path\").write",
	 "a file in /run/flametap/NAME, whose text is $value; .umask(N) .maxsize(N)"},
	{"timer.profile", "on every CPU, as often as the kernel's clock ticks"},
	{"timer.profile.freq.hz(N)", "on every CPU, N times a second"},
	{"perf.type(T).config(C)", "events of the processor or the kernel, by their numbers; "
				   ".sample(N) .hz(N) .process(\"path\")"},
	{"kernel.trace(\"event\")", "a tracepoint; its arguments are $NAME"},
	{"kernel.function(\"name\") kernel.function(\"name\").return",
	 "a function of the kernel, where it permits that; arguments are $NAME, $return"},
	{"syscall.NAME syscall.NAME.return",
	 "a system call, with its arguments, name, argstr; at its end retval and retstr, too"},
	{"syscall_any syscall_any.return", "every system call: name, syscall_nr; retval"},
	{"process(\"path\").function(\"name\") process(PID).function(\"name\")",
	 "a function of a program; .return .call .inline .exported, "
	 "process.library(\"x\").function"},
	{"process(\"path\").statement(\"name@file.c:12\")",
	 "a line, by debug information; or an address"},
	{"process(\"path\").mark(\"name\")",
	 "a statically defined probe; its arguments are $arg1 ..."},
	{"process.begin process.end process.thread.begin process.thread.end",
	 "of the process of -c or -x, of a path, a process, or of all"},
};

/* Whether something is asked for: a pattern is for all of a name, a word for a part of it. */
static bool is_wanted(const struct catalog *c, const char *name)
{
	if (!c->pattern)
		return true;
	return strpbrk(c->pattern, "*?[") ? !fnmatch(c->pattern, name, 0)
					  : strstr(name, c->pattern) != NULL;
}

static void begin_line(struct catalog *c, const char *what)
{
	ft_out_printf(c->out, "%-10s ", what);
	c->count++;
}

static void list_kinds(struct catalog *c)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(kinds); i++) {
		if (!is_wanted(c, kinds[i].point))
			continue;
		begin_line(c, "point");
		ft_out_printf(c->out, "%s - %s\n", kinds[i].point, kinds[i].doc);
	}
}

/* ---- the library ---- */

/* What a file of the library is about: its first line, behind the name. */
static size_t file_doc(const char *text, const char **doc)
{
	const char *dash = strstr(text, " - ");

	*doc = dash ? dash + 3 : "";
	return strcspn(*doc, "\n");
}

/* The comment right above a place in a text. */
static size_t doc_above(const char *text, u32 at, const char **doc)
{
	u32 line = at, above;

	while (line && text[line - 1] != '\n')
		line--;
	if (line < 2)
		return 0;
	above = line - 1;
	while (above && text[above - 1] != '\n')
		above--;
	if (text[above] != '#')
		return 0;
	*doc = text + above + 1 + (text[above + 1] == ' ');
	return strcspn(*doc, "\n");
}

static const char *type_name(enum ft_type type)
{
	return type == FT_TYPE_STRING ? "string" : type == FT_TYPE_LONG ? "long" : "any";
}

static void list_function(struct catalog *c, const struct ft_function *f, const char *text)
{
	const char *doc = "";
	size_t len;

	if (!strncmp(f->name, "__", 2) || !is_wanted(c, f->name))
		return;
	begin_line(c, "function");
	ft_out_text(c->out, f->name);
	if (f->declared != FT_TYPE_UNKNOWN)
		ft_out_printf(c->out, ":%s", type_name(f->declared));
	ft_out_char(c->out, '(');
	for (u32 i = 0; i < f->param_count; i++)
		ft_out_printf(c->out, "%s%s:%s", i ? ", " : "", f->params[i].name,
			      type_name(f->params[i].declared));
	len = doc_above(text, f->at.at, &doc);
	if (!len)
		len = file_doc(text, &doc);
	ft_out_printf(c->out, ") - %.*s\n", (int)len, doc);
}

/* Variables that a statement sets, but for those that are the library's own. */
static void list_variables(struct catalog *c, const struct ft_stmt *s)
{
	const struct ft_expr *e = s->expr;

	if (s->kind == FT_STMT_EXPR && e->kind == FT_EXPR_ASSIGN && e->left->kind == FT_EXPR_NAME &&
	    strncmp(e->left->name, "__", 2) != 0)
		ft_out_printf(c->out, " %s", e->left->name);
	for (u32 i = 0; i < s->body_count; i++)
		list_variables(c, s->body[i]);
}

static void list_alias(struct catalog *c, const struct ft_probe *alias)
{
	for (u32 i = 0; alias->form != FT_PROBE_PLAIN && i < alias->name_count; i++) {
		const char *name = ft_point_text(c->compile.arena, &alias->names[i]);

		if (!name || !strncmp(name, "__", 2) || !is_wanted(c, name))
			continue;
		begin_line(c, "alias");
		ft_out_text(c->out, name);
		list_variables(c, alias->body);
		ft_out_char(c->out, '\n');
	}
}

static int list_library(struct catalog *c)
{
	const char *name, *text;
	int code = 0;

	for (u32 i = 0; !code && (text = ft_library_file(i, &name)); i++) {
		struct ft_source *source = FT_ARENA_NEW(c->compile.arena, struct ft_source);
		struct ft_file *file = NULL;

		if (!source)
			return -ENOMEM;
		*source = (struct ft_source){.name = name,
					     .text = text,
					     .len = (u32)strlen(text),
					     .is_tapset = true,
					     .is_private = true};
		code = ft_parse(&c->compile, source, &file);
		for (u32 k = 0; !code && k < file->probe_count; k++)
			list_alias(c, file->probes[k]);
		for (u32 k = 0; !code && k < file->function_count; k++)
			list_function(c, file->functions[k], text);
	}
	return code;
}

/* ---- what is built in ---- */

static void list_builtin(struct catalog *c, const char *name, const char *types, const char *doc)
{
	if (!strncmp(name, "__", 2) || name[0] == '_' || !is_wanted(c, name))
		return;
	begin_line(c, "function");
	ft_out_text(c->out, name);
	if (types[0] != 'v')
		ft_out_text(c->out, types[0] == 's' ? ":string" : ":long");
	ft_out_char(c->out, '(');
	for (u32 i = 1; types[i]; i++)
		ft_out_printf(c->out, "%s%s", i > 1 ? ", " : "",
			      types[i] == 's' ? "string" : "long");
	ft_out_printf(c->out, ") - %s\n", doc ? doc : "");
}

static void list_builtins(struct catalog *c)
{
	const char *name, *types;

	for (u32 i = 0; (name = ft_tapset_row(i, &types)); i++)
		if (ft_tapset_doc(name))
			list_builtin(c, name, types, ft_tapset_doc(name));
	for (u32 i = 0; (name = ft_number_text_name(i)); i++)
		list_builtin(c, name, "sl", "the name that a number has");
}

/* ---- the kernel ---- */

static void list_syscalls(struct catalog *c)
{
	const struct ft_syscall *s;
	char name[64];

	for (u32 i = 0; (s = ft_syscall_at(i)); i++) {
		struct ft_syscall_arg args[FT_SYSCALL_ARGS_MAX];
		u32 count = ft_syscall_args(s, args);

		snprintf(name, sizeof(name), "syscall.%s", s->script);
		if (!is_wanted(c, name))
			continue;
		begin_line(c, "syscall");
		ft_out_text(c->out, name);
		for (u32 k = 0; k < count; k++)
			ft_out_printf(c->out, " %s%s", args[k].name,
				      args[k].capture && strchr("btTkp", args[k].kind) ? "_str"
										       : "");
		ft_out_char(c->out, '\n');
	}
}

static void list_tracepoint(struct catalog *c, const char *system, const char *event)
{
	struct ft_expr arg = {.kind = FT_EXPR_STRING, .text = event, .len = (u32)strlen(event)};
	struct ft_point_part parts[] = {{.name = "kernel"}, {.name = "trace", .arg = &arg}};
	const struct ft_point point = {.parts = parts, .part_count = FT_ARRAY_LEN(parts)};
	char name[2 * NAME_MAX + 32];
	struct ft_target_arg *args;
	u32 count;

	snprintf(name, sizeof(name), "kernel.trace(\"%s:%s\")", system, event);
	if (!is_wanted(c, name))
		return;
	begin_line(c, "tracepoint");
	ft_out_text(c->out, name);
	if (!ft_target_args(&c->compile, &point, "$$vars", &args, &count))
		for (u32 i = 0; i < count; i++)
			ft_out_printf(c->out, " $%s:%s", args[i].name, args[i].type);
	ft_out_char(c->out, '\n');
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Those of "syscalls" are none that programs can be attached to. */
static int is_folder(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
	       strcmp(entry->d_name, "syscalls") != 0;
}

static void list_tracepoints(struct catalog *c)
{
	static const char events[] = "/sys/kernel/tracing/events";
	struct dirent **systems = NULL, **names;
	int system_count = scandir(events, &systems, is_folder, by_name), count;
	char path[sizeof(events) + NAME_MAX + 2];

	for (int i = 0; i < system_count; i++) {
		names = NULL;
		snprintf(path, sizeof(path), "%s/%s", events, systems[i]->d_name);
		count = scandir(path, &names, is_folder, by_name);
		for (int k = 0; k < count; k++) {
			list_tracepoint(c, systems[i]->d_name, names[k]->d_name);
			free(names[k]);
		}
		free(names);
		free(systems[i]);
	}
	free(systems);
}

static void list_scripts(struct catalog *c)
{
	const struct ft_ready_script *script;
	const char *doc;

	for (u32 i = 0; (script = ft_ready_script_at(i)); i++) {
		size_t len = ft_ready_script_doc(script, &doc);

		if (!is_wanted(c, script->name))
			continue;
		begin_line(c, "script");
		ft_out_printf(c->out, "%s - %.*s\n", script->name, (int)len, doc);
	}
}

int ft_script_catalog(const char *pattern, struct ft_out *out)
{
	struct catalog c = {.pattern = pattern, .out = out};
	int code;

	c.compile.arena = ft_arena_new(FT_COMPILE_BYTES_MAX);
	c.compile.diags.arena = c.compile.arena;
	ft_machine_init(&c.compile.machine);
	list_kinds(&c);
	code = list_library(&c);
	list_syscalls(&c);
	list_tracepoints(&c);
	list_builtins(&c);
	list_scripts(&c);
	ft_target_close(&c.compile);
	if (!code && ft_arena_failed(c.compile.arena))
		code = -ENOMEM;
	ft_arena_free(c.compile.arena);
	return code ? code : c.count;
}
