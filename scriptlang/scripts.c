/* scripts.c - the scripts that come with the program (scripts/); see scriptlang.h. */
#include <string.h>

#include "scriptlang/scriptlang.h"

#include "embed/call-tree.stp.h"
#include "embed/connects.stp.h"
#include "embed/execs.stp.h"
#include "embed/exits.stp.h"
#include "embed/file-bytes.stp.h"
#include "embed/function-times.stp.h"
#include "embed/futexes.stp.h"
#include "embed/heap-growth.stp.h"
#include "embed/interrupts.stp.h"
#include "embed/library-calls.stp.h"
#include "embed/library-counts.stp.h"
#include "embed/lock-waits.stp.h"
#include "embed/opens.stp.h"
#include "embed/packets.stp.h"
#include "embed/page-faults.stp.h"
#include "embed/postgres-locks.stp.h"
#include "embed/postgres-queries.stp.h"
#include "embed/python-functions.stp.h"
#include "embed/python-gc.stp.h"
#include "embed/python-imports.stp.h"
#include "embed/run-queue.stp.h"
#include "embed/signals.stp.h"
#include "embed/slow-io.stp.h"
#include "embed/syscall-counts.stp.h"
#include "embed/syscall-errors.stp.h"
#include "embed/syscall-trace.stp.h"

/* By group, and in a group those first that are asked for most. */
static const struct ft_ready_script scripts[] = {
	{"syscall-counts", "System calls", ft_embed_syscall_counts_stp},
	{"syscall-errors", "System calls", ft_embed_syscall_errors_stp},
	{"syscall-trace", "System calls", ft_embed_syscall_trace_stp},
	{"execs", "Processes, files and connections", ft_embed_execs_stp},
	{"exits", "Processes, files and connections", ft_embed_exits_stp},
	{"signals", "Processes, files and connections", ft_embed_signals_stp},
	{"opens", "Processes, files and connections", ft_embed_opens_stp},
	{"file-bytes", "Processes, files and connections", ft_embed_file_bytes_stp},
	{"slow-io", "Processes, files and connections", ft_embed_slow_io_stp},
	{"connects", "Processes, files and connections", ft_embed_connects_stp},
	{"packets", "Processes, files and connections", ft_embed_packets_stp},
	{"run-queue", "Waiting, and who keeps a CPU", ft_embed_run_queue_stp},
	{"futexes", "Waiting, and who keeps a CPU", ft_embed_futexes_stp},
	{"lock-waits", "Waiting, and who keeps a CPU", ft_embed_lock_waits_stp},
	{"interrupts", "Waiting, and who keeps a CPU", ft_embed_interrupts_stp},
	{"page-faults", "Memory", ft_embed_page_faults_stp},
	{"heap-growth", "Memory", ft_embed_heap_growth_stp},
	{"function-times", "Functions of programs and libraries", ft_embed_function_times_stp},
	{"call-tree", "Functions of programs and libraries", ft_embed_call_tree_stp},
	{"library-calls", "Functions of programs and libraries", ft_embed_library_calls_stp},
	{"library-counts", "Functions of programs and libraries", ft_embed_library_counts_stp},
	{"python-functions", "Python and PostgreSQL", ft_embed_python_functions_stp},
	{"python-imports", "Python and PostgreSQL", ft_embed_python_imports_stp},
	{"python-gc", "Python and PostgreSQL", ft_embed_python_gc_stp},
	{"postgres-queries", "Python and PostgreSQL", ft_embed_postgres_queries_stp},
	{"postgres-locks", "Python and PostgreSQL", ft_embed_postgres_locks_stp},
};

const struct ft_ready_script *ft_ready_script_at(u32 index)
{
	return index < FT_ARRAY_LEN(scripts) ? &scripts[index] : NULL;
}

const struct ft_ready_script *ft_ready_script_find(const char *name)
{
	size_t len = strlen(name);

	if (len > 4 && !strcmp(name + len - 4, ".stp"))
		len -= 4;
	for (size_t i = 0; i < FT_ARRAY_LEN(scripts); i++)
		if (!strncmp(scripts[i].name, name, len) && !scripts[i].name[len])
			return &scripts[i];
	return NULL;
}

size_t ft_ready_script_doc(const struct ft_ready_script *script, const char **doc)
{
	const char *dash = strstr(script->text, " - ");

	*doc = dash ? dash + 3 : "";
	return strcspn(*doc, "\n");
}

/* What is written behind "Usage: flametap run NAME". */
static const char *usage_of(const struct ft_ready_script *script)
{
	static const char intro[] = "\n# Usage: flametap run ";
	const char *usage = strstr(script->text, intro);

	return usage ? usage + strlen(intro) + strcspn(usage + strlen(intro), " \n") : "";
}

size_t ft_ready_script_usage(const struct ft_ready_script *script, const char **usage)
{
	*usage = usage_of(script);
	*usage += strspn(*usage, " ");
	return strcspn(*usage, "\n");
}

bool ft_ready_script_suits(const struct ft_ready_script *script, u32 arg_count, bool has_target)
{
	const char *usage;
	size_t len = ft_ready_script_usage(script, &usage);
	u32 needed = 0, depth = 0;
	bool needs_target = false, follows_option = false;

	/* Words outside of brackets: those of options, and those that must be given. */
	for (size_t at = 0; at < len; at += strcspn(usage + at, " \n") + 1) {
		const char *word = usage + at;
		size_t word_len = strcspn(word, " \n");

		if (*word == '[')
			depth++;
		if (!depth && *word == '-') {
			needs_target |= word[1] == 'c' || word[1] == 'x';
		} else if (!depth && *word != '|' && !follows_option) {
			needed++;
		}
		follows_option = *word == '-';
		if (word_len && word[word_len - 1] == ']' && depth)
			depth--;
	}
	return arg_count >= needed && (has_target || !needs_target);
}
