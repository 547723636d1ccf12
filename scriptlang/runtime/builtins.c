/*
 * builtins.c - functions of the tapset, as user space runs them. To add one: a function here and a
 * row in the table at the end; its types stand in tapset.c.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "scriptlang/kernel/kernel_names.h"
#include "scriptlang/runtime/builtins.h"
#include "scriptlang/runtime/format.h"
#include "scriptlang/runtime/stacks.h"
#include "scriptlang/syscalls/number_text.h"
#include "scriptlang/user/user_names.h"

/* ---- who and when ---- */

NUMBER(pid, getpid())
NUMBER(ppid, getppid())
NUMBER(uid, getuid())
NUMBER(euid, geteuid())
NUMBER(gid, getgid())
NUMBER(egid, getegid())
NUMBER(target, x->target_pid)
NUMBER(gettimeofday_ns, ft_clock_ns(CLOCK_REALTIME))
NUMBER(gettimeofday_us, ft_clock_ns(CLOCK_REALTIME) / 1000)
NUMBER(gettimeofday_ms, ft_clock_ns(CLOCK_REALTIME) / 1000000)
NUMBER(gettimeofday_s, ft_clock_ns(CLOCK_REALTIME) / 1000000000)
NUMBER(local_clock_ns, ft_clock_ns(CLOCK_MONOTONIC))
NUMBER(local_clock_us, ft_clock_ns(CLOCK_MONOTONIC) / 1000)
NUMBER(local_clock_ms, ft_clock_ns(CLOCK_MONOTONIC) / 1000000)
NUMBER(local_clock_s, ft_clock_ns(CLOCK_MONOTONIC) / 1000000000)
NUMBER(num_online_cpus, sysconf(_SC_NPROCESSORS_ONLN))
NUMBER(mem_page_size, sysconf(_SC_PAGESIZE))
NUMBER(HZ, ft_machine_hz(x->compile))

BUILTIN(pp)
{
	return text_of(x, ft_point_text(x->arena, x->handler->point));
}

BUILTIN(pn)
{
	return text_of(x, ft_point_text(x->arena, x->handler->written));
}

static struct ft_value ctime_of(struct ft_interp *x, time_t when, bool local)
{
	struct tm parts;
	char text[64];

	/* As C's ctime, without its newline; of what 32 bits cannot say, as SystemTap's. */
	if (when > INT32_MAX)
		return text_of(x, "far far in the future...");
	if (when < INT32_MIN)
		return text_of(x, "a long, long time ago...");
	if (!(local ? localtime_r(&when, &parts) : gmtime_r(&when, &parts)) ||
	    !strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &parts))
		return text_of(x, "");
	return text_of(x, text);
}

BUILTIN(ctime)
{
	return ctime_of(x, call->arg_count ? (time_t)a[0].number : time(NULL), false);
}

BUILTIN(tz_ctime)
{
	return ctime_of(x, call->arg_count ? (time_t)a[0].number : time(NULL), true);
}

BUILTIN(usecs_to_string)
{
	char text[64];

	snprintf(text, sizeof(text), "%lld.%06llds", (long long)(a[0].number / 1000000),
		 (long long)(a[0].number % 1000000));
	return text_of(x, text);
}

BUILTIN(msecs_to_string)
{
	char text[64];

	snprintf(text, sizeof(text), "%lldm%02lld.%03llds", (long long)(a[0].number / 60000),
		 (long long)(a[0].number / 1000 % 60), (long long)(a[0].number % 1000));
	return text_of(x, text);
}

/* ---- strings ---- */

NUMBER(strlen, a[0].len)
NUMBER(isinstr, strstr(a[0].text, a[1].text) != NULL)

BUILTIN(strpos)
{
	const char *found = strstr(a[0].text, a[1].text);

	return ft_interp_number(found ? found - a[0].text : -1);
}

BUILTIN(substr)
{
	s64 start = a[1].number, length = a[2].number;

	if (start < 0 || start >= a[0].len || length <= 0)
		return text_of(x, "");
	if (length > a[0].len - start)
		length = a[0].len - start;
	return ft_interp_string(x, a[0].text + start, (size_t)length);
}

/* The word of a text by its number, counted from 0, and what is between words. */
BUILTIN(__word)
{
	const char *at = a[0].text + strspn(a[0].text, a[2].text);

	for (s64 i = 0; i < a[1].number && *at; i++) {
		at += strcspn(at, a[2].text);
		at += strspn(at, a[2].text);
	}
	return a[1].number < 0 ? text_of(x, "") : ft_interp_string(x, at, strcspn(at, a[2].text));
}

