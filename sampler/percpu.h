/*
 * percpu.h - the events of every CPU: the sampling event and the ring of mapping records beside it.
 *
 * Keeps up with CPUs that go offline and come back.
 */
#ifndef FT_SAMPLER_PERCPU_H
#define FT_SAMPLER_PERCPU_H

#include "base/err.h"
#include "sampler/event.h"
#include "sampler/procs.h"
#include "sampler/ring.h"

struct ft_percpu_cpu {
	u32 cpu;
	int sample_fd; /* -1: tracepoint events have none */
	int ring_fd;
	struct ft_ring ring;
};

struct ft_percpu {
	const struct ft_event *event; /* borrowed */
	int prog_fd;		      /* program that runs at the sampling event */
	bool eager;   /* wake up for every record instead of for a quarter of a ring */
	int epoll_fd; /* rings are added here; borrowed */
	bool armed;
	struct ft_percpu_cpu *list;
	size_t count, cap;
};

/*
 * Opens the events of all online CPUs, disabled, with the program attached. Fields up to epoll_fd
 * are set.
 */
int ft_percpu_open(struct ft_percpu *percpu, struct ft_err *err);
void ft_percpu_close(struct ft_percpu *percpu);

/* Switches the sampling events on or off. */
int ft_percpu_arm(struct ft_percpu *percpu, bool on, struct ft_err *err);

/*
 * Looks which CPUs came or went; opens and closes events. What cannot be opened is tried again next
 * time.
 */
void ft_percpu_follow(struct ft_percpu *percpu);

/* Hands all records up to now to procs, in the order of time. 0 or -ENOMEM. */
int ft_percpu_read(struct ft_percpu *percpu, struct ft_procs *procs,
		   struct ft_procs_losses *losses);

#endif
