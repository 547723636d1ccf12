/*
 * finish.c - what every recording mode does at its end: names, files, notes, summary. See cli.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "cli/cli.h"
#include "profile/segments.h"
#include "symbolizer/symbolizer.h"

static void describe_target(const struct ft_target *target, char *text, size_t size)
{
	const struct ft_record_opts *o = &target->record;

	if (target->command)
		snprintf(text, size, "%s", target->command[0]);
	else if (o->target == FT_TARGET_ALL)
		snprintf(text, size, "all processes");
	else if (o->target == FT_TARGET_CGROUP)
		snprintf(text, size, "cgroup %s", o->cgroup);
	else if (o->id_count == 1)
		snprintf(text, size, "%s %u", o->target == FT_TARGET_TIDS ? "thread" : "process",
			 o->ids[0]);
	else
		snprintf(text, size, "%u %s", o->id_count,
			 o->target == FT_TARGET_TIDS ? "threads" : "processes");
}

void ft_finish_command(const struct ft_command *command, char **argv)
{
	const char *name = argv ? argv[0] : "";

	if (!command->pid)
		return;
	if (!command->reaped)
		ft_cli_say("%s (process %d) is still running", name, command->pid);
	else if (WIFSIGNALED(command->wait_status))
		ft_cli_say("%s was ended by signal %d", name, WTERMSIG(command->wait_status));
	else if (WEXITSTATUS(command->wait_status))
		ft_cli_say("%s ended with exit status %d", name, WEXITSTATUS(command->wait_status));
}

void ft_finish_java(const struct ft_recording *recording)
{
	const struct ft_raw *raw = ft_recording_raw(recording);

	for (u32 i = 1; i < raw->location_count; i++) {
		const struct ft_location *loc = &raw->locations[i];
		struct ft_err err = {0};
		bool asked = false;
		int code;

		if (loc->kind != FT_LOCATION_PROCESS)
			continue;
		/* A process that called exec has several locations. */
		for (u32 j = 1; j < i && !asked; j++)
			asked = raw->locations[j].kind == FT_LOCATION_PROCESS &&
				raw->locations[j].pid == loc->pid;
		code = asked ? 0 : ft_jvm_perfmap(loc->pid, &err);
		if (code && code != -ENOEXEC)
			ft_cli_say("%s", err.text);
	}
}

static void say_notes(const struct ft_symbolize_notes *notes)
{
	if (notes->kernel_hidden)
		ft_cli_say("kernel functions have no names: the kernel hides its symbols; as root, "
			   "sysctl kernel.kptr_restrict=0");
	if (notes->files_missing)
		ft_cli_say("%u files could not be read for symbols, the first: %s",
			   notes->files_missing, notes->first_missing);
	if (notes->no_debuginfod)
		ft_cli_say(
			"DEBUGINFOD_URLS is set, but libdebuginfod.so.1 cannot be loaded: no debug "
			"file was asked for (Debian: apt-get install libdebuginfod1)");
	if (notes->debug_refused)
		ft_cli_say("%u debug files belong to other files (build-id or checksum) and were "
			   "not used; the first: %s",
			   notes->debug_refused, notes->first_refused);
	if (notes->debug_damaged)
		ft_cli_say("%u files became shorter while they were read, and their debug "
			   "information was not used further; the first: %s",
			   notes->debug_damaged, notes->first_damaged);
	if (notes->files_damaged)
		ft_cli_say("%u files are damaged (cut off, or their contents make no sense): what "
			   "was lost has no names; the first: %s",
			   notes->files_damaged, notes->first_senseless);
	if (notes->files_replaced)
		ft_cli_say("%u files are not the ones that ran (another build-id), so their "
			   "symbols were not used; "
			   "the first: %s",
			   notes->files_replaced, notes->first_replaced);
}

#define MANY_SWITCHES 200000 /* a second: each costs some hundred ns, one of a target some us */

/* Says when recording waits was dear, and what would make it cheaper. */
static void say_switches(const struct ft_quality *q)
{
	double rate = (double)q->switches * 1e9 / (double)(q->duration_ns ? q->duration_ns : 1);

	if (rate > MANY_SWITCHES)
		ft_cli_say("this machine switched %.0f times a second, and each switch was looked "
			   "at: fewer targets (-p, -t) and a shorter -d cost less; flametap cpu "
			   "costs the same at any rate",
			   rate);
}

