/*
 * library.c - see library.h.
 *
 * A file is taken as a whole, when a word of the script is one that it offers: the name of a
 * function, or the first part of an alias. So a script pays for what it uses.
 */
#include "scriptlang/sema/library.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "embed/argv.stp.h"
#include "embed/callers.stp.h"
#include "embed/dentry.stp.h"
#include "embed/errno.stp.h"
#include "embed/guru.stp.h"
#include "embed/indent.stp.h"
#include "embed/inet.stp.h"
#include "embed/input.stp.h"
#include "embed/ioblock.stp.h"
#include "embed/ipmib.stp.h"
#include "embed/irq.stp.h"
#include "embed/json.stp.h"
#include "embed/kprocess.stp.h"
#include "embed/livepatch.stp.h"
#include "embed/memory.stp.h"
#include "embed/netdev.stp.h"
#include "embed/netfilter.stp.h"
#include "embed/nfs.stp.h"
#include "embed/nfsd.stp.h"
#include "embed/numbers.stp.h"
#include "embed/oneshot.stp.h"
#include "embed/perf.stp.h"
#include "embed/process_facts.stp.h"
#include "embed/prometheus.stp.h"
#include "embed/queue_stats.stp.h"
#include "embed/rlimit.stp.h"
#include "embed/scheduler.stp.h"
#include "embed/scheduler_kernel_stacks.stp.h"
#include "embed/scheduler_user_stacks.stp.h"
#include "embed/signal.stp.h"
#include "embed/signal_actions.stp.h"
#include "embed/sockaddr.stp.h"
#include "embed/socket.stp.h"
#include "embed/speculation.stp.h"
#include "embed/stopwatch.stp.h"
#include "embed/strings_of_user.stp.h"
#include "embed/sunrpc.stp.h"
#include "embed/symbols.stp.h"
#include "embed/target_set.stp.h"
#include "embed/task.stp.h"
#include "embed/tcp.stp.h"
#include "embed/tcpmib.stp.h"
#include "embed/this.stp.h"
#include "embed/udp.stp.h"
#include "embed/vfs.stp.h"
#include "embed/vm.stp.h"

#define FILE_BYTES_MAX (1u << 20)
#define MACRO_DEPTH_MAX 10 /* of macros within macros, as far as they are looked into */

