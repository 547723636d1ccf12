/*
 * test_symbolize_raw.c - ft_symbolize as a whole: the rebuilt tree, the quality counts, files that
 * are gone or replaced, the vDSO.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/elf.h"
#include "tests/unit/elf_image.h"
#include "tests/unit/look.h"

static const struct image_symbol symbols[] = {
	{"_start", 0x11000, 0x10, STT_FUNC, STB_GLOBAL, false},
	{"work", 0x11010, 0x10, STT_FUNC, STB_GLOBAL, false},
	{"leaf", 0x11020, 0x10, STT_FUNC, STB_GLOBAL, false},
};

static u32 place(struct ft_raw *raw, u32 parent, enum ft_location_kind kind, const char *name,
		 u32 pid, u64 addr)
{
	struct ft_location location = {.kind = kind, .pid = pid, .addr = addr};

	if (name)
		location.name = ft_strtab_add(raw->strings, name, strlen(name));
	return ft_tree_child(raw->tree, parent, ft_raw_location(raw, &location));
}

/* The only child of parent that bears that name; fails when it is missing or double. */
static u32 child(const struct ft_profile *profile, u32 parent, const char *name, u8 kind)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(profile->tree);
	u32 found = 0;

	for (u32 i = 1; i < ft_tree_count(profile->tree); i++) {
		const struct ft_frame *frame = &profile->frames[nodes[i].key];

		if (nodes[i].parent != parent ||
		    strcmp(ft_strtab_str(profile->strings, frame->name), name))
			continue;
		assert_int_equal(found, 0);
		assert_int_equal(frame->kind, kind);
		found = i;
	}
	if (!found)
		fail_msg("no frame %s", name);
	return found;
}

static u64 self(const struct ft_profile *profile, u32 node)
{
	return ft_tree_nodes(profile->tree)[node].self;
}

static void rebuilds_the_tree(void **state)
{
	u8 image[IMAGE_BYTES];
	struct look look;
	u32 app, thread, start, work, node;

	(void)state;
	image_build(image, EM_X86_64, symbols, FT_ARRAY_LEN(symbols));
	look_init(&look);
	look_image(&look, "/bin/app", image, sizeof(image));
	app = place(look.raw, FT_TREE_ROOT, FT_LOCATION_PROCESS, "app", 10, 0);
	thread = place(look.raw, app, FT_LOCATION_THREAD, "wo;rker", 11, 0);
	start = place(look.raw, thread, FT_LOCATION_USER, NULL, 0, 0x1004);
	/* Two addresses of one function: one frame. */
	work = place(look.raw, start, FT_LOCATION_USER, NULL, 0, 0x1014);
	ft_tree_add(look.raw->tree, work, 5);
	ft_tree_add(look.raw->tree, place(look.raw, work, FT_LOCATION_USER, NULL, 0, 0x1020), 1);
	work = place(look.raw, start, FT_LOCATION_USER, NULL, 0, 0x1018);
	ft_tree_add(look.raw->tree, work, 7);
	ft_tree_add(look.raw->tree, place(look.raw, work, FT_LOCATION_USER, NULL, 0, 0x1028), 2);
	/* A stack that begins in the middle of nowhere. */
	node = place(look.raw, thread, FT_LOCATION_UNKNOWN, NULL, 0, 0x1234);
	node = place(look.raw, node, FT_LOCATION_USER, NULL, 0, 0x1100);
	ft_tree_add(look.raw->tree, node, 10);
	/* The same process name again, under another PID. */
	node = place(look.raw, FT_TREE_ROOT, FT_LOCATION_PROCESS, "app", 12, 0);
	ft_tree_add(look.raw->tree, node, 3);
	look.raw->quality.user_stacks = 25;
	look.raw->quality.samples = 28;
	look_run(&look, false);

	node = child(look.profile, FT_TREE_ROOT, "app", FT_FRAME_PROCESS);
	assert_int_equal(self(look.profile, node), 3);
	thread = child(look.profile, node, "wo;rker/11", FT_FRAME_THREAD);
	start = child(look.profile, thread, "_start", FT_FRAME_USER);
	work = child(look.profile, start, "work", FT_FRAME_USER);
	assert_int_equal(self(look.profile, work), 12);
	assert_int_equal(self(look.profile, child(look.profile, work, "leaf", FT_FRAME_USER)), 3);
	node = child(look.profile, thread, "[unknown]", FT_FRAME_UNKNOWN);
	node = child(look.profile, node, "[app+0x11100]", FT_FRAME_UNKNOWN);
	assert_int_equal(self(look.profile, node), 10);
	assert_true(look.profile->has_quality);
	assert_int_equal(look.profile->quality.samples, 28);
	assert_int_equal(look.profile->quality.ends[FT_END_ROOT], 15);
	assert_int_equal(look.profile->quality.ends[FT_END_BROKEN_FP], 10);
	assert_int_equal(look.profile->quality.frames, 12 * 2 + 3 * 3 + 10 * 2);
	assert_int_equal(look.profile->quality.frames_named, 12 * 2 + 3 * 3);
	look_fini(&look);
}

