/* run.c - see run.h. */
#include "scriptlang/run.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

#define SECOND 1000000000ull
#define ACTIONS_FACTOR 10 /* begin, end and error handlers may do so many times more */

struct timer {
	const struct ft_ir *handler;
	u64 period_ns, random_ns, next_ns;
};

struct run {
	struct ft_interp interp;
	const struct ft_script_run *opts;
	struct timer *timers;
	u32 timer_count;
	u32 errors;
};

/* Passes on what was printed. */
static void flush(struct run *r)
{
	struct ft_out **outs[] = {&r->interp.out, &r->interp.messages};

	for (size_t i = 0; i < FT_ARRAY_LEN(outs); i++) {
		size_t len;
		const char *text = ft_out_memory(*outs[i], &len);

		if (!len)
			continue;
		r->opts->write(r->opts->context, text, len, i == 1);
		ft_out_close(*outs[i]);
		*outs[i] = ft_out_new_memory();
	}
}

/* "ERROR: division by 0 near operator '/' at demo.stp:3:9". */
static void say_error(struct run *r)
{
	const struct ft_interp *x = &r->interp;
	const struct ft_source *source = x->error_at.source;
	u32 line, column;

	ft_out_printf(r->interp.messages, "ERROR: %s", x->error);
	if (source && x->error_at.at + x->error_at.len <= source->len) {
		ft_source_place(source, x->error_at.at, &line, &column);
		ft_out_printf(r->interp.messages, " near %s '%.*s' at %s:%u:%u", x->error_word,
			      (int)x->error_at.len, source->text + x->error_at.at, source->name,
			      line, column);
	}
	ft_out_char(r->interp.messages, '\n');
}

/* Whether the script is over because of errors. */
static bool is_over(const struct run *r)
{
	return r->errors > r->interp.limits.errors;
}

static void run_handler(struct run *r, const struct ft_ir *h, bool is_user)
{
	u32 actions = r->interp.limits.actions;

	if (!ft_interp_run(&r->interp, h, is_user ? actions * ACTIONS_FACTOR : actions)) {
		r->errors++;
		say_error(r);
	}
	flush(r);
}

static bool is_point(const struct ft_ir *ir, const char *name)
{
	return ir->side == FT_SIDE_USER && !strcmp(ir->handler->point->parts[0].name, name);
}

static s64 order_of(const struct ft_ir *ir)
{
	const struct ft_point_part *part = &ir->handler->point->parts[0];

	return part->arg ? part->arg->number : 0;
}

/* Runs the handlers of a kind in rising order; those of equal order as they are written. */
static void run_kind(struct run *r, const char *name, bool until_exit)
{
	const struct ft_ir_program *program = r->interp.program;
	u32 count = program->program->handler_count;
	s64 done = INT64_MIN;
	bool first = true;

	for (;;) {
		s64 next = INT64_MAX;
		bool any = false;

		for (u32 i = 0; i < count; i++) {
			const struct ft_ir *h = program->handlers[i];

			if (is_point(h, name) && (first || order_of(h) > done) &&
			    order_of(h) <= next) {
				next = order_of(h);
				any = true;
			}
		}
		if (!any)
			return;
		for (u32 i = 0; i < count; i++) {
			const struct ft_ir *h = program->handlers[i];

			if (!is_point(h, name) || order_of(h) != next)
				continue;
			if (until_exit && (r->interp.exiting || is_over(r)))
				return;
			run_handler(r, h, true);
		}
		done = next;
		first = false;
	}
}

/* Nanoseconds of "timer.ms(N)"; 0: no time that can be waited for. */
static u64 period_of(const struct ft_point *point)
{
	static const struct {
		const char *unit;
		u64 ns;
	} table[] = {{"s", SECOND},	{"sec", SECOND}, {"ms", 1000000},
		     {"msec", 1000000}, {"us", 1000},	 {"usec", 1000},
		     {"ns", 1},		{"nsec", 1},	 {"jiffies", 4000000}};
	const struct ft_point_part *part = &point->parts[1];
	s64 number = part->arg->number;

	if (number <= 0)
		return 0;
	if (!strcmp(part->name, "hz"))
		return SECOND / (u64)number;
	for (size_t i = 0; i < FT_ARRAY_LEN(table); i++)
		if (!strcmp(part->name, table[i].unit))
			return (u64)number > UINT64_MAX / 4 / table[i].ns
				       ? UINT64_MAX / 4
				       : (u64)number * table[i].ns;
	return 0;
}