BUILTIN(stringat)
{
	if (a[1].number < 0 || a[1].number >= a[0].len)
		return ft_interp_number(0);
	return ft_interp_number((u8)a[0].text[a[1].number]);
}

BUILTIN(str_replace)
{
	struct ft_out *out = ft_out_new_memory();
	const char *at = a[0].text, *hit;
	struct ft_value value;
	const char *text;
	size_t len;

	while (a[1].len && (hit = strstr(at, a[1].text))) {
		ft_out_bytes(out, at, (size_t)(hit - at));
		ft_out_bytes(out, a[2].text, a[2].len);
		at = hit + a[1].len;
	}
	ft_out_text(out, at);
	text = ft_out_memory(out, &len);
	value = ft_interp_string(x, text, len);
	ft_out_close(out);
	return value;
}

BUILTIN(strtol)
{
	/* As the kernel's simple_strtol: no blanks before it. */
	if (a[1].number < 0 || a[1].number == 1 || a[1].number > 36 || isspace((u8)a[0].text[0]) ||
	    a[0].text[0] == '+')
		return ft_interp_number(0);
	/* and it wraps, so that an address of the kernel stays one */
	return ft_interp_number((s64)strtoull(a[0].text, NULL, (int)a[1].number));
}

BUILTIN(isdigit)
{
	return ft_interp_number(a[0].text[0] >= '0' && a[0].text[0] <= '9');
}

/* Each call cuts off one more token; text starts a new one. */
BUILTIN(tokenize)
{
	struct ft_value token;
	size_t skip, len;

	if (a[0].len) {
		if (a[0].len >= sizeof(x->tokenized)) {
			ft_interp_fail(x, call, "string too long to tokenize");
			return text_of(x, "");
		}
		memcpy(x->tokenized, a[0].text, a[0].len + 1);
		x->token_at = 0;
	}
	skip = strspn(x->tokenized + x->token_at, a[1].text);
	len = strcspn(x->tokenized + x->token_at + skip, a[1].text);
	token = ft_interp_string(x, x->tokenized + x->token_at + skip, len);
	x->token_at += skip + len;
	return token;
}

/* Bytes that the escaped text has. */
static s64 escaped_len(const struct ft_value *text)
{
	char one[FT_ESCAPED_BYTES];
	s64 len = 0;
	u32 used;

	for (u32 i = 0; i < text->len; i += used)
		len += ft_format_escape_utf8(text->text + i, text->len - i, '"', one, &used);
	return len;
}

/* With escapes; limit: bytes of all that, with quotes and the dots that say there was more. */
static struct ft_value escaped(struct ft_interp *x, const struct ft_value *text, s64 limit,
			       bool quoted)
{
	struct ft_out *out = ft_out_new_memory();
	bool cut = escaped_len(text) > limit - 2 * quoted;
	s64 room = limit - (quoted ? cut ? 5 : 2 : 0);
	struct ft_value value;
	const char *made;
	char one[FT_ESCAPED_BYTES];
	size_t len;
	u32 used;

	if (quoted)
		ft_out_char(out, '"');
	for (u32 i = 0; i < text->len; i += used) {
		u32 more = ft_format_escape_utf8(text->text + i, text->len - i, '"', one, &used);

		if (more > room)
			break;
		room -= more;
		ft_out_text(out, one);
	}
	if (quoted)
		ft_out_text(out, cut ? "\"..." : "\"");
	made = ft_out_memory(out, &len);
	value = ft_interp_string(x, made, len);
	ft_out_close(out);
	return value;
}

BUILTIN(string_quoted)
{
	return escaped(x, &a[0], INT64_MAX, true);
}

/* A wide character between quotes, as C writes it. */
BUILTIN(__character)
{
	char utf8[4], one[FT_ESCAPED_BYTES], text[FT_ESCAPED_BYTES + 3];
	u32 code = (u32)a[0].number, used;

	if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		snprintf(one, sizeof(one), "\\x%x", code);
	else
		ft_format_escape_utf8(utf8, ft_format_utf8(code, utf8), '\'', one, &used);
	snprintf(text, sizeof(text), "'%s'", one);
	return text_of(x, text);
}

BUILTIN(print_char)
{
	ft_out_char(x->out, (char)a[0].number);
	return ft_interp_number(0);
}

BUILTIN(text_str)
{
	return escaped(x, &a[0], INT64_MAX, false);
}

BUILTIN(text_strn)
{
	return escaped(x, &a[0], a[1].number > 0 ? a[1].number : INT64_MAX, a[2].number != 0);
}