static const struct unit {
	const char *name, *text;
	/*
	 * A word and a pattern that must both be there, or a pattern alone; NULL: it is taken for
	 * what it offers.
	 */
	const char *first, *second;
} units[] = {
	{"scheduler.stp", ft_embed_scheduler_stp, NULL, NULL},
	{"scheduler_user_stacks.stp", ft_embed_scheduler_user_stacks_stp, "cpu_on", "*ubacktrace*"},
	{"scheduler_kernel_stacks.stp", ft_embed_scheduler_kernel_stacks_stp, "cpu_on",
	 "?(print_|sprint_)backtrace"},
	{"argv.stp", ft_embed_argv_stp, NULL, NULL},
	{"callers.stp", ft_embed_callers_stp, NULL, NULL},
	{"indent.stp", ft_embed_indent_stp, NULL, NULL},
	{"oneshot.stp", ft_embed_oneshot_stp, NULL, NULL},
	{"symbols.stp", ft_embed_symbols_stp, NULL, NULL},
	{"perf.stp", ft_embed_perf_stp, NULL, NULL},
	{"dentry.stp", ft_embed_dentry_stp, NULL, NULL},
	{"memory.stp", ft_embed_memory_stp, NULL, NULL},
	{"process_facts.stp", ft_embed_process_facts_stp, NULL, NULL},
	{"speculation.stp", ft_embed_speculation_stp, NULL, NULL},
	{"strings_of_user.stp", ft_embed_strings_of_user_stp, NULL, NULL},
	{"task.stp", ft_embed_task_stp, NULL, NULL},
	{"errno.stp", ft_embed_errno_stp, NULL, NULL},
	{"inet.stp", ft_embed_inet_stp, NULL, NULL},
	{"ioblock.stp", ft_embed_ioblock_stp, NULL, NULL},
	{"irq.stp", ft_embed_irq_stp, NULL, NULL},
	{"json.stp", ft_embed_json_stp, NULL, NULL},
	{"prometheus.stp", ft_embed_prometheus_stp, NULL, NULL},
	{"input.stp", ft_embed_input_stp, NULL, NULL},
	{"this.stp", ft_embed_this_stp, NULL, NULL},
	{"signal_actions.stp", ft_embed_signal_actions_stp, NULL, NULL},
	{"rlimit.stp", ft_embed_rlimit_stp, NULL, NULL},
	{"livepatch.stp", ft_embed_livepatch_stp, NULL, NULL},
	{"tcp.stp", ft_embed_tcp_stp, NULL, NULL},
	{"udp.stp", ft_embed_udp_stp, NULL, NULL},
	{"guru.stp", ft_embed_guru_stp, NULL, NULL},
	{"numbers.stp", ft_embed_numbers_stp, NULL, NULL},
	{"sockaddr.stp", ft_embed_sockaddr_stp, NULL, "uaddr_@(af|ip|ip_port)"},
	{"netfilter.stp", ft_embed_netfilter_stp, NULL, NULL},
	{"kprocess.stp", ft_embed_kprocess_stp, NULL, NULL},
	{"ipmib.stp", ft_embed_ipmib_stp, NULL, NULL},
	{"tcpmib.stp", ft_embed_tcpmib_stp, NULL, NULL},
	{"netdev.stp", ft_embed_netdev_stp, NULL, NULL},
	{"nfs.stp", ft_embed_nfs_stp, NULL, NULL},
	{"nfsd.stp", ft_embed_nfsd_stp, NULL, NULL},
	{"sunrpc.stp", ft_embed_sunrpc_stp, NULL, NULL},
	{"queue_stats.stp", ft_embed_queue_stats_stp, NULL, NULL},
	{"signal.stp", ft_embed_signal_stp, NULL, NULL},
	{"socket.stp", ft_embed_socket_stp, NULL, NULL},
	{"stopwatch.stp", ft_embed_stopwatch_stp, NULL, NULL},
	{"target_set.stp", ft_embed_target_set_stp, NULL, NULL},
	{"vfs.stp", ft_embed_vfs_stp, NULL, NULL},
	{"vm.stp", ft_embed_vm_stp, NULL, NULL},
};

struct importer {
	struct ft_compile *compile;
	struct ft_file *file;
	const char **words; /* of the script and of what was taken */
	u32 word_count;
	u32 script_probes; /* the first so many of the file's */
	bool taken[FT_ARRAY_LEN(units)];
};

static int note_tokens(struct importer *im, const struct ft_token *items, u32 count, u32 depth)
{
	int code = 0;

	for (u32 i = 0; !code && i < count; i++) {
		const char **slot;

		if (items[i].kind == FT_TOKEN_AT_WORD && depth < MACRO_DEPTH_MAX) {
			u32 body_count;
			const struct ft_token *body =
				ft_macro_body(im->compile, items[i].text, &body_count);

			code = note_tokens(im, body, body_count, depth + 1);
		}
		if (items[i].kind != FT_TOKEN_IDENTIFIER)
			continue;
		slot = FT_ARENA_PUSH(im->compile->arena, &im->words, &im->word_count);
		if (!slot)
			return -ENOMEM;
		*slot = items[i].text;
	}
	return code;
}

/* Of what a file says, and of what its macros stand for. */
static int note_words(struct importer *im, const struct ft_source *source)
{
	struct ft_tokens tokens;
	int code = ft_lexer_run(source, source->is_tapset ? NULL : &im->compile->args,
				im->compile->arena, &tokens);

	return code ? code : note_tokens(im, tokens.items, tokens.count, 0);
}

static bool has_word(const struct importer *im, const char *word, size_t len)
{
	for (u32 i = 0; i < im->word_count; i++)
		if (!strncmp(im->words[i], word, len) && !im->words[i][len])
			return true;
	return false;
}

