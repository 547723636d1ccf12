/*
 * test_store.c - the user side of the stack store, on banks in plain memory that the test fills as
 * the BPF programs do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "sampler/store.h"

#define UNUSED __attribute__((unused))
#define SLOTS 4096
#define CHUNKS 3
#define CPUS 3
#define CAPACITY (CHUNKS * FT_WIRE_CHUNK_WORDS)

struct fixture {
	struct ft_store store;
	struct ft_wire_bank banks[FT_WIRE_BANKS];
	struct ft_wire_cpu cpus[CPUS];
	u32 next_slot;
};

static struct fixture *setup(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->store = (struct ft_store){
		.banks = f->banks,
		.cpus = f->cpus,
		.cpu_count = CPUS,
		.slots = calloc((size_t)FT_WIRE_BANKS * SLOTS, sizeof(u64)),
		.chunks = calloc((size_t)FT_WIRE_BANKS * CHUNKS, sizeof(struct ft_wire_chunk)),
		.slot_count = SLOTS,
		.chunk_count = CHUNKS,
	};
	assert_non_null(f->store.slots);
	assert_non_null(f->store.chunks);
	return f;
}

static void teardown(struct fixture *f)
{
	free(f->store.slots);
	free(f->store.chunks);
	free(f);
}

static struct ft_wire_record *record_at(struct fixture *f, u32 bank, u64 at)
{
	struct ft_wire_chunk *chunks = f->store.chunks + (size_t)bank * CHUNKS;

	return (void *)&chunks[at / FT_WIRE_CHUNK_WORDS].words[at % FT_WIRE_CHUNK_WORDS];
}

static u64 *slot_at(struct fixture *f, u32 bank, u32 slot)
{
	return &f->store.slots[bank * SLOTS + slot];
}

/*
 * Appends a record of that many words as the programs do, its first frame being id. False when the
 * bank is full.
 */
static bool put(struct fixture *f, u32 bank, u32 words, u64 count, u64 id)
{
	u64 at = f->banks[bank].used_words;
	struct ft_wire_record *record;

	f->banks[bank].used_words += words;
	if (at >= CAPACITY)
		return false;
	record = record_at(f, bank, at);
	if (at + words > CAPACITY) {
		record->words = 0;
		return false;
	}
	memset(record, 0xee, words * 8);
	record->count = count;
	record->words = words;
	record->slot = f->next_slot++ % SLOTS;
	record->frames[0] = id;
	if (count)
		*slot_at(f, bank, record->slot) = FT_WIRE_REF(id << 32, at);
	return true;
}

/* What a drain handed out. */
struct seen {
	u64 ids[8192], counts[8192], weight;
	u32 words[8192];
	u32 count;
	u32 fail_at; /* the call that fails, from 1 */
};

static int see(void *context, const struct ft_wire_record *record)
{
	struct seen *seen = context;

	assert_true(seen->count < FT_ARRAY_LEN(seen->ids));
	seen->ids[seen->count] = record->frames[0];
	seen->counts[seen->count] = record->count;
	seen->words[seen->count++] = record->words;
	seen->weight += record->count;
	return seen->count == seen->fail_at ? -ENOMEM : 0;
}

static void drain(struct fixture *f, u32 bank, struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	assert_int_equal(ft_store_drain(&f->store, bank, see, seen), 0);
	assert_int_equal(f->banks[bank].used_words, 0);
	for (u32 slot = 0; slot < SLOTS; slot++)
		assert_int_equal(*slot_at(f, bank, slot), 0);
}

static void test_order_and_emptying(void **state UNUSED)
{
	struct fixture *f = setup();
	struct seen *seen = malloc(sizeof(*seen));

	for (u64 round = 0; round < 3; round++) {
		for (u64 i = 0; i < 100; i++)
			assert_true(put(f, 1, FT_WIRE_FIXED_WORDS + 1 + (u32)i, i + 1,
					1000 * round + i));
		drain(f, 1, seen);
		assert_int_equal(seen->count, 100);
		for (u64 i = 0; i < 100; i++) {
			assert_int_equal(seen->ids[i], 1000 * round + i);
			assert_int_equal(seen->counts[i], i + 1);
			assert_int_equal(seen->words[i], FT_WIRE_FIXED_WORDS + 1 + i);
		}
		drain(f, 1, seen); /* there is nothing any more */
		assert_int_equal(seen->count, 0);
	}
	free(seen);
	teardown(f);
}

