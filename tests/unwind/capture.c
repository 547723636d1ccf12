/*
 * capture.c - makes a stored case (case.h) of a running program: docs/howto/add-an-unwind-case.md.
 *
 * usage: capture [OPTION]... OUTPUT ABOUT COMMAND [ARGUMENT...]
 *   --rule KIND       a frame has such a rule: plt (after its push), deref, indexed, sigframe,
 *                     reg-ra, bx-cfa, none, jit
 *   --leaf NAME       the innermost frame is in a file of that base name
 *   --frames MIN MAX  so many frames
 *   --from MS         not before the program has run so long; 0: before its first instruction
 *   --step            instruction by instruction, instead of at random moments; the frame with the
 *                     rule is the innermost
 *   --thread          a thread other than the first
 *
 * Starts the command and looks at its stack until one is as wanted. Only stacks are taken that
 * libunwind or libdwfl see alike, and that replay from the file's contents.
 */
#include <getopt.h>

#include "tests/unwind/case.h"
#include "tests/unwind/ours.h"
#include "tests/unwind/peers.h"

#define SECONDS_MAX 20
#define NEAR_SP 64 /* bytes at the stack pointer that are stored whether they are read or not */

struct wanted {
	const char *rule, *leaf;
	u32 min_frames, max_frames;
	u64 from_us;
	bool step, thread;
};

struct capture {
	struct target target;
	struct ours ours;
	struct wanted wanted;
	struct walk walk;
	struct unwind_case result;
	struct peer_stack peer;
	unw_addr_space_t space;
	u64 read[CASE_WORDS_MAX]; /* addresses that the walk has read */
	u32 read_count;
};

static struct capture *capture_of(void *ours)
{
	return (struct capture *)((char *)ours - offsetof(struct capture, ours));
}

static bool read_noting(void *context, u64 addr, u64 *word)
{
	struct capture *c = capture_of(context);

	if (!ours_read(context, addr, word))
		return false;
	if (c->read_count < CASE_WORDS_MAX)
		c->read[c->read_count++] = addr;
	return true;
}