static bool has_match(const struct importer *im, const char *pattern)
{
	for (u32 i = 0; i < im->word_count; i++)
		if (!fnmatch(pattern, im->words[i], FNM_EXTMATCH))
			return true;
	return false;
}

/* Whether a point of the script is a pattern whose first part has this word. */
static bool has_glob(const struct importer *im, const char *word, size_t len)
{
	const struct ft_file *file = im->file;
	char name[64];

	if (len >= sizeof(name) || word[0] == '_')
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)len, word);
	for (u32 i = 0; i < im->script_probes; i++)
		for (u32 k = 0; k < file->probes[i]->point_count; k++) {
			const struct ft_point *point = &file->probes[i]->points[k];

			if (point->part_count > 1 && strpbrk(point->parts[0].name, "*?") &&
			    !fnmatch(point->parts[0].name, name, 0))
				return true;
		}
	return false;
}

/* "probe name = ..." rather than a probe of its own, which belongs to the rest of its file. */
static bool is_alias(const char *line)
{
	return line[strcspn(line, "={\n")] == '=';
}

/* Whether there are probes that would run as soon as the file is taken. */
static bool has_probes(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, "probe ", 6) && !is_alias(line))
			return true;
		if (!*line)
			break;
	}
	return false;
}

/* Whether a line of the file defines something by a word that was used. */
static bool offers_word(const struct importer *im, const char *text)
{
	static const char *const starts[] = {"function ", "probe ", "global "};

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		for (size_t i = 0; i < FT_ARRAY_LEN(starts); i++) {
			size_t len = strlen(starts[i]), word;
			bool is_probe = starts[i][0] == 'p';

			if (strncmp(line, starts[i], len) != 0)
				continue;
			word = strcspn(line + len, ".:( =[,;%\n");
			if ((!is_probe || is_alias(line)) &&
			    (has_word(im, line + len, word) ||
			     (is_probe && has_glob(im, line + len, word) && !has_probes(text))))
				return true;
		}
		if (!*line)
			break;
	}
	return false;
}

static bool defines(const struct ft_file *file, const struct ft_function *f)
{
	for (u32 i = 0; i < file->function_count; i++)
		if (file->functions[i]->param_count == f->param_count &&
		    !strcmp(file->functions[i]->name, f->name))
			return true;
	return false;
}

/* Adds what a file of the library defines; the script's own functions go before. */
static int merge(struct importer *im, const struct ft_file *from)
{
	struct ft_arena *arena = im->compile->arena;
	struct ft_file *to = im->file;

	for (u32 i = 0; i < from->probe_count; i++) {
		struct ft_probe **slot = FT_ARENA_PUSH(arena, &to->probes, &to->probe_count);

		if (!slot)
			return -ENOMEM;
		*slot = from->probes[i];
	}
	for (u32 i = 0; i < from->function_count; i++) {
		struct ft_function **slot;

		if (defines(to, from->functions[i]))
			continue;
		slot = FT_ARENA_PUSH(arena, &to->functions, &to->function_count);
		if (!slot)
			return -ENOMEM;
		*slot = from->functions[i];
	}
	for (u32 i = 0; i < from->global_count; i++) {
		struct ft_global **slot = FT_ARENA_PUSH(arena, &to->globals, &to->global_count);

		if (!slot)
			return -ENOMEM;
		*slot = from->globals[i];
	}
	return 0;
}

static int take(struct importer *im, const char *name, const char *text, size_t len,
		bool is_private)
{
	struct ft_source *source = FT_ARENA_NEW(im->compile->arena, struct ft_source);
	struct ft_file *file = NULL;
	int code;

	if (!source)
		return -ENOMEM;
	*source = (struct ft_source){.name = name,
				     .text = text,
				     .len = (u32)len,
				     .is_tapset = true,
				     .is_private = is_private};
	code = ft_parse(im->compile, source, &file);
	if (!code)
		code = note_words(im, source);
	return code ? code : merge(im, file);
}

