/*
 * syscall_flags.c - names of numbers that system calls take; see syscalls.h.
 *
 * A table is either of bits, which are shown joined by '|', or of values. What has no name is shown
 * in hexadecimal. Entries of several bits come before those of single ones of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/futex.h>
#include <linux/kcmp.h>
#include <linux/membarrier.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "scriptlang/syscalls/syscall_names.h"
#include "scriptlang/syscalls/syscalls.h"

static const struct ft_name open_names[] = {
	/* what comes first is the access mode; glibc's O_LARGEFILE is 0 on 64-bit machines */
	AS("O_SYNC", 04010000),
	N(O_DSYNC),
	AS("O_TMPFILE", 020200000),
	N(O_DIRECTORY),
	N(O_CREAT),
	N(O_EXCL),
	N(O_NOCTTY),
	N(O_TRUNC),
	N(O_APPEND),
	N(O_NONBLOCK),
	N(O_ASYNC),
	AS("O_DIRECT", 040000),
	AS("O_LARGEFILE", 0100000),
	AS("O_NOFOLLOW", 0400000),
	AS("O_NOATIME", 01000000),
	N(O_CLOEXEC),
	AS("O_PATH", 010000000),
	END};
static const struct ft_name open_rest_names[] = {N(O_NONBLOCK), N(O_CLOEXEC), N(O_TRUNC),
						 N(O_DIRECTORY), END};
static const struct ft_name access_names[] = {N(R_OK), N(W_OK), N(X_OK), END};
static const struct ft_name at_names[] = {N(AT_SYMLINK_NOFOLLOW),
					  N(AT_REMOVEDIR),
					  N(AT_SYMLINK_FOLLOW),
					  AS("AT_NO_AUTOMOUNT", 0x800),
					  AS("AT_EMPTY_PATH", 0x1000),
					  AS("AT_STATX_FORCE_SYNC", 0x2000),
					  AS("AT_STATX_DONT_SYNC", 0x4000),
					  AS("AT_RECURSIVE", 0x8000),
					  END};
static const struct ft_name seek_names[] = {N(SEEK_SET),	N(SEEK_CUR),	    N(SEEK_END),
					    AS("SEEK_DATA", 3), AS("SEEK_HOLE", 4), END};
static const struct ft_name prot_names[] = {
	N(PROT_READ),	   N(PROT_WRITE),   N(PROT_EXEC), AS("PROT_SEM", 8),
	N(PROT_GROWSDOWN), N(PROT_GROWSUP), END};
static const struct ft_name mmap_names[] = {AS("MAP_SHARED_VALIDATE", 3),
					    N(MAP_SHARED),
					    N(MAP_PRIVATE),
					    N(MAP_FIXED),
					    N(MAP_ANONYMOUS),
#ifdef MAP_32BIT
					    N(MAP_32BIT),
#endif
					    N(MAP_GROWSDOWN),
					    N(MAP_DENYWRITE),
					    N(MAP_EXECUTABLE),
					    N(MAP_LOCKED),
					    N(MAP_NORESERVE),
					    N(MAP_POPULATE),
					    N(MAP_NONBLOCK),
					    N(MAP_STACK),
					    N(MAP_HUGETLB),
					    AS("MAP_SYNC", 0x80000),
					    AS("MAP_FIXED_NOREPLACE", 0x100000),
					    END};
static const struct ft_name mremap_names[] = {AS("MREMAP_MAYMOVE", 1), AS("MREMAP_FIXED", 2),
					      AS("MREMAP_DONTUNMAP", 4), END};
static const struct ft_name msync_names[] = {N(MS_ASYNC), N(MS_INVALIDATE), N(MS_SYNC), END};
static const struct ft_name madvise_names[] = {N(MADV_NORMAL),
					       N(MADV_RANDOM),
					       N(MADV_SEQUENTIAL),
					       N(MADV_WILLNEED),
					       N(MADV_DONTNEED),
					       AS("MADV_FREE", 8),
					       N(MADV_REMOVE),
					       N(MADV_DONTFORK),
					       N(MADV_DOFORK),
					       N(MADV_MERGEABLE),
					       N(MADV_UNMERGEABLE),
					       N(MADV_HUGEPAGE),
					       N(MADV_NOHUGEPAGE),
					       N(MADV_DONTDUMP),
					       N(MADV_DODUMP),
					       AS("MADV_WIPEONFORK", 18),
					       AS("MADV_KEEPONFORK", 19),
					       AS("MADV_COLD", 20),
					       AS("MADV_PAGEOUT", 21),
					       AS("MADV_POPULATE_READ", 22),
					       AS("MADV_POPULATE_WRITE", 23),
					       N(MADV_HWPOISON),
					       AS("MADV_SOFT_OFFLINE", 101),
					       END};