/* What the sampler judged stays judged. */
static void keeps_the_samplers_verdict(void **state)
{
	u8 image[IMAGE_BYTES];
	struct look look;
	u32 module;

	(void)state;
	image_build(image, EM_X86_64, symbols, FT_ARRAY_LEN(symbols));
	look_init(&look);
	module = look_image(&look, "/bin/app", image, sizeof(image));
	look_add(&look, FT_LOCATION_USER, module, 0x1000);
	look_add(&look, FT_LOCATION_USER, module, 0x1004);
	look_add(&look, FT_LOCATION_USER, module, 0x1010);
	look_add(&look, FT_LOCATION_KERNEL, 0, 0xffffffff12345678);
	look.raw->quality.user_stacks = 3;
	look.raw->quality.ends[FT_END_DEPTH] = 2;
	look_run(&look, false);
	assert_int_equal(look.profile->quality.ends[FT_END_DEPTH], 2);
	assert_int_equal(look.profile->quality.ends[FT_END_ROOT], 1);
	assert_int_equal(look.profile->quality.ends[FT_END_BROKEN_FP], 0);
	look_fini(&look);
}

/* Weights that are no samples: shares count. */
static void scales_other_units(void **state)
{
	u8 image[IMAGE_BYTES];
	struct look look;
	u32 node;

	(void)state;
	image_build(image, EM_X86_64, symbols, FT_ARRAY_LEN(symbols));
	look_init(&look);
	look_image(&look, "/bin/app", image, sizeof(image));
	look.raw->unit = FT_UNIT_NANOSECONDS;
	node = place(look.raw, FT_TREE_ROOT, FT_LOCATION_PROCESS, "app", 10, 0);
	ft_tree_add(look.raw->tree, place(look.raw, node, FT_LOCATION_USER, NULL, 0, 0x1000),
		    3000000);
	ft_tree_add(look.raw->tree, place(look.raw, node, FT_LOCATION_USER, NULL, 0, 0x1010),
		    1000000);
	/* No user frame: not of the user stacks. */
	ft_tree_add(look.raw->tree,
		    place(look.raw, node, FT_LOCATION_KERNEL, NULL, 0, UINT64_MAX - 1), 4000000);
	look.raw->quality.user_stacks = 8;
	look_run(&look, false);
	assert_int_equal(look.profile->unit, FT_UNIT_NANOSECONDS);
	assert_int_equal(look.profile->quality.ends[FT_END_ROOT], 6);
	assert_int_equal(look.profile->quality.ends[FT_END_BROKEN_FP], 2);
	look_fini(&look);
}

static void nothing_is_fine(void **state)
{
	struct look look;

	(void)state;
	look_init(&look);
	look_run(&look, false);
	assert_int_equal(ft_tree_count(look.profile->tree), 1);
	look_fini(&look);
}

/* Writes an image whose build-id begins with a letter of choice. */
static void write_image(const char *path, char letter)
{
	u8 image[IMAGE_BYTES];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	image_build(image, EM_X86_64, symbols, FT_ARRAY_LEN(symbols));
	image[0x210] = (u8)letter;
	assert_int_equal(write(fd, image, sizeof(image)), sizeof(image));
	close(fd);
}

static const char *file_case(struct look *look, const char *path, const char *build_id)
{
	u32 module;

	look_init(look);
	module = look_module(look, FT_MODULE_FILE, path, -1, (u32)getpid());
	if (build_id) {
		memcpy(look->raw->modules[module].build_id, build_id, 20);
		look->raw->modules[module].build_id_len = 20;
	}
	look_add(look, FT_LOCATION_USER, module, 0x1010);
	look_run(look, false);
	return look_name(look, 0);
}

