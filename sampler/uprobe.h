/*
 * uprobe.h - probes on functions of user-space files: where they are in the file, and perf's event
 * for them. A probe is on a file, not on a process: whoever maps the file passes it.
 */
#ifndef FT_SAMPLER_UPROBE_H
#define FT_SAMPLER_UPROBE_H

#include "base/err.h"
#include "base/types.h"

/*
 * The file offset of a place in an ELF file: "function", "function+0xOFFSET", or "0xOFFSET" of the
 * file itself. Functions are looked up in the symbol tables by their exact names, mangled ones as
 * they are. 0 or a negative errno; the error lists names that begin alike.
 */
int ft_uprobe_find(const char *path, const char *place, u64 *offset, struct ft_err *err);

/*
 * Opens perf's event for a probe, disabled for nobody: it fires on every CPU as soon as a program
 * is attached to it (PERF_EVENT_IOC_SET_BPF). A descriptor or a negative errno.
 */
int ft_uprobe_open(const char *path, u64 offset, struct ft_err *err);

#endif