static const struct ft_name mlockall_names[] = {N(MCL_CURRENT), N(MCL_FUTURE), AS("MCL_ONFAULT", 4),
						END};
static const struct ft_name mlock2_names[] = {AS("MLOCK_ONFAULT", 1), END};
static const struct ft_name mempolicy_names[] = {
	N(MPOL_DEFAULT), N(MPOL_PREFERRED), N(MPOL_BIND), N(MPOL_INTERLEAVE), N(MPOL_LOCAL), END};
static const struct ft_name signal_names[] = {
	N(SIGHUP),  N(SIGINT),	  N(SIGQUIT), N(SIGILL),  N(SIGTRAP),	N(SIGABRT), N(SIGBUS),
	N(SIGFPE),  N(SIGKILL),	  N(SIGUSR1), N(SIGSEGV), N(SIGUSR2),	N(SIGPIPE), N(SIGALRM),
	N(SIGTERM), N(SIGSTKFLT), N(SIGCHLD), N(SIGCONT), N(SIGSTOP),	N(SIGTSTP), N(SIGTTIN),
	N(SIGTTOU), N(SIGURG),	  N(SIGXCPU), N(SIGXFSZ), N(SIGVTALRM), N(SIGPROF), N(SIGWINCH),
	N(SIGIO),   N(SIGPWR),	  N(SIGSYS),  END};
static const struct ft_name sigaction_names[] = {N(SA_NOCLDSTOP),
						 N(SA_NOCLDWAIT),
						 N(SA_SIGINFO),
						 AS("SA_RESTORER", 0x04000000),
						 N(SA_ONSTACK),
						 N(SA_RESTART),
						 N(SA_NODEFER),
						 AS("SA_RESETHAND", 0x80000000u),
						 END};
static const struct ft_name sigaltstack_names[] = {N(SS_ONSTACK), N(SS_DISABLE), END};
static const struct ft_name sigprocmask_names[] = {N(SIG_BLOCK), N(SIG_UNBLOCK), N(SIG_SETMASK),
						   END};
static const struct ft_name fcntl_names[] = {N(F_DUPFD),
					     N(F_GETFD),
					     N(F_SETFD),
					     N(F_GETFL),
					     N(F_SETFL),
					     N(F_GETLK),
					     N(F_SETLK),
					     N(F_SETLKW),
					     N(F_SETOWN),
					     N(F_GETOWN),
					     AS("F_SETSIG", 10),
					     AS("F_GETSIG", 11),
					     AS("F_SETOWN_EX", 15),
					     AS("F_GETOWN_EX", 16),
					     AS("F_OFD_GETLK", 36),
					     AS("F_OFD_SETLK", 37),
					     AS("F_OFD_SETLKW", 38),
					     AS("F_SETLEASE", 1024),
					     AS("F_GETLEASE", 1025),
					     AS("F_NOTIFY", 1026),
					     N(F_DUPFD_CLOEXEC),
					     AS("F_SETPIPE_SZ", 1031),
					     AS("F_GETPIPE_SZ", 1032),
					     AS("F_ADD_SEALS", 1033),
					     AS("F_GET_SEALS", 1034),
					     END};
static const struct ft_name flock_names[] = {N(LOCK_SH), N(LOCK_EX), N(LOCK_UN), N(LOCK_NB), END};
static const struct ft_name epoll_create_names[] = {N(EPOLL_CLOEXEC), END};
static const struct ft_name epoll_op_names[] = {N(EPOLL_CTL_ADD), N(EPOLL_CTL_DEL),
						N(EPOLL_CTL_MOD), END};
static const struct ft_name eventfd_names[] = {N(EFD_NONBLOCK), N(EFD_CLOEXEC), N(EFD_SEMAPHORE),
					       END};
static const struct ft_name signalfd_names[] = {N(SFD_NONBLOCK), N(SFD_CLOEXEC), END};
static const struct ft_name timerfd_names[] = {N(TFD_NONBLOCK), N(TFD_CLOEXEC),
					       N(TFD_TIMER_ABSTIME),
					       AS("TFD_TIMER_CANCEL_ON_SET", 2), END};
static const struct ft_name timer_abstime_names[] = {N(TIMER_ABSTIME), END};
static const struct ft_name inotify_init_names[] = {N(IN_NONBLOCK), N(IN_CLOEXEC), END};
static const struct ft_name inotify_mask_names[] = {N(IN_ACCESS),
						    N(IN_MODIFY),
						    N(IN_ATTRIB),
						    N(IN_CLOSE_WRITE),
						    N(IN_CLOSE_NOWRITE),
						    N(IN_OPEN),
						    N(IN_MOVED_FROM),
						    N(IN_MOVED_TO),
						    N(IN_CREATE),
						    N(IN_DELETE),
						    N(IN_DELETE_SELF),
						    N(IN_MOVE_SELF),
						    N(IN_ONLYDIR),
						    N(IN_DONT_FOLLOW),
						    N(IN_EXCL_UNLINK),
						    N(IN_MASK_ADD),
						    N(IN_ISDIR),
						    N(IN_ONESHOT),
						    END};
