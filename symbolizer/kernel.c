/*
 * kernel.c - names from /proc/kallsyms: the kernel, its modules, BPF programs.
 *
 * The kernel writes the table anew for every reader, some 100,000 lines in ~60 ms, so it is read
 * once, in memory that depends on what is wanted only. Each line is noted at the first wanted
 * address at or behind it, if it is nearer than what was noted there; at the end an address without
 * a note takes over that of the one before it. The core kernel's part is sorted, and when all
 * wanted addresses lie in it, reading stops behind the last one.
 *
 * A symbol has no size: it ends where the next one begins. Data symbols bound the code before them
 * but never give a name. With kptr_restrict all addresses read as zero.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "symbolizer/kallsyms.h"
#include "symbolizer/source.h"

/* All zero up to here: hidden. Per-CPU symbols at the front may have small addresses. */
#define HIDDEN_LINES_MAX 50000

/* The nearest symbol before a want. */
struct note {
	u64 addr;
	char *text; /* "name" or "name\t[module]"; owned */
	u32 len;
	u32 cap;
	char type; /* as nm prints it; 0: none yet */
};

struct scan {
	struct ft_want *wants;
	struct note *notes;
	u32 count;
	u32 cursor;	/* first want at or behind the last line's address */
	u64 last;	/* the last line's address */
	u64 image;	/* where the kernel's image begins; 0: not seen yet */
	const char *image_symbol;
	u64 zero_lines; /* lines read while all addresses were zero */
	bool sorted, any_address;
};

/* Of two symbols at one address: code before data, then the better alias. */
static bool line_better(const struct ft_kallsyms_line *line, const struct note *note)
{
	char a[FT_KALLSYMS_LINE_MAX], b[FT_KALLSYMS_LINE_MAX];

	if (ft_kallsyms_is_text(line->type) != ft_kallsyms_is_text(note->type))
		return ft_kallsyms_is_text(line->type);
	memcpy(a, line->text, line->len);
	a[line->len] = '\0';
	memcpy(b, note->text, note->len);
	b[note->len] = '\0';
	return ft_alias_better(a, ft_kallsyms_bind(line->type), b, ft_kallsyms_bind(note->type));
}

static int note_set(struct note *note, const struct ft_kallsyms_line *line)
{
	if (note->cap < line->len) {
		size_t cap = (line->len + 63) & ~(size_t)63;
		char *text = realloc(note->text, cap);

		if (!text)
			return -ENOMEM;
		note->text = text;
		note->cap = (u32)cap;
	}
	memcpy(note->text, line->text, line->len);
	note->len = (u32)line->len;
	note->addr = line->addr;
	note->type = line->type;
	return 0;
}

/* Keeps the place among the wants: a step or two while the table is sorted. */
static void scan_move(struct scan *scan, u64 addr)
{
	if (addr < scan->last) {
		scan->sorted = false;
		scan->cursor = ft_want_lower(scan->wants, scan->count, addr);
	}
	scan->last = addr;
	while (scan->cursor < scan->count && scan->wants[scan->cursor].addr < addr)
		scan->cursor++;
}

/* The symbol, if the kernel's image begins with it; else NULL. */
static const char *image_start(const struct ft_kallsyms_line *line)
{
	static const char *const names[] = {"_stext", "_text"};

	for (size_t i = 0; i < FT_ARRAY_LEN(names); i++)
		if (line->len == strlen(names[i]) && !memcmp(line->text, names[i], line->len))
			return names[i];
	return NULL;
}

static int scan_line(void *arg, const char *text, const char *end)
{
	struct scan *scan = arg;
	struct ft_kallsyms_line line;
	struct note *note;

	if (!ft_kallsyms_parse(text, end, &line))
		return 0;
	if (!line.addr && !scan->any_address)
		return ++scan->zero_lines > HIDDEN_LINES_MAX;
	scan->any_address = true;
	scan_move(scan, line.addr);
	if (scan->cursor) {
		struct ft_want *before = &scan->wants[scan->cursor - 1];

		if (!before->end || line.addr < before->end)
			before->end = line.addr;
	}
	if (!scan->image && image_start(&line)) {
		scan->image = line.addr;
		scan->image_symbol = image_start(&line);
	}
	/* Modules and BPF programs come after the image, anywhere in memory but inside it. */
	if (scan->cursor == scan->count)
		return scan->sorted && scan->image && scan->wants[0].addr >= scan->image;
	note = &scan->notes[scan->cursor];
	if (note->type &&
	    (line.addr < note->addr || (line.addr == note->addr && !line_better(&line, note))))
		return 0;
	return note_set(note, &line);
}

static int want_name(struct ft_sym *sym, struct ft_want *want, const struct note *note)
{
	const char *tab = memchr(note->text, '\t', note->len);
	size_t len = tab ? (size_t)(tab - note->text) : note->len;
	int code;

	code = ft_want_name(sym, want, note->text, len, NULL);
	if (code)
		return code;
	want->kind = FT_FRAME_KERNEL;
	want->image = !tab;
	if (tab) {
		want->module = ft_strtab_add(sym->profile->strings, tab + 1, note->len - len - 1);
		if (want->module == FT_STR_NONE)
			return -ENOMEM;
	}
	return 0;
}

int ft_kernel_resolve_fd(struct ft_sym *sym, struct ft_group *group, int fd)
{
	struct scan scan = {.wants = group->wants, .count = group->count, .sorted = true};
	const struct note *last = NULL, *named = NULL;
	u32 named_by = 0;
	int code;

	if (!group->count)
		return 0;
	scan.notes = ft_try_alloc(group->count, sizeof(*scan.notes));
	if (!scan.notes)
		return -ENOMEM;
	code = ft_lines_read(fd, UINT64_MAX, scan_line, &scan);
	if (!code && !scan.any_address)
		sym->notes->kernel_hidden = true;
	group->image_symbol = scan.image_symbol;
	group->image_addr = scan.image;
	for (u32 i = 0; !code && i < group->count; i++) {
		if (scan.notes[i].type && (!last || scan.notes[i].addr >= last->addr))
			last = &scan.notes[i];
		if (!last || !ft_kallsyms_is_text(last->type) || !last->len)
			continue;
		group->wants[i].start = last->addr;
		if (last == named) {
			ft_want_copy(&group->wants[i], &group->wants[named_by]);
			continue;
		}
		code = want_name(sym, &group->wants[i], last);
		named = last;
		named_by = i;
	}
	for (u32 i = group->count; i-- > 1;)
		if (!group->wants[i - 1].end)
			group->wants[i - 1].end = group->wants[i].end;
	for (u32 i = 0; i < group->count; i++)
		free(scan.notes[i].text);
	free(scan.notes);
	return code;
}

static int kernel_resolve(struct ft_sym *sym, struct ft_group *group)
{
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC), code;

	if (fd < 0) {
		sym->notes->kernel_hidden = true;
		return 0;
	}
	code = ft_kernel_resolve_fd(sym, group, fd);
	close(fd);
	return code;
}

const struct ft_source ft_source_kernel = {
	.name = "kernel",
	.kinds = 1 << FT_GROUP_KERNEL,
	.resolve = kernel_resolve,
};
