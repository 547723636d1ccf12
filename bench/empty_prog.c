/*
 * empty_prog.c - the floor under every sampler: a BPF program that does nothing, at the clock of
 * every CPU.
 *
 *   empty_prog HZ
 *
 * Opens the same events as flametap does (cpu-clock, by frequency, one on each CPU) with a program
 * "return 0", says "counting" and waits for a signal. What a profiler costs beyond this is its own.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int load_program(void)
{
	static char log[4096];
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_PERF_EVENT;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = sizeof(insns) / sizeof(insns[0]);
	attr.license = (uintptr_t) "GPL";
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	snprintf(attr.prog_name, sizeof(attr.prog_name), "empty_prog");
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int attach(int cpu, unsigned long hertz, int program)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_freq = hertz,
		.freq = 1,
		.disabled = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return errno == ENODEV ? 0 : -1; /* a CPU that is offline */
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, program))
		return -1;
	return ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
}

int main(int argc, char **argv)
{
	unsigned long hertz = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int program;

	if (!hertz) {
		fprintf(stderr, "usage: empty_prog HZ\n");
		return 2;
	}
	program = load_program();
	if (program < 0) {
		perror("empty_prog: cannot load");
		return 1;
	}
	for (int cpu = 0; cpu < cpus; cpu++) {
		if (attach(cpu, hertz, program)) {
			perror("empty_prog: cannot attach");
			return 1;
		}
	}
	fprintf(stderr, "counting\n");
	pause();
	return 0;
}