static const struct ft_name ioprio_which_names[] = {
	AS("IOPRIO_WHO_PROCESS", 1), AS("IOPRIO_WHO_PGRP", 2), AS("IOPRIO_WHO_USER", 3), END};
static const struct ft_name renameat2_names[] = {
	AS("RENAME_NOREPLACE", 1), AS("RENAME_EXCHANGE", 2), AS("RENAME_WHITEOUT", 4), END};
static const struct ft_name umount_names[] = {AS("MNT_FORCE", 1), AS("MNT_DETACH", 2),
					      AS("MNT_EXPIRE", 4), AS("UMOUNT_NOFOLLOW", 8), END};
static const struct ft_name mount_names[] = {AS("MS_RDONLY", 1),
					     AS("MS_NOSUID", 2),
					     AS("MS_NODEV", 4),
					     AS("MS_NOEXEC", 8),
					     AS("MS_SYNCHRONOUS", 16),
					     AS("MS_REMOUNT", 32),
					     AS("MS_MANDLOCK", 64),
					     AS("MS_DIRSYNC", 128),
					     AS("MS_NOATIME", 1024),
					     AS("MS_NODIRATIME", 2048),
					     AS("MS_BIND", 4096),
					     AS("MS_MOVE", 8192),
					     AS("MS_REC", 16384),
					     AS("MS_SILENT", 32768),
					     AS("MS_POSIXACL", 1 << 16),
					     AS("MS_UNBINDABLE", 1 << 17),
					     AS("MS_PRIVATE", 1 << 18),
					     AS("MS_SLAVE", 1 << 19),
					     AS("MS_SHARED", 1 << 20),
					     AS("MS_RELATIME", 1 << 21),
					     AS("MS_STRICTATIME", 1 << 24),
					     END};
static const struct ft_name fallocate_names[] = {
	AS("FALLOC_FL_KEEP_SIZE", 1),	   AS("FALLOC_FL_PUNCH_HOLE", 2),
	AS("FALLOC_FL_NO_HIDE_STALE", 4),  AS("FALLOC_FL_COLLAPSE_RANGE", 8),
	AS("FALLOC_FL_ZERO_RANGE", 16),	   AS("FALLOC_FL_INSERT_RANGE", 32),
	AS("FALLOC_FL_UNSHARE_RANGE", 64), END};
static const struct ft_name close_range_names[] = {AS("CLOSE_RANGE_UNSHARE", 2),
						   AS("CLOSE_RANGE_CLOEXEC", 4), END};
static const struct ft_name rwf_names[] = {AS("RWF_HIPRI", 1),	 AS("RWF_DSYNC", 2),
					   AS("RWF_SYNC", 4),	 AS("RWF_NOWAIT", 8),
					   AS("RWF_APPEND", 16), END};
static const struct ft_name splice_names[] = {AS("SPLICE_F_MOVE", 1), AS("SPLICE_F_NONBLOCK", 2),
					      AS("SPLICE_F_MORE", 4), AS("SPLICE_F_GIFT", 8), END};
static const struct ft_name sync_file_range_names[] = {AS("SYNC_FILE_RANGE_WAIT_BEFORE", 1),
						       AS("SYNC_FILE_RANGE_WRITE", 2),
						       AS("SYNC_FILE_RANGE_WAIT_AFTER", 4), END};
static const struct ft_name clock_names[] = {
	N(CLOCK_REALTIME),	    N(CLOCK_MONOTONIC),	    N(CLOCK_PROCESS_CPUTIME_ID),
	N(CLOCK_THREAD_CPUTIME_ID), N(CLOCK_MONOTONIC_RAW), N(CLOCK_REALTIME_COARSE),
	N(CLOCK_MONOTONIC_COARSE),  N(CLOCK_BOOTTIME),	    N(CLOCK_REALTIME_ALARM),
	N(CLOCK_BOOTTIME_ALARM),    AS("CLOCK_TAI", 11),    END};
static const struct ft_name waitid_which_names[] = {N(P_ALL), N(P_PID), N(P_PGID), AS("P_PIDFD", 3),
						    END};
static const struct ft_name wait_options_names[] = {N(WNOHANG),
						    N(WUNTRACED),
						    N(WEXITED),
						    N(WCONTINUED),
						    N(WNOWAIT),
						    AS("__WNOTHREAD", 0x20000000),
						    AS("__WALL", 0x40000000),
						    AS("__WCLONE", 0x80000000u),
						    END};