/* errno_str() and its kin (number_text.h) */
BUILTIN(number_text)
{
	struct ft_out *out = ft_out_new_memory();
	struct ft_value value;
	const char *text;
	size_t len;

	ft_number_text((u32)ft_number_text_find(call->name), a[0].number, out);
	text = ft_out_memory(out, &len);
	value = ft_interp_string(x, text, len);
	ft_out_close(out);
	return value;
}

/* ---- numbers ---- */

/* A number whose bytes are in that order, for printing them by %b. */
NUMBER(big_endian2, htobe16((u16)a[0].number))
NUMBER(big_endian4, htobe32((u32)a[0].number))
NUMBER(big_endian8, htobe64((u64)a[0].number))
NUMBER(little_endian2, htole16((u16)a[0].number))
NUMBER(little_endian4, htole32((u32)a[0].number))
NUMBER(little_endian8, htole64((u64)a[0].number))
NUMBER(htons, htons((u16)a[0].number))
NUMBER(htonl, htonl((u32)a[0].number))
NUMBER(htonll, htobe64((u64)a[0].number))

BUILTIN(randint)
{
	u64 bits = 0;

	if (a[0].number <= 0 || getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
		return ft_interp_number(0);
	return ft_interp_number((s64)(bits % (u64)a[0].number));
}

/* ---- output and the end ---- */

BUILTIN(log)
{
	ft_out_printf(x->out, "%s\n", a[0].text);
	return ft_interp_number(0);
}

BUILTIN(warn)
{
	bool ends = a[0].len && a[0].text[a[0].len - 1] == '\n';

	ft_out_printf(x->messages, "WARNING: %s%s", a[0].text, ends ? "" : "\n");
	return ft_interp_number(0);
}

BUILTIN(error)
{
	ft_interp_fail(x, call, "%s", a[0].text);
	return ft_interp_number(0);
}

BUILTIN(exit)
{
	x->exiting = true;
	return ft_interp_number(0);
}

BUILTIN(assert)
{
	if (!a[0].number)
		ft_interp_fail(x, call, "%s", call->arg_count > 1 ? a[1].text : "assertion failed");
	return ft_interp_number(0);
}

#define ANSI(NAME, ...)                             \
	BUILTIN(NAME)                               \
	{                                           \
		ft_out_printf(x->out, __VA_ARGS__); \
		return ft_interp_number(0);         \
	}

ANSI(ansi_clear_screen, "\033[1;1H\033[J")
ANSI(ansi_reset_color, "\033[0;0m")
ANSI(ansi_new_line, "\n")
ANSI(ansi_cursor_move, "\033[%d;%dH", (int)a[1].number, (int)a[0].number)
ANSI(ansi_cursor_hide, "\033[?25l")
ANSI(ansi_cursor_show, "\033[?25h")
ANSI(ansi_cursor_save, "\033[s")
ANSI(ansi_cursor_restore, "\033[u")

/* A foreground; with a background before it, and a style behind. */
BUILTIN(ansi_set_color)
{
	ft_out_text(x->out, "\033[");
	if (call->arg_count > 1)
		ft_out_printf(x->out, "%d;", (int)a[1].number);
	ft_out_printf(x->out, "%d", (int)a[0].number);
	if (call->arg_count > 2 && a[2].number)
		ft_out_printf(x->out, ";%d", (int)a[2].number);
	ft_out_char(x->out, 'm');
	return ft_interp_number(0);
}

/* ---- stacks ---- */

#define PRINT_STACK(NAME, FORM)                                                  \
	BUILTIN(NAME)                                                            \
	{                                                                        \
		ft_stacks_print(x->stacks, a[0].text, a[0].len, (FORM), x->out); \
		return ft_interp_number(0);                                      \
	}

PRINT_STACK(print_ustack, FT_STACK_LINES)
PRINT_STACK(print_stack, FT_STACK_LINES)
PRINT_STACK(print_usyms, FT_STACK_PATHS)

BUILTIN(__event_stack)
{
	return text_of(x, ft_stacks_event(x->stacks, a[0].text, a[0].len));
}

/* print_ubacktrace() and its kin: the stack of the event is their argument (lower_expr.c). */
#define PRINT_BACKTRACE(NAME, FORM, WHAT)                                                    \
	BUILTIN(NAME)                                                                        \
	{                                                                                    \
		struct ft_value point = run_pp(x, call, a);                                  \
                                                                                             \
		if (a[0].len)                                                                \
			ft_stacks_print(x->stacks, a[0].text, a[0].len, (FORM), x->out);     \
		else                                                                         \
			ft_out_printf(x->out, "<no " WHAT "backtrace at %s>\n", point.text); \
		return ft_interp_number(0);                                                  \
	}

PRINT_BACKTRACE(print_ubacktrace, FT_STACK_PATHS, "user ")
PRINT_BACKTRACE(print_ubacktrace_brief, FT_STACK_BRIEF, "user ")
PRINT_BACKTRACE(print_ubacktrace_fileline, FT_STACK_SOURCE, "user ")
PRINT_BACKTRACE(print_backtrace, FT_STACK_PATHS, "kernel ")

/* The kernel's function at an address, or NULL. */
static const struct ft_kernel_name *kernel_name(struct ft_interp *x, s64 addr)
{
	if (!x->kernel_names)
		x->kernel_names = ft_kernel_names_new();
	return x->kernel_names ? ft_kernel_names_find(x->kernel_names, (u64)addr) : NULL;
}

BUILTIN(symname)
{
	const struct ft_kernel_name *name = kernel_name(x, a[0].number);
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)a[0].number);
	return text_of(x, name ? name->name : text);
}

