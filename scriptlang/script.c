/* script.c - what cli calls: the passes in order. */
#include "scriptlang/scriptlang.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "scriptlang/codegen/bpf.h"
#include "scriptlang/runtime/pass_times.h"
#include "scriptlang/runtime/run.h"
#include "scriptlang/sema/library.h"
#include "scriptlang/sema/list.h"
#include "scriptlang/sema/target.h"
#include "scriptlang/user/user_file.h"

/* Damage that the lexer met becomes diagnostics. */
static void report_junk(struct ft_compile *compile, const struct ft_tokens *tokens)
{
	for (u32 i = 0; i < tokens->count; i++)
		if (tokens->items[i].kind == FT_TOKEN_JUNK)
			ft_diag_add(&compile->diags, FT_DIAG_PARSE, "junk", tokens->items[i].at,
				    "%s", tokens->items[i].text);
}

static int dump_tokens(struct ft_compile *compile, const struct ft_source *source,
		       struct ft_out *out)
{
	struct ft_tokens tokens;
	int code = ft_lexer_run(source, &compile->args, compile->arena, &tokens);

	if (code)
		return code;
	ft_tokens_dump(&tokens, out);
	report_junk(compile, &tokens);
	return 0;
}

/* Pass 1, with the macros of -I. */
static int parse(struct ft_compile *compile, const struct ft_script_text *script,
		 const struct ft_source *source, struct ft_file **file)
{
	int macros = ft_library_macros(compile, script->folders, script->folder_count);
	int code = macros == -ENOMEM ? macros : ft_parse(compile, source, file);

	return code ? code : macros;
}

static int dump_tree(struct ft_compile *compile, const struct ft_script_text *script,
		     const struct ft_source *source, struct ft_out *out)
{
	struct ft_file *file = NULL;
	int code = parse(compile, script, source, &file);

	if (!code)
		ft_ast_dump(file, out);
	if (!code) /* what is wrong there is wrong in this pass */
		code = ft_library_import(compile, file, script->folders, script->folder_count);
	return code == -EINVAL ? 0 : code; /* the diagnostics say it */
}

/* NAME=VALUE of -G: what a global begins as. */
static void set_global(struct ft_compile *compile, const struct ft_file *file, const char *setting)
{
	const char *equals = strchr(setting, '=');
	size_t len = (size_t)(equals - setting);
	struct ft_span nowhere = {.source = file->source};

	for (u32 i = 0; i < file->global_count; i++) {
		struct ft_global *g = file->globals[i];
		struct ft_expr *init;
		char *end;

		if (strncmp(g->name, setting, len) != 0 || g->name[len])
			continue;
		init = FT_ARENA_NEW(compile->arena, struct ft_expr);
		if (!init)
			return;
		init->at = g->at;
		init->text = equals + 1;
		init->len = (u32)strlen(equals + 1);
		init->number = strtoll(equals + 1, &end, 0);
		init->kind = g->init		  ? g->init->kind
			     : *end || !init->len ? FT_EXPR_STRING
						  : FT_EXPR_NUMBER;
		g->init = init;
		return;
	}
	ft_sema_fail(compile, nowhere, NULL, "-G sets '%.*s', which is no global of the script",
		     (int)len, setting);
}

/* Pass 2, with what the script has from elsewhere. */
static int analyse(struct ft_compile *compile, const struct ft_script_text *script,
		   struct ft_file *file, struct ft_program **program)
{
	int code = ft_library_import(compile, file, script->folders, script->folder_count);

	for (u32 i = 0; i < script->global_count && !code; i++)
		set_global(compile, file, script->globals[i]);
	return code ? code : ft_sema(compile, file, program);
}

static int dump_program(struct ft_compile *compile, const struct ft_script_text *script,
			const struct ft_source *source, struct ft_out *out, bool *parsed)
{
	struct ft_program *program;
	struct ft_file *file = NULL;
	int code = parse(compile, script, source, &file);

	*parsed = !code;
	if (!code)
		code = analyse(compile, script, file, &program);
	if (!code)
		ft_program_dump(program, out);
	return code == -EINVAL ? 0 : code;
}

/* Pass 3, up to the programs of the kernel. */
static int translate(struct ft_compile *compile, struct ft_program *program, u32 string_bytes,
		     struct ft_ir_program **ir)
{
	int code = ft_lower(compile, program, ir);

	if (!code)
		code = ft_place(compile, *ir, string_bytes);
	return code ? code : ft_bpf_choose_fronts(compile->arena, *ir);
}

