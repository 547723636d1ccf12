/*
 * test_table_cache.c - unwind tables on disk: what was stored comes back as it was, and what
 * somebody or something has changed does not come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/table_cache.h"
#include "tests/unit/table_look.h"

#define UNUSED __attribute__((unused))
#define FILE_NAME "00112233445566778899.table"

struct fixture {
	char root[64], folder[80], file[160];
	struct ft_table_cache *cache;
	struct ft_module module;
};

/* A small table: three granules, a wide code, two parts of a file. */
#define RULES 300

static void make_small(struct ft_table_image *image)
{
	static u32 pcs[] = {0, 5, 0x80, 0x210, 0x2ff};
	static u16 row_rules[] = {2, 299, 0, 3, 1};
	struct ft_cfi_rule rules[RULES] = {{.cfa_kind = FT_CFI_CFA_NONE},
					   {.cfa_kind = FT_CFI_CFA_BAD}};
	struct ft_cfi_table cfi = {
		.base = 0x1000,
		.span = 0x300,
		.machine = EM_X86_64,
		.row_count = FT_ARRAY_LEN(pcs),
		.pcs = pcs,
		.row_rules = row_rules,
		.packed_count = FT_ARRAY_LEN(pcs) + 1,
		.rule_count = RULES,
		.rules = rules,
	};
	const struct ft_table_segment segments[] = {{0, 0x1000, 0}, {0x1000, 0x300, 0x2000}};

	for (int i = 2; i < RULES; i++)
		rules[i] = (struct ft_cfi_rule){.cfa_kind = FT_CFI_CFA_REG,
						.cfa_reg = FT_CFI_X86_SP,
						.cfa_offset = i * 8,
						.ra_kind = FT_CFI_AT_CFA,
						.ra_words = -1};
	assert_int_equal(ft_table_image_make(&cfi, segments, 2, image), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *base = getenv("TMPDIR");
	static const u8 id[] = {0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99};
	char path[96];

	*state = f;
	snprintf(f->root, sizeof(f->root), "%s/ft-cache-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(f->root));
	snprintf(f->folder, sizeof(f->folder), "%s/flametap", f->root);
	snprintf(f->file, sizeof(f->file), "%s/" FILE_NAME, f->folder);
	f->cache = ft_table_cache_open(f->folder, 1 << 20);
	assert_non_null(f->cache);
	snprintf(path, sizeof(path), "%s/program", f->root);
	f->module = (struct ft_module){.kind = FT_MODULE_FILE, .build_id_len = sizeof(id)};
	memcpy(f->module.build_id, id, sizeof(id));
	f->module.fd = open(path, O_RDWR | O_CREAT, 0755);
	assert_int_equal(write(f->module.fd, "program", 7), 7);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	ft_table_cache_close(f->cache);
	ft_table_cache_close(NULL);
	close(f->module.fd);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->root);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void store_small(struct fixture *f)
{
	struct ft_table_image image;

	make_small(&image);
	ft_table_cache_store(f->cache, &f->module, &image);
	ft_table_image_fini(&image);
	assert_int_equal(access(f->file, F_OK), 0);
}

static int load(struct fixture *f)
{
	struct ft_table_image image = {0};
	int code = ft_table_cache_load(f->cache, &f->module, &image);

	ft_table_image_fini(&image);
	return code;
}

/* Refused, and gone, so that the next run does not stumble again. */
static void assert_refused(struct fixture *f)
{
	assert_int_not_equal(load(f), 0);
	assert_int_equal(access(f->file, F_OK), -1);
}

static void test_small_comes_back(void **state)
{
	struct fixture *f = *state;
	struct ft_table_image made, image;
	struct stat st;

	store_small(f);
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(ft_table_cache_load(f->cache, &f->module, &image), 0);
	make_small(&made);
	assert_int_equal(image.header->bytes, st.st_size);
	assert_memory_equal(image.segments, made.segments,
			    made.header->bytes - sizeof(*made.header));
	assert_int_equal(image.header->base, 0x1000);
	assert_int_equal(table_look_code(&image, 4), 2);
	assert_int_equal(table_look_code(&image, 5), 299);
	assert_int_equal(table_look_code(&image, 0x20f), 0);
	assert_int_equal(table_look_code(&image, 0x2ff), 1);
	ft_table_image_fini(&made);
	ft_table_image_fini(&image);
}

static int find_libc(struct dl_phdr_info *info, UNUSED size_t size, void *path)
{
	if (!strstr(info->dlpi_name, "/libc.so"))
		return 0;
	snprintf(path, 256, "%s", info->dlpi_name);
	return 1;
}

static void test_libc_comes_back(void **state)
{
	struct fixture *f = *state;
	struct ft_module libc = {.kind = FT_MODULE_FILE};
	char path[256] = "";
	struct ft_cfi_table cfi;
	struct ft_table_image image;
	struct ft_elf *elf;
	int n;

	if (!dl_iterate_phdr(find_libc, path))
		skip();
	libc.fd = open(path, O_RDONLY);
	n = ft_elf_build_id(libc.fd, libc.build_id);
	if (n <= 0)
		skip();
	libc.build_id_len = (u8)n;
	assert_int_equal(ft_elf_open(libc.fd, &elf), 0);
	assert_int_equal(ft_cfi_build(elf, &cfi, NULL), 0);
	assert_int_equal(ft_table_image_make(&cfi, NULL, 0, &image), 0);
	ft_table_cache_store(f->cache, &libc, &image);
	ft_table_image_fini(&image);
	assert_int_equal(ft_table_cache_load(f->cache, &libc, &image), 0);
	assert_int_equal(image.header->base, cfi.base);
	assert_int_equal(image.header->span, cfi.span);
	assert_true(cfi.row_count > 1000);
	for (u32 i = 0; i < cfi.row_count; i++) {
		u32 last = (i + 1 < cfi.row_count ? cfi.pcs[i + 1] : cfi.span) - 1;
		s64 first_code = table_look_code(&image, cfi.pcs[i]);

		assert_int_equal(first_code, cfi.row_rules[i]);
		assert_int_equal(table_look_code(&image, last), first_code);
		assert_memory_equal(&image.rules[first_code], ft_cfi_find(&cfi, cfi.base + last),
				    sizeof(struct ft_cfi_rule));
	}
	ft_table_image_fini(&image);
	ft_cfi_fini(&cfi);
	ft_elf_close(elf);
	close(libc.fd);
}

static size_t read_file(const char *path, u8 *data, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t n;

	assert_non_null(file);
	n = fread(data, 1, size, file);
	fclose(file);
	return n;
}

static void write_file(const char *path, const void *data, size_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, bytes), bytes);
	close(fd);
}

