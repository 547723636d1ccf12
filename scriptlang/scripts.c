/* scripts.c - the scripts that come with the program (scripts/); see scriptlang.h. */
#include <string.h>

#include "scriptlang/scriptlang.h"

#include "embed/connects.stp.h"
#include "embed/execs.stp.h"
#include "embed/exits.stp.h"
#include "embed/file-bytes.stp.h"
#include "embed/futexes.stp.h"
#include "embed/heap-growth.stp.h"
#include "embed/interrupts.stp.h"
#include "embed/opens.stp.h"
#include "embed/packets.stp.h"
#include "embed/page-faults.stp.h"
#include "embed/run-queue.stp.h"
#include "embed/signals.stp.h"
#include "embed/slow-io.stp.h"
#include "embed/syscall-counts.stp.h"
#include "embed/syscall-errors.stp.h"
#include "embed/syscall-trace.stp.h"

static const struct ft_ready_script scripts[] = {
	{"connects", ft_embed_connects_stp},
	{"execs", ft_embed_execs_stp},
	{"exits", ft_embed_exits_stp},
	{"file-bytes", ft_embed_file_bytes_stp},
	{"futexes", ft_embed_futexes_stp},
	{"heap-growth", ft_embed_heap_growth_stp},
	{"interrupts", ft_embed_interrupts_stp},
	{"opens", ft_embed_opens_stp},
	{"packets", ft_embed_packets_stp},
	{"page-faults", ft_embed_page_faults_stp},
	{"run-queue", ft_embed_run_queue_stp},
	{"signals", ft_embed_signals_stp},
	{"slow-io", ft_embed_slow_io_stp},
	{"syscall-counts", ft_embed_syscall_counts_stp},
	{"syscall-errors", ft_embed_syscall_errors_stp},
	{"syscall-trace", ft_embed_syscall_trace_stp},
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
