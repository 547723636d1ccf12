/* kernel_table.c - all functions of the running kernel in memory; see symbolizer.h. */
#include "symbolizer/symbolizer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "symbolizer/kallsyms.h"
#include "symbolizer/source.h"

#define NO_TEXT UINT32_MAX /* data, which only bounds the code before it */

struct symbol {
	u64 addr;
	u32 text; /* where its name begins in texts, or NO_TEXT */
	u8 bind;  /* STB_x */
};

struct ft_kernel_table {
	struct symbol *symbols; /* by address, one at each */
	size_t count, cap;
	char *texts;
	size_t text_bytes, text_cap;
};

static int take_line(void *context, const char *text, const char *end)
{
	struct ft_kernel_table *t = context;
	struct ft_kallsyms_line line;
	struct symbol *s;
	const char *tab;
	size_t len;

	if (!ft_kallsyms_parse(text, end, &line) || !line.addr)
		return 0;
	if (FT_GROW(&t->symbols, &t->cap, t->count + 1))
		return -1;
	s = &t->symbols[t->count++];
	*s = (struct symbol){line.addr, NO_TEXT, ft_kallsyms_bind(line.type)};
	if (!ft_kallsyms_is_text(line.type))
		return 0;
	tab = memchr(line.text, '\t', line.len);
	len = tab ? (size_t)(tab - line.text) : line.len;
	if (FT_GROW(&t->texts, &t->text_cap, t->text_bytes + len + 1) ||
	    t->text_bytes + len >= NO_TEXT)
		return -1;
	s->text = (u32)t->text_bytes;
	memcpy(t->texts + t->text_bytes, line.text, len);
	t->texts[t->text_bytes + len] = '\0';
	t->text_bytes += len + 1;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return (x->text > y->text) - (x->text < y->text);
}

/* Of the symbols at one address the best stays: code before data, then the better alias. */
static void drop_aliases(struct ft_kernel_table *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct symbol *s = &t->symbols[i];
		struct symbol *last = kept ? &t->symbols[kept - 1] : NULL;

		if (!last || last->addr != s->addr)
			t->symbols[kept++] = *s;
		else if (s->text != NO_TEXT && (last->text == NO_TEXT ||
						ft_alias_better(t->texts + s->text, s->bind,
								t->texts + last->text, last->bind)))
			*last = *s;
	}
	t->count = kept;
}

struct ft_kernel_table *ft_kernel_table_load(void)
{
	struct ft_kernel_table *t = ft_try_alloc(1, sizeof(*t));
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);

	if (!t || fd < 0 || ft_lines_read(fd, UINT64_MAX, take_line, t) || !t->count) {
		ft_kernel_table_free(t);
		t = NULL;
	}
	if (fd >= 0)
		close(fd);
	if (!t)
		return NULL;
	qsort(t->symbols, t->count, sizeof(*t->symbols), by_address);
	drop_aliases(t);
	return t;
}

void ft_kernel_table_free(struct ft_kernel_table *table)
{
	if (!table)
		return;
	free(table->symbols);
	free(table->texts);
	free(table);
}

const char *ft_kernel_table_find(const struct ft_kernel_table *table, u64 addr, u64 *start,
				 u64 *end)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (table->symbols[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || table->symbols[low - 1].text == NO_TEXT)
		return NULL;
	*start = table->symbols[low - 1].addr;
	*end = low < table->count ? table->symbols[low].addr : 0;
	return table->texts + table->symbols[low - 1].text;
}