BUILTIN(symdata)
{
	const struct ft_kernel_name *name = kernel_name(x, a[0].number);
	char text[600];

	if (name)
		snprintf(text, sizeof(text), "%s+0x%llx/0x%llx [kernel]", name->name,
			 (unsigned long long)((u64)a[0].number - name->start),
			 (unsigned long long)name->size);
	else
		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)a[0].number);
	return text_of(x, text);
}

/* The kernel's debug information is hardly ever there: lines of its source are not looked for. */
BUILTIN(symfileline)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)a[0].number);
	return text_of(x, text);
}

/* addr, pid; what is asked outside of events is asked about the target. */
static struct ft_user_name user_name(struct ft_interp *x, const struct ft_value *a)
{
	u32 pid = a[1].number == getpid() && x->target_pid ? x->target_pid : (u32)a[1].number;
	struct ft_user_name found;

	if (x->stacks && ft_stacks_name(x->stacks, pid, (u64)a[0].number, &found))
		return found;
	if (!x->user_names)
		x->user_names = ft_user_names_new();
	return x->user_names ? ft_user_names_find(x->user_names, pid, (u64)a[0].number)
			     : (struct ft_user_name){.offset = (u64)a[0].number};
}

BUILTIN(usymname)
{
	struct ft_user_name found = user_name(x, a);
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)a[0].number);
	return text_of(x, found.name ? found.name : text);
}

BUILTIN(usymdata)
{
	struct ft_user_name found = user_name(x, a);
	unsigned long long addr = (u64)a[0].number, offset = found.offset, size = found.size;
	char *text = found.name	    ? ft_arena_printf(x->arena, "%s+0x%llx/0x%llx [%s]", found.name,
						      offset, size, found.module)
		     : found.module ? ft_arena_printf(x->arena, "0x%llx [%s+0x%llx]", addr,
						      found.module, offset)
				    : ft_arena_printf(x->arena, "0x%llx", addr);

	return text_of(x, text ? text : "");
}

/* "FILE:LINE", or either; the address where it is not known. */
static struct ft_value place_of(struct ft_interp *x, const struct ft_value *a, bool file, bool line)
{
	struct ft_user_name found = user_name(x, a);
	char *text;

	if ((file && !found.file) || (line && !found.line))
		text = ft_arena_printf(x->arena, "0x%llx", (unsigned long long)a[0].number);
	else if (file && line)
		text = ft_arena_printf(x->arena, "%s:%u", found.file, found.line);
	else if (file)
		text = ft_arena_printf(x->arena, "%s", found.file);
	else
		text = ft_arena_printf(x->arena, "%u", found.line);
	return text_of(x, text ? text : "");
}

BUILTIN(usymfileline)
{
	return place_of(x, a, true, true);
}

BUILTIN(usymfile)
{
	return place_of(x, a, true, false);
}

BUILTIN(usymline)
{
	return place_of(x, a, false, true);
}

BUILTIN(umodname)
{
	struct ft_user_name found = user_name(x, a);
	const char *slash = found.module ? strrchr(found.module, '/') : NULL;

	if (!found.module)
		ft_interp_fail(x, call, "umodname(): no file is mapped there");
	return text_of(x, slash ? slash + 1 : found.module ? found.module : "");
}

BUILTIN(ppfunc)
{
	return text_of(x, ft_point_function(x->arena, x->handler->point));
}

/* Whole lines, as many as a string can hold. */
static struct ft_value stack_text(struct ft_interp *x, const struct ft_value *stack,
				  enum ft_stack_form form)
{
	struct ft_out *out = ft_out_new_memory();
	struct ft_value value;
	const char *text;
	size_t len;