static void test_banks_are_apart(void **state UNUSED)
{
	struct fixture *f = setup();
	struct seen *seen = malloc(sizeof(*seen));

	put(f, 0, 20, 1, 10);
	put(f, 1, 20, 2, 11);
	put(f, 0, 20, 3, 12);
	drain(f, 0, seen);
	assert_int_equal(seen->count, 2);
	assert_int_equal(seen->ids[1], 12);
	assert_int_equal(f->banks[1].used_words, 20);
	assert_int_equal(FT_WIRE_REF_AT(*slot_at(f, 1, 1)), 0);
	assert_int_not_equal(*slot_at(f, 1, 1), 0);
	drain(f, 1, seen);
	assert_int_equal(seen->count, 1);
	assert_int_equal(seen->ids[0], 11);
	free(seen);
	teardown(f);
}

/*
 * A record that lost the race for its slot has count 0: it is passed over, and the slot is the
 * winner's.
 */
static void test_orphans(void **state UNUSED)
{
	struct fixture *f = setup();
	struct seen *seen = malloc(sizeof(*seen));

	put(f, 0, 20, 0, 1);
	put(f, 0, 30, 5, 2);
	put(f, 0, FT_WIRE_FIXED_WORDS, 0, 3);
	put(f, 0, FT_WIRE_RECORD_WORDS, 0, 4);
	put(f, 0, 40, 6, 5);
	/*
	 * The orphan names a slot that is not in this bank's use: it must not be cleared in its
	 * name.
	 */
	record_at(f, 0, 0)->slot = 77;
	*slot_at(f, 0, 77) = 0xabcdef;
	memset(seen, 0, sizeof(*seen));
	assert_int_equal(ft_store_drain(&f->store, 0, see, seen), 0);
	assert_int_equal(seen->count, 2);
	assert_int_equal(seen->ids[0], 2);
	assert_int_equal(seen->ids[1], 5);
	assert_int_equal(*slot_at(f, 0, 77), 0xabcdef);
	free(seen);
	teardown(f);
}

/* Fills a bank with records of that many words until one does not fit, and then tries more. */
static void overflow(u32 words)
{
	struct fixture *f = setup();
	struct seen *seen = malloc(sizeof(*seen));
	u64 fit = 0;

	/* What an earlier round left behind must not be taken for records. */
	for (u32 chunk = 0; chunk < FT_WIRE_BANKS * CHUNKS; chunk++)
		for (u32 word = 0; word < FT_WIRE_CHUNK_WORDS + FT_WIRE_SLACK_WORDS; word++)
			f->store.chunks[chunk].words[word] = 0x0000004000000040;
	while (put(f, 0, words, 1, fit))
		fit++;
	assert_int_equal(fit, CAPACITY / words);
	for (u32 i = 0; i < 10; i++)
		assert_false(put(f, 0, 1 + i, 1, 9999999));
	assert_true(f->banks[0].used_words > CAPACITY);
	drain(f, 0, seen);
	assert_int_equal(seen->count, fit);
	assert_int_equal(seen->weight, fit);
	for (u64 i = 0; i < fit; i++)
		assert_int_equal(seen->ids[i], i);
	assert_true(put(f, 0, words, 1, 0)); /* it can be used again */
	free(seen);
	teardown(f);
}

static void test_full_bank(void **state UNUSED)
{
	overflow(64);  /* fits exactly */
	overflow(100); /* the last one would not fit: the end marker */
	overflow(FT_WIRE_RECORD_WORDS);
	overflow(FT_WIRE_RECORD_WORDS - 1);
}

/*
 * Lengths for which records begin on every place near the end of a chunk, its last word among them.
 */
