/* spaces.c - see spaces.h. */
#include "sampler/spaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/alloc.h"

#define PATIENCE 64

void ft_spaces_fini(struct ft_spaces *spaces)
{
	free(spaces->retired[0]);
	free(spaces->retired[1]);
	memset(spaces, 0, sizeof(*spaces));
}

static void retire(struct ft_spaces *spaces, struct ft_published *published)
{
	size_t at = spaces->retired_count[0];

	if (published->words && !FT_GROW(&spaces->retired[0], &spaces->retired_cap[0], at + 1))
		spaces->retired[0][spaces->retired_count[0]++] =
			(struct ft_retired){published->place, published->words};
	memset(published, 0, sizeof(*published));
}

/* Writes the mappings to the pool. */
static int write_mappings(struct ft_spaces *spaces, const struct ft_space *space,
			  struct ft_wire_space *wire)
{
	size_t count =
		space->live_count < FT_WIRE_MAPPINGS_MAX ? space->live_count : FT_WIRE_MAPPINGS_MAX;
	struct ft_wire_mapping *list = ft_try_alloc(count, sizeof(*list));
	u32 words = (u32)count * FT_WIRE_MAPPING_WORDS;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		ft_tables_describe(spaces->tables, &space->live[i], &list[i]);
	wire->mappings = ft_pool_alloc(spaces->pool, words, true);
	wire->count = (u32)count;
	if (wire->mappings)
		ft_pool_write(spaces->pool, wire->mappings, list, words);
	free(list);
	return wire->mappings ? 0 : -ENOSPC;
}

int ft_spaces_publish(struct ft_spaces *spaces, u32 pid, const struct ft_space *space, u32 exec_id,
		      u64 now_ns, struct ft_published *published)
{
	u32 table_version = ft_tables_version(spaces->tables);
	struct ft_wire_space wire = {.exec_id = exec_id, .patience = PATIENCE};
	int code;

	if (published->words && published->exec_id == exec_id &&
	    published->space_version == space->version && published->table_version == table_version)
		return 0;
	if (!space->live_count)
		return -ENODATA;
	code = write_mappings(spaces, space, &wire);
	if (code)
		return code;
	if (bpf_map_update_elem(spaces->map_fd, &pid, &wire, BPF_ANY)) {
		code = -errno;
		ft_pool_free(spaces->pool, wire.mappings, wire.count * FT_WIRE_MAPPING_WORDS);
		return code;
	}
	retire(spaces, published);
	*published = (struct ft_published){wire.mappings, wire.count * FT_WIRE_MAPPING_WORDS,
					   exec_id,	  space->version,
					   table_version, now_ns};
	return 0;
}

void ft_spaces_forget(struct ft_spaces *spaces, u32 pid, bool reused,
		      struct ft_published *published)
{
	if (!published->words)
		return;
	if (!reused)
		bpf_map_delete_elem(spaces->map_fd, &pid);
	retire(spaces, published);
}

void ft_spaces_round(struct ft_spaces *spaces)
{
	struct ft_retired *list = spaces->retired[1];
	size_t cap = spaces->retired_cap[1];

	for (size_t i = 0; i < spaces->retired_count[1]; i++)
		ft_pool_free(spaces->pool, list[i].place, list[i].words);
	spaces->retired[1] = spaces->retired[0];
	spaces->retired_cap[1] = spaces->retired_cap[0];
	spaces->retired_count[1] = spaces->retired_count[0];
	spaces->retired[0] = list;
	spaces->retired_cap[0] = cap;
	spaces->retired_count[0] = 0;
}
