/*
 * fuzz_script_dwarf.c - arbitrary bytes as the ELF file that probes are on: all places that scripts
 * can name in it, with all variables there, and programs for some of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scriptlang/scriptlang.h"

#define INPUT_MAX (256 * 1024)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* libdw 0.188 keeps what dwarf_getscopes() had found when it fails: nobody can free that. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libdw.so";
}

static const char *const points[] = {
	"function(\"*\").call",
	"function(\"*\").inline",
	"function(\"*\").return",
	"statement(\"*@*:*\")",
	"function(\"*\").label(\"*\")",
	"function(\"*\").callees",
	"function(\"A::*@*:*\").call",
	"plt",
	"mark(\"*\")",
	"statement(0x1010)",
	"statement(0x401010)",
};

static const char *const bodies[] = {
	"function(\"*\").call { println($$vars, $$parms) }",
	"function(\"main\") { println($$locals, @var(\"a\"), &@var(\"b\"), @defined($a->b[2])) }",
	"function(\"f*\").return { println($return$, $$return, @entry($$parms)) }",
	"statement(\"*@*:*\") { println(@cast(1, \"a\")->b, $$vars$$) }",
	"mark(\"*\") { println($$vars, $arg1) }",
};

/* The file by a name, since scripts know no other way. */
static bool write_input(const char *path, const u8 *data, size_t size)
{
	FILE *to = fopen(path, "we");
	bool ok = to && fwrite(data, 1, size, to) == size;

	return to && !fclose(to) && ok;
}

static void run(const char *text, bool lists)
{
	struct ft_out *out = ft_out_new_memory(), *complaints = ft_out_new_memory();
	const struct ft_script_text script = {
		.name = "input", .text = text, .len = strlen(text), .skip_badvars = true};
	struct ft_script_errors errors = {0};

	if (lists)
		ft_script_list(&script, text, true, out, complaints, &errors, NULL);
	else
		ft_script_dump(&script, FT_SCRIPT_DUMP_BPF, out, complaints, &errors, NULL);
	ft_out_close(complaints);
	ft_out_close(out);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char path[] = "/tmp/ft_script_dwarf.XXXXXX", text[400];
	int fd = size <= INPUT_MAX ? mkstemp(path) : -1;

	if (fd < 0)
		return 0;
	close(fd);
	if (!write_input(path, data, size))
		abort();
	for (size_t i = 0; i < FT_ARRAY_LEN(points); i++) {
		snprintf(text, sizeof(text), "process(\"%s\").%s", path, points[i]);
		run(text, true);
	}
	for (size_t i = 0; i < FT_ARRAY_LEN(bodies); i++) {
		snprintf(text, sizeof(text), "probe process(\"%s\").%s", path, bodies[i]);
		run(text, false);
	}
	unlink(path);
	return 0;
}