	ft_stacks_print(x->stacks, stack->text, stack->len, form, out);
	text = ft_out_memory(out, &len);
	if (len >= x->limits.string_bytes) {
		len = x->limits.string_bytes - 1;
		while (len && text[len - 1] != '\n')
			len--;
	}
	value = ft_interp_string(x, text, len);
	ft_out_close(out);
	return value;
}

BUILTIN(sprint_ubacktrace)
{
	return stack_text(x, a, FT_STACK_SPRINT);
}

BUILTIN(sprint_ustack)
{
	return stack_text(x, a, FT_STACK_LINES);
}

BUILTIN(sprint_usyms)
{
	return stack_text(x, a, FT_STACK_PATHS);
}

static const struct {
	const char *name;
	ft_builtin_run *run;
} rows[] = {
#define ROW(NAME)                 \
	{                         \
#NAME, run_##NAME \
	}
	ROW(pid),
	{"tid", run_pid}, /* the interpreter has one thread */
	ROW(ppid),
	ROW(uid),
	ROW(euid),
	ROW(gid),
	ROW(egid),
	ROW(target),
	ROW(gettimeofday_ns),
	ROW(gettimeofday_us),
	ROW(gettimeofday_ms),
	ROW(gettimeofday_s),
	ROW(local_clock_ns),
	ROW(local_clock_us),
	ROW(local_clock_ms),
	ROW(local_clock_s),
	ROW(num_online_cpus),
	ROW(mem_page_size),
	ROW(HZ),
	ROW(pp),
	ROW(pn),
	ROW(ctime),
	ROW(tz_ctime),
	ROW(usecs_to_string),
	ROW(msecs_to_string),
	ROW(strlen),
	ROW(isinstr),
	ROW(strpos),
	ROW(substr),
	ROW(__word),
	ROW(stringat),
	ROW(str_replace),
	ROW(strtol),
	ROW(isdigit),
	ROW(tokenize),
	ROW(text_str),
	ROW(text_strn),
	ROW(string_quoted),
	ROW(__character),
	ROW(print_char),
	ROW(big_endian2),
	ROW(big_endian4),
	ROW(big_endian8),
	ROW(little_endian2),
	ROW(little_endian4),
	ROW(little_endian8),
	ROW(htons),
	ROW(htonl),
	ROW(htonll),
	{"ntohs", run_htons},
	{"ntohl", run_htonl},
	{"ntohll", run_htonll},
	ROW(randint),
	ROW(log),
	ROW(warn),
	ROW(error),
	ROW(exit),
	ROW(assert),
	ROW(ansi_clear_screen),
	ROW(ansi_set_color),
	{"ansi_set_color2", run_ansi_set_color},
	{"ansi_set_color3", run_ansi_set_color},
	ROW(ansi_reset_color),
	ROW(ansi_new_line),
	ROW(ansi_cursor_move),
	ROW(ansi_cursor_hide),
	ROW(ansi_cursor_show),
	ROW(ansi_cursor_save),
	ROW(ansi_cursor_restore),
	{"__usymname", run_usymname},
	{"__usymdata", run_usymdata},
	{"__umodname", run_umodname},
	{"__usymfileline", run_usymfileline},
	{"__usymfile", run_usymfile},
	{"__usymline", run_usymline},
	ROW(symfileline),
	{"symfile", run_symfileline},
	{"symline", run_symfileline},
	ROW(ppfunc),
	ROW(symname),
	ROW(symdata),
	ROW(print_ustack),
	ROW(print_stack),
	ROW(print_usyms),
	{"print_syms", run_print_usyms},
	ROW(sprint_ustack),
	{"sprint_stack", run_sprint_ustack},
	ROW(sprint_usyms),
	{"sprint_syms", run_sprint_usyms},
	ROW(print_ubacktrace),
	ROW(__event_stack),
	ROW(print_ubacktrace_brief),
	ROW(print_ubacktrace_fileline),
	ROW(print_backtrace),
	ROW(sprint_ubacktrace),
	{"sprint_backtrace", run_sprint_ubacktrace},
};

bool ft_builtin_names_addresses(const char *name)
{
	return !strncmp(name, "__usym", 6) || !strcmp(name, "__umodname");
}

ft_builtin_run *ft_builtin_find(const char *name)
{
	ft_builtin_run *run;

	for (size_t i = 0; i < FT_ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].run;
	if (ft_number_text_find(name) >= 0)
		return run_number_text;
	run = ft_builtin_float_find(name);
	if (!run)
		run = ft_builtin_proc_find(name);
	return run ? run : ft_builtin_peek_find(name);
}
