/*
 * live.c - stops a program at random moments and compares our stack of it with libunwind's, frame
 * by frame, and with libdwfl's where they differ.
 *
 * usage: live NAME STOPS MAX_NO_READER_PERCENT COMMAND [ARGUMENT...]
 *
 * Prints one line of figures. Exit status 1: a stack that a peer reads to its root and ours does
 * not, or differently; more stacks that nobody reads than allowed; or the walk over a capture
 * (sampler/late.h) differs from the walk over memory.
 *
 * Where a random stop falls is chance. So nothing is judged by how often it happens but "no
 * reader": no root by ours, nor by a peer, and neither peer knows a caller of the frame at which
 * ours gives up. There the file does not say how to unwind: libgcc has the registers of a landing
 * pad in a frame of its own before it jumps there, code made at run time says nothing at all.
 */
#include <inttypes.h>

#include "sampler/late.h"
#include "tests/unwind/ours.h"
#include "tests/unwind/peers.h"

#define SHOWN 3	      /* stacks that are printed in full */
#define DWFL_EVERY 16 /* libdwfl is slow: asked about every so many-th stack, and all that differ */
#define STARTS_MAX 2000	 /* how often a program that ends is started again */
#define SECONDS_MAX 20.0 /* then a quarter of the stops is enough; the figures say how many */
#define NO_READER_MIN 3	 /* so many stacks without a reader are never too many */

struct figures {
	u64 stacks, roots, equal, early, differ, differ_alone;
	u64 no_reader; /* without a root in all three opinions */
	u64 lost;      /* without a root in ours only */
	u64 dwfl_asked, dwfl_equal;
	u64 late, late_cut, late_differ;
	u64 frames;
	u64 ends[FT_END_COUNT];
};

struct live {
	struct target target;
	struct ours ours;
	struct entries entries;
	unw_addr_space_t space;
	struct figures figures;
	struct walk walk;
	struct peer_stack unwind, dwfl;
	struct ft_wire_capture capture;
	u32 shown;
};

static bool same(const struct walk *w, const struct peer_stack *s)
{
	return w->count == s->count && peer_agrees(s, w->frames, w->count);
}

static const struct ft_mapping *code_at(const struct live *l, u64 addr)
{
	return ft_space_find(l->ours.space, addr, UINT64_MAX - 1);
}

static void show_frame(const struct live *l, const u64 *frames, u32 count, u32 i)
{
	const struct ft_mapping *m;
	const char *name = "?";
	u64 offset = 0;

	if (i >= count) {
		printf("  %-40s", "-");
		return;
	}
	m = code_at(l, frames[i]);
	if (m) {
		const char *path = l->ours.raw->modules[m->module].path;

		name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
		offset = frames[i] - m->start + m->offset;
	}
	printf("  %24.24s+0x%-13" PRIx64, name, offset);
}

static void show(struct live *l, const char *what)
{
	const struct walk *w = &l->walk;
	u32 first = 0;

	if (l->shown++ >= SHOWN)
		return;
	printf("%s: ours (end %d), libunwind%s, libdwfl%s\n", what, w->end,
	       l->unwind.complete ? "" : " (incomplete)", l->dwfl.complete ? "" : " (incomplete)");
	while (first < w->count && peer_agrees(&l->unwind, w->frames, first + 1))
		first++;
	first = first < 3 ? 0 : first - 3;
	for (u32 i = first; i < first + 12; i++) {
		if (i >= w->count && i >= l->unwind.count && i >= l->dwfl.count)
			break;
		printf("%5u", i);
		show_frame(l, w->frames, w->count, i);
		show_frame(l, l->unwind.pcs, l->unwind.count, i);
		show_frame(l, l->dwfl.pcs, l->dwfl.count, i);
		putchar('\n');
	}
}

