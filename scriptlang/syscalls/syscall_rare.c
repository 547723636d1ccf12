/*
 * syscall_rare.c - names of numbers of system calls that are rarely made; see syscall_names.h.
 *
 * Numbers are those of the kernel's headers, by number where Debian 12's do not have them yet.
 */
#include <linux/capability.h>
#include <linux/fanotify.h>
#include <linux/kexec.h>
#include <linux/mempolicy.h>
#include <linux/perf_event.h>
#include <linux/prctl.h>
#include <linux/reboot.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/swap.h>
#include <sys/timex.h>

#include "scriptlang/syscalls/syscall_names.h"

static const struct ft_name timex_names[] = {
	AS("ADJ_OFFSET_SS_READ", 0xa001),
	AS("ADJ_OFFSET_SINGLESHOT", 0x8001),
	N(ADJ_OFFSET),
	N(ADJ_FREQUENCY),
	N(ADJ_MAXERROR),
	N(ADJ_ESTERROR),
	N(ADJ_STATUS),
	N(ADJ_TIMECONST),
	N(ADJ_TAI),
	N(ADJ_SETOFFSET),
	N(ADJ_MICRO),
	N(ADJ_NANO),
	N(ADJ_TICK),
	END,
};
static const struct ft_name fanotify_mark_names[] = {
	N(FAN_MARK_ADD),
	N(FAN_MARK_REMOVE),
	N(FAN_MARK_DONT_FOLLOW),
	N(FAN_MARK_ONLYDIR),
	N(FAN_MARK_MOUNT),
	N(FAN_MARK_IGNORED_MASK),
	N(FAN_MARK_IGNORED_SURV_MODIFY),
	N(FAN_MARK_FLUSH),
	N(FAN_MARK_FILESYSTEM),
	AS("FAN_MARK_EVICTABLE", 0x200),
	AS("FAN_MARK_IGNORE", 0x400),
	END,
};
static const struct ft_name fanotify_mask_names[] = {
	N(FAN_ACCESS),	       N(FAN_MODIFY),	      N(FAN_ATTRIB),	  N(FAN_CLOSE_WRITE),
	N(FAN_CLOSE_NOWRITE),  N(FAN_OPEN),	      N(FAN_MOVED_FROM),  N(FAN_MOVED_TO),
	N(FAN_CREATE),	       N(FAN_DELETE),	      N(FAN_DELETE_SELF), N(FAN_MOVE_SELF),
	N(FAN_OPEN_EXEC),      N(FAN_Q_OVERFLOW),     N(FAN_OPEN_PERM),	  N(FAN_ACCESS_PERM),
	N(FAN_OPEN_EXEC_PERM), N(FAN_EVENT_ON_CHILD), N(FAN_ONDIR),	  END,
};
static const struct ft_name get_mempolicy_names[] = {N(MPOL_F_NODE), N(MPOL_F_ADDR),
						     N(MPOL_F_MEMS_ALLOWED), END};
static const struct ft_name mbind_names[] = {N(MPOL_MF_STRICT), N(MPOL_MF_MOVE),
					     N(MPOL_MF_MOVE_ALL), END};
static const struct ft_name memfd_secret_names[] = {AS("FD_CLOEXEC", 1), AS("O_CLOEXEC", 02000000),
						    END};
static const struct ft_name perf_flags_names[] = {N(PERF_FLAG_FD_NO_GROUP), N(PERF_FLAG_FD_OUTPUT),
						  N(PERF_FLAG_PID_CGROUP), N(PERF_FLAG_FD_CLOEXEC),
						  END};
static const struct ft_name pkey_names[] = {N(PKEY_DISABLE_ACCESS), N(PKEY_DISABLE_WRITE), END};
static const struct ft_name reboot_magic_names[] = {
	N(LINUX_REBOOT_MAGIC1),	 N(LINUX_REBOOT_MAGIC2),  N(LINUX_REBOOT_MAGIC2A),
	N(LINUX_REBOOT_MAGIC2B), N(LINUX_REBOOT_MAGIC2C), END};
