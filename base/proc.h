/*
 * proc.h - what procfs says about processes. Formats: proc(5).
 */
#ifndef FT_BASE_PROC_H
#define FT_BASE_PROC_H

#include "base/types.h"

/* One line of /proc/PID/maps. */
struct ft_proc_map {
	u64 start, end; /* run-time addresses, end is exclusive */
	u64 offset;	/* in the file */
	u32 dev_major, dev_minor;
	u64 inode; /* 0: not a file */
	bool executable;
	const char *
		/*
		 * "" for anonymous memory; may end in " (deleted)"; newlines are escaped by the
		 * kernel as \012
		 */
		path;
};

/*
 * Called for every mapping; map is borrowed for the call. Anything but 0 ends the walk and is its
 * result.
 */
typedef int (*ft_proc_map_fn)(void *context, const struct ft_proc_map *map);

/*
 * Walks the mappings of a process. 0, what fn returned, or a negative errno (-ENOENT, -ESRCH: no
 * such process).
 */
int ft_proc_maps(u32 pid, ft_proc_map_fn fn, void *context);

/* Parses one line of /proc/PID/maps, which is changed (path points into it). 0 or -EINVAL. */
int ft_proc_map_parse(char *line, struct ft_proc_map *map);

/* Id of the process that thread tid belongs to. 0 or a negative errno (-ENOENT: no such thread). */
int ft_proc_tgid(u32 tid, u32 *tgid);

/*
 * The id of a process inside its own, innermost PID namespace; pid itself where that is not known.
 */
u32 ft_proc_pid_inside(u32 pid);

/* Threads of a process, or of the whole machine (pid 0); 0 where procfs does not say. */
u32 ft_proc_threads(u32 pid);

/* Context switches of this machine since it started; 0 where procfs does not say. */
u64 ft_proc_switches(void);

/* Called with every process id in /proc; anything but 0 ends the walk. */
typedef int (*ft_proc_pid_fn)(void *context, u32 pid);

/* Walks all processes. 0, what fn returned, or a negative errno. */
int ft_proc_pids(ft_proc_pid_fn fn, void *context);

#endif
