/*
 * tapset.c - see tapset.h: names and types. Types in short: l long, s string, v nothing; the result
 * first, then the arguments.
 */
#include "scriptlang/sema/tapset.h"

#include <string.h>

#include "scriptlang/syscalls/number_text.h"
#include "scriptlang/syscalls/syscalls.h"

static const struct {
	const char *name, *types;
} rows[] = {
	/* what happens, and who it happens to */
	{"pid", "l"},
	{"tid", "l"},
	{"ppid", "l"},
	{"uid", "l"},
	{"euid", "l"},
	{"gid", "l"},
	{"egid", "l"},
	{"cpu", "l"},
	{"target", "l"},
	{"execname", "s"},
	{"pexecname", "s"},
	{"cmdline_str", "s"},
	{"pp", "s"},
	{"ppfunc", "s"},
	{"pn", "s"},
	{"user_mode", "l"},
	{"is_return", "l"},
	{"probe_type", "s"},
	{"registers_valid", "l"},
	{"module_name", "s"},
	{"stp_pid", "l"},
	{"remote_id", "l"},
	{"remote_uri", "s"},
	/* time */
	{"gettimeofday_ns", "l"},
	{"gettimeofday_us", "l"},
	{"gettimeofday_ms", "l"},
	{"gettimeofday_s", "l"},
	{"local_clock_ns", "l"},
	{"local_clock_us", "l"},
	{"local_clock_ms", "l"},
	{"local_clock_s", "l"},
	{"cpu_clock_ns", "ll"},
	{"cpu_clock_us", "ll"},
	{"cpu_clock_ms", "ll"},
	{"cpu_clock_s", "ll"},
	{"ktime_get_ns", "l"},
	{"get_cycles", "l"},
	{"jiffies", "l"},
	{"HZ", "l"},
	{"ctime", "s"},
	{"ctime", "sl"},
	{"tz_ctime", "s"},
	{"tz_ctime", "sl"},
	{"tz_gmtoff", "l"},
	{"tz_name", "s"},
	{"usecs_to_string", "sl"},
	{"msecs_to_string", "sl"},
	/* strings */
	{"strlen", "ls"},
	{"substr", "ssll"},
	{"__word", "ssls"},
	{"stringat", "lsl"},
	{"isinstr", "lss"},
	{"strpos", "lss"},
	{"str_replace", "ssss"},
	{"strtol", "lsl"},
	{"tokenize", "sss"},
	{"text_str", "ss"},
	{"text_strn", "ssll"},
	{"isdigit", "ls"},
	{"matched", "sl"},
	{"ngroups", "l"},
	{"format_ipaddr", "sll"},
	{"string_quoted", "ss"},
	{"__character", "sl"},
	{"print_char", "vl"},
	{"big_endian2", "ll"},
	{"big_endian4", "ll"},
	{"big_endian8", "ll"},
	{"little_endian2", "ll"},
	{"little_endian4", "ll"},
	{"little_endian8", "ll"},
	{"htons", "ll"},
	{"htonl", "ll"},
	{"htonll", "ll"},
	{"ntohs", "ll"},
	{"ntohl", "ll"},
	{"ntohll", "ll"},
	{"randint", "ll"},
	/* the bits of a double in a long */
	{"fp_add", "lll"},
	{"fp_sub", "lll"},
	{"fp_mul", "lll"},
	{"fp_div", "lll"},
	{"fp_rem", "lll"},
	{"fp_sqrt", "ll"},
	{"fp_eq", "lll"},
	{"fp_le", "lll"},
	{"fp_lt", "lll"},
	{"fp_to_long", "llll"},
	{"fp_to_string", "sll"},
	{"string_to_fp", "ls"},
	{"long_to_fp", "ll"},
	{"fp32_to_fp64", "ll"},
	/* output and the end */
	{"log", "vs"},
	{"warn", "vs"},
	{"error", "vs"},
	{"exit", "v"},
	{"abort", "v"},
	{"ftrace", "vs"},
	{"printk", "vls"},
	{"panic", "vs"},
	{"assert", "vl"},
	{"assert", "vls"},
	{"ansi_clear_screen", "v"},
	{"ansi_set_color", "vl"},
	{"ansi_set_color", "vll"},
	{"ansi_set_color", "vlll"},
	{"ansi_set_color2", "vll"},
	{"ansi_set_color3", "vlll"},
	{"ansi_reset_color", "v"},
	{"ansi_new_line", "v"},
	{"ansi_cursor_move", "vll"},
	{"ansi_cursor_hide", "v"},
	{"ansi_cursor_show", "v"},
	{"ansi_cursor_save", "v"},
	{"ansi_cursor_restore", "v"},
	/* stacks and symbols */
	{"backtrace", "s"},
	{"backtrace", "sl"},
	{"ubacktrace", "s"},
	{"print_backtrace", "v"},
	{"print_ubacktrace", "v"},
	{"print_ubacktrace_brief", "v"},
	{"print_ubacktrace_fileline", "v"},
	{"sprint_backtrace", "s"},
	{"sprint_ubacktrace", "s"},
	{"print_stack", "vs"},
	{"print_ustack", "vs"},
	{"sprint_stack", "ss"},
	{"sprint_ustack", "ss"},
	{"__event_stack", "ss"},
	{"print_syms", "vs"},
	{"print_usyms", "vs"},
	{"sprint_syms", "ss"},
	{"sprint_usyms", "ss"},
	{"symname", "sl"},
	{"symdata", "sl"},
	{"symfile", "sl"},
	{"symfileline", "sl"},
	{"symline", "sl"},
	{"__usymname", "sll"},
	{"__usymdata", "sll"},
	{"__umodname", "sll"},
	{"__usymfile", "sll"},
	{"__usymfileline", "sll"},
	{"__usymline", "sll"},
	{"addr", "l"},
	{"uaddr", "l"},
	{"probeaddr", "l"},
	{"register", "ls"},
	{"u_register", "ls"},
	/* arguments without debug information */
	{"int_arg", "ll"},
	{"uint_arg", "ll"},
	{"long_arg", "ll"},
	{"ulong_arg", "ll"},
	{"longlong_arg", "ll"},
	{"ulonglong_arg", "ll"},
	{"pointer_arg", "ll"},
	{"u32_arg", "ll"},
	{"s32_arg", "ll"},
	{"u64_arg", "ll"},
	{"s64_arg", "ll"},
	{"returnval", "l"},
	{"_stp_syscall_nr", "l"},
	{"asmlinkage", "v"},
	{"fastcall", "v"},
	{"regparm", "vl"},
	/* memory */
	{"user_string", "sl"},
	{"user_string_n", "sll"},
	{"user_string_nofault", "sl"},
	{"user_string_quoted", "sl"},
	{"user_string_quoted_utf16", "sl"},
	{"user_string_quoted_utf32", "sl"},
	{"__user_string_utf16", "sl"},
	{"__user_string_utf32", "sl"},
	{"user_char", "ll"},
	{"user_short", "ll"},
	{"user_ushort", "ll"},
	{"user_int", "ll"},
	{"user_uint", "ll"},
	{"user_long", "ll"},
	{"user_ulong", "ll"},
	{"user_int8", "ll"},
	{"user_uint8", "ll"},
	{"user_int16", "ll"},
	{"user_uint16", "ll"},
	{"user_int32", "ll"},
	{"user_uint32", "ll"},
	{"user_int64", "ll"},
	{"user_uint64", "ll"},
	{"kernel_string", "sl"},
	{"kernel_string_n", "sll"},
	{"kernel_char", "ll"},
	{"kernel_short", "ll"},
	{"kernel_int", "ll"},
	{"kernel_long", "ll"},
	{"kernel_pointer", "ll"},
	{"__kernel_uint8", "ll"},
	{"__kernel_uint16", "ll"},
	{"__kernel_uint32", "ll"},
	{"kernel_buffer_quoted", "sll"},
	{"user_buffer_quoted", "slll"},
	{"task_current", "l"},
	{"task_parent", "ll"},
	{"task_pid", "ll"},
	{"task_tid", "ll"},
	{"task_execname", "sl"},
	{"task_uid", "ll"},
	{"task_gid", "ll"},
	{"task_cpu", "ll"},
	{"task_prio", "ll"},
	{"task_state", "ll"},
	{"task_backtrace", "sl"},
	{"pid2task", "ll"},
	{"pid2execname", "sl"},
	{"mem_page_size", "l"},
	{"__proc_statm", "lll"},
	{"__child_pid", "lll"},
	{"__env_var", "sls"},
	{"stp_uid", "l"},
	{"system", "vs"},
	{"num_online_cpus", "l"},
	{"set_kernel_char", "vll"},
	{"set_kernel_short", "vll"},
	{"set_kernel_int", "vll"},
	{"set_kernel_long", "vll"},
	{"set_kernel_pointer", "vll"},
	{"set_kernel_string", "vls"},
	{"set_kernel_string_n", "vlls"},
	{"flush", "v"},
	{"__raise", "vll"},
	{"addr_to_node", "ll"},
	{"modname", "sl"},
	{"switch_file", "v"},
	/* $value of a script's file */
	{"__file_set", "vs"},
	{"__file_add", "vs"},
	{"__file_text", "s"},
};

