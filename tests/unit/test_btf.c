/*
 * test_btf.c - finds members in BTF: in small files made here, damaged ones among them, and in the
 * running kernel's, where bpftool must find the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/btf.h"

#define UNUSED __attribute__((unused))
#define KFLAG 1

/* A BTF file in the making. */
struct maker {
	char types[4096], strings[1024];
	u32 types_len, strings_len, count;
};

static u32 text(struct maker *m, const char *name)
{
	u32 at = m->strings_len;

	strcpy(m->strings + at, name);
	m->strings_len += (u32)strlen(name) + 1;
	return at;
}

static void word(struct maker *m, u32 value)
{
	memcpy(m->types + m->types_len, &value, sizeof(value));
	m->types_len += (u32)sizeof(value);
}

/* The head of a type; its id is returned. */
static u32 type(struct maker *m, const char *name, u32 kind, u32 vlen, u32 kflag, u32 size)
{
	word(m, *name ? text(m, name) : 0);
	word(m, kflag << 31 | kind << 24 | vlen);
	word(m, size);
	return ++m->count;
}

static void member(struct maker *m, const char *name, u32 type_id, u32 offset)
{
	word(m, *name ? text(m, name) : 0);
	word(m, type_id);
	word(m, offset);
}

static void maker_init(struct maker *m)
{
	memset(m, 0, sizeof(*m));
	text(m, "");
}

/*
 * Every kind of type that a reader has to skip, so that what follows is found only if it knows all
 * their lengths.
 */
static void all_kinds(struct maker *m)
{
	static const struct {
		u32 kind, vlen, words;
	} kinds[] = {
		{BTF_KIND_INT, 0, 1},	   {BTF_KIND_PTR, 0, 0},      {BTF_KIND_ARRAY, 0, 3},
		{BTF_KIND_UNION, 2, 6},	   {BTF_KIND_ENUM, 3, 6},     {BTF_KIND_FWD, 0, 0},
		{BTF_KIND_TYPEDEF, 0, 0},  {BTF_KIND_VOLATILE, 0, 0}, {BTF_KIND_CONST, 0, 0},
		{BTF_KIND_RESTRICT, 0, 0}, {BTF_KIND_FUNC, 0, 0},     {BTF_KIND_FUNC_PROTO, 2, 4},
		{BTF_KIND_VAR, 0, 1},	   {BTF_KIND_DATASEC, 2, 6},  {BTF_KIND_FLOAT, 0, 0},
		{BTF_KIND_DECL_TAG, 0, 1}, {BTF_KIND_TYPE_TAG, 0, 0}, {BTF_KIND_ENUM64, 2, 6},
		{BTF_KIND_STRUCT, 0, 0},
	};

	for (size_t i = 0; i < FT_ARRAY_LEN(kinds); i++) {
		type(m, "", kinds[i].kind, kinds[i].vlen, 0, 0);
		for (u32 w = 0; w < kinds[i].words; w++)
			word(m, 0);
	}
}

struct image {
	struct btf_header header;
	char rest[8192];
	u32 len; /* of header and rest */
};

static void finish(const struct maker *m, struct image *image)
{
	memset(image, 0, sizeof(*image));
	image->header = (struct btf_header){
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(image->header),
		.type_len = m->types_len,
		.str_off = m->types_len,
		.str_len = m->strings_len,
	};
	memcpy(image->rest, m->types, m->types_len);
	memcpy(image->rest + m->types_len, m->strings, m->strings_len);
	image->len = (u32)sizeof(image->header) + m->types_len + m->strings_len;
}

/* Asks for one field of an image; untouched offsets stay 77. */
static int ask(const struct image *image, const char *structure, const char *field, u32 *offset,
	       struct ft_err *err)
{
	struct ft_btf_field wanted = {structure, field, offset, NULL};
	char path[] = "/tmp/test-btf-XXXXXX";
	int fd = mkstemp(path), code;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, image, image->len), image->len);
	close(fd);
	memset(err, 0, sizeof(*err));
	code = ft_btf_find(path, &wanted, 1, err);
	unlink(path);
	assert_int_equal(err->code, code);
	return code;
}

static void assert_offset(const struct image *image, const char *structure, const char *field,
			  u32 want)
{
	struct ft_err err;
	u32 offset = 77;

	if (ask(image, structure, field, &offset, &err))
		fail_msg("%s.%s: %s", structure, field ? field : "", err.text);
	assert_int_equal(offset, want);
}

static void assert_refused(const struct image *image, int code, const char *says)
{
	struct ft_err err;
	u32 offset = 77;

	assert_int_equal(ask(image, "task", "pid", &offset, &err), code);
	assert_int_equal(offset, 77);
	if (!strstr(err.text, says))
		fail_msg("'%s' does not say '%s'", err.text, says);
}