static void test_every_byte_matters(void **state)
{
	struct fixture *f = *state;
	static u8 data[16384];
	size_t bytes;

	store_small(f);
	bytes = read_file(f->file, data, sizeof(data));
	assert_in_range(bytes, sizeof(struct ft_table_header), sizeof(data) - 1);
	for (size_t i = 0; i < bytes; i++) {
		data[i] ^= (u8)(1u << i % 8);
		write_file(f->file, data, bytes);
		assert_refused(f);
		data[i] ^= (u8)(1u << i % 8);
	}
	for (size_t cut = 0; cut < bytes; cut += cut < 200 ? 1 : 37) {
		write_file(f->file, data, cut);
		assert_refused(f);
	}
	write_file(f->file, data, bytes + 1);
	assert_refused(f);
	write_file(f->file, data, bytes);
	assert_int_equal(load(f), 0);
}

/* Somebody who can compute checksums: what is accepted must still lead nowhere. */
static void test_hostile_bytes_are_harmless(UNUSED void **state)
{
	struct ft_table_image made;
	struct ft_table_key key = {.file_bytes = 1};
	u32 accepted = 0, refused = 0;
	size_t bytes;

	make_small(&made);
	ft_table_image_seal(&made, &key);
	bytes = made.header->bytes;
	for (size_t i = 0; i < bytes * 8; i++) {
		u8 *block = malloc(bytes);
		struct ft_table_image image;

		memcpy(block, made.header, bytes);
		block[i / 8] ^= (u8)(1u << i % 8);
		((struct ft_table_header *)block)->checksum = ft_table_image_checksum(block, bytes);
		if (ft_table_image_take(block, bytes, &key, &image)) {
			refused++;
			free(block);
			continue;
		}
		accepted++;
		assert_true(table_look_all(&image, UINT32_MAX));
		ft_table_image_fini(&image);
	}
	assert_true(accepted > 0 && refused > 0);
	ft_table_image_fini(&made);
}

static void test_other_version(void **state)
{
	struct fixture *f = *state;
	static u8 data[16384];
	struct ft_table_header *h = (void *)data;
	size_t bytes;

	store_small(f);
	bytes = read_file(f->file, data, sizeof(data));
	h->version++;
	h->checksum = ft_table_image_checksum(data, bytes);
	write_file(f->file, data, bytes);
	assert_refused(f);
	h->version--;
	h->key.maker[0] ^= 1; /* another build of this program */
	h->checksum = ft_table_image_checksum(data, bytes);
	write_file(f->file, data, bytes);
	assert_refused(f);
}

static void test_other_file(void **state)
{
	struct fixture *f = *state;

	store_small(f);
	assert_int_equal(pwrite(f->module.fd, "P", 1, 0), 1); /* the same build-id, but changed */
	assert_refused(f);
	store_small(f);
	assert_int_equal(pwrite(f->module.fd, "s", 1, 7), 1);
	assert_refused(f);
	store_small(f);
	assert_int_equal(load(f), 0);
	f->module.build_id_len = 0;
	assert_int_equal(load(f), -ENOENT);
}

