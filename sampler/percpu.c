/* percpu.c - see percpu.h. */
#include "sampler/percpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "sampler/cpus.h"

#define RING_BYTES (128 * 1024)

static void cpu_close(struct ft_percpu_cpu *cpu)
{
	ft_ring_close(&cpu->ring);
	if (cpu->ring_fd >= 0)
		close(cpu->ring_fd);
	if (cpu->sample_fd >= 0)
		close(cpu->sample_fd);
}

static int open_ring(const struct ft_percpu *percpu, struct ft_percpu_cpu *cpu)
{
	struct epoll_event wait = {.events = EPOLLIN};
	struct perf_event_attr attr;
	int code;

	ft_procs_attr(&attr);
	attr.watermark = 1;
	attr.wakeup_watermark = percpu->eager ? 1 : RING_BYTES / 4;
	cpu->ring_fd = ft_event_syscall(&attr, -1, (s32)cpu->cpu, -1, 0);
	if (cpu->ring_fd < 0)
		return cpu->ring_fd;
	code = ft_ring_open(&cpu->ring, cpu->ring_fd, RING_BYTES);
	if (!code && epoll_ctl(percpu->epoll_fd, EPOLL_CTL_ADD, cpu->ring_fd, &wait))
		code = -errno;
	return code;
}

static int open_sample(const struct ft_percpu *percpu, struct ft_percpu_cpu *cpu)
{
	struct perf_event_attr attr = {0};

	if (ft_event_is_probe(percpu->event) || percpu->event->kind == FT_EVENT_NONE)
		return 0;
	ft_procs_identify(&attr);
	cpu->sample_fd = ft_event_open(percpu->event, cpu->cpu, &attr);
	if (cpu->sample_fd < 0)
		return cpu->sample_fd;
	/*
	 * Samples go to the program alone, which returns 0; the ring gets the event's throttle
	 * records.
	 */
	if (ioctl(cpu->sample_fd, PERF_EVENT_IOC_SET_OUTPUT, cpu->ring_fd))
		return -errno;
	if (ioctl(cpu->sample_fd, PERF_EVENT_IOC_SET_BPF, percpu->prog_fd))
		return -errno;
	if (percpu->armed && ioctl(cpu->sample_fd, PERF_EVENT_IOC_ENABLE, 0))
		return -errno;
	return 0;
}

/* Opens one CPU's events and adds it to the list. */
static int cpu_open(struct ft_percpu *percpu, u32 number, struct ft_err *err)
{
	struct ft_percpu_cpu cpu = {.cpu = number, .sample_fd = -1, .ring_fd = -1};
	int code = FT_GROW(&percpu->list, &percpu->cap, percpu->count + 1);

	if (code)
		return ft_err_set(err, code, "out of memory");
	code = open_ring(percpu, &cpu);
	if (code) {
		ft_event_explain("the mapping events", code, err);
		goto fail;
	}
	code = open_sample(percpu, &cpu);
	if (code) {
		ft_event_explain(percpu->event->name, code, err);
		goto fail;
	}
	percpu->list[percpu->count++] = cpu;
	return 0;
fail:
	cpu_close(&cpu);
	return code;
}

int ft_percpu_open(struct ft_percpu *percpu, struct ft_err *err)
{
	u32 *online;
	int count = ft_cpus_online(&online), code = 0;

	if (count < 0)
		return ft_err_set(err, count, "cannot tell which CPUs are online: %s",
				  strerror(-count));
	for (int i = 0; i < count && !code; i++) {
		code = cpu_open(percpu, online[i], err);
		if (code == -ENODEV)
			code = 0; /* went offline in between; ft_percpu_follow takes care of it */
	}
	free(online);
	return code;
}

void ft_percpu_close(struct ft_percpu *percpu)
{
	for (size_t i = 0; i < percpu->count; i++)
		cpu_close(&percpu->list[i]);
	free(percpu->list);
	percpu->list = NULL;
	percpu->count = 0;
}

int ft_percpu_arm(struct ft_percpu *percpu, bool on, struct ft_err *err)
{
	unsigned long request = on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE;

	percpu->armed = on;
	for (size_t i = 0; i < percpu->count; i++) {
		int fd = percpu->list[i].sample_fd;

		if (fd >= 0 && ioctl(fd, request, 0) && on)
			return ft_event_explain(percpu->event->name, -errno, err);
	}
	return 0;
}

/* Takes a CPU out of an array. False when it is not in it. */
static bool take_cpu(u32 *online, int *count, u32 cpu)
{
	for (int i = 0; i < *count; i++) {
		if (online[i] != cpu)
			continue;
		online[i] = online[--*count];
		return true;
	}
	return false;
}

void ft_percpu_follow(struct ft_percpu *percpu)
{
	u32 *online;
	int count = ft_cpus_online(&online);
	size_t kept = 0;

	if (count < 0)
		return;
	for (size_t i = 0; i < percpu->count; i++) {
		if (take_cpu(online, &count, percpu->list[i].cpu)) {
			percpu->list[kept++] = percpu->list[i];
			continue;
		}
		cpu_close(&percpu->list[i]);
	}
	percpu->count = kept;
	for (int i = 0; i < count; i++)
		cpu_open(percpu, online[i], NULL);
	free(online);
}

int ft_percpu_read(struct ft_percpu *percpu, struct ft_procs *procs, struct ft_procs_losses *losses)
{
	/*
	 * Rings are looked at one after another; what is younger than now waits until all of them
	 * can show it.
	 */
	u64 now_ns = ft_clock_ns(CLOCK_MONOTONIC);
	int code = 0;

	for (size_t i = 0; i < percpu->count; i++)
		ft_ring_refill(&percpu->list[i].ring);
	while (!code) {
		struct ft_ring *oldest = NULL;
		u64 oldest_ns = now_ns;

		for (size_t i = 0; i < percpu->count; i++) {
			const struct perf_event_header *record =
				ft_ring_peek(&percpu->list[i].ring);

			if (record && ft_procs_record_ns(record) <= oldest_ns) {
				oldest_ns = ft_procs_record_ns(record);
				oldest = &percpu->list[i].ring;
			}
		}
		if (!oldest)
			break;
		code = ft_procs_record(procs, ft_ring_peek(oldest), losses);
		ft_ring_next(oldest);
	}
	return code;
}
