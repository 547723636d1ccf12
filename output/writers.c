/* writers.c - the list of formats, and the choice among them. */
#include "output/writers.h"

#include <errno.h>
#include <string.h>

static const struct ft_writer *const writers[] = {
	&ft_writer_svg,	    &ft_writer_html,   &ft_writer_folded,
	&ft_writer_text,    &ft_writer_ftap,
	&ft_writer_pprof,   &ft_writer_speedscope,
	&ft_writer_firefox, &ft_writer_chrome,
	&ft_writer_perf,    NULL,
};

const struct ft_writer *const *ft_writer_all(void)
{
	return writers;
}

static const struct ft_writer *writer_by_name(const char *name)
{
	for (size_t i = 0; writers[i]; i++) {
		if (!strcmp(name, writers[i]->name))
			return writers[i];
	}
	return NULL;
}

/* The longest extension wins, for some have two parts. */
static const struct ft_writer *writer_by_path(const char *path)
{
	const struct ft_writer *best = NULL;
	size_t len = strlen(path), best_len = 0;

	for (size_t i = 0; writers[i]; i++) {
		size_t ext_len = strlen(writers[i]->extension);

		if (ext_len > best_len && ext_len <= len &&
		    !memcmp(path + len - ext_len, writers[i]->extension, ext_len)) {
			best = writers[i];
			best_len = ext_len;
		}
	}
	return best;
}

/* "svg, folded, txt" or ".svg, .folded, .txt", cut where the list does not fit. */
static void formats_list(bool extensions, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; writers[i]; i++) {
		const char *word = extensions ? writers[i]->extension : writers[i]->name;

		if (len + strlen(word) + 3 > size)
			break;
		if (len)
			len = (size_t)(stpcpy(text + len, ", ") - text);
		len = (size_t)(stpcpy(text + len, word) - text);
	}
}

int ft_writer_find(const char *path, const char *format, const struct ft_writer **writer,
		   struct ft_err *err)
{
	const struct ft_writer *found;
	char list[300];

	if (format)
		found = writer_by_name(format);
	else if (!strcmp(path, "-"))
		found = &ft_writer_folded;
	else
		found = writer_by_path(path);
	if (found) {
		*writer = found;
		return 0;
	}
	formats_list(!format, list, sizeof(list));
	if (format)
		return ft_err_set(err, -EINVAL, "there is no format \"%s\"; choose one of: %s",
				  format, list);
	return ft_err_set(
		err, -EINVAL,
		"the name %s does not say which format to write; end it in one of: %s, or "
		"choose a format with -f",
		path, list);
}