#define CLONE_NAMES                                                                                \
	N(CLONE_VM), N(CLONE_FS), N(CLONE_FILES), N(CLONE_SIGHAND), AS("CLONE_PIDFD", 0x1000),     \
		N(CLONE_PTRACE), N(CLONE_VFORK), N(CLONE_PARENT), N(CLONE_THREAD), N(CLONE_NEWNS), \
		N(CLONE_SYSVSEM), N(CLONE_SETTLS), N(CLONE_PARENT_SETTID),                         \
		N(CLONE_CHILD_CLEARTID), N(CLONE_DETACHED), N(CLONE_UNTRACED),                     \
		N(CLONE_CHILD_SETTID), AS("CLONE_NEWCGROUP", 0x02000000), N(CLONE_NEWUTS),         \
		N(CLONE_NEWIPC), N(CLONE_NEWUSER), N(CLONE_NEWPID), N(CLONE_NEWNET), N(CLONE_IO),  \
		AS("CLONE_NEWTIME", 0x80)
static const struct ft_name clone_names[] = {CLONE_NAMES, END};
static const struct ft_name futex_op_names[] = {N(FUTEX_WAIT),
						N(FUTEX_WAKE),
						N(FUTEX_FD),
						N(FUTEX_REQUEUE),
						N(FUTEX_CMP_REQUEUE),
						N(FUTEX_WAKE_OP),
						N(FUTEX_LOCK_PI),
						N(FUTEX_UNLOCK_PI),
						N(FUTEX_TRYLOCK_PI),
						N(FUTEX_WAIT_BITSET),
						N(FUTEX_WAKE_BITSET),
						N(FUTEX_WAIT_REQUEUE_PI),
						N(FUTEX_CMP_REQUEUE_PI),
						AS("FUTEX_LOCK_PI2", 13),
						END};
static const struct ft_name itimer_names[] = {N(ITIMER_REAL), N(ITIMER_VIRTUAL), N(ITIMER_PROF),
					      END};
static const struct ft_name finit_module_names[] = {AS("MODULE_INIT_IGNORE_MODVERSIONS", 1),
						    AS("MODULE_INIT_IGNORE_VERMAGIC", 2), END};
static const struct ft_name ptrace_names[] = {
	N(PTRACE_TRACEME),	 N(PTRACE_PEEKTEXT),   N(PTRACE_PEEKDATA),
	AS("PTRACE_PEEKUSR", 3), N(PTRACE_POKETEXT),   N(PTRACE_POKEDATA),
	AS("PTRACE_POKEUSR", 6), N(PTRACE_CONT),       N(PTRACE_KILL),
	N(PTRACE_SINGLESTEP),	 N(PTRACE_GETREGS),    N(PTRACE_SETREGS),
	N(PTRACE_GETFPREGS),	 N(PTRACE_SETFPREGS),  N(PTRACE_ATTACH),
	N(PTRACE_DETACH),	 N(PTRACE_SYSCALL),    N(PTRACE_SETOPTIONS),
	N(PTRACE_GETEVENTMSG),	 N(PTRACE_GETSIGINFO), N(PTRACE_SETSIGINFO),
	N(PTRACE_GETREGSET),	 N(PTRACE_SETREGSET),  N(PTRACE_SEIZE),
	N(PTRACE_INTERRUPT),	 N(PTRACE_LISTEN),     END};
static const struct ft_name sched_policy_names[] = {
	AS("SCHED_OTHER", 0), N(SCHED_FIFO),	       N(SCHED_RR), N(SCHED_BATCH),
	N(SCHED_IDLE),	      AS("SCHED_DEADLINE", 6), END};
static const struct ft_name priority_names[] = {N(PRIO_PROCESS), N(PRIO_PGRP), N(PRIO_USER), END};
static const struct ft_name rlimit_names[] = {N(RLIMIT_CPU),
					      N(RLIMIT_FSIZE),
					      N(RLIMIT_DATA),
					      N(RLIMIT_STACK),
					      N(RLIMIT_CORE),
					      N(RLIMIT_RSS),
					      N(RLIMIT_NPROC),
					      N(RLIMIT_NOFILE),
					      N(RLIMIT_MEMLOCK),
					      N(RLIMIT_AS),
					      N(RLIMIT_LOCKS),
					      N(RLIMIT_SIGPENDING),
					      N(RLIMIT_MSGQUEUE),
					      N(RLIMIT_NICE),
					      N(RLIMIT_RTPRIO),
					      N(RLIMIT_RTTIME),
					      AS("RLIM_INFINITY", 0xffffffffu),
					      END};
static const struct ft_name rusage_who_names[] = {
	N(RUSAGE_SELF), AS("RUSAGE_CHILDREN", 0xffffffffu), AS("RUSAGE_THREAD", 1), END};
