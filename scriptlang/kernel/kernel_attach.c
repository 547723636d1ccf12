/* kernel_attach.c - programs are attached to what they are for; see kernel_parts.h. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "scriptlang/kernel/kernel_dwarf.h"
#include "scriptlang/kernel/kernel_parts.h"
#include "scriptlang/kernel/netfilter.h"
#include "scriptlang/sema/functions.h"
#include "scriptlang/syscalls/syscalls.h"

#define PERF_PERIOD 1000000 /* of perf.type().config() without more */

int ft_kernel_keep(struct ft_kernel *k, int fd, struct ft_err *err)
{
	if (ft_grow(&k->links, &k->link_cap, (size_t)k->link_count + 1, sizeof(int))) {
		close(fd);
		return ft_err_set(err, -ENOMEM, "out of memory");
	}
	k->links[k->link_count++] = fd;
	return 0;
}

static int attach_tracepoint(struct ft_kernel *k, const struct ft_point *point, int program,
			     struct ft_err *err)
{
	const char *name = point->life ? point->life->event : point->parts[1].arg->text;
	const char *colon = strchr(name, ':');
	int fd;

	name = colon ? colon + 1 : name;
	fd = bpf_raw_tracepoint_open(name, program);
	if (fd >= 0)
		return ft_kernel_keep(k, fd, err);
	if (errno == ENOENT)
		return ft_err_set(err, -ENOENT,
				  "the kernel has no tracepoint '%s' that programs can be attached "
				  "to",
				  name);
	return ft_err_set(err, -errno, "cannot attach to the tracepoint '%s': %s", name,
			  strerror(errno));
}

static int attach_function(struct ft_kernel *k, const struct ft_point *point, int program,
			   struct ft_err *err)
{
	struct bpf_prog_info info = {.type = BPF_PROG_TYPE_UNSPEC};
	u32 size = sizeof(info);
	int fd;

	if (!bpf_obj_get_info_by_fd(program, &info, &size) && info.type == BPF_PROG_TYPE_KPROBE) {
		fd = ft_function_attach_kprobe(point, program, err);
		return fd >= 0 ? ft_kernel_keep(k, fd, err) : fd;
	}
	fd = bpf_raw_tracepoint_open(NULL, program);
	return fd >= 0 ? ft_kernel_keep(k, fd, err) : ft_function_explain(point, -errno, err);
}

static void describe(struct ft_kernel *k, const struct ft_point *point,
		     struct perf_event_attr *attr)
{
	const struct ft_point_part *last = &point->parts[point->part_count - 1];

	*attr = (struct perf_event_attr){
		.size = sizeof(*attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.disabled = 0,
	};
	if (!strcmp(point->parts[0].name, "timer")) {
		attr->freq = 1;
		attr->sample_freq = !strcmp(last->name, "hz") ? (u64)last->arg->number
							      : ft_machine_hz(k->compile);
		return;
	}
	attr->sample_period = PERF_PERIOD;
	for (u32 i = 1; i < point->part_count; i++) {
		const struct ft_point_part *part = &point->parts[i];

		if (!strcmp(part->name, "type")) {
			attr->type = (u32)part->arg->number;
		} else if (!strcmp(part->name, "config")) {
			attr->config = (u64)part->arg->number;
		} else if (!strcmp(part->name, "sample")) {
			attr->sample_period = (u64)part->arg->number;
		} else if (!strcmp(part->name, "hz")) {
			attr->freq = 1;
			attr->sample_freq = (u64)part->arg->number;
		}
	}
}

static int explain_event(int code, const struct perf_event_attr *attr, struct ft_err *err)
{
	if (code == -ENOENT || code == -EOPNOTSUPP)
		return ft_err_set(err, code,
				  "this machine does not count that event (perf type %u, config "
				  "%llu); timer.profile works everywhere",
				  attr->type, (unsigned long long)attr->config);
	if (code == -EINVAL && attr->freq)
		return ft_err_set(err, code,
				  "the kernel refuses %llu samples a second: "
				  "kernel.perf_event_max_sample_rate is lower",
				  (unsigned long long)attr->sample_freq);
	if (code == -EACCES || code == -EPERM)
		return ft_err_set(err, code,
				  "not permitted to open perf events: run as root, or lower "
				  "kernel.perf_event_paranoid");
	return ft_err_set(err, code, "cannot open a perf event: %s", strerror(-code));
}

/* On every CPU that is there. */
static int attach_perf(struct ft_kernel *k, const struct ft_point *point, int program,
		       struct ft_err *err)
{
	struct perf_event_attr attr;
	int code = 0;
	u32 opened = 0;

	describe(k, point, &attr);
	for (u32 cpu = 0; cpu < k->cpu_count && !code; cpu++) {
		int fd = (int)syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1,
				      PERF_FLAG_FD_CLOEXEC);

		if (fd < 0 && errno == ENODEV)
			continue; /* not online */
		if (fd < 0)
			return explain_event(-errno, &attr, err);
		opened++;
		if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, program)) {
			code = ft_err_set(err, -errno, "cannot attach to a perf event: %s",
					  strerror(errno));
			close(fd);
			return code;
		}
		code = ft_kernel_keep(k, fd, err);
	}
	return code || opened ? code : ft_err_set(err, -ENODEV, "no CPU counts perf events");
}

int ft_kernel_attach(struct ft_kernel *k, const struct ft_handler *handler, int program,
		     struct ft_err *err)
{
	const struct ft_point *point = handler->point;

	if (ft_function_is_point(point))
		return attach_function(k, point, program, err);
	if (ft_netfilter_is_point(point)) {
		int fd = ft_netfilter_attach(point, program, err);

		return fd < 0 ? err->code : ft_kernel_keep(k, fd, err);
	}
	if (ft_syscall_pattern(point))
		return ft_kernel_call_add(k, handler, program, err);
	if (ft_kernel_dwarf_is_place(point)) {
		int fd = ft_kernel_dwarf_attach(point, program, err);

		return fd < 0 ? fd : ft_kernel_keep(k, fd, err);
	}
	if (point->user)
		return ft_kernel_attach_user(k, point->user, program, err);
	return point->life || !strcmp(point->parts[0].name, "kernel")
		       ? attach_tracepoint(k, point, program, err)
		       : attach_perf(k, point, program, err);
}

bool ft_kernel_can_write(void)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1},
		{.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = 8},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_write_user},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "ft_writes", "GPL", insns, FT_ARRAY_LEN(insns),
			       NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}
