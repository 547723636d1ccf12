/*
 * test_columns.c - what travels with a picture is the whole profile: unpacked by other code than
 * packs it, it has the same stacks, in the order of names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>

#include "output/columns.h"

#define PARTS 13

struct reader {
	const u8 *at, *end;
};

struct unpacked {
	u8 *bytes;
	u64 version, unit, frames, nodes;
	struct reader parts[PARTS];
	const char **names; /* by frame; ended by a line feed */
};

enum {
	NAMES,
	MODULES,
	FILES,
	FRAMES,
	FOLLOWERS,
	CALLS,
	STEPS,
	LEAVES,
	INNER,
	PLACES,
	LINES,
	ROUNDS,
	WEIGHTS
};

static u64 number(struct reader *r)
{
	u64 value = 0;

	for (u32 shift = 0;; shift += 7) {
		u8 byte;

		assert_true(r->at < r->end);
		byte = *r->at++;
		value |= (u64)(byte & 0x7F) << shift;
		if (byte < 0x80)
			return value;
	}
}

static size_t decode(const char *text, size_t len, u8 *bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	u32 bits = 0, held = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		const char *digit = strchr(digits, text[i]);

		if (text[i] == '=' || text[i] == '|')
			continue;
		assert_non_null(digit);
		held = held << 6 | (u32)(digit - digits);
		bits += 6;
		if (bits >= 8)
			bytes[n++] = (u8)(held >> (bits -= 8));
	}
	return n;
}

static u8 *inflate_all(const u8 *bytes, size_t len, size_t *size)
{
	z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)len};
	size_t cap = 64u << 20;
	u8 *data = malloc(cap);

	stream.next_out = data;
	stream.avail_out = (uInt)cap;
	assert_int_equal(inflateInit2(&stream, -MAX_WBITS), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.avail_in, 0);
	*size = stream.total_out;
	inflateEnd(&stream);
	return data;
}

static void read_head(struct unpacked *u, size_t size)
{
	struct reader head = {u->bytes, u->bytes + size};
	u64 lengths[PARTS];
	const u8 *at;

	u->version = number(&head);
	u->unit = number(&head);
	u->frames = number(&head);
	u->nodes = number(&head);
	for (u32 i = 0; i < PARTS; i++)
		lengths[i] = number(&head);
	at = head.at;
	for (u32 i = 0; i < PARTS; i++) {
		u->parts[i] = (struct reader){at, at + lengths[i]};
		at += lengths[i];
	}
	assert_ptr_equal(at, u->bytes + size);
	u->names = calloc(u->frames, sizeof(*u->names));
	u->names[0] = "all\n";
	for (u32 i = 1; i < u->frames; i++) {
		const u8 *end = memchr(u->parts[NAMES].at, '\n',
				       (size_t)(u->parts[NAMES].end - u->parts[NAMES].at));

		assert_non_null(end);
		u->names[i] = (const char *)u->parts[NAMES].at;
		u->parts[NAMES].at = end + 1;
	}
}

static void unpack(const struct ft_profile *p, struct unpacked *u)
{
	struct ft_out *out = ft_out_new_memory();
	struct ft_pack *pack = ft_pack_new(out, "|");
	struct ft_columns *columns;
	struct ft_order order;
	size_t len, size;
	const char *text;
	u8 *bytes;
	int code;

	assert_int_equal(ft_order_init(&order, p), 0);
	code = ft_columns_new(&order, true, &columns);
	assert_int_equal(code, 0);
	ft_order_fini(&order);
	ft_columns_put(columns, pack);
	assert_int_equal(ft_pack_finish(pack), 0);
	text = ft_out_memory(out, &len);
	bytes = malloc(len + 1);
	u->bytes = inflate_all(bytes, decode(text, len, bytes), &size);
	free(bytes);
	ft_out_close(out);
	read_head(u, size);
	assert_int_equal(u->nodes, ft_columns_count(columns) + 1);
	ft_columns_free(columns);
}

static void forget(struct unpacked *u)
{
	free(u->names);
	free(u->bytes);
}

