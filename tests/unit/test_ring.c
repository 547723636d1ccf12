/*
 * test_ring.c - the reader of perf's ring buffer, on a buffer in plain memory that the test writes
 * as the kernel would.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sampler/ring.h"

#define UNUSED __attribute__((unused))
#define DATA_BYTES 8192

struct fixture {
	struct ft_ring ring;
	char *data;
	u64 written; /* the kernel's own idea of the head */
};

static void setup(struct fixture *f)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = memfd_create("ring", MFD_CLOEXEC);

	memset(f, 0, sizeof(*f));
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(page + DATA_BYTES)), 0);
	assert_int_equal(ft_ring_open(&f->ring, fd, DATA_BYTES), 0);
	close(fd);
	f->data = (char *)f->ring.page + page;
}

/* Appends a record whose payload bytes are all fill; size is that of the whole record. */
static void put(struct fixture *f, u32 type, u16 size, char fill)
{
	char bytes[65536];
	struct perf_event_header header = {.type = type, .size = size};

	memset(bytes, fill, sizeof(bytes));
	memcpy(bytes, &header, sizeof(header));
	for (u32 i = 0; i < size || i < sizeof(header); i++)
		f->data[(f->written + i) % DATA_BYTES] = bytes[i];
	f->written += size;
	f->ring.page->data_head = f->written;
}

static void assert_next(struct fixture *f, u32 type, u16 size, char fill)
{
	const struct perf_event_header *header = ft_ring_peek(&f->ring);

	assert_non_null(header);
	assert_int_equal(header->type, type);
	assert_int_equal(header->size, size);
	for (size_t i = sizeof(*header); i < size; i++)
		assert_int_equal(((const char *)header)[i], fill);
	ft_ring_next(&f->ring);
}

static void test_in_order(void **state UNUSED)
{
	struct fixture f;

	setup(&f);
	assert_null(ft_ring_peek(&f.ring));
	ft_ring_next(&f.ring); /* nothing there: nothing happens */
	put(&f, 1, 64, 'a');
	assert_null(ft_ring_peek(&f.ring)); /* not before a refill */
	ft_ring_refill(&f.ring);
	put(&f, 2, 8, 'b'); /* too late for this round */
	assert_ptr_equal(ft_ring_peek(&f.ring), f.data);
	assert_ptr_equal(ft_ring_peek(&f.ring), f.data); /* looking does not consume */
	assert_int_equal(f.ring.page->data_tail, 0);
	assert_next(&f, 1, 64, 'a');
	assert_int_equal(f.ring.page->data_tail, 64);
	assert_null(ft_ring_peek(&f.ring));
	ft_ring_refill(&f.ring);
	assert_next(&f, 2, 8, 'b');
	assert_null(ft_ring_peek(&f.ring));
	assert_int_equal(f.ring.page->data_tail, 72);
	ft_ring_close(&f.ring);
	ft_ring_close(&f.ring);
	assert_null(ft_ring_peek(&f.ring));
	ft_ring_refill(&f.ring);
}

/* A record of 80 bytes whose first bytes_before lie at the end of the buffer. */
static void wrap_at(u16 bytes_before)
{
	struct fixture f;

	setup(&f);
	f.written = f.ring.tail = DATA_BYTES * 3 - bytes_before;
	put(&f, 7, 80, 'w');
	put(&f, 8, 40, 'x');
	ft_ring_refill(&f.ring);
	assert_next(&f, 7, 80, 'w');
	assert_int_equal(f.ring.page->data_tail, DATA_BYTES * 3 - bytes_before + 80);
	assert_next(&f, 8, 40, 'x');
	assert_null(ft_ring_peek(&f.ring));
	ft_ring_close(&f.ring);
}

static void test_wrapped_record(void **state UNUSED)
{
	for (u16 before = 8; before <= 80; before = (u16)(before + 8))
		wrap_at(before);
}

static void test_full_ring_many_rounds(void **state UNUSED)
{
	struct fixture f;
	u32 seed = 1, type = 0;

	setup(&f);
	for (u32 round = 0; round < 200; round++) {
		u64 start = f.written;
		u16 sizes[DATA_BYTES / 8];
		u32 count = 0;

		for (;;) {
			u16 size;

			seed = seed * 1103515245 + 12345;
			size = (u16)((seed >> 16) % 60 * 8 + 8);
			if (f.written + size - start > DATA_BYTES)
				break;
			put(&f, type + count, size, (char)(type + count));
			sizes[count++] = size;
		}
		ft_ring_refill(&f.ring);
		for (u32 i = 0; i < count; i++, type++)
			assert_next(&f, type, sizes[i], (char)type);
		assert_null(ft_ring_peek(&f.ring));
		assert_int_equal(f.ring.page->data_tail, f.written);
	}
	ft_ring_close(&f.ring);
}

/* One record as large as the whole buffer, beginning in its middle. */
static void test_largest_record(void **state UNUSED)
{
	struct fixture f;

	setup(&f);
	f.written = f.ring.tail = DATA_BYTES / 2;
	put(&f, 1, DATA_BYTES, 'm');
	ft_ring_refill(&f.ring);
	assert_next(&f, 1, DATA_BYTES, 'm');
	ft_ring_close(&f.ring);
}

/*
 * Sizes that no kernel writes: the reader gets past them, and reads nothing beyond what was
 * written.
 */
static void test_impossible_sizes(void **state UNUSED)
{
	static const u16 sizes[] = {0, 4, 12, 65528};

	for (size_t i = 0; i < FT_ARRAY_LEN(sizes); i++) {
		struct fixture f;

		setup(&f);
		put(&f, 1, 16, 'a');
		put(&f, 2, 16, 'b');
		memcpy(f.data + 16 + offsetof(struct perf_event_header, size), &sizes[i],
		       sizeof(sizes[i]));
		ft_ring_refill(&f.ring);
		assert_next(&f, 1, 16, 'a');
		assert_null(ft_ring_peek(&f.ring));
		ft_ring_next(&f.ring);
		put(&f, 3, 24, 'c');
		ft_ring_refill(&f.ring);
		assert_next(&f, 3, 24, 'c');
		ft_ring_close(&f.ring);
	}
}

static void test_open_fails(void **state UNUSED)
{
	struct ft_ring ring = {0};

	assert_int_equal(ft_ring_open(&ring, -1, DATA_BYTES), -EBADF);
	assert_null(ring.page);
	ft_ring_close(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_wrapped_record),
		cmocka_unit_test(test_full_ring_many_rounds),
		cmocka_unit_test(test_largest_record),
		cmocka_unit_test(test_impossible_sizes),
		cmocka_unit_test(test_open_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
