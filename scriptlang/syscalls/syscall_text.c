/*
 * syscall_text.c - texts of what programs copied at system calls; see syscalls.h. What was copied
 * comes from the kernel, but its content is the target's: nothing in it is trusted.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "scriptlang/runtime/format.h"
#include "scriptlang/runtime/stacks.h"
#include "scriptlang/syscalls/number_text.h"
#include "scriptlang/syscalls/syscall_structs.h"
#include "scriptlang/syscalls/syscalls.h"

#define BUFFER_TEXT_MAX 50 /* characters of a buffer's text, with quotes and dots */

/* One argument, with what was copied for it. */
struct shown {
	const struct ft_syscall_arg *arg;
	u64 value, next, previous;
	s64 result;	   /* of copying */
	const char *bytes; /* capture of them; NULL: nothing was copied */
	u32 room;	   /* that are there */
};

static u64 word_at(const char *at)
{
	u64 word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* "..." with what does not fit cut off: limit is for all of it. */
static void quote(struct ft_out *out, const char *text, size_t len, size_t limit, bool more)
{
	size_t all = 2;
	char one[FT_ESCAPED_BYTES];
	u32 used;

	for (size_t i = 0; i < len && all <= limit; i += used)
		all += ft_format_escape_utf8(text + i, len - i, '"', one, &used);
	more |= all > limit;
	ft_out_char(out, '"');
	all = more ? 5 : 2;
	for (size_t i = 0; i < len; i += used) {
		all += ft_format_escape_utf8(text + i, len - i, '"', one, &used);
		if (all > limit)
			break;
		ft_out_text(out, one);
	}
	ft_out_text(out, more ? "\"..." : "\"");
}

/* A string that was read, by what the helper said. */
static void string_text(struct ft_out *out, u64 addr, s64 result, const char *bytes, u32 room)
{
	size_t len = strnlen(bytes, room);

	if (result < 0 || !result)
		ft_out_hex(out, addr);
	else
		quote(out, bytes, len, SIZE_MAX / 2, (u64)result >= room && len + 1 >= room);
}

/* A character of UTF-16 or UTF-32 in UTF-8; what is none is U+FFFD. Its bytes; *used: theirs. */
static u32 from_wide(const char *at, u32 left, u32 unit, char utf8[4], u32 *used)
{
	u32 code = 0, low = 0;

	memcpy(&code, at, unit); /* of the machine's order, whose lower bytes come first */
	*used = unit;
	if (unit == 2 && code >= 0xd800 && code < 0xdc00 && left >= 4)
		memcpy(&low, at + 2, 2);
	if (low >= 0xdc00 && low < 0xe000) {
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		*used = 4;
	} else if ((code >= 0xd800 && code < 0xe000) || code > 0x10ffff) {
		code = 0xfffd;
	}
	return ft_format_utf8(code, utf8);
}

static void wide_text(struct ft_out *out, const struct ft_syscall_ref *ref, const char *at,
		      u32 room)
{
	u32 unit = ref->which & 4 ? 4 : 2, len = 0, used = 0, end = 0;
	s64 result = (s64)word_at(at + 8);
	const char *from = at + 16;
	char text[4096];

	if (result > 0)
		end = ((u64)result < room ? (u32)result : room) / unit * unit;
	for (u32 i = 0; i < end && len < sizeof(text) - 4; i += used) {
		static const char none[4];

		if (!memcmp(from + i, none, unit))
			end = 0; /* not cut */
		else
			len += from_wide(from + i, end - i, unit, text + len, &used);
	}
	if (ref->which & FT_SYSCALL_PLAIN)
		ft_out_bytes(out, text, len);
	else if (result <= 0)
		ft_out_hex(out, word_at(at));
	else
		quote(out, text, len, SIZE_MAX / 2, end != 0);
}

static void buffer_text(struct ft_out *out, const struct shown *a)
{
	u64 len = a->next < a->room ? a->next : a->room;

	if (a->result < 0 || (!a->value && a->next))
		ft_out_hex(out, a->value);
	else
		quote(out, a->bytes, len, BUFFER_TEXT_MAX, a->next > a->room);
}

static void sockaddr_text(struct ft_out *out, const struct shown *a)
{
	char text[INET6_ADDRSTRLEN];
	u32 len = a->next < a->room ? (u32)a->next : a->room;
	struct sockaddr_in6 in6;
	struct sockaddr_in in;
	u16 family = 0;

	if (!a->value) {
		ft_out_text(out, "NULL");
		return;
	}
	if (a->result < 0) {
		ft_out_text(out, "{...}");
		return;
	}
	if (len >= sizeof(family))
		memcpy(&family, a->bytes, sizeof(family));
	if (family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, a->bytes, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
		ft_out_printf(out, "{AF_INET, %s, %u}", text, ntohs(in.sin_port));
	} else if (family == AF_INET6 && len >= 24) {
		memset(&in6, 0, sizeof(in6));
		memcpy(&in6, a->bytes, len < sizeof(in6) ? len : sizeof(in6));
		inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text));
		ft_out_printf(out, "{AF_INET6, %s, %u}", text, ntohs(in6.sin6_port));
	} else if (family == AF_UNIX && len > 2) {
		const char *path = a->bytes + 2;

		if (*path) {
			ft_out_text(out, "{AF_UNIX, ");
			quote(out, path, strnlen(path, len - 2), SIZE_MAX / 2, false);
		} else { /* a name of the abstract kind */
			ft_out_text(out, "{AF_UNIX, @");
			quote(out, path + 1, len - 3, SIZE_MAX / 2, false);
		}
		ft_out_char(out, '}');
	} else {
		ft_out_printf(out, "{unknown address family %u}", family);
	}
}

