/*
 * point_kinds.c - the kinds of points that have no file of their own, and what their parts take.
 *
 * A kind is a row of parts. Points of kinds that are known but of a later version are refused by
 * name, so that nobody takes them for misspelled.
 */
#include <fnmatch.h>
#include <string.h>

#include "scriptlang/sema/point_kinds.h"

#define PARTS_MAX 8

enum arg {
	ARG_NONE,
	ARG_NUMBER,
	ARG_MAYBE_NUMBER,
	ARG_STRING,
	ARG_MAYBE_STRING,
};

struct kind_part {
	const char *name; /* NULL: the end */
	enum arg arg;
	bool may_end; /* a point may end here */
};

#define TIMER(UNIT)                                                   \
	{                                                             \
		{"timer", ARG_NONE, false}, {UNIT, ARG_NUMBER, true}, \
		{                                                     \
			"randomize", ARG_NUMBER, true                 \
		}                                                     \
	}

static const struct kind_part kinds[][PARTS_MAX] = {
	{{"begin", ARG_MAYBE_NUMBER, true}},
	{{"end", ARG_MAYBE_NUMBER, true}},
	{{"error", ARG_MAYBE_NUMBER, true}},
	{{"never", ARG_NONE, true}},
	TIMER("s"),
	TIMER("sec"),
	TIMER("ms"),
	TIMER("msec"),
	TIMER("us"),
	TIMER("usec"),
	TIMER("ns"),
	TIMER("nsec"),
	{{"timer", ARG_NONE, false}, {"hz", ARG_NUMBER, true}},
	TIMER("jiffies"),
	{{"timer", ARG_NONE, false}, {"profile", ARG_NONE, true}, {"tick", ARG_NONE, true}},
	{{"timer", ARG_NONE, false},
	 {"profile", ARG_NONE, false},
	 {"freq", ARG_NONE, false},
	 {"hz", ARG_NUMBER, true}},
	{{"perf", ARG_NONE, false},
	 {"type", ARG_NUMBER, false},
	 {"config", ARG_NUMBER, true},
	 {"sample", ARG_NUMBER, true},
	 {"process", ARG_STRING, true}},
	{{"perf", ARG_NONE, false},
	 {"type", ARG_NUMBER, false},
	 {"config", ARG_NUMBER, false},
	 {"hz", ARG_NUMBER, true},
	 {"process", ARG_STRING, true}},
	/* netfilter.h */
	{{"netfilter", ARG_NONE, false}, {"hook", ARG_STRING, false}, {"pf", ARG_STRING, true}},
	{{"netfilter", ARG_NONE, false}, {"pf", ARG_STRING, false}, {"hook", ARG_STRING, true}},
	{{"netfilter", ARG_NONE, false},
	 {"hook", ARG_STRING, false},
	 {"pf", ARG_STRING, false},
	 {"priority", ARG_STRING, true}},
	{{"netfilter", ARG_NONE, false},
	 {"pf", ARG_STRING, false},
	 {"hook", ARG_STRING, false},
	 {"priority", ARG_STRING, true}},
	/* what somebody types, and files of the script's own: serve.h */
	{{"input", ARG_NONE, false}, {"__char", ARG_NONE, true}},
	{{"input", ARG_NONE, false}, {"__line", ARG_NONE, true}},
	{{"procfs", ARG_MAYBE_STRING, false},
	 {"read", ARG_NONE, true},
	 {"maxsize", ARG_NUMBER, true}},
	{{"procfs", ARG_MAYBE_STRING, false}, {"write", ARG_NONE, true}},
	{{"procfs", ARG_MAYBE_STRING, false},
	 {"umask", ARG_NUMBER, false},
	 {"read", ARG_NONE, true},
	 {"maxsize", ARG_NUMBER, true}},
	{{"procfs", ARG_MAYBE_STRING, false},
	 {"umask", ARG_NUMBER, false},
	 {"write", ARG_NONE, true}},
	{{"kernel", ARG_NONE, false},
	 {"trace", ARG_STRING, true},
	 /* sched_switch alone: as the thread that comes */
	 {"incoming", ARG_NONE, true}},
	/* sys_enter and sys_exit alone: of those calls (syscalls.h) */
	{{"kernel", ARG_NONE, false}, {"trace", ARG_STRING, false}, {"syscall", ARG_STRING, true}},
};

/* First parts of points that later versions will have. */
static const char *const later[] = {
	"process", "module", "kprobe",	"java", "python2", "python3", "sunrpc",
	"tty",	   "scsi",   "generic", "swap", "perf",	   "kernel",
};

static bool arg_fits(const struct kind_part *kind, const struct ft_point_part *part)
{
	if (!part->arg)
		return kind->arg == ARG_NONE || kind->arg == ARG_MAYBE_NUMBER ||
		       kind->arg == ARG_MAYBE_STRING;
	if (part->arg->kind == FT_EXPR_NUMBER)
		return kind->arg == ARG_NUMBER || kind->arg == ARG_MAYBE_NUMBER;
	return kind->arg == ARG_STRING || kind->arg == ARG_MAYBE_STRING;
}

/* A path below a folder of /proc, without detours; and sizes from 0. */
static bool procfs_fits(const struct ft_point *point)
{
	const struct ft_expr *path = point->parts[0].arg;
	const struct ft_point_part *last = &point->parts[point->part_count - 1];
	size_t len = path ? strlen(path->text) : 0;

	if (!strcmp(last->name, "maxsize") && last->arg->number < 0)
		return false;
	if (!path)
		return true;
	if (!len || path->text[0] == '/' || path->text[len - 1] == '/' || strstr(path->text, "//"))
		return false;
	for (const char *at = path->text; *at;) {
		size_t part = strcspn(at, "/");

		if ((part == 1 && !strncmp(at, ".", 1)) || (part == 2 && !strncmp(at, "..", 2)))
			return false;
		at += part + (at[part] == '/');
	}
	return true;
}

/* Whether a point is of a kind. misfit: a part whose name fits and whose argument does not. */
static bool is_of_kind(const struct ft_point *point, const struct kind_part *kind,
		       const struct ft_point_part **misfit)
{
	u32 i = 0;

	for (; i < point->part_count && i < PARTS_MAX && kind[i].name; i++) {
		const struct ft_point_part *part = &point->parts[i];

		if (strcmp(part->name, kind[i].name) != 0)
			return false;
		if (!arg_fits(&kind[i], part)) {
			*misfit = part;
			return false;
		}
	}
	return i == point->part_count && i > 0 && kind[i - 1].may_end;
}

bool ft_point_is_of_kind(const struct ft_point *point, const struct ft_point_part **misfit)
{
	size_t i = 0;

	while (i < FT_ARRAY_LEN(kinds) && !is_of_kind(point, kinds[i], misfit))
		i++;
	if (i == FT_ARRAY_LEN(kinds))
		return false;
	if (strcmp(point->parts[0].name, "procfs") != 0 || procfs_fits(point))
		return true;
	*misfit = &point->parts[0];
	return false;
}

bool ft_point_is_later(const char *name)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(later); i++)
		if (!fnmatch(name, later[i], 0))
			return true;
	return false;
}
