/*
 * test_symbolize_text.c - names from text tables: /proc/kallsyms and perf maps, as they are and as
 * they should not be.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbolizer/source.h"
#include "tests/unit/look.h"

#define WANTS_MAX 16

struct fixture {
	struct ft_sym sym;
	struct ft_symbolize_notes notes;
	struct ft_module module;
	struct ft_want wants[WANTS_MAX];
	struct ft_group group;
};

static void fixture_init(struct fixture *f, enum ft_group_kind kind, const u64 *addrs, u32 count)
{
	memset(f, 0, sizeof(*f));
	f->sym.notes = &f->notes;
	f->sym.profile = ft_profile_new();
	assert_non_null(f->sym.profile);
	for (u32 i = 0; i < count; i++)
		f->wants[i] = (struct ft_want){.addr = addrs[i], .start = addrs[i], .mapped = true};
	f->group = (struct ft_group){
		.kind = kind, .module = &f->module, .wants = f->wants, .count = count, .fd = -1};
}

typedef int (*resolver)(struct ft_sym *sym, struct ft_group *group, int fd);

static void run(struct fixture *f, resolver resolve, const char *text, size_t len)
{
	int fd = memfd_create("table", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(resolve(&f->sym, &f->group, fd), 0);
	close(fd);
}

/* NULL while it has no name. */
static const char *name_of(const struct fixture *f, u32 i)
{
	return f->wants[i].named ? ft_strtab_str(f->sym.profile->strings, f->wants[i].name) : NULL;
}

static const char *module_of(const struct fixture *f, u32 i)
{
	return ft_strtab_str(f->sym.profile->strings, f->wants[i].module);
}

#define CORE                                                            \
	"0000000000000000 A fixed_percpu_data\n"                        \
	"ffffffff81000000 T _stext\n"                                   \
	"ffffffff81000000 T startup\n"                                  \
	"ffffffff81000100 t local_one\n"                                \
	"ffffffff81000200 T do_read\n"                                  \
	"ffffffff81000200 t __do_read\n"                                \
	"ffffffff81000200 W weak_read\n"                                \
	"ffffffff81000300 T _RNvCskwGfYPst2Cb_3foo16example_function\n" \
	"ffffffff82000000 D some_data\n"                                \
	"ffffffff82000000 T code_at_data\n"                             \
	"ffffffff82000100 d more_data\n"

static void kernel_names_the_nearest(void **state)
{
	static const u64 addrs[] = {0xffffffff80000000, 0xffffffff81000000, 0xffffffff810000ff,
				    0xffffffff81000100, 0xffffffff8100020f, 0xffffffff81000210,
				    0xffffffff81000300, 0xffffffff82000004, 0xffffffff82000100,
				    0xfffffffff0000000};
	struct fixture f;

	(void)state;
	fixture_init(&f, FT_GROUP_KERNEL, addrs, FT_ARRAY_LEN(addrs));
	run(&f, ft_kernel_resolve_fd, CORE, strlen(CORE));
	assert_null(name_of(&f, 0));
	assert_string_equal(name_of(&f, 1), "startup");
	assert_string_equal(name_of(&f, 2), "startup");
	/* Each ends where the next one begins, named or not. */
	assert_int_equal(f.wants[1].end, 0xffffffff81000100);
	assert_int_equal(f.wants[2].end, 0xffffffff81000100);
	assert_int_equal(f.wants[4].end, 0xffffffff81000300);
	assert_int_equal(f.wants[7].end, 0xffffffff82000100);
	assert_int_equal(f.wants[9].end, 0);
	assert_string_equal(name_of(&f, 3), "local_one");
	assert_string_equal(name_of(&f, 4), "do_read");
	assert_string_equal(name_of(&f, 5), "do_read");
	assert_string_equal(name_of(&f, 6), "foo::example_function");
	assert_int_equal(f.wants[6].kind, FT_FRAME_KERNEL);
	assert_string_equal(name_of(&f, 7), "code_at_data");
	assert_null(name_of(&f, 8)); /* data bounds code, and is no name */
	assert_null(name_of(&f, 9));
	assert_false(f.notes.kernel_hidden);
	ft_profile_free(f.sym.profile);
}