/* The walk over what would have been captured must agree, as far as the capture goes. */
static void compare_late(struct live *l)
{
	struct ft_wire_record *r = &l->capture.record;
	bool whole;

	ft_late_walk(&l->capture, l->ours.space, l->ours.tables, FT_WIRE_UNWIND_AUTO);
	l->figures.late++;
	whole = r->end == l->walk.end;
	if (r->user_frames > l->walk.count || (whole && r->user_frames != l->walk.count) ||
	    (!whole && r->end != FT_END_NOT_READY && r->end != FT_END_DEPTH) ||
	    memcmp(r->frames, l->walk.frames, r->user_frames * sizeof(u64))) {
		l->figures.late_differ++;
		l->unwind.count = r->user_frames;
		memcpy(l->unwind.pcs, r->frames, sizeof(r->frames));
		show(l, "the walk over a capture (in the middle)");
	} else if (!whole) {
		l->figures.late_cut++;
	}
}

/*
 * A peer may end without an error where it has lost its way. Complete is what ends where the
 * process or the thread began.
 */
static bool peer_is_complete(const struct live *l, pid_t tid, const struct peer_stack *s)
{
	u64 first;

	for (u32 i = 1; i < s->count; i++)
		if (!code_at(l, s->pcs[i] - 1))
			return false;
	if (!s->complete || !s->count)
		return false;
	first = s->pcs[s->count - 1];
	if (tid != l->target.pid)
		return first - l->target.thread_entry < 64 && !s->null;
	return entries_hold(&l->entries, first);
}

/* Whether a peer knows a caller of the frame at which our walk gave up. */
static bool peer_goes_on(const struct live *l, const struct peer_stack *s)
{
	u32 count = l->walk.count;

	return s->count > count && peer_agrees(s, l->walk.frames, count) &&
	       code_at(l, s->pcs[count] - 1);
}

/* A stack of ours that reaches no root: whether a peer can do better. */
static void compare_rootless(struct live *l, pid_t tid)
{
	libdwfl_walk(l->target.pid, tid, &l->dwfl);
	if (peer_is_complete(l, tid, &l->unwind) || peer_is_complete(l, tid, &l->dwfl) ||
	    peer_goes_on(l, &l->unwind) || peer_goes_on(l, &l->dwfl)) {
		l->figures.lost++;
		show(l, "no root");
	} else {
		l->figures.no_reader++;
		show(l, "no reader");
	}
}

static void compare(struct live *l, pid_t tid)
{
	struct figures *f = &l->figures;
	const struct walk *w = &l->walk;
	bool equal, early, dwfl_equal, dwfl_complete;

	libunwind_walk(l->space, tid, &l->unwind);
	if (w->end != FT_END_ROOT) {
		compare_rootless(l, tid);
		return;
	}
	equal = same(w, &l->unwind);
	early = !equal && (!peer_is_complete(l, tid, &l->unwind) ||
			   (w->count > l->unwind.count &&
			    peer_agrees(&l->unwind, w->frames, l->unwind.count)));
	f->equal += equal;
	f->early += early;
	if (equal && f->stacks % DWFL_EVERY)
		return;
	libdwfl_walk(l->target.pid, tid, &l->dwfl);
	dwfl_equal = same(w, &l->dwfl);
	dwfl_complete = peer_is_complete(l, tid, &l->dwfl);
	f->dwfl_asked++;
	f->dwfl_equal += dwfl_equal;
	if (equal || (early && !dwfl_complete))
		return;
	if (!early)
		f->differ++;
	if (!dwfl_equal) {
		f->differ_alone++;
		show(l, "differs");
	}
}

/* One stop: our walk, and then the others over the same stack. */
static void look(struct live *l, pid_t tid)
{
	struct walk *w = &l->walk;

	if (!target_capture(tid, &l->capture) || !ours_look(&l->ours, &l->target, tid))
		return;
	w->read = ours_read;
	w->find = ours_find;
	w->context = &l->ours;
	walk_stack(w, l->capture.pc, l->capture.regs);
	l->figures.stacks++;
	l->figures.frames += w->count;
	l->figures.ends[w->end]++;
	l->figures.roots += w->end == FT_END_ROOT;
	compare(l, tid);
	compare_late(l);
}

