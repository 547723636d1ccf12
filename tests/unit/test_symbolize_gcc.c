/*
 * test_symbolize_gcc.c - names in what real compilers and linkers make, against what the program
 * itself and objdump say.
 *
 * The program prints where its functions are; objdump lists its PLT stubs. Each variant is also
 * stripped.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/look.h"

#define PLACES_MAX 64

static const char source[] =
	"#include <stdio.h>\n"
	"#include <stdlib.h>\n"
	"#include <string.h>\n"
	"extern char __executable_start[];\n"
	"int global_one(int x) { return x * 3 + 1; }\n"
	"static __attribute__((noinline, noclone)) int local_two(int x) { return x * 5 - 1; }\n"
	"__attribute__((weak)) int weak_three(int x) { return x ^ 7; }\n"
	"static void say(const char *name, void *at) {\n"
	"\tprintf(\"%s %lx\\n\", name, (unsigned long)((char *)at - __executable_start));\n"
	"}\n"
	"int main(int argc, char **argv) {\n"
	"\tsay(\"global_one\", (void *)global_one);\n"
	"\tsay(\"local_two\", (void *)local_two);\n"
	"\tsay(\"weak_three\", (void *)weak_three);\n"
	"\tsay(\"main\", (void *)main);\n"
	"\tputs(\"\");\n"
	"\treturn argc > 5 ? abs(atoi(argv[1])) + (int)strlen(argv[2]) + global_one(argc) +\n"
	"\t\tlocal_two(argc) + weak_three(argc) : 0;\n"
	"}\n";

struct place {
	char name[64];
	u64 offset;
};

static char folder[LOOK_FOLDER_BYTES]; /* made by main, removed by it */

/*
 * Runs a command of the shell; its output's lines "NAME HEX" into places. Returns their number, or
 * -1 if it failed.
 */
static int run(const char *command, struct place *places)
{
	FILE *pipe = popen(
		command,
		"r"); /* NOLINT(bugprone-command-processor,cert-env33-c): our own words only */
	char line[256];
	int n = 0;

	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		if (places && n < PLACES_MAX &&
		    sscanf(line, "%63s %" SCNx64, places[n].name, &places[n].offset) == 2)
			n++;
	}
	return pclose(pipe) ? -1 : n;
}

static const char *compiler(void)
{
	const char *cc = getenv("FT_CC");

	return cc ? cc : "gcc";
}

/* Compiles the program with some flags. False: this compiler cannot. */
static bool build(const char *flags, char *program, size_t size)
{
	char command[512];
	FILE *file;

	snprintf(program, size, "%s/program.c", folder);
	file = fopen(program, "w");
	assert_non_null(file);
	fputs(source, file);
	fclose(file);
	snprintf(program, size, "%s/program", folder);
	snprintf(command, sizeof(command), "%s -O1 %s -o %s %s.c 2>/dev/null", compiler(), flags,
		 program, program);
	return !run(command, NULL);
}

static void strip(const char *program)
{
	char command[512];

	snprintf(command, sizeof(command), "strip %s", program);
	assert_int_equal(run(command, NULL), 0);
}

/*
 * All of a variant's functions and stubs. base: what the program counts its addresses from, as
 * linked.
 */
static void check_variant(const char *program, u64 base, bool stripped)
{
	struct place functions[PLACES_MAX], stubs[PLACES_MAX];
	char command[512];
	struct look look;
	int count, stub_count;
	u32 module;

	count = run(program, functions);
	assert_int_equal(count, 4);
	snprintf(command, sizeof(command),
		 "objdump -d -j .plt -j .plt.sec -j .plt.got %s 2>/dev/null | "
		 "sed -n 's/^\\([0-9a-f]*\\) <\\(.*@plt\\)>:$/\\2 \\1/p'",
		 program);
	stub_count = run(command, stubs);
	assert_true(stub_count > 0);
	look_init(&look);
	module = look_module(&look, FT_MODULE_FILE, program, -1, 0);
	/* The first segment begins both the file and the program. */
	for (int i = 0; i < count; i++)
		look_add(&look, FT_LOCATION_USER, module, functions[i].offset + 1);
	for (int i = 0; i < stub_count; i++)
		look_add(&look, FT_LOCATION_USER, module, stubs[i].offset - base + 4);
	look_run(&look, false);
	for (int i = 0; i < count; i++) {
		char unknown[64];

		/* Stripped: the start of the function, by its unwind information. */
		snprintf(unknown, sizeof(unknown), "[program+0x%" PRIx64 "]",
			 functions[i].offset + base);
		assert_string_equal(look_name(&look, (u32)i),
				    stripped ? unknown : functions[i].name);
	}
	for (int i = 0; i < stub_count; i++)
		assert_string_equal(look_name(&look, (u32)(count + i)), stubs[i].name);
	look_fini(&look);
}

static void names_what_compilers_make(void **state)
{
	static const struct {
		const char *flags;
		u64 base;
	} variants[] = {
		{"-fPIE -pie -Wl,-z,lazy", 0},
		{"-fPIE -pie -Wl,-z,now", 0},
		{"-fPIE -pie -fcf-protection=full -Wl,-z,ibtplt", 0},
		{"-fPIE -pie -fcf-protection=full -Wl,-z,ibtplt -Wl,-z,now", 0},
		{"-fno-pie -no-pie", 0x400000},
		{"-fPIE -pie -Wl,-z,noseparate-code", 0},
		{"-fPIE -pie -mbranch-protection=standard -Wl,-z,force-bti", 0},
	};
	int built = 0;

	(void)state;
	for (size_t i = 0; i < FT_ARRAY_LEN(variants); i++) {
		char program[64];

		if (!build(variants[i].flags, program, sizeof(program)))
			continue;
		built++;
		check_variant(program, variants[i].base, false);
		strip(program);
		check_variant(program, variants[i].base, true);
	}
	assert_true(built >= 3);
}

/* The start of a program is known even when it is stripped. */
static void names_the_entry_point(void **state)
{
	struct place entry[PLACES_MAX];
	char program[64], command[256];
	struct look look;
	u32 module;

	(void)state;
	assert_true(build("-fPIE -pie", program, sizeof(program)));
	strip(program);
	snprintf(command, sizeof(command),
		 "readelf -h %s | sed -n 's/^ *Entry point address: */entry /p'", program);
	assert_int_equal(run(command, entry), 1);
	look_init(&look);
	module = look_module(&look, FT_MODULE_FILE, program, -1, 0);
	look_add(&look, FT_LOCATION_USER, module, entry[0].offset + 4);
	look.raw->quality.user_stacks = 1;
	look_run(&look, false);
	assert_string_equal(look_name(&look, 0), "_start");
	assert_int_equal(look.profile->quality.ends[0], 1);
	look_fini(&look);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_what_compilers_make),
		cmocka_unit_test(names_the_entry_point),
	};
	char command[128];
	int code;

	snprintf(command, sizeof(command), "command -v %s objdump strip readelf >/dev/null",
		 compiler());
	if (run(command, NULL)) {
		printf("SKIP: needs %s and binutils\n", compiler());
		return 77;
	}
	look_folder(folder);
	code = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	run(command, NULL);
	return code;
}