static u64 random_below(u64 limit)
{
	return limit ? (u64)random() % limit : 0;
}

static int open_timers(struct run *r)
{
	const struct ft_ir_program *program = r->interp.program;
	u32 count = program->program->handler_count;
	u64 now_ns = ft_clock_ns(CLOCK_MONOTONIC);

	r->timers = ft_try_alloc(count + 1, sizeof(*r->timers));
	if (!r->timers)
		return -ENOMEM;
	srandom((unsigned int)now_ns);
	for (u32 i = 0; i < count; i++) {
		const struct ft_ir *h = program->handlers[i];
		struct timer *t = &r->timers[r->timer_count];
		const struct ft_point *point;

		if (!is_point(h, "timer"))
			continue;
		point = h->handler->point;
		*t = (struct timer){.handler = h, .period_ns = period_of(h->handler->point)};
		if (!t->period_ns)
			continue;
		if (point->part_count > 2 && point->parts[2].arg->number > 0)
			t->random_ns = t->period_ns / (u64)point->parts[1].arg->number *
				       (u64)point->parts[2].arg->number;
		t->next_ns = now_ns + t->period_ns + random_below(t->random_ns);
		r->timer_count++;
	}
	return 0;
}

/* Runs what is due. A timer that fell behind runs once. */
static void run_due(struct run *r, u64 now_ns)
{
	for (u32 i = 0; i < r->timer_count && !r->interp.exiting && !is_over(r); i++) {
		struct timer *t = &r->timers[i];

		if (t->next_ns > now_ns)
			continue;
		t->next_ns += t->period_ns + random_below(t->random_ns);
		if (t->next_ns <= now_ns)
			t->next_ns = now_ns + t->period_ns;
		run_handler(r, t->handler, false);
	}
}

static u64 nearest(const struct run *r, u64 end_ns)
{
	for (u32 i = 0; i < r->timer_count; i++)
		if (r->timers[i].next_ns < end_ns)
			end_ns = r->timers[i].next_ns;
	return end_ns;
}

/* From the begin handlers to whatever ends the script. */
static void loop(struct run *r)
{
	struct pollfd stop = {.fd = r->opts->stop_fd, .events = POLLIN};
	u64 now_ns = ft_clock_ns(CLOCK_MONOTONIC);
	u64 end_ns = r->opts->seconds > 0 ? now_ns + (u64)(r->opts->seconds * (double)SECOND)
					  : UINT64_MAX;

	while (!r->interp.exiting && !is_over(r) && now_ns < end_ns) {
		u64 until_ns = nearest(r, end_ns),
		    left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
		struct timespec left = {.tv_sec = (time_t)(left_ns / SECOND),
					.tv_nsec = (long)(left_ns % SECOND)};

		if (ppoll(&stop, 1, until_ns == UINT64_MAX ? NULL : &left, NULL) > 0)
			return;
		now_ns = ft_clock_ns(CLOCK_MONOTONIC);
		run_due(r, now_ns);
	}
}

int ft_run(struct ft_compile *compile, const struct ft_ir_program *program,
	   const struct ft_script_run *opts, bool *failed)
{
	struct run r = {.opts = opts};
	int code = ft_interp_init(&r.interp, compile, program, &opts->limits);

	*failed = false;
	r.interp.target_pid = opts->target_pid;
	r.interp.out = ft_out_new_memory();
	r.interp.messages = ft_out_new_memory();
	if (!code) {
		run_kind(&r, "begin", true);
		code = r.interp.exiting || is_over(&r) ? 0 : open_timers(&r);
	}
	if (!code) {
		loop(&r);
		/* After errors the error handlers run in place of those of the end. */
		*failed = is_over(&r);
		run_kind(&r, *failed ? "error" : "end", false);
		ft_interp_report(&r.interp);
		if (r.errors)
			ft_out_printf(r.interp.messages,
				      "WARNING: Number of errors: %u, skipped probes: 0\n",
				      r.errors);
		*failed |= is_over(&r);
		flush(&r);
	}
	ft_out_close(r.interp.out);
	ft_out_close(r.interp.messages);
	ft_interp_fini(&r.interp);
	free(r.timers);
	return code;
}
