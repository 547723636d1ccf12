/* store.c - see store.h. */
#include "sampler/store.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNKS_MIN 2 /* half a MiB a bank */
#define CHUNKS_UNKNOWN 32
#define CHUNKS_MAX 256 /* 64 MiB a bank */
#define STACK_WORDS 64 /* a usual stack with its header */

void ft_store_size(struct ft_store *store, u64 stacks_per_second)
{
	u64 chunks =
		(stacks_per_second * STACK_WORDS + FT_WIRE_CHUNK_WORDS - 1) / FT_WIRE_CHUNK_WORDS;

	if (!stacks_per_second)
		chunks = CHUNKS_UNKNOWN;
	if (chunks < CHUNKS_MIN)
		chunks = CHUNKS_MIN;
	if (chunks > CHUNKS_MAX)
		chunks = CHUNKS_MAX;
	store->chunk_count = (u32)chunks;
	/*
	 * A power of two, and more than the shortest stacks that fit: the bank is full before the
	 * table is.
	 */
	store->slot_count = 1024;
	while (store->slot_count < chunks * FT_WIRE_CHUNK_WORDS / FT_WIRE_FIXED_WORDS)
		store->slot_count *= 2;
}

static size_t slots_bytes(const struct ft_store *store)
{
	return (size_t)FT_WIRE_BANKS * store->slot_count * sizeof(*store->slots);
}

static size_t chunks_bytes(const struct ft_store *store)
{
	return (size_t)FT_WIRE_BANKS * store->chunk_count * sizeof(*store->chunks);
}

static size_t cpus_bytes(const struct ft_store *store)
{
	return store->cpu_count * sizeof(*store->cpus);
}

static int map_whole(int fd, size_t bytes, const char *what, void **result, struct ft_err *err)
{
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return ft_err_set(err, -errno, "cannot map the %s: %s", what, strerror(errno));
	*result = map;
	return 0;
}

int ft_store_open(struct ft_store *store, int slots_fd, int chunks_fd, int cpus_fd,
		  struct ft_err *err)
{
	void *slots = NULL, *chunks = NULL, *cpus = NULL;
	int code = map_whole(slots_fd, slots_bytes(store), "stack table", &slots, err);

	if (!code)
		code = map_whole(chunks_fd, chunks_bytes(store), "stack store", &chunks, err);
	if (!code)
		code = map_whole(cpus_fd, cpus_bytes(store), "counters", &cpus, err);
	store->slots = slots;
	store->chunks = chunks;
	store->cpus = cpus;
	if (code)
		ft_store_close(store);
	return code;
}

void ft_store_close(struct ft_store *store)
{
	if (store->slots)
		munmap(store->slots, slots_bytes(store));
	if (store->chunks)
		munmap(store->chunks, chunks_bytes(store));
	if (store->cpus)
		munmap(store->cpus, cpus_bytes(store));
	store->slots = NULL;
	store->chunks = NULL;
	store->cpus = NULL;
}

static u64 bank_words(const struct ft_store *store)
{
	return (u64)store->chunk_count * FT_WIRE_CHUNK_WORDS;
}

u32 ft_store_fill(const struct ft_store *store)
{
	u64 used = __atomic_load_n(&store->banks[store->active].used_words, __ATOMIC_RELAXED);

	return used >= bank_words(store) ? 100 : (u32)(used * 100 / bank_words(store));
}

u32 ft_store_switch(struct ft_store *store)
{
	u32 old = store->active;

	store->active = old ^ 1;
	for (u32 i = 0; i < store->cpu_count; i++)
		__atomic_store_n(&store->cpus[i].active, store->active, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < store->cpu_count; i++) {
		while (__atomic_load_n(&store->cpus[i].users[old], __ATOMIC_SEQ_CST))
			sched_yield();
	}
	return old;
}

int ft_store_drain(struct ft_store *store, u32 bank, ft_store_fn fn, void *context)
{
	u64 *slots = store->slots + (size_t)bank * store->slot_count;
	struct ft_wire_chunk *chunks = store->chunks + (size_t)bank * store->chunk_count;
	u64 used = store->banks[bank].used_words, at = 0;
	int code = 0;

	while (at < used && at < bank_words(store)) {
		struct ft_wire_record *record = (void *)&chunks[at / FT_WIRE_CHUNK_WORDS]
							.words[at & (FT_WIRE_CHUNK_WORDS - 1)];

		if (record->words < FT_WIRE_FIXED_WORDS || record->words > FT_WIRE_RECORD_WORDS)
			break; /* the bank was full from here on */
		if (record->count) {
			slots[record->slot & (store->slot_count - 1)] = 0;
			if (!code)
				code = fn(context, record);
		}
		at += record->words;
	}
	store->banks[bank].used_words = 0;
	return code;
}