static const struct ft_name reboot_names[] = {
	N(LINUX_REBOOT_CMD_RESTART),	N(LINUX_REBOOT_CMD_HALT),      N(LINUX_REBOOT_CMD_CAD_ON),
	N(LINUX_REBOOT_CMD_CAD_OFF),	N(LINUX_REBOOT_CMD_POWER_OFF), N(LINUX_REBOOT_CMD_RESTART2),
	N(LINUX_REBOOT_CMD_SW_SUSPEND), N(LINUX_REBOOT_CMD_KEXEC),     END,
};
static const struct ft_name seccomp_flags_names[] = {
	N(SECCOMP_FILTER_FLAG_TSYNC),
	N(SECCOMP_FILTER_FLAG_LOG),
	N(SECCOMP_FILTER_FLAG_SPEC_ALLOW),
	N(SECCOMP_FILTER_FLAG_NEW_LISTENER),
	N(SECCOMP_FILTER_FLAG_TSYNC_ESRCH),
	AS("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0x20),
	END,
};
static const struct ft_name seccomp_mode_names[] = {AS("SECCOMP_MODE_DISABLED", 0),
						    AS("SECCOMP_MODE_STRICT", 1),
						    AS("SECCOMP_MODE_FILTER", 2), END};
static const struct ft_name statx_names[] = {
	N(STATX_ALL),
	N(STATX_BASIC_STATS),
	N(STATX_TYPE),
	N(STATX_MODE),
	N(STATX_NLINK),
	N(STATX_UID),
	N(STATX_GID),
	N(STATX_ATIME),
	N(STATX_MTIME),
	N(STATX_CTIME),
	N(STATX_INO),
	N(STATX_SIZE),
	N(STATX_BLOCKS),
	N(STATX_BTIME),
	N(STATX_MNT_ID),
	AS("STATX_DIOALIGN", 0x2000),
	AS("STATX_MNT_ID_UNIQUE", 0x4000),
	AS("STATX_SUBVOL", 0x8000),
	END,
};
static const struct ft_name kexec_names[] = {AS("KEXEC_ON_CRASH", 1),
					     AS("KEXEC_PRESERVE_CONTEXT", 2),
					     AS("KEXEC_UPDATE_ELFCOREHDR", 4), END};
static const struct ft_name kexec_file_names[] = {N(KEXEC_FILE_UNLOAD), N(KEXEC_FILE_ON_CRASH),
						  N(KEXEC_FILE_NO_INITRAMFS), END};
static const struct ft_name capability_names[] = {
	N(CAP_CHOWN),
	N(CAP_DAC_OVERRIDE),
	N(CAP_DAC_READ_SEARCH),
	N(CAP_FOWNER),
	N(CAP_FSETID),
	N(CAP_KILL),
	N(CAP_SETGID),
	N(CAP_SETUID),
	N(CAP_SETPCAP),
	N(CAP_LINUX_IMMUTABLE),
	N(CAP_NET_BIND_SERVICE),
	N(CAP_NET_BROADCAST),
	N(CAP_NET_ADMIN),
	N(CAP_NET_RAW),
	N(CAP_IPC_LOCK),
	N(CAP_IPC_OWNER),
	N(CAP_SYS_MODULE),
	N(CAP_SYS_RAWIO),
	N(CAP_SYS_CHROOT),
	N(CAP_SYS_PTRACE),
	N(CAP_SYS_PACCT),
	N(CAP_SYS_ADMIN),
	N(CAP_SYS_BOOT),
	N(CAP_SYS_NICE),
	N(CAP_SYS_RESOURCE),
	N(CAP_SYS_TIME),
	N(CAP_SYS_TTY_CONFIG),
	N(CAP_MKNOD),
	N(CAP_LEASE),
	N(CAP_AUDIT_WRITE),
	N(CAP_AUDIT_CONTROL),
	N(CAP_SETFCAP),
	N(CAP_MAC_OVERRIDE),
	N(CAP_MAC_ADMIN),
	N(CAP_SYSLOG),
	N(CAP_WAKE_ALARM),
	N(CAP_BLOCK_SUSPEND),
	N(CAP_AUDIT_READ),
	N(CAP_PERFMON),
	N(CAP_BPF),
	N(CAP_CHECKPOINT_RESTORE),
	END,
};
static const struct ft_name securebits_names[] = {
	AS("SECBIT_NOROOT", 1),
	AS("SECBIT_NOROOT_LOCKED", 2),
	AS("SECBIT_NO_SETUID_FIXUP", 4),
	AS("SECBIT_NO_SETUID_FIXUP_LOCKED", 8),
	AS("SECBIT_KEEP_CAPS", 16),
	AS("SECBIT_KEEP_CAPS_LOCKED", 32),
	AS("SECBIT_NO_CAP_AMBIENT_RAISE", 64),
	AS("SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED", 128),
	END,
};
static const struct ft_name prctl_tsc_names[] = {N(PR_TSC_ENABLE), N(PR_TSC_SIGSEGV), END};
static const struct ft_name prctl_mce_names[] = {N(PR_MCE_KILL_CLEAR), N(PR_MCE_KILL_SET), END};
static const struct ft_name prctl_mce_set_names[] = {N(PR_MCE_KILL_LATE), N(PR_MCE_KILL_EARLY),
						     N(PR_MCE_KILL_DEFAULT), END};
static const struct ft_name prctl_mm_names[] = {
	N(PR_SET_MM_START_CODE),  N(PR_SET_MM_END_CODE),
	N(PR_SET_MM_START_DATA),  N(PR_SET_MM_END_DATA),
	N(PR_SET_MM_START_STACK), N(PR_SET_MM_START_BRK),
	N(PR_SET_MM_BRK),	  N(PR_SET_MM_ARG_START),
	N(PR_SET_MM_ARG_END),	  N(PR_SET_MM_ENV_START),
	N(PR_SET_MM_ENV_END),	  N(PR_SET_MM_AUXV),
	N(PR_SET_MM_EXE_FILE),	  N(PR_SET_MM_MAP),
	N(PR_SET_MM_MAP_SIZE),	  END,
};
static const struct ft_name prctl_ambient_names[] = {
	N(PR_CAP_AMBIENT_IS_SET), N(PR_CAP_AMBIENT_RAISE), N(PR_CAP_AMBIENT_LOWER),
	N(PR_CAP_AMBIENT_CLEAR_ALL), END};
static const struct ft_name ptrace_options_names[] = {
	N(PTRACE_O_TRACESYSGOOD),
	N(PTRACE_O_TRACEFORK),
	N(PTRACE_O_TRACEVFORK),
	N(PTRACE_O_TRACECLONE),
	N(PTRACE_O_TRACEEXEC),
	N(PTRACE_O_TRACEVFORKDONE),
	N(PTRACE_O_TRACEEXIT),
	N(PTRACE_O_TRACESECCOMP),
	N(PTRACE_O_EXITKILL),
	N(PTRACE_O_SUSPEND_SECCOMP),
	END,
};

#define BITS(TABLE)                         \
	{                                   \
#TABLE, TABLE##_names, true \
	}
#define VALUES(TABLE)                        \
	{                                    \
#TABLE, TABLE##_names, false \
	}
static const struct table {
	const char *name;
	const struct ft_name *names;
	bool is_bits;
} tables[] = {
	BITS(timex),	       BITS(fanotify_mark),  BITS(fanotify_mask),   BITS(get_mempolicy),
	BITS(mbind),	       BITS(memfd_secret),   BITS(perf_flags),	    BITS(pkey),
	VALUES(reboot_magic),  VALUES(reboot),	     BITS(seccomp_flags),   VALUES(seccomp_mode),
	BITS(statx),	       BITS(kexec_file),     VALUES(capability),    BITS(securebits),
	VALUES(prctl_tsc),     VALUES(prctl_mce),    VALUES(prctl_mce_set), VALUES(prctl_mm),
	VALUES(prctl_ambient), BITS(ptrace_options),
};

/* ---- with a part that is no bit ---- */

/* The class, which is a number of two bits, and flags. */
static void fanotify_init_text(struct ft_out *out, u64 value)
{
	static const struct ft_name flags[] = {N(FAN_CLOEXEC),
					       N(FAN_NONBLOCK),
					       N(FAN_UNLIMITED_QUEUE),
					       N(FAN_UNLIMITED_MARKS),
					       N(FAN_ENABLE_AUDIT),
					       N(FAN_REPORT_TID),
					       N(FAN_REPORT_FID),
					       N(FAN_REPORT_DIR_FID),
					       N(FAN_REPORT_NAME),
					       AS("FAN_REPORT_TARGET_FID", 0x1000),
					       AS("FAN_REPORT_PIDFD", 0x80),
					       END};
	static const char *const classes[] = {"FAN_CLASS_NOTIF", "FAN_CLASS_CONTENT",
					      "FAN_CLASS_PRE_CONTENT", "0xc"};

	ft_out_text(out, classes[value >> 2 & 3]);
	if (value & ~(u64)0xc)
		ft_names_bits(out, flags, value & ~(u64)0xc, true);
}

static void ioprio_text(struct ft_out *out, u64 value)
{
	static const struct ft_name classes[] = {AS("IOPRIO_CLASS_NONE", 0),
						 AS("IOPRIO_CLASS_RT", 1), AS("IOPRIO_CLASS_BE", 2),
						 AS("IOPRIO_CLASS_IDLE", 3), END};

	ft_out_text(out, "IOPRIO_PRIO_VALUE(");
	ft_names_value(out, classes, value >> 13);
	ft_out_printf(out, ", %u)", (u32)value & 0x1fff);
}

/* Flags, and the machine that the kernel is for. */
static void kexec_text(struct ft_out *out, u64 value)
{
	static const struct ft_name machines[] = {
		N(KEXEC_ARCH_DEFAULT), N(KEXEC_ARCH_386),     N(KEXEC_ARCH_68K),
		N(KEXEC_ARCH_PARISC),  N(KEXEC_ARCH_X86_64),  N(KEXEC_ARCH_PPC),
		N(KEXEC_ARCH_PPC64),   N(KEXEC_ARCH_IA_64),   N(KEXEC_ARCH_ARM),
		N(KEXEC_ARCH_S390),    N(KEXEC_ARCH_SH),      N(KEXEC_ARCH_MIPS_LE),
		N(KEXEC_ARCH_MIPS),    N(KEXEC_ARCH_AARCH64), END};

	if (value & 0xffff) {
		ft_names_bits(out, kexec_names, value & 0xffff, false);
		ft_out_char(out, '|');
	}
	ft_names_value(out, machines, value & KEXEC_ARCH_MASK);
	if (value >> 32)
		ft_names_bits(out, kexec_names, value >> 32 << 32, true);
}

/* A priority, and how pages are given back. */
static void swapon_text(struct ft_out *out, u64 value)
{
	static const struct ft_name flags[] = {N(SWAP_FLAG_PREFER), N(SWAP_FLAG_DISCARD),
					       AS("SWAP_FLAG_DISCARD_ONCE", 0x20000),
					       AS("SWAP_FLAG_DISCARD_PAGES", 0x40000), END};

	ft_names_bits(out, flags, value & ~(u64)SWAP_FLAG_PRIO_MASK, false);
	if (value & SWAP_FLAG_PRIO_MASK)
		ft_out_printf(out, "|%llu", (unsigned long long)(value & SWAP_FLAG_PRIO_MASK));
}

/* Who may trace this process: -1 is anybody. */
static void ptracer_text(struct ft_out *out, u64 value)
{
	if (value == UINT64_MAX)
		ft_out_text(out, "PR_SET_PTRACER_ANY");
	else
		ft_out_printf(out, "%llu", (unsigned long long)value);
}

static const struct special {
	const char *name;
	void (*write)(struct ft_out *out, u64 value);
} specials[] = {
	{"fanotify_init", fanotify_init_text},
	{"ioprio", ioprio_text},
	{"kexec", kexec_text},
	{"swapon", swapon_text},
	{"ptracer", ptracer_text},
};

bool ft_syscall_flags_rare(const char *table, u64 value, struct ft_out *out)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(specials); i++)
		if (!strcmp(specials[i].name, table)) {
			specials[i].write(out, value);
			return true;
		}
	for (size_t i = 0; i < FT_ARRAY_LEN(tables); i++) {
		if (strcmp(tables[i].name, table) != 0)
			continue;
		if (tables[i].is_bits)
			ft_names_bits(out, tables[i].names, value, false);
		else
			ft_names_value(out, tables[i].names, value);
		return true;
	}
	return false;
}