static void test_over_the_end_of_a_chunk(void **state UNUSED)
{
	for (u32 early = 1; early <= 20; early++) {
		struct fixture *f = setup();
		struct seen *seen = malloc(sizeof(*seen));
		u64 at = 0, id = 0;

		while (at + 100 + FT_WIRE_RECORD_WORDS < FT_WIRE_CHUNK_WORDS) {
			put(f, 0, 100, 1, id++);
			at += 100;
		}
		while (at + early < FT_WIRE_CHUNK_WORDS) {
			u32 left = (u32)(FT_WIRE_CHUNK_WORDS - early - at);
			u32 words = left > 2 * FT_WIRE_RECORD_WORDS ? FT_WIRE_RECORD_WORDS
				    : left > FT_WIRE_RECORD_WORDS   ? left / 2
								    : left;

			put(f, 0, words, 1, id++);
			at += words;
		}
		assert_int_equal(at, FT_WIRE_CHUNK_WORDS - early);
		put(f, 0, FT_WIRE_RECORD_WORDS, 7, id++); /* over the end */
		put(f, 0, 33, 9, id++);
		/*
		 * It runs on into the slack, and the next one lies where it would without chunks.
		 */
		assert_ptr_equal(record_at(f, 0, at), &f->store.chunks[0].words[at]);
		assert_ptr_equal(record_at(f, 0, at + FT_WIRE_RECORD_WORDS),
				 &f->store.chunks[1].words[FT_WIRE_RECORD_WORDS - early]);
		drain(f, 0, seen);
		assert_int_equal(seen->count, id);
		for (u64 i = 0; i < id; i++)
			assert_int_equal(seen->ids[i], i);
		assert_int_equal(seen->counts[id - 2], 7);
		assert_int_equal(seen->counts[id - 1], 9);
		free(seen);
		teardown(f);
	}
}

/* Lengths that no program writes end the drain; the bank is emptied all the same. */
static void test_impossible_lengths(void **state UNUSED)
{
	static const u32 lengths[] = {0, 1, FT_WIRE_FIXED_WORDS - 1, FT_WIRE_RECORD_WORDS + 1,
				      UINT32_MAX};

	for (size_t i = 0; i < FT_ARRAY_LEN(lengths); i++) {
		struct fixture *f = setup();
		struct seen *seen = calloc(1, sizeof(*seen));

		put(f, 0, 20, 1, 1);
		put(f, 0, 20, 1, 2);
		put(f, 0, 20, 1, 3);
		record_at(f, 0, 20)->words = lengths[i];
		assert_int_equal(ft_store_drain(&f->store, 0, see, seen), 0);
		assert_int_equal(seen->count, 1);
		assert_int_equal(f->banks[0].used_words, 0);
		free(seen);
		teardown(f);
	}
}

static void test_failing_consumer(void **state UNUSED)
{
	struct fixture *f = setup();
	struct seen *seen = calloc(1, sizeof(*seen));

	for (u64 i = 0; i < 10; i++)
		put(f, 0, 20, 1, i);
	seen->fail_at = 4;
	assert_int_equal(ft_store_drain(&f->store, 0, see, seen), -ENOMEM);
	assert_int_equal(seen->count, 4);
	drain(f, 0, seen); /* checks that slots and bank are empty */
	assert_int_equal(seen->count, 0);
	free(seen);
	teardown(f);
}

static void *leave_later(void *arg)
{
	struct fixture *f = arg;
	struct timespec while_waiting = {.tv_nsec = 20000000};

	nanosleep(&while_waiting, NULL);
	/* Only now does the last program finish its record. */
	put(f, 0, 20, 1, 42);
	__atomic_store_n(&f->cpus[CPUS - 1].users[0], 0, __ATOMIC_SEQ_CST);
	return NULL;
}

static void test_switch(void **state UNUSED)
{
	struct fixture *f = setup();
	struct seen *seen = malloc(sizeof(*seen));
	pthread_t writer;

	assert_int_equal(ft_store_switch(&f->store), 0);
	assert_int_equal(f->store.active, 1);
	f->cpus[CPUS - 1].users[0] = 3; /* somebody else's: not ours to wait for */
	assert_int_equal(ft_store_switch(&f->store), 1);
	assert_int_equal(f->store.active, 0);
	assert_int_equal(pthread_create(&writer, NULL, leave_later, f), 0);
	assert_int_equal(ft_store_switch(&f->store), 0);
	assert_int_equal(f->store.active, 1);
	assert_int_equal(f->banks[0].used_words, 20);
	pthread_join(writer, NULL);
	drain(f, 0, seen);
	assert_int_equal(seen->ids[0], 42);
	free(seen);
	teardown(f);
}