static void list_text(struct ft_out *out, const struct shown *a)
{
	u32 stride = ft_syscall_list_stride(a->arg);

	ft_out_char(out, '[');
	for (u32 i = 0; i < FT_SYSCALL_LIST_MAX && a->value; i++) {
		const char *at = a->bytes + i * stride;
		s64 result = (s64)word_at(at);

		if (!result && i)
			break; /* the end */
		if (!result)
			break;
		if (i)
			ft_out_text(out, ", ");
		if (result < 0 && !word_at(at + 8)) {
			ft_out_hex(out, a->value + i * 8);
			break;
		}
		string_text(out, word_at(at + 8), result, at + 8, stride - 8);
		if (result < 0)
			break;
	}
	if (word_at(a->bytes + FT_SYSCALL_LIST_MAX * stride))
		ft_out_text(out, ", ...");
	ft_out_char(out, ']');
}

/* ---- structures ---- */

static void times_text(struct ft_out *out, const char *at, u32 count, bool nano, bool special)
{
	for (u32 i = 0; i < count; i++) {
		long long s = (long long)word_at(at + i * 16),
			  n = (long long)word_at(at + i * 16 + 8);

		if (special && n == UTIME_NOW)
			ft_out_text(out, "[UTIME_NOW]");
		else if (special && n == UTIME_OMIT)
			ft_out_text(out, "[UTIME_OMIT]");
		else
			ft_out_printf(out, nano ? "[%lld.%09lld]" : "[%lld.%06lld]", s, n);
	}
}

static void sigset_text(struct ft_out *out, u64 set)
{
	bool first = true;

	ft_out_char(out, '[');
	if (!set)
		ft_out_text(out, "EMPTY");
	for (u32 sig = 1; sig <= 64; sig++) {
		if (!(set >> (sig - 1) & 1))
			continue;
		if (!first)
			ft_out_char(out, '|');
		first = false;
		ft_syscall_flags_text("signal", sig, true, out);
	}
	ft_out_char(out, ']');
}

