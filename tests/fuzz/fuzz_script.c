/* fuzz_script.c - the front end of the script language must survive any bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/sema/sema.h"
#include "scriptlang/sema/target.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* Places lie within the source, and the dump can be made. */
static void check(const struct ft_source *source, struct ft_arena *arena, struct ft_tokens *tokens)
{
	struct ft_out *out = ft_out_new_memory();

	if (ft_tokens_join(arena, tokens))
		abort();
	for (u32 i = 0; i < tokens->count; i++) {
		const struct ft_span *at = &tokens->items[i].at;

		if (at->at > source->len || at->len > source->len - at->at)
			abort();
		if ((tokens->items[i].kind == FT_TOKEN_END) != (i + 1 == tokens->count))
			abort();
	}
	ft_tokens_dump(tokens, out);
	ft_out_close(out);
}

/*
 * Passes 1 and 2. What is right can be printed, what is wrong is said, never both or neither.
 */
static void parse(const struct ft_source *source, const struct ft_script_args *args)
{
	struct ft_compile compile = {.arena = ft_arena_new(64 << 20), .args = *args};
	struct ft_out *out = ft_out_new_memory();
	struct ft_program *program = NULL;
	struct ft_file *file = NULL;
	int code;

	compile.diags.arena = compile.arena;
	code = ft_parse(&compile, source, &file);
	if (code != -ENOMEM && (code == 0) != (compile.diags.errors == 0))
		abort();
	if (!code) {
		ft_ast_dump(file, out);
		code = ft_sema(&compile, file, &program);
		if (code != -ENOMEM && (code == 0) != (compile.diags.errors == 0))
			abort();
	}
	if (!code)
		ft_program_dump(program, out);
	for (u32 i = 0; i < compile.diags.count; i++)
		ft_diag_render(compile.diags.items[i], out);
	ft_out_close(out);
	ft_target_close(&compile);
	ft_arena_free(compile.arena);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const char *const items[] = {"x y", "\"", "/*", "%{", ""};
	const struct ft_script_args args = {items, FT_ARRAY_LEN(items)};
	struct ft_source source = {.name = "fuzz", .len = (u32)size};
	struct ft_arena *arena = ft_arena_new(64 << 20);
	char *text = malloc(size + 1);
	struct ft_tokens tokens;

	if (!text || size > FT_SOURCE_BYTES_MAX)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	source.text = text;
	if (ft_lexer_run(&source, &args, arena, &tokens) == 0)
		check(&source, arena, &tokens);
	ft_arena_free(arena);
	parse(&source, &args);
	free(text);
	return 0;
}