static enum ft_type type_of(char letter)
{
	return letter == 'l' ? FT_TYPE_LONG : letter == 's' ? FT_TYPE_STRING : FT_TYPE_UNKNOWN;
}

/* What changes the system behind the script's back. */
static bool is_for_gurus(const char *name)
{
	return !strcmp(name, "printk") || !strcmp(name, "__raise") || !strcmp(name, "panic") ||
	       !strncmp(name, "set_kernel_", 11);
}

static struct ft_tapset_function *long_row(struct ft_arena *arena, const char *name,
					   const char *types)
{
	struct ft_tapset_function *f = FT_ARENA_NEW(arena, struct ft_tapset_function);

	if (!f)
		return NULL;
	f->name = name;
	f->result = type_of(types[0]);
	f->guru = is_for_gurus(f->name);
	for (; types[1 + f->arg_count]; f->arg_count++)
		f->args[f->arg_count] = type_of(types[1 + f->arg_count]);
	return f;
}

/* What handlers of system calls have, and texts of numbers. */
static struct ft_tapset_function *syscall_row(struct ft_arena *arena, const char *name)
{
	const char *types = ft_syscall_function_types(name);

	if (ft_number_text_find(name) >= 0)
		types = "sl";
	return types ? long_row(arena, name, types) : NULL;
}

struct ft_tapset_function *ft_tapset_find(struct ft_arena *arena, const char *name, u32 arg_count)
{
	size_t found = FT_ARRAY_LEN(rows);

	for (size_t i = 0; i < FT_ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		found = i;
		if (strlen(rows[i].types) - 1 == arg_count)
			break;
	}
	return found < FT_ARRAY_LEN(rows) ? long_row(arena, rows[found].name, rows[found].types)
					  : syscall_row(arena, name);
}

const char *ft_tapset_row(u32 index, const char **types)
{
	if (index >= FT_ARRAY_LEN(rows))
		return NULL;
	*types = rows[index].types;
	return rows[index].name;
}