static bool is_wanted(const struct importer *im, const struct unit *unit)
{
	if (!unit->second)
		return offers_word(im, unit->text);
	return (!unit->first || has_word(im, unit->first, strlen(unit->first))) &&
	       has_match(im, unit->second);
}

/* A file of -I. *text is NULL if it cannot be read. 0 or -ENOMEM. */
static int read_file(struct ft_compile *compile, const char *folder, const char *name,
		     struct ft_source *source)
{
	char *data = NULL;
	size_t len;
	int code;

	*source = (struct ft_source){.is_tapset = true};
	source->name = ft_arena_printf(compile->arena, "%s/%s", folder, name);
	code = source->name ? ft_file_read(source->name, FILE_BYTES_MAX, &data, &len) : -ENOMEM;
	if (code)
		return code == -ENOMEM ? code : 0;
	source->text = ft_arena_copy(compile->arena, data, len);
	source->len = (u32)len;
	free(data);
	return source->text ? 0 : -ENOMEM;
}

/* Calls visit for each file of a folder whose name fits. */
static int each_file(struct ft_compile *compile, const char *folder, const char *pattern,
		     int (*visit)(void *context, const struct ft_source *source), void *context)
{
	struct dirent **names = NULL;
	int count = scandir(folder, &names, NULL, alphasort), code = 0;

	for (int i = 0; i < count; i++) {
		struct ft_source *source = FT_ARENA_NEW(compile->arena, struct ft_source);

		if (!code && !fnmatch(pattern, names[i]->d_name, 0)) {
			code = source ? read_file(compile, folder, names[i]->d_name, source)
				      : -ENOMEM;
			if (!code && source->text)
				code = visit(context, source);
		}
		free(names[i]);
	}
	free(names);
	return code;
}

/* Taken if it offers something; else its mistakes are none of the script's, but for -W. */
static int look_at(void *context, const struct ft_source *source)
{
	struct importer *im = context;
	struct ft_file *file = NULL;
	struct ft_diags kept;

	if (offers_word(im, source->text))
		return take(im, source->name, source->text, source->len, false);
	kept = im->compile->diags;
	if (im->compile->diags.fatal_warnings)
		return ft_parse(im->compile, source, &file);
	if (ft_parse(im->compile, source, &file) == -EINVAL) {
		im->compile->diags = kept;
		ft_diag_add(&im->compile->diags, FT_DIAG_WARNING, "tapset",
			    (struct ft_span){.source = source},
			    "tapset '%s' has errors, and will be skipped", source->name);
	}
	return 0;
}

static int take_macros(void *context, const struct ft_source *source)
{
	return ft_macros_read(context, source);
}

int ft_library_macros(struct ft_compile *compile, const char *const *folders, u32 folder_count)
{
	int code = 0;

	for (u32 i = 0; i < folder_count && !code; i++)
		code = each_file(compile, folders[i], "*.stpm", take_macros, compile);
	return code;
}

int ft_library_import(struct ft_compile *compile, struct ft_file *file, const char *const *folders,
		      u32 folder_count)
{
	struct importer im = {.compile = compile, .file = file, .script_probes = file->probe_count};
	int code = note_words(&im, file->source);
	bool more = true;

	for (u32 i = 0; i < folder_count && !code; i++)
		code = each_file(compile, folders[i], "*.stp", look_at, &im);
	while (more && !code) {
		more = false;
		for (size_t i = 0; i < FT_ARRAY_LEN(units) && !code; i++) {
			if (im.taken[i] || !is_wanted(&im, &units[i]))
				continue;
			im.taken[i] = more = true;
			code = take(&im, units[i].name, units[i].text, strlen(units[i].text), true);
		}
	}
	return code;
}

const char *ft_library_file(u32 index, const char **name)
{
	if (index >= FT_ARRAY_LEN(units))
		return NULL;
	*name = units[index].name;
	return units[index].text;
}
