/* number_text.c - see number_text.h. */
#include "scriptlang/syscalls/number_text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "scriptlang/syscalls/nfs_status.h"
#include "scriptlang/syscalls/syscalls.h"

static void decimal(s64 value, struct ft_out *out)
{
	ft_out_printf(out, "%lld", (long long)value);
}

static void errno_text(s64 value, struct ft_out *out)
{
	const char *name = ft_syscall_errno(value < 0 ? -value : value);

	if (name)
		ft_out_text(out, name);
	else
		decimal(value, out);
}

static void return_text(s64 value, struct ft_out *out)
{
	ft_syscall_ret_text(UINT64_MAX, value, out);
}

static void syscall_text(s64 value, struct ft_out *out)
{
	const struct ft_syscall *s = ft_syscall_of_number((u64)value);

	if (s)
		ft_out_text(out, s->kernel);
	else
		decimal(value, out);
}

static void address_text(s64 value, struct ft_out *out)
{
	const struct in_addr addr = {.s_addr = (u32)value};
	char text[INET_ADDRSTRLEN];

	ft_out_text(out, inet_ntop(AF_INET, &addr, text, sizeof(text)) ? text : "");
}

static const char *of(const char *const *names, u32 count, s64 value)
{
	return value >= 0 && value < count ? names[value] : NULL;
}

/* A name out of a list, or the number. */
static void list_text(const char *const *names, u32 count, s64 value, struct ft_out *out)
{
	const char *name = of(names, count, value);

	if (name)
		ft_out_text(out, name);
	else
		decimal(value, out);
}

static void family_text(s64 value, struct ft_out *out)
{
	static const char *const names[] = {
		"UNSPEC",   "LOCAL",	  "INET",    "AX25",	  "IPX",     "APPLETALK", "NETROM",
		"BRIDGE",   "ATMPVC",	  "X25",     "INET6",	  "ROSE",    "DECnet",	  "NETBEUI",
		"SECURITY", "KEY",	  "NETLINK", "PACKET",	  "ASH",     "ECONET",	  "ATMSVC",
		"RDS",	    "SNA",	  "IRDA",    "PPPOX",	  "WANPIPE", "LLC",	  "IB",
		"MPLS",	    "CAN",	  "TIPC",    "BLUETOOTH", "IUCV",    "RXRPC",	  "ISDN",
		"PHONET",   "IEEE802154", "CAIF",    "ALG",	  "NFC",     "VSOCK",	  "KCM",
		"QIPCRTR",  "SMC",	  "XDP",
	};

	list_text(names, FT_ARRAY_LEN(names), value, out);
}

static void socket_type_text(s64 value, struct ft_out *out)
{
	static const char *const names[] = {NULL,  "STREAM",	"DGRAM", "RAW",
					    "RDM", "SEQPACKET", "DCCP"};

	list_text(names, FT_ARRAY_LEN(names), value, out);
}

static void socket_state_text(s64 value, struct ft_out *out)
{
	static const char *const names[] = {"FREE", "UNCONNECTED", "CONNECTING", "CONNECTED",
					    "DISCONNECTING"};

	list_text(names, FT_ARRAY_LEN(names), value, out);
}

static void protocol_text(s64 value, struct ft_out *out)
{
	static const struct {
		s64 value;
		const char *name;
	} table[] = {{0, "IP"},	     {1, "ICMP"},   {2, "IGMP"},      {6, "TCP"},
		     {17, "UDP"},    {41, "IPV6"},  {47, "GRE"},      {50, "ESP"},
		     {58, "ICMPV6"}, {132, "SCTP"}, {136, "UDPLITE"}, {255, "RAW"}};

	for (size_t i = 0; i < FT_ARRAY_LEN(table); i++)
		if (table[i].value == value) {
			ft_out_text(out, table[i].name);
			return;
		}
	decimal(value, out);
}

static void tcp_state_text(s64 value, struct ft_out *out)
{
	static const char *const names[] = {
		NULL,
		"TCP_ESTABLISHED",
		"TCP_SYN_SENT",
		"TCP_SYN_RECV",
		"TCP_FIN_WAIT1",
		"TCP_FIN_WAIT2",
		"TCP_TIME_WAIT",
		"TCP_CLOSE",
		"TCP_CLOSE_WAIT",
		"TCP_LAST_ACK",
		"TCP_LISTEN",
		"TCP_CLOSING",
		"TCP_NEW_SYN_RECV",
	};

	list_text(names, FT_ARRAY_LEN(names), value, out);
}

