/*
 * netfilter.h - packets at the hooks of the kernel's netfilter:
 * netfilter.pf("NFPROTO_IPV4").hook("NF_INET_LOCAL_IN"), which aliases stand for.
 *
 * Programs of this kind see IPv4 and IPv6, from Linux 6.4 on. They watch: what they say about a
 * packet is always that it may go on.
 */
#ifndef FT_SCRIPTLANG_NETFILTER_H
#define FT_SCRIPTLANG_NETFILTER_H

#include "base/err.h"
#include "scriptlang/sema/sema.h"

#define FT_NETFILTER_PROGRAM_TYPE 32 /* BPF_PROG_TYPE_NETFILTER of linux/bpf.h */
#define FT_NETFILTER_ATTACH_TYPE 45  /* BPF_NETFILTER */

bool ft_netfilter_is_point(const struct ft_point *point);
/* Whether the kernel has programs of this kind. */
bool ft_netfilter_is_there(struct ft_compile *compile);
/* NULL, or what is wrong with the names of a point. */
const char *ft_netfilter_problem(const struct ft_point *point);
/* Attaches a program: a descriptor that ends it when it is closed, or what err says. */
int ft_netfilter_attach(const struct ft_point *point, int program, struct ft_err *err);

#endif