/* A stack's weight in the profile, found by names from the root. */
static u64 *find_self(const struct ft_profile *p, const char *const *path, u32 depth, u64 *selfs)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(p->tree);
	u32 at = 0;

	for (u32 d = 0; d < depth; d++) {
		u32 i = at + 1, count = ft_tree_count(p->tree);

		for (; i < count; i++) {
			u32 name = p->frames[nodes[i].key].name;
			size_t len = ft_strtab_len(p->strings, name);

			if (nodes[i].parent == at && path[d][len] == '\n' &&
			    !memcmp(path[d], ft_strtab_str(p->strings, name), len))
				break;
		}
		assert_true(i < count);
		at = i;
	}
	return &selfs[at];
}

/* Walks what was unpacked; every node's own weight must be what the profile says, once. */
static void compare(const struct ft_profile *p, struct unpacked *u)
{
	u32 count = ft_tree_count(p->tree), depth = 0, *first = calloc(u->frames + 1, 4), *list;
	u64 *selfs = calloc(count, 8), missing[64] = {0};
	u32 frames[64] = {0}, last[64] = {0}, follower = 0;
	const char *path[64];

	list = calloc((size_t)(u->parts[FOLLOWERS].end - u->parts[FOLLOWERS].at) + 1, 4);
	for (u32 f = 0; f < u->frames; f++) {
		first[f] = follower;
		for (u64 n = number(&u->parts[FOLLOWERS]); n > 0; n--)
			list[follower++] = (u32)number(&u->parts[FOLLOWERS]);
	}
	first[u->frames] = follower;
	for (u32 i = 0; i < count; i++)
		selfs[i] = ft_tree_nodes(p->tree)[i].self;
	for (u64 i = 0; i < u->nodes; i++) {
		u64 calls = number(&u->parts[CALLS]), *self;

		if (i > 0) {
			u32 at = first[frames[depth]] + (u32)number(&u->parts[STEPS]);

			assert_true(at < first[frames[depth] + 1]);
			assert_true(list[at] > last[depth]); /* by name: no two are equal */
			last[depth] = list[at];
			missing[depth]--;
			frames[++depth] = list[at];
			path[depth - 1] = u->names[list[at]];
		}
		missing[depth] = calls;
		last[depth] = 0;
		self = find_self(p, path, depth, selfs);
		assert_int_equal(*self,
				 calls ? number(&u->parts[INNER]) : number(&u->parts[LEAVES]) + 1);
		*self = 0;
		while (depth > 0 && missing[depth] == 0)
			depth--;
	}
	assert_int_equal(missing[0], 0);
	for (u32 i = 0; i < count; i++)
		assert_int_equal(selfs[i], 0);
	free(first);
	free(list);
	free(selfs);
}

static u32 child(struct ft_profile *p, u32 node, const char *name)
{
	struct ft_frame frame = {.name = ft_strtab_add(p->strings, name, strlen(name)),
				 .kind = FT_FRAME_USER};

	return ft_tree_child(p->tree, node, ft_profile_frame(p, &frame));
}

static void test_random_trees(void **state)
{
	static const char *const names[] = {"a", "b", "ab", "c", "zz", "B", "long name", "x"};
	u64 seed = 7;

	(void)state;
	for (u32 round = 0; round < 40; round++) {
		struct ft_profile *p = ft_profile_new();
		struct unpacked u;

		for (u32 i = 0; i < 200; i++) {
			u32 node = FT_TREE_ROOT;
			u64 weight = (seed = seed * 6364136223846793005u + 1442695040888963407u) >>
				     (round % 2 ? 20 : 60);

			for (u32 d = (u32)(seed >> 33) % 12; d-- > 0;) {
				seed = seed * 6364136223846793005u + 1442695040888963407u;
				node = child(p, node, names[(seed >> 40) % FT_ARRAY_LEN(names)]);
			}
			ft_tree_add(p->tree, node, weight);
		}
		p->unit = FT_UNIT_BYTES;
		unpack(p, &u);
		assert_int_equal(u.version, 2);
		assert_int_equal(u.unit, FT_UNIT_BYTES);
		compare(p, &u);
		forget(&u);
		ft_profile_free(p);
	}
}

