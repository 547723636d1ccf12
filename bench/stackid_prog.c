/*
 * stackid_prog.c - the peer of flametap's stack walk: bpf_get_stackid over frame pointers, and
 * next to nothing else.
 *
 *   stackid_prog HZ PID
 *
 * Opens the same events as flametap does (cpu-clock, by frequency, one on each CPU). Its program
 * returns at once for other processes, as flametap's does, and asks for the user stack of this
 * one. Says "counting"; on SIGINT prints "samples N failed N frames N": samples of the process,
 * those without a stack, the depth of the deepest stack seen.
 */
#include <bpf/bpf.h>
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

#define FRAMES_MAX 127 /* kernel.perf_event_max_stack */
#define STACKS_MAX 16384

enum counter { SAMPLES, FAILED, COUNTERS };

#define INSN(CODE, DST, SRC, OFF, IMM) \
	((struct bpf_insn){            \
		.code = (CODE), .dst_reg = (DST), .src_reg = (SRC), .off = (OFF), .imm = (IMM)})
#define MOVE(DST, SRC) INSN(BPF_ALU64 | BPF_MOV | BPF_X, DST, SRC, 0, 0)
#define SET(DST, IMM) INSN(BPF_ALU64 | BPF_MOV | BPF_K, DST, 0, 0, IMM)
#define ADD(DST, IMM) INSN(BPF_ALU64 | BPF_ADD | BPF_K, DST, 0, 0, IMM)
#define CALL(HELPER) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, HELPER)
#define JUMP_IF(OP, DST, IMM, OFF) INSN(BPF_JMP | (OP) | BPF_K, DST, 0, OFF, IMM)
#define STORE_WORD(DST, OFF, IMM) INSN(BPF_ST | BPF_MEM | BPF_W, DST, 0, OFF, IMM)
/* A map takes two instructions. */
#define MAP(DST, FD) \
	INSN(BPF_LD | BPF_DW | BPF_IMM, DST, BPF_PSEUDO_MAP_FD, 0, FD), INSN(0, 0, 0, 0, 0)

static int load_program(int stacks, int counters, int pid)
{
	static char log[16384];
	struct bpf_insn insns[] = {
		MOVE(BPF_REG_6, BPF_REG_1),
		CALL(BPF_FUNC_get_current_pid_tgid),
		INSN(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_0, 0, 0, 32),
		JUMP_IF(BPF_JNE, BPF_REG_0, pid, 17), /* to the end */
		MOVE(BPF_REG_1, BPF_REG_6),
		MAP(BPF_REG_2, stacks),
		SET(BPF_REG_3, BPF_F_USER_STACK),
		CALL(BPF_FUNC_get_stackid),
		STORE_WORD(BPF_REG_10, -4, SAMPLES),
		JUMP_IF(BPF_JSGE, BPF_REG_0, 0, 1),
		STORE_WORD(BPF_REG_10, -4, FAILED),
		MAP(BPF_REG_1, counters),
		MOVE(BPF_REG_2, BPF_REG_10),
		ADD(BPF_REG_2, -4),
		CALL(BPF_FUNC_map_lookup_elem),
		JUMP_IF(BPF_JEQ, BPF_REG_0, 0, 2),
		SET(BPF_REG_1, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD),
		SET(BPF_REG_0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	struct bpf_prog_load_opts opts = {
		.sz = sizeof(opts), .log_buf = log, .log_size = sizeof(log), .log_level = 1};
	int fd = bpf_prog_load(BPF_PROG_TYPE_PERF_EVENT, "stackid_prog", "GPL", insns,
			       sizeof(insns) / sizeof(insns[0]), &opts);

	if (fd < 0)
		fprintf(stderr, "%s", log);
	return fd;
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

static uint64_t counter(int counters, uint32_t which)
{
	uint64_t value = 0;

	return bpf_map_lookup_elem(counters, &which, &value) ? 0 : value;
}

static int deepest(int stacks)
{
	uint64_t frames[FRAMES_MAX];
	uint32_t key, *before = NULL;
	int most = 0;

	while (!bpf_map_get_next_key(stacks, before, &key)) {
		int count = 0;

		before = &key;
		if (bpf_map_lookup_elem(stacks, &key, frames))
			continue;
		while (count < FRAMES_MAX && frames[count])
			count++;
		most = count > most ? count : most;
	}
	return most;
}

int main(int argc, char **argv)
{
	unsigned long hertz = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	int pid = argc == 3 ? atoi(argv[2]) : 0, stacks, counters, program, number;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	sigset_t set;

	if (!hertz || pid <= 0) {
		fprintf(stderr, "usage: stackid_prog HZ PID\n");
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	stacks = bpf_map_create(BPF_MAP_TYPE_STACK_TRACE, "stacks", 4, FRAMES_MAX * 8, STACKS_MAX,
				NULL);
	counters = bpf_map_create(BPF_MAP_TYPE_ARRAY, "counters", 4, 8, COUNTERS, NULL);
	program = stacks < 0 || counters < 0 ? -1 : load_program(stacks, counters, pid);
	if (program < 0) {
		perror("stackid_prog: cannot load");
		return 1;
	}
	for (int cpu = 0; cpu < cpus; cpu++) {
		if (attach(cpu, hertz, program)) {
			perror("stackid_prog: cannot attach");
			return 1;
		}
	}
	fprintf(stderr, "counting\n");
	sigwait(&set, &number);
	fprintf(stderr, "samples %llu failed %llu frames %d\n",
		(unsigned long long)(counter(counters, SAMPLES) + counter(counters, FAILED)),
		(unsigned long long)counter(counters, FAILED), deepest(stacks));
	return 0;
}