static void test_fill(void **state UNUSED)
{
	struct fixture *f = setup();

	f->banks[1].used_words = CAPACITY;
	assert_int_equal(ft_store_fill(&f->store), 0);
	f->banks[0].used_words = CAPACITY / 2;
	assert_int_equal(ft_store_fill(&f->store), 50);
	f->banks[0].used_words = CAPACITY - 1;
	assert_int_equal(ft_store_fill(&f->store), 99);
	f->banks[0].used_words = (u64)CAPACITY * 1000;
	assert_int_equal(ft_store_fill(&f->store), 100);
	f->store.active = 1;
	f->banks[1].used_words = 0;
	assert_int_equal(ft_store_fill(&f->store), 0);
	teardown(f);
}

/*
 * The promises of ft_store_size: a second of usual stacks, a slot for the shortest ones, bounds,
 * powers of two.
 */
static void test_sizes(void **state UNUSED)
{
	static const u64 rates[] = {0,	   1,	   99,	   999,	    10000,
				    50000, 100000, 131072, 1000000, 1000000000ull * 4096};
	struct ft_store store = {0};
	u32 before = 0;

	for (size_t i = 0; i < FT_ARRAY_LEN(rates); i++) {
		u64 words;

		ft_store_size(&store, rates[i]);
		words = (u64)store.chunk_count * FT_WIRE_CHUNK_WORDS;
		assert_true(store.chunk_count >= 2 && store.chunk_count <= 256);
		assert_true(i < 2 || store.chunk_count >= before);
		assert_int_equal(store.slot_count & (store.slot_count - 1), 0);
		assert_true(store.slot_count > words / (FT_WIRE_FIXED_WORDS + 1));
		if (rates[i] && rates[i] <= 131072)
			assert_true(words >= rates[i] * 64);
		before = store.chunk_count;
	}
}

static void test_open_and_close(void **state UNUSED)
{
	int slots_fd = memfd_create("slots", MFD_CLOEXEC),
	    chunks_fd = memfd_create("chunks", MFD_CLOEXEC),
	    cpus_fd = memfd_create("cpus", MFD_CLOEXEC);
	struct ft_store store = {.slot_count = SLOTS, .chunk_count = CHUNKS, .cpu_count = CPUS};
	struct ft_err err = {0};

	assert_true(slots_fd >= 0 && chunks_fd >= 0 && cpus_fd >= 0);
	assert_int_equal(ftruncate(slots_fd, 2 * SLOTS * sizeof(u64)), 0);
	assert_int_equal(ftruncate(chunks_fd, 2 * CHUNKS * sizeof(struct ft_wire_chunk)), 0);
	assert_int_equal(ftruncate(cpus_fd, CPUS * sizeof(struct ft_wire_cpu)), 0);
	assert_int_equal(ft_store_open(&store, slots_fd, chunks_fd, cpus_fd, &err), 0);
	store.cpus[CPUS - 1].samples = 1;
	store.slots[2 * SLOTS - 1] = 1;
	store.chunks[2 * CHUNKS - 1].words[FT_WIRE_CHUNK_WORDS + FT_WIRE_SLACK_WORDS - 1] = 1;
	ft_store_close(&store);
	assert_null(store.slots);
	assert_null(store.chunks);
	ft_store_close(&store);
	assert_int_equal(ft_store_open(&store, -1, chunks_fd, cpus_fd, &err), -EBADF);
	assert_int_equal(err.code, -EBADF);
	assert_null(store.slots);
	assert_int_equal(ft_store_open(&store, slots_fd, -1, cpus_fd, &err), -EBADF);
	assert_int_equal(ft_store_open(&store, slots_fd, chunks_fd, -1, &err), -EBADF);
	assert_null(store.slots);
	assert_null(store.chunks);
	assert_int_not_equal(ft_store_open(&store, slots_fd, -1, cpus_fd, NULL), 0);
	close(slots_fd);
	close(chunks_fd);
	close(cpus_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_emptying),
		cmocka_unit_test(test_banks_are_apart),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_full_bank),
		cmocka_unit_test(test_over_the_end_of_a_chunk),
		cmocka_unit_test(test_impossible_lengths),
		cmocka_unit_test(test_failing_consumer),
		cmocka_unit_test(test_switch),
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_open_and_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