static void kernel_modules_may_lie_before_the_image(void **state)
{
	static const char text[] = CORE "ffffffff70000000 t mod_begin\t[nf_tables]\n"
					"ffffffff70000080 t mod_end\t[nf_tables]\n"
					"ffffffffc0000000 t bpf_prog_1_x\t[bpf]\n";
	static const u64 addrs[] = {0xffffffff70000010, 0xffffffff70000080, 0xffffffff81000104,
				    0xffffffffc0000010};
	struct fixture f;

	(void)state;
	fixture_init(&f, FT_GROUP_KERNEL, addrs, FT_ARRAY_LEN(addrs));
	run(&f, ft_kernel_resolve_fd, text, strlen(text));
	assert_string_equal(name_of(&f, 0), "mod_begin");
	assert_string_equal(module_of(&f, 0), "[nf_tables]");
	assert_string_equal(name_of(&f, 1), "mod_end");
	assert_string_equal(name_of(&f, 2), "local_one");
	assert_string_equal(module_of(&f, 2), "");
	assert_string_equal(name_of(&f, 3), "bpf_prog_1_x");
	assert_string_equal(module_of(&f, 3), "[bpf]");
	ft_profile_free(f.sym.profile);
}

/* The end of the image must not end the reading when a module is still to come. */
static void kernel_reads_on_for_modules(void **state)
{
	static const char text[] = CORE "ffffffff70000000 t mod_begin\t[nf_tables]\n";
	static const u64 addrs[] = {0xffffffff70000010, 0xffffffff81000104};
	struct fixture f;

	(void)state;
	fixture_init(&f, FT_GROUP_KERNEL, addrs, FT_ARRAY_LEN(addrs));
	run(&f, ft_kernel_resolve_fd, text, strlen(text));
	assert_string_equal(name_of(&f, 0), "mod_begin");
	assert_string_equal(name_of(&f, 1), "local_one");
	ft_profile_free(f.sym.profile);
}

/* Nothing behind the last wanted address is read when all are in the kernel's image. */
static void kernel_stops_early(void **state)
{
	static const u64 addrs[] = {0xffffffff81000104};
	int fd = memfd_create("table", MFD_CLOEXEC);
	static const char filler[] = "ffffffff90000000 t filler\n";
	struct fixture f;

	(void)state;
	assert_int_equal(write(fd, CORE, strlen(CORE)), strlen(CORE));
	for (int i = 0; i < 20000; i++)
		assert_int_equal(write(fd, filler, strlen(filler)), strlen(filler));
	lseek(fd, 0, SEEK_SET);
	fixture_init(&f, FT_GROUP_KERNEL, addrs, FT_ARRAY_LEN(addrs));
	assert_int_equal(ft_kernel_resolve_fd(&f.sym, &f.group, fd), 0);
	assert_string_equal(name_of(&f, 0), "local_one");
	assert_true(lseek(fd, 0, SEEK_CUR) < 200 * 1000);
	ft_profile_free(f.sym.profile);
	close(fd);
}

static void kernel_hidden_names_nothing(void **state)
{
	static const char text[] = "0000000000000000 T _stext\n0000000000000000 T "
				   "do_read\n0000000000000000 t x\t[m]\n";
	static const u64 addrs[] = {0xffffffff81000104};
	struct fixture f;

	(void)state;
	fixture_init(&f, FT_GROUP_KERNEL, addrs, FT_ARRAY_LEN(addrs));
	run(&f, ft_kernel_resolve_fd, text, strlen(text));
	assert_null(name_of(&f, 0));
	assert_true(f.notes.kernel_hidden);
	ft_profile_free(f.sym.profile);
}

static void kernel_survives_odd_lines(void **state)
{
	static const char at_front[] = "0000000000000ff0 T long",
			  behind[] = "0000000000000ff8 T tail";
	static const u64 addrs[] = {0x1000};
	char *text = malloc(300 * 1000);
	struct fixture f;
	size_t len;

	(void)state;
	len = (size_t)sprintf(
		text,
		"\n \n0000000000000800 T\n0000000000000900 T \nzzz\n0000000000000f00 T good\n");
	memset(text + len, 'a',
	       200 * 1000); /* longer than the buffer: its tail must not pass for a line */
	memcpy(text + len, at_front, sizeof(at_front) - 1);
	memcpy(text + len + 150 * 1000, behind, sizeof(behind) - 1);
	len += 200 * 1000;
	len += (size_t)sprintf(
		text + len,
		"\n00000000000000ff00 T too_many_digits\n0000000000000fff T unfinished");
	fixture_init(&f, FT_GROUP_KERNEL, addrs, FT_ARRAY_LEN(addrs));
	run(&f, ft_kernel_resolve_fd, text, len);
	assert_string_equal(name_of(&f, 0), "good");
	ft_profile_free(f.sym.profile);
	free(text);
}

