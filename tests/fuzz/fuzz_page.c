/*
 * fuzz_page.c - arbitrary bytes as names of frames, as title and as notes of a page.
 *
 * Whatever they are, the page has one script and two styles, links lead nowhere but to http, https
 * and the page itself, and all bytes are UTF-8 without control characters.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "output/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static u32 count_of(const char *text, const char *part)
{
	u32 n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

/* Stacks of two frames, between line feeds. */
static void add_names(struct ft_profile *p, const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;
		struct ft_frame frame = {.name = ft_strtab_add(p->strings, text, line),
					 .module = ft_strtab_add(p->strings, text, line / 2),
					 .kind = (u8)(line % FT_FRAME_KIND_COUNT)};
		u32 node = ft_tree_child(p->tree, FT_TREE_ROOT, ft_profile_frame(p, &frame));

		frame.inlined = true;
		node = ft_tree_child(p->tree, node, ft_profile_frame(p, &frame));
		ft_tree_add(p->tree, node, 1 + line % 7);
		text += line + (end ? 1 : 0);
		len -= line + (end ? 1 : 0);
	}
}

static void check_page(const char *page, size_t len, bool script)
{
	check(!memchr(page, '\0', len));
	check(count_of(page, "<script") == (script ? 1 : 0));
	check(count_of(page, "</script") == (script ? 1 : 0));
	check(count_of(page, "<style") == 2 && count_of(page, "<svg xmlns") == 1);
	check(count_of(page, " href=\"") == count_of(page, " href=\"http://") +
						    count_of(page, " href=\"https://") +
						    count_of(page, " href=\"#"));
	check(count_of(page, "<a ") == count_of(page, " href=\""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ft_writer *writer;
	struct ft_profile *p = ft_profile_new();
	struct ft_out *out = ft_out_new_memory();
	char *text = malloc(size + 1), *page;
	struct ft_write_opts opts = {.title = text, .notes_len = size};
	const char *bytes;
	size_t len;

	memcpy(text, data, size);
	text[size] = '\0';
	opts.notes = text;
	add_names(p, text, size);
	check(!ft_writer_find("-", "html", &writer, NULL));
	check(!writer->write(p, &opts, out));
	bytes = ft_out_memory(out, &len);
	page = malloc(len + 1);
	memcpy(page, bytes, len);
	page[len] = '\0';
	check_page(page, len, size > 0);
	free(page);
	free(text);
	ft_out_close(out);
	ft_profile_free(p);
	return 0;
}
