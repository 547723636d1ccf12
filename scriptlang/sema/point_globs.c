/* point_globs.c - see point_globs.h. */
#include "scriptlang/sema/point_globs.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "scriptlang/syscalls/syscalls.h"

#define WORDS_MAX 8
#define JOINED_BYTES 256

/* (n), (s): a number or string is its argument. Aliases and system calls come on top. */
static const char *const shapes[] = {
	"begin",
	"begin(n)",
	"end",
	"end(n)",
	"error",
	"error(n)",
	"never",
	"timer.s(n)",
	"timer.sec(n)",
	"timer.ms(n)",
	"timer.msec(n)",
	"timer.us(n)",
	"timer.usec(n)",
	"timer.ns(n)",
	"timer.nsec(n)",
	"timer.hz(n)",
	"timer.jiffies(n)",
	"timer.profile",
	"timer.profile.tick",
	"timer.profile.freq.hz(n)",
	"perf.type(n).config(n)",
	"perf.type(n).config(n).sample(n)",
	"perf.type(n).config(n).hz(n)",
	"kernel.trace(s)",
	"kernel.function(s)",
	"kernel.function(s).call",
	"kernel.function(s).return",
	"kernel.function(s).inline",
	"kernel.function(s).exported",
	"process.begin",
	"process.end",
	"process.thread.begin",
	"process.thread.end",
	"process.syscall",
	"process.syscall.return",
	"process.function(s)",
	"process.function(s).call",
	"process.function(s).return",
	"process.function(s).inline",
	"process.mark(s)",
	"process(s).begin",
	"process(s).end",
	"process(s).thread.begin",
	"process(s).thread.end",
	"process(s).syscall",
	"process(s).syscall.return",
	"process(s).function(s)",
	"process(s).function(s).call",
	"process(s).function(s).return",
	"process(s).function(s).inline",
	"process(s).function(s).exported",
	"process(s).mark(s)",
	"process(s).plt(s)",
	"process(s).plt(s).return",
	"process(s).library(s).function(s)",
	"process(s).library(s).function(s).return",
};

/* One of them, or an alias, or a system call, taken apart. */
struct shape {
	struct {
		char name[64];
		char arg; /* 'n', 's', or 0 */
	} words[WORDS_MAX];
	u32 count;
};

struct globber {
	struct ft_compile *compile;
	const struct ft_point *pattern;
	ft_point_take *take;
	void *context;
	u32 taken;
};

bool ft_point_is_glob(const struct ft_point *point)
{
	for (u32 i = 0; i < point->part_count; i++)
		if (strpbrk(point->parts[i].name, "*?["))
			return true;
	return false;
}

static bool read_shape(struct shape *s, const char *text)
{
	s->count = 0;
	for (const char *at = text; *at && s->count < WORDS_MAX; at += *at == '.') {
		size_t len = strcspn(at, ".(");

		snprintf(s->words[s->count].name, sizeof(s->words[0].name), "%.*s", (int)len, at);
		at += len;
		s->words[s->count].arg = *at == '(' ? at[1] : '\0';
		at += *at == '(' ? 3 : 0;
		s->count++;
	}
	return s->count > 0;
}

static bool arg_fits(const struct ft_expr *arg, char kind)
{
	if (!arg)
		return !kind;
	return kind == (arg->kind == FT_EXPR_NUMBER ? 'n' : 's');
}

/* Whether the pattern from a part on is the words from one on. owners: the parts of words. */
static bool fits(const struct ft_point *pattern, u32 part, const struct shape *s, u32 word,
		 const struct ft_point_part **owners)
{
	const struct ft_point_part *p = &pattern->parts[part];
	char joined[JOINED_BYTES] = "";
	size_t len = 0;
	u32 most;

	if (part == pattern->part_count)
		return word == s->count;
	most = strstr(p->name, "**") ? s->count : word + 1;
	for (u32 i = word; i < most && i < s->count; i++) {
		if (len + strlen(s->words[i].name) + 2 > sizeof(joined))
			return false;
		len += (size_t)sprintf(joined + len, "%s%s", len ? "." : "", s->words[i].name);
		owners[i] = p;
		if (!fnmatch(p->name, joined, 0) && arg_fits(p->arg, s->words[i].arg) &&
		    fits(pattern, part + 1, s, i + 1, owners))
			return true;
		owners[i] = NULL; /* a word in the middle of "**" has no argument */
		if (s->words[i].arg)
			return false;
	}
	return false;
}

static void try_shape(struct globber *g, const char *text)
{
	const struct ft_point_part *owners[WORDS_MAX] = {NULL};
	struct ft_arena *arena = g->compile->arena;
	struct ft_point *point;
	struct shape s;

	if (!read_shape(&s, text) || !fits(g->pattern, 0, &s, 0, owners))
		return;
	point = FT_ARENA_NEW(arena, struct ft_point);
	if (!point)
		return;
	*point = *g->pattern;
	point->part_count = s.count;
	point->parts = ft_arena_alloc(arena, s.count, sizeof(*point->parts));
	if (!point->parts)
		return;
	for (u32 i = 0; i < s.count; i++)
		point->parts[i] = (struct ft_point_part){
			.name = ft_arena_copy(arena, s.words[i].name, strlen(s.words[i].name)),
			.arg = owners[i] ? owners[i]->arg : NULL,
			.at = owners[i] ? owners[i]->at : g->pattern->at};
	g->taken += g->take(g->context, point);
}

static void try_syscalls(struct globber *g)
{
	static const char *const forms[] = {"syscall.%s", "syscall.%s.return", "nd_syscall.%s",
					    "nd_syscall.%s.return"};
	char text[FT_SYSCALL_NAME_BYTES + 24];

	for (u32 i = 0; i < ft_syscall_count(); i++)
		for (size_t k = 0; k < FT_ARRAY_LEN(forms); k++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(text, sizeof(text), forms[k], ft_syscall_at(i)->script);
#pragma GCC diagnostic pop
			try_shape(g, text);
		}
}

static void try_aliases(struct globber *g, const struct ft_file *file)
{
	char text[JOINED_BYTES];

	for (u32 i = 0; i < file->probe_count; i++)
		for (u32 k = 0; k < file->probes[i]->name_count; k++) {
			const struct ft_point *name = &file->probes[i]->names[k];
			size_t len = 0;

			for (u32 w = 0; w < name->part_count && len < sizeof(text); w++)
				len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
							w ? "." : "", name->parts[w].name);
			if (len < sizeof(text))
				try_shape(g, text);
		}
}

u32 ft_point_globs(struct ft_compile *compile, const struct ft_file *file,
		   const struct ft_point *point, ft_point_take *take, void *context)
{
	struct globber g = {.compile = compile, .pattern = point, .take = take, .context = context};

	for (size_t i = 0; i < FT_ARRAY_LEN(shapes); i++)
		try_shape(&g, shapes[i]);
	try_syscalls(&g);
	try_aliases(&g, file);
	return g.taken;
}