static void softirq_text(s64 value, struct ft_out *out)
{
	static const char *const names[] = {"HI_SOFTIRQ",      "TIMER_SOFTIRQ", "NET_TX_SOFTIRQ",
					    "NET_RX_SOFTIRQ",  "BLOCK_SOFTIRQ", "IRQ_POLL_SOFTIRQ",
					    "TASKLET_SOFTIRQ", "SCHED_SOFTIRQ", "HRTIMER_SOFTIRQ",
					    "RCU_SOFTIRQ"};

	list_text(names, FT_ARRAY_LEN(names), value, out);
}

static void rw_text(s64 value, struct ft_out *out)
{
	ft_out_char(out, value & 1 ? 'W' : 'R');
}

static void folder_text(s64 value, struct ft_out *out)
{
	if ((s32)value == -100)
		ft_out_text(out, "AT_FDCWD");
	else
		ft_out_printf(out, "%d", (s32)value);
}

static void task_state_text(s64 value, struct ft_out *out)
{
	static const char letters[] = "RSDTtXZPKWI";
	u32 bit = 0;

	if (!value) {
		ft_out_char(out, 'R');
		return;
	}
	while (bit + 2 < sizeof(letters) && !(value >> bit & 1))
		bit++;
	ft_out_char(out, letters[bit + 1]);
}

static const struct {
	const char *name;
	void (*write)(s64 value, struct ft_out *out); /* NULL: by the table */
	const char *table;			      /* of syscall_flags.c */
} functions[] = {
	{"errno_str", errno_text, NULL},
	{"__return_str", return_text, NULL},
	{"signal_str", NULL, "signal"},
	{"_signal_name", NULL, "signal"},
	{"sa_flags_str", NULL, "sigaction"},
	{"syscall_name", syscall_text, NULL},
	{"ip_ntop", address_text, NULL},
	{"inet_get_ip_text", address_text, NULL},
	{"sock_fam_num2str", family_text, NULL},
	{"sock_type_num2str", socket_type_text, NULL},
	{"sock_state_num2str", socket_state_text, NULL},
	{"sock_prot_num2str", protocol_text, NULL},
	{"sock_flags_num2str", NULL, "sock_flags"},
	{"msg_flags_num2str", NULL, "msg"},
	{"tcp_sockstate_str", tcp_state_text, NULL},
	{"softirq_str", softirq_text, NULL},
	{"bio_rw_str", rw_text, NULL},
	{"task_state_str", task_state_text, NULL},
	{"_dfd_str", folder_text, NULL},
	{"_sys_open_flag_str", NULL, "open"},
	{"_access_mode_str", NULL, "access"},
	{"_at_flag_str", NULL, "at"},
	{"_mmap_flags", NULL, "mmap"},
	{"_mprotect_prot_str", NULL, "prot"},
	{"_fcntl_cmd_str", NULL, "fcntl"},
	{"_futex_op_str", NULL, "futex_op"},
	{"_seek_whence_str", NULL, "seek"},
	{"_wait4_opt_str", NULL, "wait_options"},
	{"_madvice_advice_str", NULL, "madvise"},
	{"_rlimit_resource_str", NULL, "rlimit"},
	{"_sched_policy_str", NULL, "sched_policy"},
	{"_msg_flags_str", NULL, "msg"},
	{"_get_wc_str", NULL, "clock"},
	{"_ptrace_request_str", NULL, "ptrace"},
	{"nfsderror", ft_nfs_status_text, NULL},
};

int ft_number_text_find(const char *name)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(functions); i++)
		if (!strcmp(functions[i].name, name))
			return (int)i;
	return -1;
}

const char *ft_number_text_name(u32 function)
{
	return function < FT_ARRAY_LEN(functions) ? functions[function].name : NULL;
}

bool ft_number_text(u32 function, s64 value, struct ft_out *out)
{
	if (function >= FT_ARRAY_LEN(functions))
		return false;
	if (functions[function].write)
		functions[function].write(value, out);
	else
		ft_syscall_flags_text(functions[function].table, (u64)value, true, out);
	return true;
}