static int dump_bpf(struct ft_compile *compile, const struct ft_ir_program *ir, struct ft_out *out)
{
	struct ft_bpf_formats formats = {.bytes = 0};
	const struct ft_bpf_maps maps = {.globals = -1,
					 .ring = -1,
					 .slots = -1,
					 .zeros = -1,
					 .names = -1,
					 .texts = -1,
					 .places = {-1, -1},
					 .formats = &formats,
					 .cpu_count = 1};
	struct ft_bpf_program program;
	int code = 0;

	for (u32 i = 0; i < ir->program->handler_count && !code; i++) {
		if (ir->handlers[i]->side != FT_SIDE_KERNEL)
			continue;
		for (u32 part = 0; part < ft_bpf_parts(ir->handlers[i]) && !code; part++) {
			code = ft_bpf_generate(compile, ir, ir->handlers[i], part, &maps, &program);
			if (code)
				break;
			ft_point_dump(ir->handlers[i]->handler->point, out);
			ft_out_char(out, '\n');
			ft_bpf_dump(&program, out);
		}
	}
	return code;
}

/* -p3 and the dumps of it. */
static int dump_translated(struct ft_compile *compile, const struct ft_script_text *script,
			   const struct ft_source *source, enum ft_script_dump what,
			   struct ft_out *out, u32 *pass)
{
	const struct ft_limits limits = FT_LIMITS_DEFAULT;
	struct ft_ir_program *ir = NULL;
	struct ft_program *program;
	struct ft_file *file = NULL;
	int code = parse(compile, script, source, &file);

	*pass = 1;
	if (!code) {
		*pass = 2;
		code = analyse(compile, script, file, &program);
	}
	if (!code) {
		*pass = 3;
		code = translate(compile, program, limits.string_bytes, &ir);
	}
	if (!code && what == FT_SCRIPT_DUMP_IR)
		ft_ir_dump(ir, out);
	if (!code && what == FT_SCRIPT_DUMP_BPF)
		code = dump_bpf(compile, ir, out);
	return code == -EINVAL ? 0 : code;
}

/* What both ways in have in common: a compilation, and what is wrong in it. */
struct session {
	struct ft_source source;
	struct ft_compile compile;
};

static int begin(struct session *s, const struct ft_script_text *script, struct ft_err *err)
{
	*s = (struct session){.source = {.name = script->name, .text = script->text},
			      .compile = {.guru = script->guru,
					  .skip_badvars = script->skip_badvars,
					  .unoptimized = script->unoptimized,
					  .rounds_by_calls = script->rounds_by_calls,
					  .all_in_kernel = script->all_in_kernel}};
	s->compile.compatible = script->compatible;
	s->compile.target_pid = script->target_pid;
	s->compile.target_path = script->target_path;
	s->compile.diags.fatal_warnings = script->fatal_warnings;
	s->compile.diags.no_warnings = script->no_warnings;
	if (script->len > FT_SOURCE_BYTES_MAX)
		return ft_err_set(err, -EFBIG, "the script is larger than %u MiB; split it",
				  FT_SOURCE_BYTES_MAX >> 20);
	s->source.len = (u32)script->len;
	s->compile.arena = ft_arena_new(FT_COMPILE_BYTES_MAX);
	s->compile.diags.arena = s->compile.arena;
	s->compile.args =
		(struct ft_script_args){.items = script->args, .count = script->arg_count};
	ft_machine_init(&s->compile.machine);
	/* Libraries map the files of programs, which somebody may truncate meanwhile. */
	ft_fault_enter();
	return 0;
}

static int end(struct session *s, int code, u32 pass, struct ft_out *complaints,
	       struct ft_script_errors *errors, struct ft_err *err)
{
	for (u32 i = 0; i < s->compile.diags.count; i++)
		ft_diag_render(s->compile.diags.items[i], complaints);
	errors->count = s->compile.diags.errors;
	errors->pass = pass;
	ft_target_close(&s->compile);
	ft_user_files_close(&s->compile);
	if (ft_fault_leave())
		ft_out_text(complaints, "WARNING: a file became shorter while it was read\n");
	ft_arena_free(s->compile.arena);
	if (code == -ENOMEM && err && !err->code)
		ft_err_set(err, code,
			   "the script needs more than %u MiB of memory; make it smaller",
			   FT_COMPILE_BYTES_MAX >> 20);
	return code;
}