/* The real table: some function of the kernel keeps its name. */
static void kernel_of_this_machine(void **state)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[1024], type = 0, name[512] = "";
	unsigned long long addr = 0;
	struct look look;
	u32 at;

	(void)state;
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %c %511s", &addr, &type, name) == 3 &&
		    !strcmp(name, "vfs_read"))
			break;
	}
	if (file)
		fclose(file);
	if (!addr || strcmp(name, "vfs_read")) {
		print_message("SKIP: needs readable kernel symbols (kernel.kptr_restrict)\n");
		skip();
	}
	look_init(&look);
	at = look_add(&look, FT_LOCATION_KERNEL, 0, addr + 4);
	look_run(&look, false);
	assert_string_equal(look_name(&look, at), "vfs_read");
	assert_string_equal(look_module_name(&look, at), "[kernel]");
	assert_int_equal(look_frame(&look, at)->kind, FT_FRAME_KERNEL);
	look_fini(&look);
}

static void perfmap_later_lines_win(void **state)
{
	static const char text[] = "1000 100 first\n"
				   "0x1080 0x40 LazyCompile:*with blanks /a/b.js:12\n"
				   "1100 0 empty\n"
				   "2000 10 old\n"
				   "2000 10 new\n"
				   "fffffffffffffff0 ffffffffffffffff wraps\n"
				   "garbage\n3000\n3000 10\n3000 10 \n3000 10 unfinished";
	static const u64 addrs[] = {0xfff,  0x1000, 0x107f, 0x1080, 0x10bf,
				    0x10c0, 0x1100, 0x2005, 0x3000};
	struct fixture f;

	(void)state;
	fixture_init(&f, FT_GROUP_ANON, addrs, FT_ARRAY_LEN(addrs));
	run(&f, ft_perfmap_resolve_fd, text, strlen(text));
	assert_null(name_of(&f, 0));
	assert_string_equal(name_of(&f, 1), "first");
	assert_string_equal(name_of(&f, 2), "first");
	assert_string_equal(name_of(&f, 3), "LazyCompile:*with blanks /a/b.js:12");
	assert_int_equal(f.wants[3].kind, FT_FRAME_JIT);
	assert_string_equal(name_of(&f, 4), "LazyCompile:*with blanks /a/b.js:12");
	assert_string_equal(name_of(&f, 5), "first");
	assert_null(name_of(&f, 6));
	assert_string_equal(name_of(&f, 7), "new");
	assert_null(name_of(&f, 8));
	ft_profile_free(f.sym.profile);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Through ft_symbolize: the file of a process, found by its PID and refused when it is a link. */
static void perfmap_is_found_by_pid(void **state)
{
	char path[64], elsewhere[80];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	snprintf(elsewhere, sizeof(elsewhere), "%s.test", path);
	for (int link = 0; link < 2; link++) {
		struct look look;
		u32 module, at, other;

		unlink(path);
		unlink(elsewhere);
		write_text(link ? elsewhere : path, "7000 20 jitted\n");
		if (link)
			assert_int_equal(symlink(elsewhere, path), 0);
		look_init(&look);
		module = look_module(&look, FT_MODULE_ANON, "//anon", -1, (u32)getpid());
		at = look_add(&look, FT_LOCATION_USER, module, 0x7010);
		other = look_add(&look, FT_LOCATION_USER, module, 0x7020);
		look_run(&look, false);
		assert_string_equal(look_name(&look, at), link ? "[anon]" : "jitted");
		assert_string_equal(look_name(&look, other), "[anon]");
		assert_string_equal(look_module_name(&look, at), "[anon]");
		assert_int_equal(look_frame(&look, at)->kind, FT_FRAME_JIT);
		assert_int_equal(look_frame(&look, other)->kind, FT_FRAME_JIT);
		look_fini(&look);
	}
	unlink(path);
	unlink(elsewhere);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_names_the_nearest),
		cmocka_unit_test(kernel_modules_may_lie_before_the_image),
		cmocka_unit_test(kernel_reads_on_for_modules),
		cmocka_unit_test(kernel_stops_early),
		cmocka_unit_test(kernel_hidden_names_nothing),
		cmocka_unit_test(kernel_survives_odd_lines),
		cmocka_unit_test(kernel_of_this_machine),
		cmocka_unit_test(perfmap_later_lines_win),
		cmocka_unit_test(perfmap_is_found_by_pid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