/* The kernel's struct sigaction: handler, flags, restorer, mask. */
static void sigaction_text(struct ft_out *out, const char *at)
{
	u64 handler = word_at(at), flags = word_at(at + 8), restorer = word_at(at + 16);

	if (handler <= 1) {
		ft_out_text(out, handler ? "{SIG_IGN}" : "{SIG_DFL}");
		return;
	}
	ft_out_printf(out, "{0x%llx, ", (unsigned long long)handler);
	ft_syscall_flags_text("sigaction", flags, false, out);
	if (flags & 0x04000000) /* SA_RESTORER */
		ft_out_printf(out, ", 0x%llx", (unsigned long long)restorer);
	ft_out_text(out, ", ");
	sigset_text(out, word_at(at + 24));
	ft_out_char(out, '}');
}

static void interval_text(struct ft_out *out, const char *at, bool nano)
{
	long long w[4];

	memcpy(w, at, sizeof(w));
	/* SystemTap shows microseconds for both. */
	ft_out_printf(out, "[%lld.%06lld,%lld.%06lld]", w[0], nano ? w[1] / 1000 : w[1], w[2],
		      nano ? w[3] / 1000 : w[3]);
}

static void date_text(struct ft_out *out, s64 when)
{
	time_t t = (time_t)when;
	struct tm parts;
	char text[64];

	if (gmtime_r(&t, &parts) && strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &parts))
		ft_out_text(out, text);
}

static void struct_text(struct ft_out *out, const struct shown *a)
{
	const char *type = a->arg->type, *at = a->bytes;

	if (!a->value) {
		/* "T": where SystemTap shows the address */
		ft_out_text(out, a->arg->kind == 't' && strcmp(type, "sigaction") != 0 &&
						 strcmp(type, "sigset") != 0
					 ? "NULL"
					 : "0x0");
		return;
	}
	if (a->result < 0) {
		ft_out_hex(out, a->value);
		return;
	}
	if (ft_syscall_struct_text(type, at, out))
		return;
	if (!strcmp(type, "timespec"))
		times_text(out, at, 1, true, false);
	else if (!strcmp(type, "timespec2"))
		times_text(out, at, 2, true, true);
	else if (!strcmp(type, "timeval"))
		times_text(out, at, 1, false, false);
	else if (!strcmp(type, "timeval2"))
		times_text(out, at, 2, false, false);
	else if (!strcmp(type, "itimerval"))
		interval_text(out, at, false);
	else if (!strcmp(type, "itimerspec"))
		interval_text(out, at, true);
	else if (!strcmp(type, "rlimit"))
		ft_out_printf(out, "[%lld,%lld]", (long long)word_at(at),
			      (long long)word_at(at + 8));
	else if (!strcmp(type, "sigset"))
		sigset_text(out, word_at(at));
	else if (!strcmp(type, "sigaction"))
		sigaction_text(out, at);
	else if (!strcmp(type, "tms"))
		ft_out_printf(out,
			      "{tms_utime=%lld, tms_stime=%lld, tms_cutime=%lld, tms_cstime=%lld}",
			      (long long)word_at(at), (long long)word_at(at + 8),
			      (long long)word_at(at + 16), (long long)word_at(at + 24));
	else if (!strcmp(type, "pipe"))
		ft_out_printf(out, "[%d, %d]", (s32)word_at(at), (s32)(word_at(at) >> 32));
	else if (!strcmp(type, "utimbuf")) {
		ft_out_char(out, '[');
		date_text(out, (s64)word_at(at));
		ft_out_text(out, ", ");
		date_text(out, (s64)word_at(at + 8));
		ft_out_char(out, ']');
	} else if (!strcmp(type, "sigaltstack")) {
		ft_out_printf(out, "{ss_sp=0x%llx, ss_flags=", (unsigned long long)word_at(at));
		ft_syscall_flags_text("sigaltstack", (u32)word_at(at + 8), true, out);
		ft_out_printf(out, ", ss_size=%llu}", (unsigned long long)word_at(at + 16));
	}
}

/* ---- arguments ---- */

