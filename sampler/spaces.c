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

/* Without memory to remember it the part is lost, and nothing worse. */
static void retire_part(void *context, u32 place, u32 words)
{
	struct ft_spaces *spaces = context;
	size_t at = spaces->retired_count[0];

	if (!FT_GROW(&spaces->retired[0], &spaces->retired_cap[0], at + 1))
		spaces->retired[0][spaces->retired_count[0]++] = (struct ft_retired){place, words};
}

static void retire(struct ft_spaces *spaces, struct ft_published *published)
{
	if (published->words)
		retire_part(spaces, published->place, published->words);
	memset(published, 0, sizeof(*published));
}

/* Programs remember what they found in the map until its epoch is another one. */
static void map_changed(const struct ft_spaces *spaces)
{
	for (u32 i = 0; i < spaces->cpu_count; i++)
		__atomic_add_fetch(&spaces->cpus[i].spaces_epoch, 1, __ATOMIC_SEQ_CST);
}

/* Enters a process into the map. */
static int map_enter(const struct ft_spaces *spaces, u32 pid, const struct ft_wire_space *wire)
{
	if (spaces->map_fd < 0)
		return 0;
	if (bpf_map_update_elem(spaces->map_fd, &pid, wire, BPF_ANY))
		return -errno;
	map_changed(spaces);
	return 0;
}

static void map_remove(const struct ft_spaces *spaces, u32 pid)
{
	if (spaces->map_fd < 0)
		return;
	bpf_map_delete_elem(spaces->map_fd, &pid);
	map_changed(spaces);
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
	struct ft_wire_space wire = {
		.exec_id = exec_id,
		.patience = PATIENCE,
		.layout = (u32)space->version,
		.dated = space->dated,
	};
	int code;

	if (published->words && published->exec_id == exec_id &&
	    published->space_version == space->version && published->table_version == table_version)
		return 0;
	if (!space->live_count)
		return -ENODATA;
	code = write_mappings(spaces, space, &wire);
	if (code)
		return code;
	if (!++spaces->version)
		spaces->version = 1;
	wire.version = spaces->version;
	code = map_enter(spaces, pid, &wire);
	if (code) {
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
		map_remove(spaces, pid);
	retire(spaces, published);
}

void ft_spaces_drop(struct ft_spaces *spaces, u32 pid, struct ft_published *published)
{
	map_remove(spaces, pid);
	retire(spaces, published);
}

bool ft_spaces_evict(struct ft_spaces *spaces, const u8 *mapped, u64 now_ns)
{
	if (!ft_tables_evict(spaces->tables, mapped, now_ns, retire_part, spaces))
		return false;
	spaces->evicted[0] = true;
	return true;
}

void ft_spaces_round(struct ft_spaces *spaces)
{
	struct ft_retired *list = spaces->retired[1];
	size_t cap = spaces->retired_cap[1];

	for (size_t i = 0; i < spaces->retired_count[1]; i++)
		ft_pool_free(spaces->pool, list[i].place, list[i].words);
	if (spaces->evicted[1])
		ft_tables_room_again(spaces->tables);
	spaces->evicted[1] = spaces->evicted[0];
	spaces->evicted[0] = false;
	spaces->retired[1] = spaces->retired[0];
	spaces->retired_cap[1] = spaces->retired_cap[0];
	spaces->retired_count[1] = spaces->retired_count[0];
	spaces->retired[0] = list;
	spaces->retired_cap[0] = cap;
	spaces->retired_count[0] = 0;
}