static const struct ft_name prctl_names[] = {N(PR_SET_PDEATHSIG),
					     N(PR_GET_PDEATHSIG),
					     N(PR_GET_DUMPABLE),
					     N(PR_SET_DUMPABLE),
					     N(PR_GET_UNALIGN),
					     N(PR_SET_UNALIGN),
					     N(PR_GET_KEEPCAPS),
					     N(PR_SET_KEEPCAPS),
					     N(PR_GET_FPEMU),
					     N(PR_SET_FPEMU),
					     N(PR_GET_FPEXC),
					     N(PR_SET_FPEXC),
					     N(PR_GET_TIMING),
					     N(PR_SET_TIMING),
					     N(PR_SET_NAME),
					     N(PR_GET_NAME),
					     N(PR_GET_ENDIAN),
					     N(PR_SET_ENDIAN),
					     N(PR_GET_SECCOMP),
					     N(PR_SET_SECCOMP),
					     N(PR_CAPBSET_READ),
					     N(PR_CAPBSET_DROP),
					     N(PR_GET_TSC),
					     N(PR_SET_TSC),
					     N(PR_GET_SECUREBITS),
					     N(PR_SET_SECUREBITS),
					     N(PR_SET_TIMERSLACK),
					     N(PR_GET_TIMERSLACK),
					     N(PR_TASK_PERF_EVENTS_DISABLE),
					     N(PR_TASK_PERF_EVENTS_ENABLE),
					     N(PR_MCE_KILL),
					     N(PR_MCE_KILL_GET),
					     N(PR_SET_MM),
					     N(PR_SET_PTRACER),
					     N(PR_SET_CHILD_SUBREAPER),
					     N(PR_GET_CHILD_SUBREAPER),
					     N(PR_SET_NO_NEW_PRIVS),
					     N(PR_GET_NO_NEW_PRIVS),
					     N(PR_GET_TID_ADDRESS),
					     N(PR_SET_THP_DISABLE),
					     N(PR_GET_THP_DISABLE),
					     N(PR_CAP_AMBIENT),
					     AS("PR_SET_VMA", 0x53564d41),
					     END};
static const struct ft_name ipc_key_names[] = {N(IPC_PRIVATE), END};
static const struct ft_name ipc_get_names[] = {N(IPC_CREAT), N(IPC_EXCL), END};
static const struct ft_name ipc_cmd_names[] = {
	N(IPC_RMID), N(IPC_SET), N(IPC_STAT), AS("IPC_INFO", 3), N(GETPID), N(GETVAL),
	N(GETALL),   N(GETNCNT), N(GETZCNT),  N(SETVAL),	 N(SETALL), END};
static const struct ft_name msg_flags_names[] = {
	N(IPC_NOWAIT), N(MSG_NOERROR), AS("MSG_EXCEPT", 020000), AS("MSG_COPY", 040000), END};
static const struct ft_name shmat_names[] = {N(SHM_RDONLY), N(SHM_RND), AS("SHM_REMAP", 040000),
					     AS("SHM_EXEC", 0100000), END};
static const struct ft_name family_names[] = {
	N(PF_UNSPEC),	  N(PF_LOCAL),	N(PF_INET),	 N(PF_AX25),   N(PF_IPX),
	N(PF_APPLETALK),  N(PF_NETROM), N(PF_BRIDGE),	 N(PF_ATMPVC), N(PF_X25),
	N(PF_INET6),	  N(PF_KEY),	N(PF_NETLINK),	 N(PF_PACKET), N(PF_RDS),
	N(PF_LLC),	  N(PF_TIPC),	N(PF_BLUETOOTH), N(PF_ALG),    AS("PF_VSOCK", 40),
	AS("PF_XDP", 44), END};
static const struct ft_name sock_flags_names[] = {N(SOCK_CLOEXEC), N(SOCK_NONBLOCK), END};
static const struct ft_name sock_type_names[] = {
	N(SOCK_STREAM),	   N(SOCK_DGRAM), N(SOCK_RAW),	  N(SOCK_RDM),
	N(SOCK_SEQPACKET), N(SOCK_DCCP),  N(SOCK_PACKET), END};
static const struct ft_name ip_protocol_names[] = {
	N(IPPROTO_IP),	    N(IPPROTO_ICMP),   N(IPPROTO_IGMP),	 N(IPPROTO_TCP),
	N(IPPROTO_UDP),	    N(IPPROTO_IPV6),   N(IPPROTO_RAW),	 N(IPPROTO_SCTP),
	N(IPPROTO_UDPLITE), N(IPPROTO_ICMPV6), N(IPPROTO_MPTCP), END};
