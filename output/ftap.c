/*
 * ftap.c - the writer of archives without addresses: what was read from a foreign format, or
 * filtered.
 */
#include "output/output.h"
#include "output/writers.h"
#include "profile/archive.h"

static int ftap_write(const struct ft_profile *profile, const struct ft_write_opts *opts,
		      struct ft_out *out)
{
	struct ft_facts facts = {0};
	struct ft_archive_content content = {.facts = &facts, .profile = profile};
	int code;

	ft_facts_set(&facts, "flametap", FT_VERSION);
	ft_facts_set(&facts, "title", opts->title ? opts->title : profile->title);
	if (profile->rounds.count)
		content.rounds = &profile->rounds;
	code = ft_archive_write(&content, out);
	ft_facts_fini(&facts);
	return code;
}

const struct ft_writer ft_writer_ftap = {
	.name = "ftap",
	.extension = ".ftap",
	.summary = "the whole profile, to be read again by flametap report",
	.write = ftap_write,
};
