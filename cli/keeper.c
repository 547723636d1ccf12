/*
 * keeper.c - what is kept of a recording while it goes on. See cli.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/cli.h"

static void set_command(struct ft_facts *facts, char **command)
{
	char text[500] = "";
	size_t len = 0;

	for (u32 i = 0; command && command[i]; i++) {
		int n = snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "", command[i]);

		if (n < 0 || (size_t)n >= sizeof(text) - len)
			break;
		len += (size_t)n;
	}
	if (len)
		ft_facts_set(facts, "command", text);
}

void ft_keeper_init(struct ft_keeper *keeper, const char *mode, char **command)
{
	struct ft_facts *facts = &keeper->facts;
	time_t now = time(NULL);
	struct utsname name;
	char text[64], *boot;
	struct tm when;
	size_t len;

	ft_facts_set(facts, "flametap", FT_VERSION);
	ft_facts_set(facts, "mode", mode);
	if (!uname(&name)) {
		ft_facts_set(facts, "host", name.nodename);
		ft_facts_set(facts, "kernel", name.release);
		ft_facts_set(facts, "machine", name.machine);
	}
	snprintf(text, sizeof(text), "%ld", sysconf(_SC_NPROCESSORS_ONLN));
	ft_facts_set(facts, "cpus", text);
	if (gmtime_r(&now, &when) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &when))
		ft_facts_set(facts, "started", text);
	if (!ft_file_read("/proc/sys/kernel/random/boot_id", 64, &boot, &len)) {
		boot[strcspn(boot, "\n")] = '\0';
		ft_facts_set(facts, "boot", boot);
		free(boot);
	}
	set_command(facts, command);
}

int ft_keeper_begin(struct ft_keeper *keeper, const struct ft_recording *recording,
		    struct ft_err *err)
{
	ft_facts_set(&keeper->facts, "event", ft_recording_event(recording));
	if (!keeper->path || !strcmp(keeper->path, "-"))
		return 0;
	return ft_journal_open(keeper->path, &keeper->facts, &keeper->journal, err);
}

void ft_keeper_follow(struct ft_keeper *keeper, struct ft_recording *recording, bool last)
{
	const struct ft_raw *raw = ft_recording_raw(recording);
	u64 now_ns = ft_clock_ns(CLOCK_MONOTONIC) - ft_recording_armed_ns(recording);
	struct ft_quality quality = raw->quality;
	struct ft_err err = {0};
	int code = 0;

	if ((!keeper->journal && !keeper->timeline) ||
	    (!last && keeper->seen == ft_recording_rounds(recording)))
		return;
	keeper->seen = ft_recording_rounds(recording);
	if (!keeper->timeline)
		keeper->rounds.count = keeper->rounds.weight_count = 0;
	if (!last)
		ft_recording_quality(recording, &quality);
	if (ft_rounds_add(&keeper->rounds, raw->tree, &keeper->before, &keeper->before_cap,
			  now_ns) ||
	    ft_rounds_divide(&keeper->rounds, raw->on_cpus, raw->on_cpu_count))
		code = ft_err_set(&err, -ENOMEM, "out of memory for the timeline");
	else if (keeper->journal)
		code = ft_journal_write(keeper->journal, raw, &quality, &keeper->rounds, &err);
	ft_recording_seen(recording);
	if (code) {
		ft_cli_fail(FT_EXIT_FAILED, &err);
		ft_cli_say("the recording goes on; it is written at its end");
		ft_journal_close(keeper->journal);
		keeper->journal = NULL;
	}
}

void ft_keeper_drop(struct ft_keeper *keeper)
{
	if (keeper->journal)
		unlink(keeper->path);
}

void ft_keeper_fini(struct ft_keeper *keeper)
{
	ft_journal_close(keeper->journal);
	ft_facts_fini(&keeper->facts);
	ft_rounds_fini(&keeper->rounds);
	free(keeper->before);
	*keeper = (struct ft_keeper){0};
}