static bool start(struct live *l, char **argv)
{
	if (l->space)
		unw_destroy_addr_space(l->space);
	l->space = unw_create_addr_space(&_UPT_accessors, 0);
	unw_set_caching_policy(l->space, UNW_CACHE_NONE);
	if (!l->space || !target_start(&l->target, argv))
		return false;
	l->entries = entries_of(l->target.pid);
	/* The stop before the first instruction counts, too. */
	look(l, l->target.pid);
	target_resume(l->target.pid);
	return true;
}

static void report(const char *name, const struct figures *f)
{
	double stacks = f->stacks ? (double)f->stacks : 1;

	printf("%-14s %6" PRIu64 " %7.1f %7.2f %6" PRIu64 " | %6" PRIu64 " %6" PRIu64 " %6" PRIu64
	       " %6" PRIu64 " | %6" PRIu64 " of %-6" PRIu64 " | %6" PRIu64 " %6" PRIu64 "\n",
	       name, f->stacks, (double)f->frames / stacks, 100.0 * (double)f->roots / stacks,
	       f->no_reader, f->equal, f->differ, f->differ_alone, f->early, f->dwfl_equal,
	       f->dwfl_asked, f->late_cut, f->late_differ);
	for (u32 i = FT_END_ROOT + 1; i < FT_END_COUNT; i++)
		if (f->ends[i])
			printf("%-14s %6" PRIu64 " ended for reason %u (profile/quality.h)\n", "",
			       f->ends[i], i);
}

static bool judge(const struct figures *f, double max_no_reader)
{
	bool good = true;

	if (f->equal == 0) {
		printf("FAIL: nothing to compare with\n");
		good = false;
	}
	if (f->differ_alone) {
		printf("FAIL: %" PRIu64 " stacks differ from complete ones of the peers\n",
		       f->differ_alone);
		good = false;
	}
	if (f->lost) {
		printf("FAIL: %" PRIu64 " stacks reach no root, though a peer knows the way\n",
		       f->lost);
		good = false;
	}
	if (f->no_reader > NO_READER_MIN &&
	    100.0 * (double)f->no_reader > max_no_reader * (double)f->stacks) {
		printf("FAIL: too many stacks that nobody reads\n");
		good = false;
	}
	if (f->late_differ) {
		printf("FAIL: walks over captures differ\n");
		good = false;
	}
	return good;
}

int main(int argc, char **argv)
{
	static struct live l;
	u64 stops, begin_ns = target_now_ns();
	u32 starts = 0;

	if (argc < 5) {
		fprintf(stderr,
			"usage: live NAME STOPS MAX_NO_READER_PERCENT COMMAND [ARGUMENT...]\n");
		return 2;
	}
	stops = strtoull(argv[2], NULL, 10);
	srandom((unsigned)target_now_ns());
	alarm(15 * (unsigned)SECONDS_MAX); /* a program that cannot be stopped ends with us */
	if (!ours_init(&l.ours))
		return 1;
	l.target.ended = true;
	while (l.figures.stacks < stops &&
	       (l.figures.stacks < stops / 4 ||
		(double)(target_now_ns() - begin_ns) < SECONDS_MAX * 1e9)) {
		pid_t tid;

		if (l.target.ended) {
			target_end(&l.target);
			if (starts++ == STARTS_MAX || !start(&l, argv + 4)) {
				printf("FAIL: cannot start %s under ptrace\n", argv[4]);
				return 1;
			}
		}
		if (!target_run(&l.target, 100 + (u64)random() % 2000))
			continue;
		tid = l.target.threads[(u32)random() % l.target.thread_count];
		if (!target_stop(&l.target, tid))
			continue;
		look(&l, tid);
		target_resume(tid);
	}
	target_end(&l.target);
	unw_destroy_addr_space(l.space);
	ours_fini(&l.ours);
	report(argv[1], &l.figures);
	return judge(&l.figures, strtod(argv[3], NULL)) ? 0 : 1;
}
