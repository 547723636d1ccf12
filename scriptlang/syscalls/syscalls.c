/* syscalls.c - the table of system calls; see syscalls.h. */
#include "scriptlang/syscalls/syscalls.h"

#include "scriptlang/syscalls/syscall_structs.h"

#include <asm/unistd.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "scriptlang/user/user_point.h"

/* Calls that are younger than the headers of Debian 12; numbers are the same everywhere. */
#ifndef __NR_cachestat
#define __NR_cachestat 451
#endif
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __NR_map_shadow_stack
#define __NR_map_shadow_stack 453
#endif
#ifndef __NR_futex_wake
#define __NR_futex_wake 454
#define __NR_futex_wait 455
#define __NR_futex_requeue 456
#endif
#ifndef __NR_statmount
#define __NR_statmount 457
#define __NR_listmount 458
#endif
#ifndef __NR_lsm_get_self_attr
#define __NR_lsm_get_self_attr 459
#define __NR_lsm_set_self_attr 460
#define __NR_lsm_list_modules 461
#endif
#ifndef __NR_mseal
#define __NR_mseal 462
#endif
#ifndef __NR_setxattrat
#define __NR_setxattrat 463
#define __NR_getxattrat 464
#define __NR_listxattrat 465
#define __NR_removexattrat 466
#endif
#ifndef __NR_open_tree_attr
#define __NR_open_tree_attr 467
#endif
#ifndef __NR_file_getattr
#define __NR_file_getattr 468
#define __NR_file_setattr 469
#endif
#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif

static const struct ft_syscall rows[] = {
#define FT_SYSCALL(NAME, ARGS) {#NAME, #NAME, #NAME, ARGS, __NR_##NAME},
#define FT_SYSCALL_AS(NAME, SCRIPT, TITLE, ARGS) {#NAME, SCRIPT, TITLE, ARGS, __NR_##NAME},
#include "scriptlang/syscalls/syscalls.def"
#undef FT_SYSCALL
#undef FT_SYSCALL_AS
};

enum row {
#define FT_SYSCALL(NAME, ARGS) ROW_##NAME,
#define FT_SYSCALL_AS(NAME, SCRIPT, TITLE, ARGS) ROW_##NAME,
#include "scriptlang/syscalls/syscalls.def"
#undef FT_SYSCALL
#undef FT_SYSCALL_AS
};

/* The row of a number, and 1. */
static const u16 row_of[FT_SYSCALL_NUMBERS] = {
#define FT_SYSCALL(NAME, ARGS) [__NR_##NAME] = ROW_##NAME + 1,
#define FT_SYSCALL_AS(NAME, SCRIPT, TITLE, ARGS) [__NR_##NAME] = ROW_##NAME + 1,
#include "scriptlang/syscalls/syscalls.def"
#undef FT_SYSCALL
#undef FT_SYSCALL_AS
};

#define STRING_BYTES 200 /* of a string among others */
#define ONE_STRING_BYTES 400
#define BUFFER_BYTES 56 /* what a text has room for, and more */
#define LIST_BYTES 64	/* of each string of an array */
#define SOCKADDR_BYTES 112

u32 ft_syscall_count(void)
{
	return FT_ARRAY_LEN(rows);
}

const struct ft_syscall *ft_syscall_at(u32 index)
{
	return index < FT_ARRAY_LEN(rows) ? &rows[index] : NULL;
}

const struct ft_syscall *ft_syscall_find(const char *kernel)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].kernel, kernel))
			return &rows[i];
	return NULL;
}

const struct ft_syscall *ft_syscall_of_number(u64 number)
{
	return number < FT_SYSCALL_NUMBERS && row_of[number] ? &rows[row_of[number] - 1] : NULL;
}

u32 ft_syscall_index(const struct ft_syscall *s)
{
	return (u32)(s - rows);
}

bool ft_syscall_fits(const struct ft_syscall *s, const char *pattern)
{
	return !fnmatch(pattern, s->script, 0) || !fnmatch(pattern, s->kernel, 0);
}

/* Bytes of a structure of the kernel's interface. */
static u32 struct_bytes(const char *type)
{
	static const struct {
		const char *name;
		u32 bytes;
	} table[] = {
		{"timespec", 16},  {"timespec2", 32},	{"timeval", 16}, {"timeval2", 32},
		{"itimerval", 32}, {"itimerspec", 32},	{"rlimit", 16},	 {"sigset", 8},
		{"sigaction", 32}, {"sigaltstack", 24}, {"tms", 32},	 {"utimbuf", 16},
		{"pipe", 8},
	};

	for (size_t i = 0; i < FT_ARRAY_LEN(table); i++)
		if (!strcmp(table[i].name, type))
			return table[i].bytes;
	return ft_syscall_struct_bytes(type);
}

u32 ft_syscall_list_stride(const struct ft_syscall_arg *arg)
{
	return arg->kind == 'a' ? 8 + LIST_BYTES : 0;
}

static void parse_arg(const char *word, size_t len, struct ft_syscall_arg *arg)
{
	const char *colon = memchr(word, ':', len), *end = word + len;
	size_t type_len;

	*arg = (struct ft_syscall_arg){.hidden = *word == '-'};
	word += arg->hidden;
	arg->kind = *word;
	type_len = word[1] == '.' ? (size_t)(colon - word) - 2 : 0;
	memcpy(arg->type, word + 2, type_len);
	memcpy(arg->name, colon + 1, (size_t)(end - colon) - 1);
}