/* Long columns are tried in several ways, and base64 is divided. */
static void test_long_columns(void **state)
{
	struct ft_profile *p = ft_profile_new();
	struct unpacked u;
	u64 seed = 3, sum = 0, found = 0;
	char name[32];

	(void)state;
	for (u32 i = 0; i < 400000; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		snprintf(name, sizeof(name), "f%u", (u32)(seed >> 40) % 500);
		ft_tree_add(p->tree, child(p, child(p, 0, name), name + 2), seed >> 30);
		snprintf(name, sizeof(name), "g%llu", (unsigned long long)seed);
		ft_tree_add(p->tree, child(p, 1, name), seed >> 30);
		sum += (seed >> 30) * 2;
	}
	unpack(p, &u);
	while (u.parts[LEAVES].at < u.parts[LEAVES].end)
		found += number(&u.parts[LEAVES]) + 1;
	while (u.parts[INNER].at < u.parts[INNER].end)
		found += number(&u.parts[INNER]);
	assert_true(found == sum);
	forget(&u);
	ft_profile_free(p);
}

static void test_names_are_lines(void **state)
{
	struct ft_profile *p = ft_profile_new();
	char *big = malloc(20001);
	struct unpacked u;

	(void)state;
	memset(big, 'x', 20000);
	big[20000] = '\0';
	ft_tree_add(p->tree, child(p, 0, "two\nlines\xFF"), 1);
	ft_tree_add(p->tree, child(p, 0, big), 1);
	unpack(p, &u);
	assert_int_equal(u.frames, 3);
	assert_memory_equal(u.names[1], "two\xE2\x90\x8Alines\xEF\xBF\xBD\n", 15);
	assert_memory_equal(u.names[2] + 8192, "\xE2\x80\xA6\n", 4);
	forget(&u);
	free(big);
	ft_profile_free(p);
}

static void test_places(void **state)
{
	static const u64 codes[] = {0, 1, 2, 1, 3};
	static const u64 lines[] = {0, 10, 0, 20};
	struct ft_profile *p = ft_profile_new();
	u32 file = ft_strtab_add(p->strings, "x.c", 3), node = 0;
	struct unpacked u;

	(void)state;
	/* a (10) > a (10) > a (20) > a (10) */
	for (u32 i = 0; i < 4; i++) {
		node = child(p, node, "a");
		ft_places_add(&p->places, node, file, i == 2 ? 20 : 10, 1);
	}
	ft_tree_add(p->tree, node, 1);
	ft_places_finish(&p->places);
	unpack(p, &u);
	assert_int_equal(u.nodes, 5);
	for (u32 i = 1; i < 5; i++)
		assert_int_equal(number(&u.parts[PLACES]), codes[i]);
	for (u32 i = 0; i < 4; i++)
		assert_int_equal(number(&u.parts[LINES]), lines[i]);
	assert_memory_equal(u.parts[FILES].at, "x.c\n", 4);
	forget(&u);
	ft_profile_free(p);
}

/*
 * Weights of a round are of the nodes as they are numbered here, each once; what came to nothing is
 * not there.
 */
static void test_rounds(void **state)
{
	static const u64 rounds[] = {1000, 2, 500, 1},
			 weights[] = {1, 2 * 5, 1, 2 * 7, 2, 2 * 2 - 1};
	struct ft_profile *p = ft_profile_new();
	u32 z = child(p, 0, "z"), a = child(p, 0, "a"), gone = child(p, a, "gone");
	struct unpacked u;
	u64 *before = NULL;
	size_t cap = 0;

	(void)state;
	ft_tree_add(p->tree, z, 7);
	ft_tree_add(p->tree, a, 5);
	ft_tree_add(p->tree, gone, 1);
	assert_int_equal(ft_rounds_add(&p->rounds, p->tree, &before, &cap, 1000000), 0);
	ft_tree_set(p->tree, z, 5);
	ft_tree_set(p->tree, gone, 0);
	assert_int_equal(ft_rounds_add(&p->rounds, p->tree, &before, &cap, 1500000), 0);
	unpack(p, &u);
	assert_int_equal(u.nodes, 3); /* all, a, z */
	for (u32 i = 0; i < FT_ARRAY_LEN(rounds); i++)
		assert_int_equal(number(&u.parts[ROUNDS]), rounds[i]);
	for (u32 i = 0; i < FT_ARRAY_LEN(weights); i++)
		assert_int_equal(number(&u.parts[WEIGHTS]), weights[i]);
	assert_ptr_equal(u.parts[WEIGHTS].at, u.parts[WEIGHTS].end);
	forget(&u);
	free(before);
	ft_profile_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_trees),	cmocka_unit_test(test_long_columns),
		cmocka_unit_test(test_names_are_lines), cmocka_unit_test(test_places),
		cmocka_unit_test(test_rounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
