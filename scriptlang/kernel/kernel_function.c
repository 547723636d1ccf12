/* kernel_function.c - see kernel_function.h. */
#include "scriptlang/kernel/kernel_function.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scriptlang/syscalls/syscalls.h"

#define EVENTS "/sys/kernel/tracing/events"
#define NEAREST 3
#define WORD_MIN 3     /* letters of a word that tells something */
#define COMMON_BONUS 4 /* what a group of "common" is worth */

/* Functions that scripts stop at often, and the tracepoint within. The kernel's sources tell. */
static const struct {
	const char *function, *tracepoint;
} known[] = {
	{"__alloc_pages", "mm_page_alloc"},
	{"__kmalloc", "kmalloc"},
	{"__netif_receive_skb", "netif_receive_skb"},
	{"__schedule", "sched_switch"},
	{"__send_signal", "signal_generate"},
	{"_do_fork", "sched_process_fork"},
	{"blk_mq_start_request", "block_rq_issue"},
	{"blk_update_request", "block_rq_complete"},
	{"copy_process", "sched_process_fork"},
	{"dev_hard_start_xmit", "net_dev_xmit"},
	{"dev_queue_xmit", "net_dev_queue"},
	{"do_exit", "sched_process_exit"},
	{"do_fork", "sched_process_fork"},
	{"get_signal", "signal_deliver"},
	{"handle_mm_fault", "page_fault_user"},
	{"kernel_clone", "sched_process_fork"},
	{"kfree_skb", "kfree_skb"},
	{"process_one_work", "workqueue_execute_start"},
	{"schedule", "sched_switch"},
	{"send_signal", "signal_generate"},
	{"set_task_comm", "task_rename"},
	{"sock_recvmsg", "sock_recv_length"},
	{"sock_sendmsg", "sock_send_length"},
	{"submit_bio", "block_bio_queue"},
	{"try_to_wake_up", "sched_waking"},
	{"wake_up_new_task", "sched_wakeup_new"},
};

/* Groups of tracepoints that most of the kernel goes through. */
static const char *const common[] = {"sched", "kmem", "block", "net",  "tcp",	    "sock",
				     "skb",   "irq",  "timer", "task", "writeback", "signal"};

/* Points that are most like a function: by the words of their names that are in its name. */
struct nearest {
	const char *function;
	char names[NEAREST][NAME_MAX + 1];
	u32 marks[NEAREST]; /* highest first */
};

/* Letters that a name has of a word: a word of its own that begins so, or that this begins with. */
static size_t letters_of(const char *name, const char *word, size_t len)
{
	size_t most = 0;

	for (const char *at = name; *at; at += strspn(at, "_")) {
		size_t own = strcspn(at, "_"), same = own < len ? own : len;

		if (same >= WORD_MIN && same > most && !strncmp(at, word, same))
			most = same;
		at += own;
	}
	return most;
}

/* Words that two names have in common, longer ones for more; the others are held against them. */
static u32 likeness(const char *function, const char *name)
{
	u32 mark = 0, words = 0;

	for (const char *at = name; *at; at += strspn(at, "_")) {
		size_t len = strcspn(at, "_"), letters = letters_of(function, at, len);

		words++;
		if (letters)
			mark += 4 + (u32)letters;
		at += len;
	}
	return mark > words ? mark - words : 0;
}

static bool is_common(const char *system)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(common); i++)
		if (!strcmp(system, common[i]))
			return true;
	return false;
}

static void offer(struct nearest *n, const char *name, u32 mark)
{
	size_t at = NEAREST;

	for (size_t i = 0; i < NEAREST; i++)
		if (n->marks[i] && !strcmp(n->names[i], name))
			return;
	while (at > 0 && mark > n->marks[at - 1])
		at--;
	if (at == NEAREST)
		return;
	for (size_t i = NEAREST - 1; i > at; i--) {
		memcpy(n->names[i], n->names[i - 1], sizeof(n->names[i]));
		n->marks[i] = n->marks[i - 1];
	}
	snprintf(n->names[at], sizeof(n->names[at]), "%s", name);
	n->marks[at] = mark;
}

static void offer_like(struct nearest *n, const char *name, u32 bonus)
{
	u32 mark = likeness(n->function, name);

	if (mark)
		offer(n, name, mark + bonus);
}

/* The tracepoints of one folder of tracefs. */
static void offer_folder(struct nearest *n, const char *folder, u32 bonus)
{
	DIR *dir = opendir(folder);
	const struct dirent *event;

	while (dir && (event = readdir(dir)))
		if (event->d_name[0] != '.' && event->d_type == DT_DIR)
			offer_like(n, event->d_name, bonus);
	if (dir)
		closedir(dir);
}

