/* netfilter.c - see netfilter.h. Numbers: linux/netfilter.h; the link: linux/bpf.h since 6.4. */
#include "scriptlang/kernel/netfilter.h"

#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scriptlang/sema/module_types.h"
#include "scriptlang/sema/target.h"

#define PRIORITIES 64 /* programs that share a hook */

struct name {
	const char *name;
	u32 number;
};

static const struct name families[] = {
	{"NFPROTO_IPV4", 2}, {"PF_INET", 2}, {"NFPROTO_IPV6", 10}, {"PF_INET6", 10}};
static const struct name hooks[] = {
	{"NF_INET_PRE_ROUTING", 0}, {"NF_INET_LOCAL_IN", 1},	 {"NF_INET_FORWARD", 2},
	{"NF_INET_LOCAL_OUT", 3},   {"NF_INET_POST_ROUTING", 4}, {"NF_IP_PRE_ROUTING", 0},
	{"NF_IP_LOCAL_IN", 1},	    {"NF_IP_FORWARD", 2},	 {"NF_IP_LOCAL_OUT", 3},
	{"NF_IP_POST_ROUTING", 4},
};

bool ft_netfilter_is_point(const struct ft_point *point)
{
	return !strcmp(point->parts[0].name, "netfilter");
}

static const struct name *find(const struct ft_point *point, const char *part,
			       const struct name *names, size_t count)
{
	for (u32 i = 1; i < point->part_count; i++)
		for (size_t k = 0; k < count && !strcmp(point->parts[i].name, part); k++)
			if (!strcmp(point->parts[i].arg->text, names[k].name))
				return &names[k];
	return NULL;
}

static const struct name *family_of(const struct ft_point *point)
{
	return find(point, "pf", families, FT_ARRAY_LEN(families));
}

static const struct name *hook_of(const struct ft_point *point)
{
	return find(point, "hook", hooks, FT_ARRAY_LEN(hooks));
}

const char *ft_netfilter_problem(const struct ft_point *point)
{
	if (!family_of(point))
		return "programs of the kernel see packets of NFPROTO_IPV4 and NFPROTO_IPV6 alone";
	if (!hook_of(point))
		return "the hooks are NF_INET_PRE_ROUTING, NF_INET_LOCAL_IN, NF_INET_FORWARD, "
		       "NF_INET_LOCAL_OUT, NF_INET_POST_ROUTING";
	return NULL;
}

bool ft_netfilter_is_there(struct ft_compile *compile)
{
	return ft_target_btf(compile) && ft_types_find(compile, "bpf_nf_ctx", BTF_KIND_STRUCT) > 0;
}

/* bpf(BPF_LINK_CREATE), with what a hook needs. */
struct link_request {
	u32 program, target, attach_type, flags;
	u32 family, hook;
	s32 priority;
	u32 hook_flags;
	u64 unused[4];
};

int ft_netfilter_attach(const struct ft_point *point, int program, struct ft_err *err)
{
	const struct name *family = family_of(point), *hook = hook_of(point);
	struct link_request request = {.program = (u32)program,
				       .attach_type = FT_NETFILTER_ATTACH_TYPE};
	int fd = -1;

	if (!family || !hook)
		return ft_err_set(err, -EINVAL, "%s", ft_netfilter_problem(point));
	request.family = family->number;
	request.hook = hook->number;
	/* Before all others; each program has a number of its own there. */
	for (s32 i = 1; i <= PRIORITIES && fd < 0; i++) {
		request.priority = INT_MIN + i;
		fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &request, sizeof(request));
		if (fd < 0 && errno != EBUSY)
			break;
	}
	if (fd >= 0)
		return fd;
	return ft_err_set(
		err, -errno, "cannot attach to the hook %s of %s: %s%s", hook->name, family->name,
		strerror(errno),
		errno == EINVAL ? "; that wants Linux 6.4 with CONFIG_NETFILTER_BPF_LINK=y" : "");
}