static const struct ft_name msg_names[] = {N(MSG_OOB),
					   N(MSG_PEEK),
					   N(MSG_DONTROUTE),
					   N(MSG_CTRUNC),
					   AS("MSG_PROBE", 0x10),
					   N(MSG_TRUNC),
					   N(MSG_DONTWAIT),
					   N(MSG_EOR),
					   N(MSG_WAITALL),
					   N(MSG_FIN),
					   N(MSG_SYN),
					   N(MSG_CONFIRM),
					   N(MSG_RST),
					   N(MSG_ERRQUEUE),
					   N(MSG_NOSIGNAL),
					   N(MSG_MORE),
					   N(MSG_WAITFORONE),
					   AS("MSG_ZEROCOPY", 0x4000000),
					   N(MSG_FASTOPEN),
					   N(MSG_CMSG_CLOEXEC),
					   END};
static const struct ft_name sock_level_names[] = {AS("SOL_IP", 0),	 N(SOL_SOCKET),
						  AS("SOL_TCP", 6),	 AS("SOL_UDP", 17),
						  AS("SOL_IPV6", 41),	 AS("SOL_RAW", 255),
						  AS("SOL_PACKET", 263), AS("SOL_NETLINK", 270),
						  AS("SOL_TLS", 282),	 END};
static const struct ft_name sock_opt_names[] = {N(SO_DEBUG),	     N(SO_REUSEADDR),
						N(SO_TYPE),	     N(SO_ERROR),
						N(SO_DONTROUTE),     N(SO_BROADCAST),
						N(SO_SNDBUF),	     N(SO_RCVBUF),
						N(SO_KEEPALIVE),     N(SO_OOBINLINE),
						N(SO_NO_CHECK),	     N(SO_PRIORITY),
						N(SO_LINGER),	     N(SO_BSDCOMPAT),
						N(SO_REUSEPORT),     N(SO_PASSCRED),
						N(SO_PEERCRED),	     N(SO_RCVLOWAT),
						N(SO_SNDLOWAT),	     N(SO_RCVTIMEO),
						N(SO_SNDTIMEO),	     N(SO_BINDTODEVICE),
						N(SO_ATTACH_FILTER), N(SO_DETACH_FILTER),
						N(SO_PEERNAME),	     N(SO_TIMESTAMP),
						N(SO_ACCEPTCONN),    N(SO_PEERSEC),
						N(SO_SNDBUFFORCE),   N(SO_RCVBUFFORCE),
						N(SO_PASSSEC),	     N(SO_TIMESTAMPNS),
						N(SO_MARK),	     N(SO_TIMESTAMPING),
						N(SO_PROTOCOL),	     N(SO_DOMAIN),
						N(SO_RXQ_OVFL),	     END};
static const struct ft_name shutdown_names[] = {N(SHUT_RD), N(SHUT_WR), N(SHUT_RDWR), END};
static const struct ft_name fadvise_names[] = {N(POSIX_FADV_NORMAL),
					       N(POSIX_FADV_RANDOM),
					       N(POSIX_FADV_SEQUENTIAL),
					       N(POSIX_FADV_WILLNEED),
					       N(POSIX_FADV_DONTNEED),
					       N(POSIX_FADV_NOREUSE),
					       END};
static const struct ft_name kcmp_names[] = {
	N(KCMP_FILE),	 N(KCMP_VM), N(KCMP_FILES),   N(KCMP_FS),
	N(KCMP_SIGHAND), N(KCMP_IO), N(KCMP_SYSVSEM), END};
static const struct ft_name seccomp_names[] = {
	N(SECCOMP_SET_MODE_STRICT), N(SECCOMP_SET_MODE_FILTER), AS("SECCOMP_GET_ACTION_AVAIL", 2),
	AS("SECCOMP_GET_NOTIF_SIZES", 3), END};
static const struct ft_name getrandom_names[] = {N(GRND_NONBLOCK), N(GRND_RANDOM),
						 AS("GRND_INSECURE", 4), END};
static const struct ft_name memfd_names[] = {AS("MFD_CLOEXEC", 1), AS("MFD_ALLOW_SEALING", 2),
					     AS("MFD_HUGETLB", 4), AS("MFD_NOEXEC_SEAL", 8),
					     AS("MFD_EXEC", 16),   END};