/* struct task { int flags; int pid; } with names around that resemble it. */
static void simple(struct image *image)
{
	struct maker m;
	u32 integer;

	maker_init(&m);
	text(&m, "multitask"); /* ends in the name that is looked for */
	all_kinds(&m);
	integer = type(&m, "int", BTF_KIND_INT, 0, 0, 4);
	word(&m, 32);
	type(&m, "task_more", BTF_KIND_STRUCT, 1, 0, 4);
	member(&m, "pid", integer, 96);
	type(&m, "task", BTF_KIND_STRUCT, 2, 0, 48);
	member(&m, "flags", integer, 0);
	member(&m, "pid", integer, 32);
	finish(&m, image);
}

static void test_members_and_size(void **state UNUSED)
{
	struct image image;

	simple(&image);
	assert_offset(&image, "task", "flags", 0);
	assert_offset(&image, "task", "pid", 4);
	assert_offset(&image, "task", NULL, 48);
	assert_offset(&image, "task_more", "pid", 12);
}

static void test_name_of_something_else(void **state UNUSED)
{
	struct maker m;
	struct image image;
	u32 name;

	/* A function and a forward declaration of the same name as the structure come first. */
	maker_init(&m);
	type(&m, "task", BTF_KIND_FUNC, 0, 0, 0);
	memcpy(&name, m.types, sizeof(name));
	word(&m, name);
	word(&m, BTF_KIND_FWD << 24);
	word(&m, 0);
	word(&m, name);
	word(&m, BTF_KIND_STRUCT << 24 | 1);
	word(&m, 64);
	m.count += 2;
	member(&m, "pid", 1, 128);
	finish(&m, &image);
	assert_offset(&image, "task", "pid", 16);
}

static void test_anonymous_members(void **state UNUSED)
{
	struct maker m;
	struct image image;
	u32 integer, inner, middle, wrapped;

	maker_init(&m);
	integer = type(&m, "int", BTF_KIND_INT, 0, 0, 4);
	word(&m, 32);
	inner = type(&m, "", BTF_KIND_STRUCT, 2, 0, 8);
	member(&m, "deep", integer, 0);
	member(&m, "deeper", integer, 32);
	middle = type(&m, "", BTF_KIND_UNION, 2, 0, 16);
	member(&m, "either", integer, 0);
	member(&m, "", inner, 64);
	wrapped = type(&m, "", BTF_KIND_CONST, 0, 0, middle);
	type(&m, "task", BTF_KIND_STRUCT, 5, 0, 64);
	member(&m, "first", integer, 0);
	member(&m, "", integer, 32); /* unnamed and no structure: padding */
	member(&m, "named", inner, 64);
	member(&m, "", wrapped, 128);
	member(&m, "pid", integer, 256);
	finish(&m, &image);
	assert_offset(&image, "task", "either", 16);
	assert_offset(&image, "task", "deep", 24);
	assert_offset(&image, "task", "deeper", 28);
	assert_offset(&image, "task", "pid", 32);
	assert_offset(&image, "task", "named", 8);
}

/* With the kind flag, the upper byte of a member's offset is the width of a bitfield. */
static void test_bitfields(void **state UNUSED)
{
	struct maker m;
	struct image image;
	u32 integer;

	maker_init(&m);
	integer = type(&m, "int", BTF_KIND_INT, 0, 0, 4);
	word(&m, 32);
	type(&m, "task", BTF_KIND_STRUCT, 3, KFLAG, 64);
	member(&m, "bit", integer, 1u << 24 | 67);
	member(&m, "pid", integer, 0u << 24 | 96);
	member(&m, "wide", integer, 31u << 24 | 128);
	finish(&m, &image);
	assert_offset(&image, "task", "bit", 8);
	assert_offset(&image, "task", "pid", 12);
	assert_offset(&image, "task", "wide", 16);
	/* Without it the whole word is the offset. */
	maker_init(&m);
	integer = type(&m, "int", BTF_KIND_INT, 0, 0, 4);
	word(&m, 32);
	type(&m, "task", BTF_KIND_STRUCT, 1, 0, 0x8000000);
	member(&m, "pid", integer, 1u << 24 | 64);
	finish(&m, &image);
	assert_offset(&image, "task", "pid", (1u << 24 | 64) / 8);
}