static void number_text(struct ft_out *out, const struct shown *a)
{
	unsigned long long value = a->value;

	switch (a->arg->kind) {
	case 'i':
		ft_out_s64(out, (s32)value);
		break;
	case 'u':
		ft_out_u64(out, (u32)value);
		break;
	case 'l':
		ft_out_s64(out, (s64)value);
		break;
	case 'U':
		ft_out_u64(out, value);
		break;
	case 'o':
	case 'm':
		ft_out_printf(out, "0%o", (u32)value); /* 00 for none, as SystemTap has it */
		break;
	case 'h':
		ft_out_hex(out, (u32)value);
		break;
	default:
		ft_out_hex(out, value);
	}
}

/* A protocol has a name in the families of IP alone. */
static void protocol_text(struct ft_out *out, const struct shown *a)
{
	if ((a->previous == AF_INET || a->previous == AF_INET6) && (s32)a->value >= 0)
		ft_syscall_flags_text("ip_protocol", a->value, true, out);
	else
		ft_out_s64(out, (s32)a->value);
}

static void arg_text(struct ft_out *out, const struct shown *a)
{
	switch (a->arg->kind) {
	case 'd':
		if ((s32)a->value == AT_FDCWD)
			ft_out_text(out, "AT_FDCWD");
		else
			ft_out_s64(out, (s32)a->value);
		break;
	case 'f':
	case 'F':
		ft_syscall_flags_text(a->arg->type, a->value, a->arg->kind == 'f', out);
		break;
	case 'r':
		protocol_text(out, a);
		break;
	case 's':
	case 'S':
		string_text(out, a->value, a->result, a->bytes, a->room);
		break;
	case 'b':
	case 'B':
		buffer_text(out, a);
		break;
	case 'k':
		sockaddr_text(out, a);
		break;
	case 'a':
		list_text(out, a);
		break;
	case 't':
	case 'T':
		struct_text(out, a);
		break;
	default:
		number_text(out, a);
	}
}

/*
 * How an argument of futex() is shown, by the operation that the second one names: kinds of
 * syscalls.h, or '-'. The fourth is a time for some, and a count for others.
 */
static char futex_kind(const u64 *values, u32 arg)
{
	static const char waits[] = "pfit--", bits[] = "pfit-X", wakes[] = "pfi---",
			  wakes_bits[] = "pfi--X", moves[] = "pfiUp-", moves_if[] = "pfiUpi",
			  waits_moved[] = "pfitp-";
	static const char *const kinds[] = {waits,	wakes,	     wakes,    moves, moves_if,
					    moves_if,	waits,	     wakes,    wakes, bits,
					    wakes_bits, waits_moved, moves_if, waits};
	u32 op = (u32)values[1] & 0x7f;

	return op < FT_ARRAY_LEN(kinds) ? kinds[op][arg] : wakes[arg];
}

/* Whether an argument is one of the text of all; *arg is changed where it has another form. */
static bool is_shown(const struct ft_syscall *s, const u64 *values, u32 at,
		     struct ft_syscall_arg *arg)
{
	if (arg->hidden || (arg->kind == 'm' && at && !(values[at - 1] & O_CREAT)))
		return false;
	if (!strcmp(s->kernel, "futex"))
		arg->kind = futex_kind(values, at);
	else
		ft_syscall_form(s, values, at, arg);
	return arg->kind != '-';
}

static bool args_text(const struct ft_syscall_ref *ref, const char *at, u32 bytes,
		      struct ft_out *out)
{
	const struct ft_syscall *s = ft_syscall_at(ref->index);
	struct ft_syscall_arg args[FT_SYSCALL_ARGS_MAX];
	u64 values[FT_SYSCALL_ARGS_MAX + 1] = {0};
	u32 count, head, shown = 0;
	bool all = ref->which == FT_SYSCALL_ALL;