static void offer_tracepoints(struct nearest *n)
{
	DIR *systems = opendir(EVENTS);
	const struct dirent *system;
	char path[sizeof(EVENTS) + NAME_MAX + 2];

	while (systems && (system = readdir(systems))) {
		if (system->d_name[0] == '.' || !strcmp(system->d_name, "syscalls"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", EVENTS, system->d_name);
		offer_folder(n, path, is_common(system->d_name) ? COMMON_BONUS : 0);
	}
	if (systems)
		closedir(systems);
}

/* The system call that a function is the code of: sys_read, __x64_sys_read, ksys_read, vfs_read. */
static const struct ft_syscall *call_of(const char *function)
{
	static const char *const starts[] = {"sys_",	  "__x64_sys_", "__arm64_sys_",
					     "ksys_",	  "SyS_",	"__do_sys_",
					     "__se_sys_", "do_sys_",	"vfs_"};

	for (size_t i = 0; i < FT_ARRAY_LEN(starts); i++) {
		size_t len = strlen(starts[i]);

		if (!strncmp(function, starts[i], len) && ft_syscall_find(function + len))
			return ft_syscall_find(function + len);
	}
	return NULL;
}

/* The function that a point names: "f", "f@file.c:1"; NULL: it names none. */
static const char *function_of(const struct ft_point *point, char name[NAME_MAX + 1])
{
	for (u32 i = 0; i < point->part_count; i++) {
		const struct ft_point_part *part = &point->parts[i];

		if (strcmp(part->name, "function") != 0 && strcmp(part->name, "statement") != 0)
			continue;
		name[0] = '\0';
		if (part->arg && part->arg->kind == FT_EXPR_STRING)
			snprintf(name, NAME_MAX + 1, "%.*s", (int)strcspn(part->arg->text, "@"),
				 part->arg->text);
		return name;
	}
	return NULL;
}

size_t ft_kernel_function_near(const struct ft_point *point, char *text, size_t size)
{
	const struct ft_syscall *call;
	char name[NAME_MAX + 1];
	struct nearest n = {.function = name};
	int len = 0;

	text[0] = '\0';
	if (!function_of(point, name))
		return 0;
	for (size_t i = 0; i < FT_ARRAY_LEN(known); i++)
		if (!strcmp(known[i].function, name))
			offer(&n, known[i].tracepoint, UINT32_MAX);
	offer_tracepoints(&n);
	call = call_of(name);
	if (call)
		len += snprintf(text, size, "; nearest: syscall.%s", call->script);
	for (size_t i = 0; i < NEAREST && n.marks[i] && (size_t)len < size; i++)
		len += snprintf(text + len, size - (size_t)len, "%skernel.trace(\"%.60s\")",
				i || call ? ", " : "; nearest: ", n.names[i]);
	return (size_t)len;
}

/* Why there is no such tracepoint: the name, without its group, is known to nobody. */
static bool trace_why(const struct ft_point *point, char why[FT_KERNEL_FUNCTION_WHY])
{
	const struct ft_expr *arg = point->part_count > 1 ? point->parts[1].arg : NULL;

	if (strcmp(point->parts[0].name, "kernel") != 0 || point->part_count != 2 ||
	    strcmp(point->parts[1].name, "trace") != 0 || !arg || arg->kind != FT_EXPR_STRING)
		return false;
	snprintf(why, FT_KERNEL_FUNCTION_WHY,
		 "this kernel has no such tracepoint (" EVENTS "); those of a module are there "
		 "once it is loaded");
	return true;
}

bool ft_kernel_function_why(const struct ft_point *point, const char *dwarf_why,
			    char why[FT_KERNEL_FUNCTION_WHY])
{
	const char *first = point->parts[0].name, *reason, *other = "";
	char name[NAME_MAX + 1], module[sizeof("/sys/module/") + 100] = "";
	int len;

	if (trace_why(point, why))
		return true;
	if ((strcmp(first, "kernel") != 0 && strcmp(first, "module") != 0 &&
	     strcmp(first, "kprobe") != 0) ||
	    !function_of(point, name))
		return false;
	if (!strcmp(first, "module") && point->parts[0].arg &&
	    !strpbrk(point->parts[0].arg->text, "*?[/"))
		snprintf(module, sizeof(module), "/sys/module/%s", point->parts[0].arg->text);
	if (!strcmp(point->parts[point->part_count - 1].name, "inline"))
		reason = "inlined calls are only told by the kernel's debug information (DWARF)";
	else if (!strcmp(first, "module") && module[0] && access(module, F_OK))
		reason = "no such module is loaded";
	else if (!strcmp(first, "module"))
		reason = "no module that is loaded has such a function that can be traced";
	else if (!strcmp(point->parts[1].name, "function"))
		reason = "this kernel's types have no such function: it has another name here, or "
			 "is always inlined";
	else
		reason = "lines of the kernel are only told by its debug information (DWARF)";
	if (!strcmp(point->parts[1].name, "statement"))
		other = "; kernel.statement(0xADDRESS).absolute needs none";
	len = snprintf(why, FT_KERNEL_FUNCTION_WHY, "%s%s%s%s", reason, *dwarf_why ? ": " : "",
		       dwarf_why, other);
	if (!strcmp(first, "module"))
		return true;
	ft_kernel_function_near(point, why + len, FT_KERNEL_FUNCTION_WHY - (size_t)len);
	return true;
}
