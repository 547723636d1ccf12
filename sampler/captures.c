/* captures.c - see captures.h. */
#include "sampler/captures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "sampler/late.h"

/*
 * Whether the kernel side is to be told again about a process that it knows as it is: it asked for
 * a table or for the process although it had been told, so somebody else's news has overwritten
 * ours. While a table finds no room such requests have another reason.
 */
static bool forgotten(const struct ft_captures *c, const struct ft_published *published,
		      const struct ft_wire_record *record)
{
	return record->later == FT_WIRE_LATER_PENDING && record->first_ns > published->when_ns &&
	       !ft_tables_starving(c->tables);
}

static int take(void *context, void *data, size_t bytes)
{
	struct ft_captures *c = context;
	struct ft_wire_capture *capture = c->copy;
	struct ft_proc *proc;
	u64 number;
	int code;

	if (bytes < offsetof(struct ft_wire_capture, stack))
		return 0;
	/* The walk completes the record, and the ring is the kernel's to write. */
	memcpy(capture, data, bytes < sizeof(*capture) ? bytes : sizeof(*capture));
	if (capture->stack_bytes > bytes - offsetof(struct ft_wire_capture, stack))
		capture->stack_bytes = bytes - offsetof(struct ft_wire_capture, stack);
	if (capture->record.first_ns > c->read_ns) {
		c->read_ns = ft_clock_ns(CLOCK_MONOTONIC);
		code = c->catch_up(c->context);
		if (code)
			return code;
	}
	c->drain->now_ns = c->read_ns;
	proc = ft_drain_proc(c->drain, &capture->record);
	ft_late_walk(capture, proc ? &proc->space : NULL, c->tables, c->how);
	number = capture->record.state ? capture->record.count : 0;
	if (!number) { /* of waits the end is counted */
		c->samples++;
		c->user_stacks += capture->record.user_frames > 0;
	}
	if (proc && proc->end_ns == UINT64_MAX) {
		if (forgotten(c, &proc->published, &capture->record))
			proc->published.space_version = UINT64_MAX;
		ft_spaces_publish(c->spaces, proc->pid, &proc->space, capture->record.exec_id,
				  c->read_ns, &proc->published);
	}
	capture->record.count = 1;
	capture->record.later = 0;
	return number ? ft_drain_late(c->drain, &capture->record, number)
		      : ft_drain_record(c->drain, &capture->record);
}

int ft_captures_open(struct ft_captures *captures, int map_fd)
{
	captures->copy = ft_alloc(sizeof(*captures->copy));
	captures->ring = ring_buffer__new(map_fd, take, captures, NULL);
	return captures->ring ? 0 : -errno;
}

void ft_captures_close(struct ft_captures *captures)
{
	ring_buffer__free(captures->ring);
	free(captures->copy);
	captures->ring = NULL;
	captures->copy = NULL;
}

int ft_captures_fd(const struct ft_captures *captures)
{
	return ring_buffer__epoll_fd(captures->ring);
}

int ft_captures_read(struct ft_captures *captures, u64 read_ns)
{
	int taken;

	captures->read_ns = read_ns;
	taken = ring_buffer__consume(captures->ring);
	return taken < 0 ? taken : 0;
}
