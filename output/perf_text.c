/*
 * perf_text.c - the writer of what perf script prints, for the many tools that read it.
 *
 * Those tools count samples: where weights are numbers of samples, a stack is written as often as
 * it was seen; other weights go into the period of one sample. Addresses are not in a resolved
 * profile and are written as 0; kernel frames have one in the kernel's half, which is how tools
 * tell them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "output/output.h"
#include "output/writers.h"

/* A name without what would break the line. */
static void put_text(struct ft_out *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		u8 c = (u8)text[i];

		ft_out_char(out, c < 0x20 || c == 0x7f ? '?' : (char)c);
	}
}

static void put_string(struct ft_out *out, const struct ft_profile *profile, u32 id)
{
	put_text(out, ft_strtab_str(profile->strings, id), ft_strtab_len(profile->strings, id));
}

static bool is_owner(const struct ft_profile *profile, u32 frame)
{
	return profile->frames[frame].kind == FT_FRAME_PROCESS ||
	       profile->frames[frame].kind == FT_FRAME_THREAD;
}

static void put_frame(struct ft_out *out, const struct ft_profile *profile, u32 id)
{
	const struct ft_frame *frame = &profile->frames[id];

	ft_out_text(out,
		    frame->kind == FT_FRAME_KERNEL ? "\tffffffff80000000 " : "\t               0 ");
	put_string(out, profile, frame->name);
	ft_out_text(out, " (");
	if (frame->inlined)
		ft_out_text(out, "inlined");
	else if (frame->kind == FT_FRAME_KERNEL)
		ft_out_text(out, "[kernel.kallsyms]");
	else if (frame->module)
		put_string(out, profile, frame->module);
	else
		ft_out_text(out, "[unknown]");
	ft_out_text(out, ")\n");
}

/* One sample: the stack that ends in a node. */
static void put_sample(struct ft_out *out, const struct ft_profile *profile, u32 node, u64 period)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(profile->tree);
	u32 process = 0;

	for (u32 at = node; at != FT_TREE_ROOT; at = nodes[at].parent)
		if (profile->frames[nodes[at].key].kind == FT_FRAME_PROCESS)
			process = nodes[at].key;
	if (process)
		put_string(out, profile, profile->frames[process].name);
	else
		ft_out_text(out, "unknown");
	ft_out_text(out, " 0/0 [000] 0.000000: ");
	ft_out_u64(out, period);
	ft_out_text(out, profile->unit == FT_UNIT_SAMPLES ? " samples: \n" : " events: \n");
	for (u32 at = node; at != FT_TREE_ROOT; at = nodes[at].parent)
		if (!is_owner(profile, nodes[at].key))
			put_frame(out, profile, nodes[at].key);
	ft_out_char(out, '\n');
}

static int perf_write(const struct ft_profile *profile, const struct ft_write_opts *opts,
		      struct ft_out *out)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(profile->tree);
	bool repeat = profile->unit == FT_UNIT_SAMPLES || profile->unit == FT_UNIT_EVENTS;

	(void)opts;
	for (u32 i = 1; i < ft_tree_count(profile->tree); i++)
		for (u64 n = repeat ? nodes[i].self : nodes[i].self > 0; n; n--)
			put_sample(out, profile, i, repeat ? 1 : nodes[i].self);
	return 0;
}

const struct ft_writer ft_writer_perf = {
	.name = "perf",
	.extension = ".perf.txt",
	.summary = "as perf script prints it, for other tools",
	.write = perf_write,
};