static const struct ft_name bpf_cmd_names[] = {N(BPF_MAP_CREATE),
					       N(BPF_MAP_LOOKUP_ELEM),
					       N(BPF_MAP_UPDATE_ELEM),
					       N(BPF_MAP_DELETE_ELEM),
					       N(BPF_MAP_GET_NEXT_KEY),
					       N(BPF_PROG_LOAD),
					       N(BPF_OBJ_PIN),
					       N(BPF_OBJ_GET),
					       N(BPF_PROG_ATTACH),
					       N(BPF_PROG_DETACH),
					       N(BPF_PROG_TEST_RUN),
					       N(BPF_PROG_GET_NEXT_ID),
					       N(BPF_MAP_GET_NEXT_ID),
					       N(BPF_PROG_GET_FD_BY_ID),
					       N(BPF_MAP_GET_FD_BY_ID),
					       N(BPF_OBJ_GET_INFO_BY_FD),
					       N(BPF_PROG_QUERY),
					       N(BPF_RAW_TRACEPOINT_OPEN),
					       N(BPF_BTF_LOAD),
					       N(BPF_BTF_GET_FD_BY_ID),
					       N(BPF_TASK_FD_QUERY),
					       N(BPF_MAP_LOOKUP_AND_DELETE_ELEM),
					       N(BPF_MAP_FREEZE),
					       N(BPF_BTF_GET_NEXT_ID),
					       N(BPF_MAP_LOOKUP_BATCH),
					       N(BPF_MAP_LOOKUP_AND_DELETE_BATCH),
					       N(BPF_MAP_UPDATE_BATCH),
					       N(BPF_MAP_DELETE_BATCH),
					       N(BPF_LINK_CREATE),
					       N(BPF_LINK_UPDATE),
					       N(BPF_LINK_GET_FD_BY_ID),
					       N(BPF_LINK_GET_NEXT_ID),
					       N(BPF_ENABLE_STATS),
					       N(BPF_ITER_CREATE),
					       N(BPF_LINK_DETACH),
					       N(BPF_PROG_BIND_MAP),
					       END};
static const struct ft_name membarrier_names[] = {
	N(MEMBARRIER_CMD_QUERY),
	AS("MEMBARRIER_CMD_GLOBAL", 1),
	AS("MEMBARRIER_CMD_GLOBAL_EXPEDITED", 2),
	AS("MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED", 4),
	AS("MEMBARRIER_CMD_PRIVATE_EXPEDITED", 8),
	AS("MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED", 16),
	AS("MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE", 32),
	AS("MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE", 64),
	END};
static const struct ft_name xattr_flags_names[] = {N(XATTR_CREATE), N(XATTR_REPLACE), END};

static const struct table {
	const char *name;
	const struct ft_name *names;
	bool is_bits;
} tables[] = {
#define BITS(NAME)                        \
	{                                 \
#NAME, NAME##_names, true \
	}
#define VALUES(NAME)                       \
	{                                  \
#NAME, NAME##_names, false \
	}
	BITS(open_rest),     BITS(at),
	VALUES(seek),	     BITS(prot),
	BITS(mmap),	     BITS(mremap),
	BITS(msync),	     VALUES(madvise),
	BITS(mlockall),	     BITS(mlock2),
	VALUES(mempolicy),   VALUES(signal),
	BITS(sigaction),     BITS(sigaltstack),
	VALUES(sigprocmask), VALUES(fcntl),
	BITS(flock),	     BITS(epoll_create),
	VALUES(epoll_op),    BITS(eventfd),
	BITS(signalfd),	     BITS(timerfd),
	BITS(timer_abstime), BITS(inotify_init),
	BITS(inotify_mask),  VALUES(ioprio_which),
	BITS(renameat2),     BITS(umount),
	BITS(mount),	     BITS(fallocate),
	BITS(close_range),   BITS(rwf),
	BITS(splice),	     BITS(sync_file_range),
	VALUES(clock),	     VALUES(waitid_which),
	BITS(wait_options),  BITS(clone),
	VALUES(itimer),	     BITS(finit_module),
	VALUES(ptrace),	     VALUES(sched_policy),
	VALUES(priority),    VALUES(rlimit),
	VALUES(rusage_who),  VALUES(prctl),
	VALUES(ipc_cmd),     BITS(msg_flags),
	BITS(shmat),	     VALUES(family),
	BITS(sock_flags),    VALUES(ip_protocol),
	BITS(msg),	     VALUES(sock_level),
	VALUES(sock_opt),    VALUES(shutdown),
	VALUES(fadvise),     VALUES(kcmp),
	VALUES(seccomp),     BITS(getrandom),
	BITS(memfd),	     VALUES(bpf_cmd),
	VALUES(membarrier),  BITS(xattr_flags),
};

const char *ft_names_find(const struct ft_name *names, u64 value)
{
	for (; names->text; names++)
		if (names->value == value)
			return names->text;
	return NULL;
}

void ft_names_bits(struct ft_out *out, const struct ft_name *names, u64 value, bool any)
{
	for (; names->text; names++) {
		if (!names->value || (value & names->value) != names->value)
			continue;
		if (any)
			ft_out_char(out, '|');
		ft_out_text(out, names->text);
		any = true;
		value &= ~names->value;
	}
	if (value || !any)
		ft_out_printf(out, "%s0x%llx", any ? "|" : "", (unsigned long long)value);
}