/* A typedef has the number of its place; a structure of its name is none. */
static void test_typedefs(void **state UNUSED)
{
	static const char *const names[] = {"call_t", "other_t"}, *const none[] = {"call_t", "int"};
	char path[] = "/tmp/test-btf-XXXXXX";
	u32 ids[2] = {0}, call;
	struct ft_err err = {0};
	struct maker m;
	struct image image;
	int fd = mkstemp(path);

	maker_init(&m);
	all_kinds(&m);
	type(&m, "call_t", BTF_KIND_STRUCT, 0, 0, 4);
	type(&m, "other_t", BTF_KIND_TYPEDEF, 0, 0, 1);
	call = type(&m, "call_t", BTF_KIND_TYPEDEF, 0, 0, 1);
	type(&m, "call_t", BTF_KIND_TYPEDEF, 0, 0, 1);
	finish(&m, &image);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, &image, image.len), image.len);
	assert_int_equal(ft_btf_typedefs(path, names, ids, 2, &err), 0);
	assert_int_equal(ids[0], call);
	assert_int_equal(ids[1], call - 1);
	assert_int_equal(ft_btf_typedefs(path, none, ids, 2, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no typedef int"));
	assert_int_equal(pwrite(fd, "", 1, 0), 1); /* no BTF any more */
	assert_int_equal(ft_btf_typedefs(path, names, ids, 2, &err), -EINVAL);
	close(fd);
	unlink(path);
	assert_int_equal(ft_btf_typedefs(path, names, ids, 2, &err), -ENOENT);
}

static void test_missing(void **state UNUSED)
{
	struct maker m;
	struct image image;

	maker_init(&m);
	text(&m, "task"); /* the name alone is no structure */
	type(&m, "other", BTF_KIND_STRUCT, 0, 0, 4);
	finish(&m, &image);
	assert_refused(&image, -ENOENT, "no struct task");

	maker_init(&m);
	type(&m, "task", BTF_KIND_STRUCT, 1, 0, 4);
	member(&m, "pids", 1, 0);
	finish(&m, &image);
	assert_refused(&image, -ENOENT, "struct task has no member pid");

	/* A structure that contains itself without a name ends all the same. */
	maker_init(&m);
	type(&m, "task", BTF_KIND_STRUCT, 1, 0, 4);
	member(&m, "", 1, 8);
	finish(&m, &image);
	assert_refused(&image, -ENOENT, "struct task has no member pid");

	/* And a qualifier of itself. */
	maker_init(&m);
	type(&m, "task", BTF_KIND_STRUCT, 1, 0, 4);
	member(&m, "", 2, 8);
	type(&m, "", BTF_KIND_CONST, 0, 0, 2);
	finish(&m, &image);
	assert_refused(&image, -ENOENT, "struct task has no member pid");

	/* Member types that do not exist. */
	maker_init(&m);
	type(&m, "task", BTF_KIND_STRUCT, 2, 0, 4);
	member(&m, "", 0, 8);
	member(&m, "", 4000000000u, 8);
	finish(&m, &image);
	assert_refused(&image, -ENOENT, "struct task has no member pid");
}

static void test_damaged(void **state UNUSED)
{
	struct image good, image;

	simple(&good);
#define DAMAGE(...)                                     \
	do {                                            \
		image = good;                           \
		__VA_ARGS__;                            \
		assert_refused(&image, -EINVAL, "BTF"); \
	} while (0)
	DAMAGE(image.header.magic = 0x9feb);
	DAMAGE(image.header.version = 2);
	DAMAGE(image.header.hdr_len = 16);
	DAMAGE(image.header.hdr_len = UINT32_MAX);
	DAMAGE(image.header.type_off = UINT32_MAX);
	DAMAGE(image.header.type_off += 2);
	DAMAGE(image.header.type_len = UINT32_MAX);
	DAMAGE(image.header.type_len -= 4);
	DAMAGE(image.header.str_off = UINT32_MAX);
	DAMAGE(image.header.str_len = 0);
	DAMAGE(image.header.str_len += 1);
	DAMAGE(image.header.str_len = UINT32_MAX);
	DAMAGE(image.header.str_len -= 1); /* the last string has no end */
	DAMAGE(image.len = sizeof(image.header));
	DAMAGE(image.len = 0);
#undef DAMAGE
	/* The type section ends within a type's head, and within its members. */
	for (u32 cut = 4; cut < 36; cut += 4) {
		image = good;
		image.header.type_len -= cut;
		assert_refused(&image, -EINVAL, "is not BTF as this version knows it");
	}
}

/* Cut off anywhere, the file is refused and nothing beyond its end is read. */
static void test_truncated(void **state UNUSED)
{
	struct image image;
	u32 whole;

	simple(&image);
	whole = image.len;
	for (image.len = 0; image.len < whole; image.len += 3)
		assert_refused(&image, -EINVAL, "BTF");
}

static void test_unknown_kind(void **state UNUSED)
{
	struct maker m;
	struct image image;

	for (u32 kind = BTF_KIND_ENUM64 + 1; kind < 32; kind++) {
		maker_init(&m);
		type(&m, "news", kind, 0, 0, 4);
		type(&m, "task", BTF_KIND_STRUCT, 1, 0, 4);
		member(&m, "pid", 1, 0);
		finish(&m, &image);
		assert_refused(&image, -EINVAL, "is not BTF as this version knows it");
	}
}

/* Nobody looks at what comes behind the last type that is needed. */
static void test_unknown_kind_behind(void **state UNUSED)
{
	struct maker m;
	struct image image;

	maker_init(&m);
	type(&m, "task", BTF_KIND_STRUCT, 2, 0, 8);
	member(&m, "", 2, 0);
	member(&m, "gone", 4, 0);
	type(&m, "", BTF_KIND_UNION, 1, 0, 4);
	member(&m, "pid", 3, 32);
	type(&m, "news", 31, 0, 0, 4);
	finish(&m, &image);
	assert_offset(&image, "task", "pid", 4);
	maker_init(&m);
	type(&m, "task", BTF_KIND_STRUCT, 1, 0, 8);
	member(&m, "", 3, 0);
	type(&m, "news", 31, 0, 0, 4);
	finish(&m, &image);
	assert_refused(&image, -EINVAL, "is not BTF as this version knows it");
}

static void test_no_file(void **state UNUSED)
{
	struct ft_btf_field wanted = {"task", "pid", NULL, NULL};
	struct ft_err err = {0};

	assert_int_equal(ft_btf_find("/no/such/btf", &wanted, 1, &err), -ENOENT);
	assert_non_null(strstr(err.text, "CONFIG_DEBUG_INFO_BTF"));
}

/* Random damage: whatever comes out, nothing outside the file is touched. */
static void test_random_damage(void **state UNUSED)
{
	struct image good, image;
	unsigned seed = 4;

	simple(&good);
	for (int i = 0; i < 2000; i++) {
		struct ft_err err;
		u32 offset;

		image = good;
		for (int n = rand_r(&seed) % 4; n >= 0; n--)
			((u8 *)&image)[(u32)rand_r(&seed) % good.len] = (u8)rand_r(&seed);
		ask(&image, "task", "pid", &offset, &err);
	}
}

#define KERNEL_FIELDS_MAX 512

/*
 * What bpftool reads in the kernel's BTF: "'NAME' type_id=1 bits_offset=32" below "STRUCT
 * 'task_struct' size=10048 vlen=271". Returns the number of named members.
 */
static u32 bpftool_members(char names[][64], u32 *bits, u32 *bytes)
{
	FILE *pipe = popen("bpftool btf dump file " FT_BTF_KERNEL " format raw 2>/dev/null", "r");
	char line[512];
	bool inside = false;
	u32 count = 0;

	if (!pipe)
		return 0;
	while (fgets(line, sizeof(line), pipe)) {
		if (line[0] == '[')
			inside = sscanf(strchr(line, ' '), " STRUCT 'task_struct' size=%u",
					bytes) == 1 &&
				 !count;
		else if (inside && count < KERNEL_FIELDS_MAX &&
			 sscanf(line, " '%63[a-z_A-Z0-9]' type_id=%*u bits_offset=%u", names[count],
				&bits[count]) == 2)
			count++;
	}
	pclose(pipe);
	return count;
}

static void test_this_kernel(void **state UNUSED)
{
	static char names[KERNEL_FIELDS_MAX][64];
	static u32 bits[KERNEL_FIELDS_MAX], offsets[KERNEL_FIELDS_MAX];
	static struct ft_btf_field fields[KERNEL_FIELDS_MAX + 1];
	struct ft_err err = {0};
	u32 want_size = 0, size = 0, count;

	if (access(FT_BTF_KERNEL, R_OK))
		skip();
	count = bpftool_members(names, bits, &want_size);
	if (!count)
		skip();
	assert_true(count > 50);
	for (u32 i = 0; i < count; i++)
		fields[i] = (struct ft_btf_field){"task_struct", names[i], &offsets[i], NULL};
	fields[count] = (struct ft_btf_field){"task_struct", NULL, &size, NULL};
	assert_int_equal(ft_btf_find(FT_BTF_KERNEL, fields, count + 1, &err), 0);
	assert_int_equal(size, want_size);
	for (u32 i = 0; i < count; i++)
		if (offsets[i] != bits[i] / 8)
			fail_msg("%s: %u, bpftool has %u bits", names[i], offsets[i], bits[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members_and_size),
		cmocka_unit_test(test_name_of_something_else),
		cmocka_unit_test(test_anonymous_members),
		cmocka_unit_test(test_bitfields),
		cmocka_unit_test(test_typedefs),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_unknown_kind),
		cmocka_unit_test(test_unknown_kind_behind),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_random_damage),
		cmocka_unit_test(test_this_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