static void test_others_must_not_write(void **state)
{
	struct fixture *f = *state;
	char other[160];

	snprintf(other, sizeof(other), "%s/other", f->root);
	store_small(f);
	assert_int_equal(chmod(f->file, 0620), 0);
	assert_refused(f);
	store_small(f);
	assert_int_equal(link(f->file, other), 0);
	assert_refused(f);
	assert_int_equal(symlink(other, f->file), 0);
	assert_int_not_equal(load(f), 0);
	assert_int_equal(access(other, F_OK), 0);
	assert_int_equal(mkfifo(f->file, 0600), 0);
	assert_refused(f);
	/* Storing goes around a link, not through it. */
	write_file(other, "keep", 4);
	assert_int_equal(symlink(other, f->file), 0);
	store_small(f);
	assert_int_equal(load(f), 0);
	assert_int_equal(read_file(other, (u8 *)other, 8), 4);
	if (geteuid() == 0) {
		assert_int_equal(chown(f->file, 12345, 0), 0);
		assert_refused(f);
	}
}

static void test_folder_must_be_ours(void **state)
{
	struct fixture *f = *state;
	char path[160];

	assert_int_equal(chmod(f->folder, 0770), 0);
	assert_null(ft_table_cache_open(f->folder, 1 << 20));
	assert_int_equal(chmod(f->folder, 0700), 0);
	snprintf(path, sizeof(path), "%s/link", f->root);
	assert_int_equal(symlink(f->folder, path), 0);
	assert_null(ft_table_cache_open(path, 1 << 20));
	snprintf(path, sizeof(path), "%s/missing/deeper", f->root);
	assert_null(ft_table_cache_open(path, 1 << 20));
	if (geteuid() == 0) {
		assert_int_equal(chown(f->folder, 12345, 0), 0);
		assert_null(ft_table_cache_open(f->folder, 1 << 20));
	}
}

/* A file of another user than root and us: its table has a name of its own. */
static void test_owner_in_name(void **state)
{
	struct fixture *f = *state;
	struct ft_table_image image;
	char path[200];

	if (geteuid() != 0)
		skip();
	store_small(f);
	assert_int_equal(fchown(f->module.fd, 12345, 12345), 0);
	assert_int_equal(load(f), -ENOENT);
	make_small(&image);
	ft_table_cache_store(f->cache, &f->module, &image);
	ft_table_image_fini(&image);
	snprintf(path, sizeof(path), "%s/00112233445566778899-12345.table", f->folder);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(load(f), 0);
}

static void test_oldest_go_first(void **state)
{
	struct fixture *f = *state;
	struct ft_table_image image;
	char path[200];
	u64 bytes;

	make_small(&image);
	bytes = image.header->bytes;
	ft_table_image_fini(&image);
	ft_table_cache_close(f->cache);
	f->cache = ft_table_cache_open(f->folder, 8 * bytes);
	for (u8 i = 0; i < 12; i++) {
		struct timespec when[2] = {{.tv_sec = 1000000 - i}, {.tv_sec = 1000000 - i}};

		f->module.build_id[9] = i;
		snprintf(path, sizeof(path), "%s/001122334455667788%02x.table", f->folder, i);
		make_small(&image);
		ft_table_cache_store(f->cache, &f->module, &image);
		ft_table_image_fini(&image);
		assert_int_equal(utimensat(AT_FDCWD, path, when, 0), 0);
	}
	snprintf(path, sizeof(path), "%s/precious.table", f->folder);
	write_file(path, "not ours", 8);
	ft_table_cache_close(f->cache);
	assert_int_equal(access(path, F_OK), 0);
	f->cache = ft_table_cache_open(f->folder, 8 * bytes);
	for (u8 i = 0; i < 12; i++) { /* three quarters of eight are left: the youngest */
		f->module.build_id[9] = i;
		assert_int_equal(load(f) == 0, i < 6);
	}
}

static void test_environment(void **state)
{
	struct fixture *f = *state;
	struct ft_table_cache *cache;
	char path[200];

	setenv("FLAMETAP_CACHE", "off", 1);
	assert_null(ft_table_cache_open_home());
	assert_int_equal(ft_table_cache_load(NULL, &f->module, NULL), -ENOENT);
	ft_table_cache_store(NULL, &f->module, NULL);
	setenv("FLAMETAP_CACHE", f->folder, 1);
	cache = ft_table_cache_open_home();
	assert_non_null(cache);
	ft_table_cache_close(cache);
	unsetenv("FLAMETAP_CACHE");
	setenv("XDG_CACHE_HOME", f->root, 1);
	assert_int_equal(rmdir(f->folder), 0);
	cache = ft_table_cache_open_home();
	assert_non_null(cache);
	assert_int_equal(access(f->folder, F_OK), 0);
	ft_table_cache_close(cache);
	unsetenv("XDG_CACHE_HOME");
	setenv("HOME", f->root, 1);
	cache = ft_table_cache_open_home();
	assert_non_null(cache);
	snprintf(path, sizeof(path), "%s/.cache/flametap", f->root);
	assert_int_equal(access(path, F_OK), 0);
	ft_table_cache_close(cache);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_small_comes_back),	  TEST(test_libc_comes_back),
		TEST(test_every_byte_matters),	  cmocka_unit_test(test_hostile_bytes_are_harmless),
		TEST(test_other_version),	  TEST(test_other_file),
		TEST(test_others_must_not_write), TEST(test_folder_must_be_ours),
		TEST(test_owner_in_name),	  TEST(test_oldest_go_first),
		TEST(test_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