int ft_script_dump(const struct ft_script_text *script, enum ft_script_dump what,
		   struct ft_out *out, struct ft_out *complaints, struct ft_script_errors *errors,
		   struct ft_err *err)
{
	bool parsed = false;
	struct session s;
	u32 pass = 0;
	int code = begin(&s, script, err);

	if (code)
		return code;
	switch (what) {
	case FT_SCRIPT_DUMP_IR:
	case FT_SCRIPT_DUMP_BPF:
		code = dump_translated(&s.compile, script, &s.source, what, out, &pass);
		break;
	case FT_SCRIPT_DUMP_TOKENS:
		code = dump_tokens(&s.compile, &s.source, out);
		break;
	case FT_SCRIPT_DUMP_TREE:
		code = dump_tree(&s.compile, script, &s.source, out);
		break;
	default:
		code = dump_program(&s.compile, script, &s.source, out, &parsed);
	}
	return end(&s, code, pass ? pass : parsed ? 2 : 1, complaints, errors, err);
}

/* Types of the variables that aliases give. What an alias cannot have here is not in the list. */
static int find_types(struct ft_compile *compile, struct ft_program *program)
{
	struct ft_diags kept = compile->diags;
	int code = ft_sema_targets(compile, program);

	if (!code)
		code = ft_sema_entries(compile, program);
	if (!code)
		code = ft_sema_symbols(compile, program);
	if (!code)
		code = ft_sema_autocasts(compile, program);
	if (!code)
		code = ft_sema_types(compile, program);
	compile->diags = kept;
	return code == -ENOMEM ? code : 0;
}

int ft_script_list(const struct ft_script_text *script, const char *pattern, bool variables,
		   struct ft_out *out, struct ft_out *complaints, struct ft_script_errors *errors,
		   struct ft_err *err)
{
	struct ft_program program = {0};
	struct ft_file *file = NULL;
	struct session s;
	int code = begin(&s, script, err);
	char *text;

	if (code)
		return code;
	s.compile.lists = true;
	s.compile.lists_variables = variables;
	text = ft_arena_printf(s.compile.arena, "probe %s {}", pattern);
	s.source.text = text ? text : "";
	s.source.len = (u32)strlen(s.source.text);
	code = text ? ft_parse(&s.compile, &s.source, &file) : -ENOMEM;
	if (!code)
		code = ft_library_import(&s.compile, file, script->folders, script->folder_count);
	program.file = file;
	if (!code)
		code = ft_sema_points(&s.compile, &program);
	if (!code && variables)
		code = find_types(&s.compile, &program);
	if (!code)
		ft_list_points(&s.compile, &program, variables, out);
	return end(&s, code == -EINVAL ? 0 : code, 2, complaints, errors, err);
}

/* What there is to say of the script is said before it runs. */
static void say_warnings(struct session *s, const struct ft_script_run *opts)
{
	struct ft_out *out = ft_out_new_memory();
	const char *text;
	size_t len;

	for (u32 i = 0; i < s->compile.diags.count; i++)
		ft_diag_render(s->compile.diags.items[i], out);
	text = ft_out_memory(out, &len);
	if (len)
		opts->write(opts->context, text, len, true);
	ft_out_close(out);
	s->compile.diags.count = 0;
}

int ft_script_run(const struct ft_script_text *script, const struct ft_script_run *opts,
		  struct ft_out *complaints, struct ft_script_errors *errors, bool *failed,
		  struct ft_err *err)
{
	struct ft_ir_program *ir = NULL;
	struct ft_program *program;
	struct ft_file *file = NULL;
	struct ft_pass_times times = ft_pass_times_now();
	struct session s;
	u32 pass = 1;
	int code = begin(&s, script, err);

	*failed = false;
	if (code)
		return code;
	code = parse(&s.compile, script, &s.source, &file);
	if (!code) {
		ft_pass_times_say(opts, &times, "Pass 1: parsed user script");
		pass = 2;
		code = analyse(&s.compile, script, file, &program);
	}
	if (!code) {
		ft_pass_times_say(opts, &times,
				  "Pass 2: analyzed script: %u probes, %u functions, %u globals",
				  program->handler_count, program->file->function_count,
				  program->global_count);
		pass = 3;
		code = translate(&s.compile, program, opts->limits.string_bytes, &ir);
	}
	if (!code) {
		ft_pass_times_say(opts, &times, "Pass 3: translated to operations");
		say_warnings(&s, opts);
		code = ft_run(&s.compile, ir, opts, failed, err);
	}
	if (s.compile.diags.errors)
		code = 0; /* the diagnostics say it */
	return end(&s, code, pass, complaints, errors, err);
}
