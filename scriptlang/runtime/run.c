/* run.c - see run.h. */
#include "scriptlang/runtime/run.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "scriptlang/kernel/kernel.h"
#include "scriptlang/runtime/flame.h"
#include "scriptlang/runtime/pass_times.h"
#include "scriptlang/runtime/serve.h"

#define SECOND 1000000000ull
#define PIECE_BYTES 32768	/* of text that leaves at once */
#define CONSUME_NS 100000000ull /* how long records keep us from timers, signals and readers */
#define LOOK_NS 20000000ull	/* how long a record may lie before it is looked at */

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
	struct ft_kernel *kernel;   /* NULL: no handler is of the kernel */
	struct ft_serve *serve;	    /* NULL: no handler waits for readers or writers */
	struct ft_pass_times times; /* of what is under way */
	bool begun;		    /* the begin handlers run, or have */
	bool ending;		    /* end or error handlers run */
	bool consuming;		    /* records are taken */
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
		ft_out_clear(*outs[i]);
	}
}

/* After what a record asked for: records come by the thousands, their text leaves in pieces. */
static void flush_some(struct run *r)
{
	size_t len, messages;

	ft_out_memory(r->interp.out, &len);
	ft_out_memory(r->interp.messages, &messages);
	if (len >= PIECE_BYTES || messages)
		flush(r);
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

/* Whether a handler, here or in the kernel, has asked for the end. */
static bool is_exiting(const struct run *r)
{
	return r->interp.exiting ||
	       (r->kernel && ft_kernel_phase(r->kernel) >= FT_PHASE_EXITING && !r->ending);
}

/* After a handler: its error, if it ended by one; what it printed; its wish to end the script. */
static void settle(struct run *r, bool went_well)
{
	if (!went_well) {
		r->errors++;
		say_error(r);
	}
	if (r->consuming && !r->interp.switching)
		flush_some(r);
	else
		flush(r);
	if (r->interp.switching && r->opts->switch_output)
		r->opts->switch_output(r->opts->context);
	r->interp.switching = false;
	if (r->kernel && (r->interp.exiting || is_over(r)) &&
	    ft_kernel_phase(r->kernel) == FT_PHASE_RUNNING)
		ft_kernel_set_phase(r->kernel, FT_PHASE_EXITING);
}

static u32 actions_of(const struct run *r, const struct ft_handler *h)
{
	return r->interp.limits.actions * ft_actions_factor(h->point);
}

/* Does what a record asks for. */
static void take_record(void *context, const struct ft_record *record)
{
	const struct ft_ir_site *site = record->site;
	const struct ft_ir_op *op = &site->ir->blocks[site->block].ops[site->at];
	struct run *r = context;
	struct ft_interp *x = &r->interp;
	bool went_well = false;

	/* What comes after the handler that ended the script came too late. */
	if ((is_over(r) || r->interp.exiting) && !r->ending)
		return;
	x->hoisted = record->hoisted;
	x->site = site;
	x->caught = record->failed;
	switch (site->kind) {
	case FT_SITE_POST:
		went_well = ft_interp_post(x, site->ir, op, record->regs);
		break;
	case FT_SITE_SHIP:
		went_well = ft_interp_resume(x, site->ir, record->regs, site->block, site->at,
					     actions_of(r, site->ir->handler));
		break;
	case FT_SITE_ERROR:
		x->failed = false;
		ft_interp_explain(x, op);
		break;
	}
	x->hoisted = NULL;
	x->caught = 0;
	settle(r, went_well);
}

/* Takes what the kernel has sent; see ft_kernel_consume. */
static int consume(struct run *r, u64 budget_ns)
{
	int code;

	r->consuming = true;
	code = r->kernel ? ft_kernel_consume(r->kernel, budget_ns, take_record, r) : 0;
	r->consuming = false;
	flush(r);
	return code;
}

/* For tests: the handler runs in the kernel, whatever phase it is. */
static void fire(struct run *r, const struct ft_ir *ir)
{
	enum ft_session_phase phase = ft_kernel_phase(r->kernel);

	consume(r, 0); /* what is older than this */
	ft_kernel_set_phase(r->kernel, FT_PHASE_RUNNING);
	ft_kernel_fire(r->kernel, ir);
	consume(r, 0);
	if (ft_kernel_phase(r->kernel) == FT_PHASE_RUNNING)
		ft_kernel_set_phase(r->kernel, phase);
}

static void run_handler(struct run *r, const struct ft_ir *h)
{
	if (h->is_fired) {
		fire(r, h);
		return;
	}
	settle(r, ft_interp_run(&r->interp, h, actions_of(r, h->handler)));
}

/* The same for what somebody has read or written. */
static void run_served(void *context, const struct ft_ir *h)
{
	struct run *r = context;

	if (!is_exiting(r) && !is_over(r) && !r->ending)
		run_handler(r, h);
}

static bool is_point(const struct ft_ir *ir, const char *name)
{
	return (ir->side == FT_SIDE_USER || ir->is_fired) &&
	       !strcmp(ir->handler->point->parts[0].name, name);
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
			if (until_exit && (is_exiting(r) || is_over(r)))
				return;
			run_handler(r, h);
		}
		done = next;
		first = false;
	}
}

