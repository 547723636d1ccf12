/*
 * peers.h - the stack of a stopped thread as libunwind and libdwfl see it.
 */
#ifndef FT_TESTS_UNWIND_PEERS_H
#define FT_TESTS_UNWIND_PEERS_H

#include <elf.h>
#include <elfutils/libdwfl.h>
#include <libunwind-ptrace.h>
#include <stdio.h>

#include "tests/unwind/target.h"
#include "tests/unwind/walk.h"

struct peer_stack {
	u64 pcs[WALK_FRAMES_MAX]; /* instructions, or return addresses */
	/*
	 * Perhaps the instruction itself: not all versions tell the signal frame from the one that
	 * was interrupted.
	 */
	bool near_signal[WALK_FRAMES_MAX];
	u32 count;
	bool complete; /* ended without an error */
	bool null;     /* met an address that cannot be code */
};

static inline void peer_frame(struct peer_stack *s, u64 pc, bool near_signal)
{
	if (s->count < WALK_FRAMES_MAX) {
		s->near_signal[s->count] = near_signal;
		s->pcs[s->count++] = pc;
	}
}

/* Whether the first count frames of a walk are the peer's. */
static inline bool peer_agrees(const struct peer_stack *s, const u64 *frames, u32 count)
{
	if (s->count < count || (count && s->pcs[0] != frames[0]))
		return false;
	for (u32 i = 1; i < count; i++)
		if (s->pcs[i] - 1 != frames[i] && !(s->near_signal[i] && s->pcs[i] == frames[i]))
			return false;
	return true;
}

/*
 * space is of unw_create_addr_space(&_UPT_accessors, 0), and holds what libunwind remembers of the
 * process.
 */
static inline void libunwind_walk(unw_addr_space_t space, pid_t tid, struct peer_stack *s)
{
	void *context = _UPT_create(tid);
	unw_cursor_t cursor;
	bool signal, before = false;
	unw_word_t pc;
	int more;

	s->count = 0;
	s->complete = s->null = false;
	if (!context)
		return;
	if (unw_init_remote(&cursor, space, context) == 0) {
		do {
			if (unw_get_reg(&cursor, UNW_REG_IP, &pc))
				break;
			if (pc < 4096) {
				s->null = true;
				break;
			}
			signal = unw_is_signal_frame(&cursor) > 0;
			peer_frame(s, pc, signal || before);
			before = signal;
			more = unw_step(&cursor);
			s->complete = more == 0;
		} while (more > 0 && s->count < WALK_FRAMES_MAX);
	}
	_UPT_destroy(context);
}

static inline int libdwfl_frame(Dwfl_Frame *frame, void *context)
{
	struct peer_stack *s = context;
	bool activation;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(frame, &pc, &activation))
		return DWARF_CB_ABORT;
	if (pc >= 4096)
		peer_frame(s, pc, activation);
	else
		s->null = true;
	return s->count < WALK_FRAMES_MAX ? DWARF_CB_OK : DWARF_CB_ABORT;
}

static inline void libdwfl_walk(pid_t pid, pid_t tid, struct peer_stack *s)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_linux_proc_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
	};
	Dwfl *dwfl = dwfl_begin(&callbacks);

	s->count = 0;
	s->complete = s->null = false;
	if (!dwfl)
		return;
	if (dwfl_linux_proc_report(dwfl, pid) == 0 && dwfl_report_end(dwfl, NULL, NULL) == 0 &&
	    dwfl_linux_proc_attach(dwfl, pid, true) == 0)
		s->complete = dwfl_getthread_frames(dwfl, tid, libdwfl_frame, s) == 0;
	dwfl_end(dwfl);
}

/* Where the process began: the entry points of its program and of the dynamic linker. */
struct entries {
	u64 program, linker;
};

static inline struct entries entries_of(pid_t pid)
{
	struct entries e = {0};
	char path[64];
	u64 pair[2], base = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	f = fopen(path, "re");
	while (f && fread(pair, sizeof(pair), 1, f) == 1) {
		if (pair[0] == AT_ENTRY)
			e.program = pair[1];
		if (pair[0] == AT_BASE)
			base = pair[1];
	}
	if (f)
		fclose(f);
	if (base && target_read(pid, base + offsetof(Elf64_Ehdr, e_entry), &e.linker, 8))
		e.linker += base;
	return e;
}

/* Whether an address is in a function at an entry point: it is short, and calls one other. */
static inline bool entries_hold(const struct entries *e, u64 addr)
{
	return addr - e->program < 64 || addr - e->linker < 16;
}

#endif