static void files_are_found_again_or_refused(void **state)
{
	char folder[LOOK_FOLDER_BYTES], path[64], gone[96];
	struct look look;

	(void)state;
	look_folder(folder);
	snprintf(path, sizeof(path), "%s/lib.so", folder);
	snprintf(gone, sizeof(gone), "%s (deleted)", path);
	write_image(path, 'A');

	assert_string_equal(file_case(&look, path, "B123456789abcdefghij"), "[lib.so+0x1010]");
	assert_int_equal(look.notes.files_replaced, 1);
	assert_int_equal(look.notes.files_missing, 0);
	assert_string_equal(look.notes.first_replaced, path);
	look_fini(&look);

	assert_string_equal(file_case(&look, path, NULL), "work");
	assert_int_equal(look.notes.files_replaced, 0);
	look_fini(&look);
	assert_string_equal(file_case(&look, gone, NULL), "[lib.so+0x1010]");
	assert_int_equal(look.notes.files_missing, 1);
	look_fini(&look);

	assert_int_equal(unlink(path), 0);
	assert_string_equal(file_case(&look, path, NULL), "[lib.so+0x1010]");
	assert_int_equal(look.notes.files_missing, 1);
	assert_string_equal(look.notes.first_missing, path);
	look_fini(&look);

	/* Not a file, and a file that is no ELF file. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_string_equal(file_case(&look, path, NULL), "[lib.so+0x1010]");
	assert_int_equal(look.notes.files_missing, 1);
	look_fini(&look);
	assert_int_equal(unlink(path), 0);
	assert_string_equal(file_case(&look, "/proc/self/status", NULL), "[status+0x1010]");
	look_fini(&look);
	assert_int_equal(rmdir(folder), 0);
}

static void build_ids_match(void **state)
{
	char folder[LOOK_FOLDER_BYTES], path[64], gone[96], id[21];
	struct look look;
	u8 image[IMAGE_BYTES];

	(void)state;
	look_folder(folder);
	snprintf(path, sizeof(path), "%s/lib.so", folder);
	snprintf(gone, sizeof(gone), "%s (deleted)", path);
	write_image(path, 'A');
	image_build(image, EM_X86_64, symbols, FT_ARRAY_LEN(symbols));
	image[0x210] = 'A';
	memcpy(id, image + 0x210, 20);
	assert_string_equal(file_case(&look, path, id), "work");
	assert_int_equal(look.notes.files_replaced + look.notes.files_missing, 0);
	look_fini(&look);
	/* Unlinked, and the same file is there again under its name. */
	assert_string_equal(file_case(&look, gone, id), "work");
	look_fini(&look);
	unlink(path);
	rmdir(folder);
}

static void odd_paths(void **state)
{
	static const struct {
		const char *path, *name;
	} cases[] = {
		{"", "[+0x1010]"},
		{"/", "[/+0x1010]"},
		{"relative", "[relative+0x1010]"},
		{"/x/", "[/x/+0x1010]"},
		{"/memfd:a\nb;c (deleted)", "[memfd:a\nb;c+0x1010]"},
		{" (deleted)", "[ (deleted)+0x1010]"},
	};

	(void)state;
	for (size_t i = 0; i < FT_ARRAY_LEN(cases); i++) {
		struct look look;

		assert_string_equal(file_case(&look, cases[i].path, NULL), cases[i].name);
		assert_int_equal(look.notes.files_missing, 1);
		look_fini(&look);
	}
}

/* Every function of the page that the kernel maps into all of us. */
static void names_the_vdso(void **state)
{
	const u8 *image = (const u8 *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	struct ft_elf_symbol symbol;
	struct ft_elf_table table;
	const void *entry;
	struct ft_elf *elf;
	struct look look;
	u32 module, n = 0;

	(void)state;
	if (!image) {
		print_message("SKIP: needs a kernel with a vDSO\n");
		skip();
	}
	assert_int_equal(ft_elf_open_memory(image, 0x2000, &elf), 0);
	look_init(&look);
	module = look_module(&look, FT_MODULE_VDSO, "[vdso]", -1, 1);
	ft_elf_table_init(&table, elf, ft_elf_section(elf, SHT_DYNSYM, NULL)->offset,
			  ft_elf_section(elf, SHT_DYNSYM, NULL)->bytes, ft_elf_symbol_bytes(elf),
			  100);
	while ((entry = ft_elf_table_next(&table))) {
		ft_elf_symbol_decode(elf, entry, &symbol);
		if (symbol.type == STT_FUNC && symbol.size)
			n = look_add(&look, FT_LOCATION_USER, module, symbol.value + 1);
	}
	look_run(&look, false);
	assert_true(n > 0);
	for (u32 i = 0; i <= n; i++) {
		assert_string_equal(look_module_name(&look, i), "[vdso]");
		assert_int_not_equal(look_frame(&look, i)->kind, FT_FRAME_UNKNOWN);
		assert_int_equal(strncmp(look_name(&look, i), "__", 2), 0);
	}
	ft_elf_close(elf);
	look_fini(&look);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rebuilds_the_tree),
		cmocka_unit_test(keeps_the_samplers_verdict),
		cmocka_unit_test(scales_other_units),
		cmocka_unit_test(nothing_is_fine),
		cmocka_unit_test(files_are_found_again_or_refused),
		cmocka_unit_test(build_ids_match),
		cmocka_unit_test(odd_paths),
		cmocka_unit_test(names_the_vdso),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