/* Nanoseconds of "timer.ms(N)"; 0: no time that can be waited for. */
static u64 period_of(struct ft_compile *compile, const struct ft_point *point)
{
	static const struct {
		const char *unit;
		u64 ns;
	} table[] = {{"s", SECOND}, {"sec", SECOND}, {"ms", 1000000}, {"msec", 1000000},
		     {"us", 1000},  {"usec", 1000},  {"ns", 1},	      {"nsec", 1}};
	const struct ft_point_part *part = &point->parts[1];
	s64 number = part->arg->number;

	if (number <= 0)
		return 0;
	if (!strcmp(part->name, "hz"))
		return SECOND / (u64)number;
	if (!strcmp(part->name, "jiffies"))
		return (u64)number > UINT64_MAX / 4 / SECOND
			       ? UINT64_MAX / 4
			       : (u64)number * SECOND / ft_machine_hz(compile);
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
		*t = (struct timer){.handler = h, .period_ns = period_of(r->interp.compile, point)};
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
	for (u32 i = 0; i < r->timer_count && !is_exiting(r) && !is_over(r); i++) {
		struct timer *t = &r->timers[i];

		if (t->next_ns > now_ns)
			continue;
		t->next_ns += t->period_ns + random_below(t->random_ns);
		if (t->next_ns <= now_ns)
			t->next_ns = now_ns + t->period_ns;
		run_handler(r, t->handler);
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
static int loop(struct run *r)
{
	struct pollfd polled[] = {
		{.fd = r->opts->stop_fd, .events = POLLIN},
		{.fd = r->opts->ended_fd, .events = POLLIN},
		{.fd = r->kernel ? ft_kernel_fd(r->kernel) : -1, .events = POLLIN},
		{.fd = ft_serve_files_fd(r->serve), .events = POLLIN},
		{.fd = -1, .events = POLLIN}};
	int code = 0;
	u64 now_ns = ft_clock_ns(CLOCK_MONOTONIC);
	u64 end_ns = r->opts->seconds > 0 ? now_ns + (u64)(r->opts->seconds * (double)SECOND)
					  : UINT64_MAX;

	while (!code && !is_exiting(r) && !is_over(r) && now_ns < end_ns) {
		u64 until_ns = nearest(r, r->kernel && now_ns + LOOK_NS < end_ns ? now_ns + LOOK_NS
										 : end_ns),
		    left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
		struct timespec left = {.tv_sec = (time_t)(left_ns / SECOND),
					.tv_nsec = (long)(left_ns % SECOND)};

		polled[4].fd = ft_serve_input_fd(r->serve);
		ppoll(polled, FT_ARRAY_LEN(polled), until_ns == UINT64_MAX ? NULL : &left, NULL);
		if (polled[0].revents || polled[1].revents)
			break;
		now_ns = ft_clock_ns(CLOCK_MONOTONIC);
		code = consume(r, CONSUME_NS);
		if (!code && (polled[3].revents || polled[4].revents))
			ft_serve_step(r->serve);
		if (!code)
			run_due(r, now_ns);
	}
	return code;
}

/* False: the script is to end. */
static bool say_attaching(void *context, u32 done, u32 count)
{
	const struct run *r = context;
	struct pollfd stop = {.fd = r->opts->stop_fd, .events = POLLIN};

	if (r->opts->attaching)
		r->opts->attaching(r->opts->context, done, count);
	return r->opts->stop_fd < 0 || poll(&stop, 1, 0) <= 0;
}

/* The kernel's side is loaded and attached before the begin handlers, and runs after them. */
static int start(struct run *r, struct ft_compile *compile, struct ft_err *err)
{
	const struct ft_kernel_opts opts = {.target_pid = r->opts->target_pid,
					    .limits = r->opts->limits,
					    .attaching = say_attaching,
					    .messages = r->interp.messages,
					    .context = r,
					    .log = r->opts->verbose > 1 ? r->interp.messages
									: NULL};
	const struct ft_serve_use served = {.run = run_served, .context = r};
	int code = ft_kernel_open(compile, r->interp.program, &r->interp, &opts, &r->kernel, err);

	if (code) {
		flush(r);
		return code;
	}
	r->interp.stacks = r->kernel ? ft_kernel_stacks(r->kernel) : NULL;
	ft_pass_times_say(r->opts, &r->times, "Pass 4: compiled and loaded");
	r->begun = true;
	if (r->opts->verbose)
		ft_out_printf(r->interp.messages, "Pass 5: starting run.\n");
	flush(r);
	run_kind(r, "begin", true);
	if (is_exiting(r) || is_over(r))
		return 0;
	if (r->kernel)
		ft_kernel_set_phase(r->kernel, FT_PHASE_RUNNING);
	code = ft_serve_open(&r->interp, &served, &r->serve, err);
	flush(r);
	if (code)
		return code;
	code = open_timers(r);
	if (!code && r->opts->armed && r->opts->armed(r->opts->context, err))
		return err->code;
	if (!code)
		code = loop(r);
	return code ? ft_err_set(err, code, "out of memory while the script runs") : 0;
}

/* Nothing fires any more; what the kernel has sent is taken, then the end handlers run. */
static int finish(struct run *r, struct ft_err *err)
{
	struct ft_profile *profile = NULL;
	u64 skipped = 0, lost = 0;
	int code = 0, flame = 0;

	if (r->kernel) {
		if (ft_kernel_phase(r->kernel) == FT_PHASE_RUNNING)
			ft_kernel_set_phase(r->kernel, FT_PHASE_EXITING);
		/* Names of addresses are asked for while it is known what processes had mapped. */
		code = consume(r, 0);
		ft_kernel_detach(r->kernel);
		if (!code)
			code = consume(r, 0);
		skipped = ft_kernel_skipped(r->kernel);
		lost = ft_kernel_lost(r->kernel);
	}
	r->ending = true;
	/* After errors the error handlers run in place of those of the end. */
	run_kind(r, is_over(r) ? "error" : "end", false);
	if (r->opts->take_profile)
		flame = ft_flame(&r->interp, &profile, err);
	ft_interp_report(&r->interp);
	if (r->errors || skipped)
		ft_out_printf(r->interp.messages,
			      "WARNING: Number of errors: %u, skipped probes: %llu\n", r->errors,
			      (unsigned long long)skipped);
	if (lost)
		ft_out_printf(r->interp.messages, "WARNING: There were %llu transport failures.\n",
			      (unsigned long long)lost);
	flush(r);
	if (profile)
		flame = r->opts->take_profile(r->opts->context, profile, err);
	ft_profile_free(profile);
	return code ? ft_err_set(err, code, "out of memory while the script ends") : flame;
}

int ft_run(struct ft_compile *compile, const struct ft_ir_program *program,
	   const struct ft_script_run *opts, bool *failed, struct ft_err *err)
{
	struct run r = {.opts = opts, .times = ft_pass_times_now()};
	int code = ft_interp_init(&r.interp, compile, program, &opts->limits);

	*failed = false;
	r.interp.target_pid = opts->target_pid;
	r.interp.module_name = opts->module_name;
	r.interp.out = ft_out_new_memory();
	r.interp.messages = ft_out_new_memory();
	if (code)
		ft_err_set(err, code, "out of memory");
	else
		code = start(&r, compile, err);
	if (!code)
		code = finish(&r, err);
	*failed = is_over(&r);
	if (r.begun)
		ft_pass_times_say(opts, &r.times, "Pass 5: run completed");
	ft_serve_close(r.serve);
	ft_kernel_close(r.kernel);
	ft_out_close(r.interp.out);
	ft_out_close(r.interp.messages);
	ft_interp_fini(&r.interp);
	free(r.timers);
	return code;
}