/* Why there is nothing to draw. */
int ft_finish_empty(enum ft_record_mode mode, const struct ft_raw *raw)
{
	const struct ft_quality *q = &raw->quality;
	struct ft_err err = {0};

	if (ft_quality_lost(q))
		ft_err_set(&err, -ENODATA, "every sample was lost; try a lower frequency with -F");
	else if (mode == FT_RECORD_ALLOC && q->samples)
		ft_err_set(&err, -ENODATA,
			   "nothing is left: all memory that the target allocated in %.1f s was "
			   "released (%llu allocations were recorded); nothing was written",
			   (double)q->duration_ns / 1e9, (unsigned long long)q->samples);
	else if (mode == FT_RECORD_ALLOC)
		ft_err_set(&err, -ENODATA,
			   "no allocations: the target called no function of its allocator in "
			   "%.1f s; record longer (-d); nothing was written",
			   (double)q->duration_ns / 1e9);
	else if (mode != FT_RECORD_CPU)
		ft_err_set(&err, -ENODATA,
			   "no waits: no thread of the target left its CPU in the way asked for in "
			   "%.1f s; record longer (-d), or ask for more (--state, --min); nothing "
			   "was written",
			   (double)q->duration_ns / 1e9);
	else if (raw->unit == FT_UNIT_EVENTS)
		ft_err_set(&err, -ENODATA,
			   "no samples: the event did not occur in the target in %.1f s; nothing "
			   "was written",
			   (double)q->duration_ns / 1e9);
	else
		ft_err_set(&err, -ENODATA,
			   "no samples: the target used no CPU time in %.1f s; let it work, record "
			   "longer (-d), or "
			   "sample faster (-F 999); nothing was written",
			   (double)q->duration_ns / 1e9);
	return ft_cli_fail(FT_EXIT_FAILED, &err);
}

/* Names everything that was recorded, and gives it its title. */
static int resolve(struct ft_target *target, const struct ft_outputs *outputs, const char *what,
		   const struct ft_recording *recording, struct ft_kept *kept,
		   struct ft_symbolize_notes *notes, struct ft_profile **result, struct ft_err *err)
{
	struct ft_raw *raw = ft_recording_raw(recording);
	struct ft_symbolize_opts opts = outputs->symbols;
	struct ft_profile *profile;
	char name[200];
	int code;

	opts.keep = kept;
	opts.rounds = target->keeper.timeline ? &target->keeper.rounds : NULL;
	code = ft_symbols_date(raw, target->keeper.timeline ? &target->keeper.rounds : NULL, err);
	if (!code)
		code = ft_symbolize(raw, &opts, notes, &profile, err);
	if (code)
		return code;
	if (ft_segments_note(profile, raw)) {
		ft_profile_free(profile);
		ft_err_set(err, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	describe_target(target, name, sizeof(name));
	if (asprintf(&profile->title, "%s, %s: %s, %.1f s", what, name,
		     ft_recording_event(recording), (double)raw->quality.duration_ns / 1e9) < 0)
		profile->title = NULL;
	ft_facts_set(&target->keeper.facts, "title", profile->title);
	*result = profile;
	return 0;
}

/* Writes all files: archives from what was recorded, with its addresses. */
static int write_all(const struct ft_target *target, const struct ft_outputs *outputs,
		     const struct ft_raw *raw, const struct ft_kept *kept,
		     const struct ft_profile *profile, struct ft_err *err)
{
	struct ft_archive_content content = {
		.facts = &target->keeper.facts,
		.raw = raw,
		.kept = outputs->no_symbols ? NULL : kept,
		.rounds = target->keeper.timeline ? &target->keeper.rounds : NULL,
	};
	struct ft_outputs with = *outputs;

	with.archive = &content;
	return ft_outputs_write(&with, profile, err);
}

int ft_finish(struct ft_target *target, const struct ft_outputs *outputs, const char *what,
	      struct ft_recording *recording)
{
	const struct ft_raw *raw = ft_recording_raw(recording);
	struct ft_kept *kept = target->keeper.path ? ft_kept_new() : NULL;
	struct ft_symbolize_notes notes = {0};
	struct ft_profile *profile = NULL;
	struct ft_err err = {0};
	int code, status = FT_EXIT_OK;

	if (!ft_tree_total(raw->tree)) {
		ft_keeper_drop(&target->keeper);
		ft_kept_free(kept);
		return ft_finish_empty(target->record.mode, raw);
	}
	code = resolve(target, outputs, what, recording, kept, &notes, &profile, &err);
	if (code) {
		ft_kept_free(kept);
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	}
	code = write_all(target, outputs, raw, kept, profile, &err);
	if (code)
		status = ft_cli_fail(FT_EXIT_FAILED, &err);
	else if (ft_quality_lost(&profile->quality))
		status = FT_EXIT_PARTIAL;
	say_notes(&notes);
	say_switches(&profile->quality);
	if (target->record.mode == FT_RECORD_LOCK && !profile->quality.kernel_locks)
		ft_cli_say(
			"this kernel does not tell of its own locks (it would from 5.19 on): only "
			"futexes were recorded");
	ft_summary_print(profile);
	ft_profile_free(profile);
	ft_kept_free(kept);
	return status;
}
