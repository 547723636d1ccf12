/*
 * files.h - files of a running script (procfs probes): a small file system of its own, whose
 * contents are made by handlers when somebody opens or writes them.
 *
 * SystemTap has them in /proc/systemtap/MODULE; only a module can put files there. Here they are a
 * FUSE file system at FT_FILES_ROOT/NAME, which is gone when the script ends.
 */
#ifndef FT_SCRIPTLANG_FILES_H
#define FT_SCRIPTLANG_FILES_H

#include <stddef.h>

#include "base/err.h"
#include "base/types.h"

#define FT_FILES_ROOT "/run/flametap"

struct ft_files;

/* What makes and takes contents. path: as the script has written it. */
struct ft_files_use {
	/* The text of a file that is being opened: allocated, the file's from then on; or NULL. */
	char *(*read)(void *context, const char *path, size_t *len);
	/* Bytes that somebody has written, with a NUL behind them. */
	void (*write)(void *context, const char *path, char *text, size_t len);
	void *context;
};

/* Nothing is mounted yet. 0 or -ENOMEM. */
int ft_files_new(const struct ft_files_use *use, struct ft_files **files);
/*
 * Adds a file, and the folders that its path ("a/b/c") needs; or another way to use one that is
 * there. mode: permissions that it gets. 0 or -ENOMEM; -EEXIST: there is a folder, or file, in the
 * way.
 */
int ft_files_add(struct ft_files *files, const char *path, bool reads, bool writes, u32 mode);
/* Mounts them at FT_FILES_ROOT/name. 0, or what err says. */
int ft_files_mount(struct ft_files *files, const char *name, struct ft_err *err);
/* Becomes readable when somebody wants something. */
int ft_files_fd(const struct ft_files *files);
/* Answers whoever wants something; does not wait. */
void ft_files_serve(struct ft_files *files);
/* Unmounts. NULL is none. */
void ft_files_close(struct ft_files *files);

#endif
