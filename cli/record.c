/*
 * record.c - the loop around a recording: signals, duration, live line, targets that end. See
 * cli.h.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/cli.h"

#define LIVE_LINE_MS 250

struct loop {
	struct ft_target *target;
	struct ft_command *command;
	struct ft_recording *recording;
	struct pollfd *polls; /* [0] signals, [1] the recording, then one pidfd a target */
	nfds_t poll_count;
	u32 alive; /* targets that have not ended; 0 from the start when targets cannot end */
	u64 begin_ns, end_ns, live_ns;
	bool live; /* standard error is a terminal */
};

static void live_line(struct loop *l, u64 now_ns)
{
	struct ft_quality q;

	if (!l->live || now_ns < l->live_ns)
		return;
	l->live_ns = now_ns + LIVE_LINE_MS * 1000000ull;
	ft_recording_quality(l->recording, &q);
	fprintf(stderr, "\r\033[K%.1f s  %llu samples  %llu lost   (Ctrl-C ends and writes)",
		(double)(now_ns - l->begin_ns) / 1e9, (unsigned long long)q.samples,
		(unsigned long long)ft_quality_lost(&q));
	fflush(stderr);
}

/* Descriptors that become readable when a target ends. */
static int watch_targets(struct loop *l, struct ft_err *err)
{
	const struct ft_record_opts *o = &l->target->record;
	bool ends = o->target == FT_TARGET_PIDS && (!o->children || l->target->command);
	u32 count = ends ? o->id_count : 0;

	l->polls = ft_try_alloc(2 + (size_t)count, sizeof(*l->polls));
	if (!l->polls)
		return ft_err_set(err, -ENOMEM, "out of memory");
	for (u32 i = 0; i < count; i++) {
		int fd = (int)syscall(SYS_pidfd_open, o->ids[i], 0);

		if (fd < 0)
			return ft_err_set(err, -ESRCH, "there is no process %u", o->ids[i]);
		l->polls[2 + l->poll_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	l->alive = count;
	l->poll_count += 2;
	return 0;
}

static int take_signals(struct loop *l, sigset_t *set, struct ft_err *err)
{
	int fd;

	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigprocmask(SIG_BLOCK, set, NULL);
	fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return ft_err_set(err, -errno, "cannot receive signals: %s", strerror(errno));
	l->polls[0] = (struct pollfd){.fd = fd, .events = POLLIN};
	return 0;
}

/* Milliseconds until something is due; -1: nothing is. */
static int wait_ms(const struct loop *l, u64 now_ns)
{
	u64 due = l->end_ns;

	if (l->live && l->live_ns < due)
		due = l->live_ns;
	if (due == UINT64_MAX)
		return -1;
	if (due <= now_ns)
		return 0;
	due = (due - now_ns) / 1000000 + 1;
	return due > 60000 ? 60000 : (int)due;
}

/* Consumes what arrived, so that it does not strike when signals are unblocked. */
static void eat_signals(int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info))
		;
}

/*
 * Threads cannot be waited for by a descriptor on most kernels; the recording wakes us ten times a
 * second.
 */
static bool threads_gone(const struct loop *l)
{
	const struct ft_record_opts *o = &l->target->record;

	if (o->target != FT_TARGET_TIDS)
		return false;
	for (u32 i = 0; i < o->id_count; i++)
		if (!kill((pid_t)o->ids[i], 0) || errno != ESRCH)
			return false;
	return true;
}

static int loop_run(struct loop *l, struct ft_err *err)
{
	for (;;) {
		u64 now_ns = ft_clock_ns(CLOCK_MONOTONIC);
		int code;

		live_line(l, now_ns);
		if (now_ns >= l->end_ns)
			return 0;
		if (poll(l->polls, l->poll_count, wait_ms(l, now_ns)) < 0 && errno != EINTR)
			return ft_err_set(err, -errno, "cannot wait: %s", strerror(errno));
		if (l->polls[0].revents || threads_gone(l)) {
			eat_signals(l->polls[0].fd);
			return 0;
		}
		code = ft_recording_service(l->recording, err);
		if (code)
			return code;
		ft_keeper_follow(&l->target->keeper, l->recording, false);
		for (nfds_t i = 2; i < l->poll_count; i++) {
			if (!l->polls[i].revents)
				continue;
			close(l->polls[i].fd);
			l->polls[i].fd = -1; /* poll skips it from now on */
			if (--l->alive == 0)
				return 0;
		}
	}
}

static int arm(struct loop *l, struct ft_err *err)
{
	struct ft_target *target = l->target;
	int code = ft_recording_arm(l->recording, err);

	if (!code)
		code = ft_keeper_begin(&target->keeper, l->recording, err);
	if (!code && target->command)
		code = ft_command_release(l->command, target->command[0], err);
	l->begin_ns = ft_clock_ns(CLOCK_MONOTONIC);
	if (!code && target->verbose)
		ft_cli_say("counting %s", ft_recording_event(l->recording));
	l->live = isatty(STDERR_FILENO);
	l->live_ns = l->begin_ns;
	l->end_ns =
		target->duration_s > 0 ? l->begin_ns + (u64)(target->duration_s * 1e9) : UINT64_MAX;
	return code;
}

static int start_command(struct ft_target *target, struct ft_command *command, struct ft_err *err)
{
	int code = ft_command_start(target->command, command, err);

	if (code)
		return code;
	target->ids = ft_alloc(sizeof(*target->ids));
	target->ids[0] = (u32)command->pid;
	target->record.ids = target->ids;
	target->record.id_count = 1;
	target->record.target = FT_TARGET_PIDS;
	target->record.children = true;
	return 0;
}

int ft_record_run(struct ft_target *target, struct ft_command *command,
		  struct ft_recording **recording, struct ft_err *err)
{
	struct loop l = {.target = target, .command = command};
	sigset_t signals;
	int code = target->command ? start_command(target, command, err) : 0;

	if (code)
		return code;
	sigemptyset(&signals);
	code = ft_recording_open(&target->record, &l.recording, err);
	if (!code)
		code = watch_targets(&l, err);
	if (!code)
		code = take_signals(&l, &signals, err);
	if (!code) {
		l.polls[1] = (struct pollfd){.fd = ft_recording_fd(l.recording), .events = POLLIN};
		code = arm(&l, err);
	}
	if (!code)
		code = loop_run(&l, err);
	if (l.live)
		fprintf(stderr, "\r\033[K");
	if (!code)
		code = ft_recording_stop(l.recording, err);
	if (!code)
		ft_keeper_follow(&target->keeper, l.recording, true);
	ft_command_reap(command);
	for (nfds_t i = 0; l.polls && i < l.poll_count; i++)
		if (i != 1 && l.polls[i].fd > 0)
			close(l.polls[i].fd);
	free(l.polls);
	/* From here on a second Ctrl-C ends the program at once. */
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
	if (code) {
		ft_keeper_drop(&target->keeper);
		ft_recording_close(l.recording);
		return code;
	}
	*recording = l.recording;
	return 0;
}