	if (!s || bytes < ft_syscall_ref_bytes(s, ref->which))
		return false;
	count = ft_syscall_args(s, args);
	if (!all && ref->which >= count)
		return false;
	head = ft_syscall_values_bytes(ref->which);
	memcpy(values, at + sizeof(*ref), head);
	at += sizeof(*ref) + head;
	if (!all) {
		struct shown one = {.arg = &args[ref->which],
				    .value = values[0],
				    .next = values[1],
				    .previous = AF_INET,
				    .bytes = at + 8,
				    .room = args[ref->which].capture};

		if (one.room)
			one.result = (s64)word_at(at);
		if (one.arg->kind == 'a')
			one.bytes = at;
		arg_text(out, &one);
		return true;
	}
	for (u32 i = 0; i < count; i++) {
		struct shown one = {.arg = &args[i],
				    .value = values[i],
				    .next = values[i + 1],
				    .previous = i > 1 ? values[i - 2] : 0,
				    .bytes = at + 8,
				    .room = args[i].capture};

		if (args[i].hidden)
			continue;
		if (one.room) {
			one.result = (s64)word_at(at);
			if (one.arg->kind == 'a')
				one.bytes = at;
			at += 8 + one.room;
		}
		if (!is_shown(s, values, i, &args[i]))
			continue;
		if (shown++)
			ft_out_text(out, ", ");
		arg_text(out, &one);
	}
	return true;
}

void ft_syscall_ret_text(u64 number, s64 value, struct ft_out *out)
{
	const struct ft_syscall *s = ft_syscall_of_number(number);
	const char *error = value < 0 && value >= -4095 ? ft_syscall_errno(-value) : NULL;

	if (error)
		ft_out_printf(out, "%lld (%s)", (long long)value, error);
	else if (s && (!strcmp(s->kernel, "mmap") || !strcmp(s->kernel, "mremap")))
		ft_out_hex(out, (u64)value);
	else if (s && !strcmp(s->kernel, "umask"))
		ft_out_printf(out, "0%llo", (unsigned long long)value);
	else
		ft_out_s64(out, value);
}

/* A command line, with blanks between its words. */
static void words_text(struct ft_out *out, const char *at, u32 room, u64 len)
{
	if (len > room)
		len = room;
	while (len && !at[len - 1])
		len--;
	for (u64 i = 0; i < len; i++)
		ft_out_char(out, at[i] ? at[i] : ' ');
}

bool ft_syscall_text(const void *data, u32 bytes, struct ft_out *out)
{
	char address[INET6_ADDRSTRLEN];
	const char *at = data;
	struct ft_syscall_ref ref;

	if (bytes < sizeof(ref) + 8)
		return false;
	memcpy(&ref, at, sizeof(ref));
	if (ref.mark != FT_STACK_REF_MARK)
		return false;
	switch (ref.kind) {
	case FT_SYSCALL_REF_ARGS:
		return args_text(&ref, at, bytes, out);
	case FT_SYSCALL_REF_RET:
		ft_syscall_ret_text(ref.index, (s64)word_at(at + sizeof(ref)), out);
		return true;
	case FT_SYSCALL_REF_WORDS:
		words_text(out, at + sizeof(ref) + 8, bytes - (u32)sizeof(ref) - 8,
			   word_at(at + sizeof(ref)));
		return true;
	case FT_SYSCALL_REF_ADDRESS:
		if (bytes < sizeof(ref) + 24)
			return false;
		if (inet_ntop((int)word_at(at + sizeof(ref)), at + sizeof(ref) + 8, address,
			      sizeof(address)))
			ft_out_text(out, address);
		return true;
	case FT_SYSCALL_REF_NUMBER:
		return ft_number_text(ref.index, (s64)word_at(at + sizeof(ref)), out);
	case FT_SYSCALL_REF_QUOTED:
		if (bytes <= sizeof(ref) + 16)
			return false;
		if (ref.which) {
			wide_text(out, &ref, at + sizeof(ref), bytes - (u32)sizeof(ref) - 16);
			return true;
		}
		string_text(out, word_at(at + sizeof(ref)), (s64)word_at(at + sizeof(ref) + 8),
			    at + sizeof(ref) + 16, bytes - (u32)sizeof(ref) - 16);
		return true;
	default:
		return false;
	}
}