void ft_names_value(struct ft_out *out, const struct ft_name *names, u64 value)
{
	const char *text = ft_names_find(names, value);

	if (text)
		ft_out_text(out, text);
	else
		ft_out_hex(out, value);
}

/* ---- tables with a part that is no bit ---- */

static void open_text(struct ft_out *out, u64 value)
{
	static const char *const modes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};

	ft_out_text(out, modes[value & 3]);
	if (value & ~(u64)3)
		ft_names_bits(out, open_names, value & ~(u64)3, true);
}

static void access_text(struct ft_out *out, u64 value)
{
	if (value)
		ft_names_bits(out, access_names, value, false);
	else
		ft_out_text(out, "F_OK");
}

/* Flags, and the signal for the parent. */
static void clone_all_text(struct ft_out *out, u64 value)
{
	u64 flags = value & ~(u64)0xff;

	if (flags || !value)
		ft_names_bits(out, clone_names, flags, false);
	else
		ft_out_text(out, "0x0");
	if (value & 0xff) {
		ft_out_char(out, '|');
		ft_names_value(out, signal_names, value & 0xff);
	}
}

static void futex_op_text(struct ft_out *out, u64 value)
{
	const char *text = ft_names_find(futex_op_names, value & 0x7f);

	if (!text || value & ~(u64)0x1ff) {
		ft_out_hex(out, value);
		return;
	}
	ft_out_text(out, text);
	if (value & FUTEX_PRIVATE_FLAG)
		ft_out_text(out, "|FUTEX_PRIVATE_FLAG");
	if (value & FUTEX_CLOCK_REALTIME)
		ft_out_text(out, "|FUTEX_CLOCK_REALTIME");
}

static void mknod_mode_text(struct ft_out *out, u64 value)
{
	static const struct ft_name types[] = {N(S_IFREG), N(S_IFCHR),	N(S_IFBLK),
					       N(S_IFIFO), N(S_IFSOCK), END};
	const char *type = value & ~(u64)0177777 ? NULL : ft_names_find(types, value & S_IFMT);

	if (type)
		ft_out_printf(out, "%s|", type);
	ft_out_printf(out, "%#o", (u32)(type ? value & ~(u64)S_IFMT : value));
}

static void ipc_get_text(struct ft_out *out, u64 value)
{
	u64 flags = value & ~(u64)0777;

	if (flags)
		ft_names_bits(out, ipc_get_names, flags, false);
	ft_out_printf(out, "%s%#o", flags ? "|" : "", (u32)(value & 0777));
}

static void ipc_key_text(struct ft_out *out, u64 value)
{
	if (value)
		ft_out_s64(out, (s32)value);
	else
		ft_out_text(out, ipc_key_names[0].text);
}

static void sock_type_text(struct ft_out *out, u64 value)
{
	const u64 flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
	const char *type = ft_names_find(sock_type_names, value & ~flags);

	if (!type) {
		ft_names_bits(out, sock_flags_names, value, false);
		return;
	}
	ft_out_text(out, type);
	if (value & flags)
		ft_names_bits(out, sock_flags_names, value & flags, true);
}

static const struct special {
	const char *name;
	void (*write)(struct ft_out *out, u64 value);
} specials[] = {
	{"open", open_text},	     {"access", access_text},	      {"clone_all", clone_all_text},
	{"futex_op", futex_op_text}, {"mknod_mode", mknod_mode_text}, {"ipc_get", ipc_get_text},
	{"ipc_key", ipc_key_text},   {"sock_type", sock_type_text},
};

bool ft_syscall_flags_text(const char *table, u64 value, bool is_int, struct ft_out *out)
{
	if (is_int)
		value = (u32)value;
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
		else if (!strcmp(table, "signal") && value >= 32 && value <= 64)
			ft_out_printf(out, "SIGRT_%u", (u32)value - 32);
		else
			ft_names_value(out, tables[i].names, value);
		return true;
	}
	return ft_syscall_flags_rare(table, value, out);
}

const char *ft_syscall_errno(s64 number)
{
	/* Programs see none of these: the kernel restarts the call, or makes EINTR of them. */
	static const struct ft_name internal[] = {AS("ERESTARTSYS", 512),
						  AS("ERESTARTNOINTR", 513),
						  AS("ERESTARTNOHAND", 514),
						  AS("ENOIOCTLCMD", 515),
						  AS("ERESTART_RESTARTBLOCK", 516),
						  AS("EPROBE_DEFER", 517),
						  AS("EOPENSTALE", 518),
						  AS("ENOTSUPP", 524),
						  END};

	return number > 0 && number < 512 ? strerrorname_np((int)number)
	       : number > 0		  ? ft_names_find(internal, (u64)number)
					  : NULL;
}