static u32 capture_of(const struct ft_syscall_arg *arg, u32 strings)
{
	switch (arg->kind) {
	case 's':
	case 'S':
		return strings > 1 ? STRING_BYTES : ONE_STRING_BYTES;
	case 'b':
	case 'B':
		return BUFFER_BYTES;
	case 'k':
		return SOCKADDR_BYTES;
	case 't':
	case 'T':
		return struct_bytes(arg->type);
	case 'a': /* and whether there are more */
		return FT_SYSCALL_LIST_MAX * (8 + LIST_BYTES) + 8;
	default:
		return 0;
	}
}

u32 ft_syscall_args(const struct ft_syscall *s, struct ft_syscall_arg args[FT_SYSCALL_ARGS_MAX])
{
	u32 count = 0, strings = 0;

	for (const char *at = s->args; *at && count < FT_SYSCALL_ARGS_MAX;) {
		size_t len = strcspn(at, " ");

		parse_arg(at, len, &args[count]);
		strings += strchr("sSa", args[count].kind) != NULL;
		count++;
		at += len + (at[len] == ' ');
	}
	for (u32 i = 0; i < count; i++)
		args[i].capture = capture_of(&args[i], strings);
	return count;
}

u32 ft_syscall_values_bytes(u32 which)
{
	return which == FT_SYSCALL_ALL ? FT_SYSCALL_ARGS_MAX * 8 : 16;
}

u32 ft_syscall_ref_bytes(const struct ft_syscall *s, u32 which)
{
	u32 bytes = sizeof(struct ft_syscall_ref) + ft_syscall_values_bytes(which);
	struct ft_syscall_arg args[FT_SYSCALL_ARGS_MAX];
	u32 count = ft_syscall_args(s, args);

	for (u32 i = 0; i < count; i++)
		if ((which == FT_SYSCALL_ALL ? !args[i].hidden : which == i) && args[i].capture)
			bytes += 8 + args[i].capture;
	return bytes;
}

bool ft_syscall_is_point(const struct ft_point *point)
{
	const char *first = point->parts[0].name;

	return !strcmp(first, "syscall") || !strcmp(first, "nd_syscall") ||
	       !strcmp(first, "syscall_any");
}

const char *ft_syscall_pattern(const struct ft_point *point)
{
	if (point->life)
		return point->life->calls;
	return point->part_count > 2 && !strcmp(point->parts[0].name, "kernel") &&
			       !strcmp(point->parts[2].name, "syscall")
		       ? point->parts[2].arg->text
		       : NULL;
}

bool ft_syscall_for_all(const struct ft_point *point)
{
	const char *pattern = ft_syscall_pattern(point);

	return pattern && !strcmp(pattern, "*");
}

bool ft_syscall_returns(const struct ft_point *point)
{
	return !strcmp(point->life ? point->life->event : point->parts[1].arg->text, "sys_exit");
}

const struct ft_syscall *ft_syscall_of_point(const struct ft_point *point)
{
	const char *pattern = point ? ft_syscall_pattern(point) : NULL;

	return pattern ? ft_syscall_find(pattern) : NULL;
}

const char *ft_syscall_function_types(const char *name)
{
	static const struct {
		const char *name, *types;
		bool numbered;
	} table[] = {
		{"int", "l", true},   {"uint", "l", true}, {"long", "l", true},
		{"text", "s", true},  {"all", "s", false}, {"nr", "l", false},
		{"name", "s", false}, {"ret", "l", false}, {"retstr", "s", false},
	};
	static const char prefix[] = "__syscall_";
	const char *word = name + sizeof(prefix) - 1;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	for (size_t i = 0; i < FT_ARRAY_LEN(table); i++) {
		size_t len = strlen(table[i].name);

		if (strncmp(word, table[i].name, len) != 0)
			continue;
		if (table[i].numbered ? word[len] >= '0' && word[len] <= '5' && !word[len + 1]
				      : !word[len])
			return table[i].types;
	}
	return NULL;
}

u32 ft_syscall_arg_offset(u32 arg, bool exits)
{
#ifdef __x86_64__
	/* Of struct pt_regs: rdi rsi rdx r10 r8 r9. */
	static const u32 words[FT_SYSCALL_ARGS_MAX] = {14, 13, 12, 7, 9, 8};

	(void)exits;
	return words[arg] * 8;
#else
	/* x0 to x5; at the end x0 holds the result, and what it was is behind the registers. */
	return (!arg && exits ? 34 : arg) * 8;
#endif
}

u32 ft_syscall_number_offset(u32 *bytes)
{
#ifdef __x86_64__
	*bytes = 8;
	return 15 * 8;
#else
	*bytes = 4;
	return 35 * 8;
#endif
}

int ft_syscall_arg_named(const struct ft_point *point, const char *name, struct ft_syscall_arg *arg)
{
	const struct ft_syscall *s = ft_syscall_of_point(point);
	struct ft_syscall_arg args[FT_SYSCALL_ARGS_MAX];
	u32 count = s ? ft_syscall_args(s, args) : 0;
	size_t len = strlen(name);

	for (u32 i = 0; i < count; i++) {
		const char *rest = args[i].name + len;

		if (strncmp(args[i].name, name, len) != 0 ||
		    (*rest && strcmp(rest, "_uaddr") != 0 && strcmp(rest, "_str") != 0))
			continue;
		*arg = args[i];
		return (int)i;
	}
	return -1;
}