static int by_address(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void store_words(struct capture *c)
{
	struct unwind_case *r = &c->result;

	for (u64 at = 0; at < NEAR_SP && c->read_count < CASE_WORDS_MAX; at += 8)
		c->read[c->read_count++] = r->regs[FT_CFI_X86_SP] + at;
	qsort(c->read, c->read_count, sizeof(u64), by_address);
	r->word_count = 0;
	for (u32 i = 0; i < c->read_count; i++) {
		if (i && c->read[i] == c->read[i - 1])
			continue;
		r->words[r->word_count].addr = c->read[i];
		if (ours_read(&c->ours, c->read[i], &r->words[r->word_count].value))
			r->word_count++;
	}
}

static bool store_maps(struct capture *c)
{
	struct unwind_case *r = &c->result;

	r->map_count = 0;
	for (size_t i = 0; i < c->ours.space->live_count; i++) {
		const struct ft_mapping *m = &c->ours.space->live[i];
		const char *path = c->ours.raw->modules[m->module].path;
		const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
		struct case_map *map = &r->maps[r->map_count++];

		if (r->map_count == CASE_MAPS_MAX)
			return false;
		map->start = m->start;
		map->end = m->end;
		map->offset = m->offset;
		snprintf(map->name, sizeof(map->name), "%s", name);
		for (char *p = map->name; *p; p++)
			if (*p <= ' ' || *p == '+')
				*p = '_';
	}
	return true;
}

static bool store_frames(struct capture *c)
{
	struct unwind_case *r = &c->result;

	if (c->walk.count > CASE_FRAMES_MAX)
		return false;
	memset(r->frames, 0, sizeof(r->frames));
	r->frame_count = c->walk.count;
	for (u32 i = 0; i < c->walk.count; i++) {
		const struct case_map *m = case_map_of(r, c->walk.frames[i]);
		struct case_frame *frame = &r->frames[i];

		if (!m)
			return false;
		frame->offset = c->walk.frames[i] - m->start + m->offset;
		memcpy(frame->name, m->name, sizeof(frame->name));
		frame->found = ours_find(&c->ours, c->walk.frames[i], &frame->rule);
	}
	r->end = c->walk.end;
	return true;
}

static bool has_rule(const struct unwind_case *r, const char *kind)
{
	for (u32 i = 0; i < r->frame_count; i++) {
		const struct case_frame *f = &r->frames[i];
		bool is_rule = f->found == WALK_RULE;

		/* A stub that has pushed nothing yet looks like any function. */
		if (is_rule && f->rule.cfa_kind == FT_CFI_CFA_PLT &&
		    (f->offset & 15) < (u64)(s64)f->rule.cfa_add)
			continue;
		if (is_rule ? !strcmp(case_cfas[f->rule.cfa_kind], kind)
			    : !strcmp(case_found[f->found], kind))
			return true;
		if (is_rule && !strcmp(kind, "reg-ra") && f->rule.ra_kind == FT_CFI_IN_REG)
			return true;
		if (is_rule && !strcmp(kind, "bx-cfa") && f->rule.cfa_kind == FT_CFI_CFA_REG &&
		    f->rule.cfa_reg != FT_CFI_X86_SP && f->rule.cfa_reg != FT_CFI_X86_FP)
			return true;
	}
	return false;
}

/* Whether a stopped thread's stack is one that is wanted; it is in c->result then. */
static bool look(struct capture *c, pid_t tid)
{
	const struct wanted *w = &c->wanted;
	struct unwind_case *r = &c->result;

	c->read_count = 0;
	c->walk.read = read_noting;
	c->walk.find = ours_find;
	c->walk.context = &c->ours;
	if (!target_registers(tid, r->regs, &r->pc) || !ours_look(&c->ours, &c->target, tid))
		return false;
	walk_stack(&c->walk, r->pc, r->regs);
	if (c->walk.count < w->min_frames || c->walk.count > w->max_frames || !store_maps(c) ||
	    !store_frames(c) || (w->rule && !has_rule(r, w->rule)) ||
	    (w->leaf && strcmp(r->frames[0].name, w->leaf) != 0))
		return false;
	libunwind_walk(c->space, tid, &c->peer);
	if (c->peer.count != c->walk.count || !peer_agrees(&c->peer, c->walk.frames, c->walk.count))
		libdwfl_walk(c->target.pid, tid, &c->peer);
	if (c->peer.count != c->walk.count ||
	    !peer_agrees(&c->peer, c->walk.frames, c->walk.count)) {
		fprintf(stderr, "capture: a stack that nobody else sees so; going on\n");
		return false;
	}
	store_words(c);
	return case_replay("capture", r);
}

/* Whether it may be worth looking: most instructions are not in a place with the wanted rule. */
static bool promising(struct capture *c, pid_t tid)
{
	struct unwind_case *r = &c->result;

	if (!c->wanted.rule)
		return true;
	if (!target_registers(tid, r->regs, &r->pc))
		return false;
	c->ours.tid = tid;
	r->frame_count = 1;
	r->frames[0].offset = r->pc; /* all but its lowest bits is not looked at */
	r->frames[0].found =
		c->ours.space ? ours_find(&c->ours, r->pc, &r->frames[0].rule) : WALK_UNKNOWN;
	return has_rule(r, c->wanted.rule) ||
	       (r->frames[0].found == WALK_UNKNOWN && ours_look(&c->ours, &c->target, tid));
}

/* Instructions one after the other, from a moment on. */
static bool look_stepping(struct capture *c, pid_t tid, u64 until_ns)
{
	while (target_now_ns() < until_ns) {
		if (promising(c, tid) && look(c, tid))
			return true;
		if (!target_step(&c->target, tid))
			return false;
	}
	return false;
}

static bool search(struct capture *c)
{
	const struct wanted *w = &c->wanted;
	u64 until_ns = target_now_ns() + (u64)SECONDS_MAX * 1000000000;

	if (w->from_us == 0 && look(c, c->target.pid))
		return true;
	if (w->from_us == 0 && w->step)
		return look_stepping(c, c->target.pid, until_ns);
	target_resume(c->target.pid);
	target_run(&c->target, w->from_us);
	while (!c->target.ended && c->target.thread_count && target_now_ns() < until_ns) {
		pid_t tid = c->target.threads[(u32)random() % c->target.thread_count];

		target_run(&c->target, (u64)random() % 2000);
		if (c->target.ended || (w->thread && tid == c->target.pid) ||
		    !target_stop(&c->target, tid))
			continue;
		if (w->step ? look_stepping(c, tid, until_ns) : look(c, tid))
			return true;
		target_resume(tid);
	}
	return false;
}

static bool save(const struct capture *c, const char *path)
{
	FILE *f = fopen(path, "we");
	long bytes;

	if (!f)
		return false;
	case_write(f, &c->result);
	bytes = ftell(f);
	if (bytes > CASE_BYTES_MAX)
		fprintf(stderr, "capture: %ld bytes are too many; take fewer frames\n", bytes);
	printf("%s: %u frames, %ld bytes\n", path, c->result.frame_count, bytes);
	return fclose(f) == 0 && bytes <= CASE_BYTES_MAX;
}

static bool options(int argc, char **argv, struct wanted *w)
{
	static const struct option list[] = {
		{"rule", required_argument, NULL, 'r'},
		{"leaf", required_argument, NULL, 'l'},
		{"frames", required_argument, NULL, 'f'},
		{"from", required_argument, NULL, 'm'},
		{"step", no_argument, NULL, 's'},
		{"thread", no_argument, NULL, 't'},
		{0},
	};
	int option;

	*w = (struct wanted){.min_frames = 1, .max_frames = 60, .from_us = 50000};
	while ((option = getopt_long(argc, argv, "+", list, NULL)) != -1) {
		switch (option) {
		case 'r':
			w->rule = optarg;
			break;
		case 'l':
			w->leaf = optarg;
			break;
		case 'f':
			w->min_frames = (u32)strtoul(optarg, NULL, 10);
			w->max_frames = (u32)strtoul(argv[optind], NULL, 10);
			optind++;
			break;
		case 'm':
			w->from_us = strtoull(optarg, NULL, 10) * 1000;
			break;
		case 's':
			w->step = true;
			break;
		case 't':
			w->thread = true;
			break;
		default:
			return false;
		}
		if (optind >= argc)
			return false;
	}
	return argc - optind >= 3;
}

int main(int argc, char **argv)
{
	static struct capture c;
	int status = 1;

	if (!options(argc, argv, &c.wanted)) {
		fprintf(stderr,
			"usage: capture [--rule KIND] [--leaf NAME] [--frames MIN MAX] [--from MS] "
			"[--step] [--thread] OUTPUT ABOUT COMMAND [ARGUMENT...]\n");
		return 2;
	}
	srandom((unsigned)target_now_ns());
	snprintf(c.result.about, sizeof(c.result.about), "%s", argv[optind + 1]);
	c.space = unw_create_addr_space(&_UPT_accessors, 0);
	if (c.space && ours_init(&c.ours) && target_start(&c.target, argv + optind + 2)) {
		if (search(&c))
			status = save(&c, argv[optind]) ? 0 : 1;
		else
			fprintf(stderr, "capture: no stack was as wanted\n");
	}
	target_end(&c.target);
	ours_fini(&c.ours);
	unw_destroy_addr_space(c.space);
	return status;
}
