/*
 * uprobe.h - probes on places in user-space files: where functions and statically defined probes
 * are in the file, and programs attached there. A probe is on a file, not on a process: whoever
 * maps the file passes it, unless the kernel can tell processes apart.
 */
#ifndef FT_SAMPLER_UPROBE_H
#define FT_SAMPLER_UPROBE_H

#include "base/elf.h"
#include "base/err.h"
#include "base/types.h"
#include "sampler/sampler.h"

/*
 * The file offset of a place in an ELF file: "function", "function+0xOFFSET", or "0xOFFSET" of the
 * file itself. Functions are looked up in the symbol tables by their exact names, mangled ones as
 * they are. 0 or a negative errno; the error lists names that begin alike.
 */
int ft_uprobe_find(const char *path, const char *place, u64 *offset, struct ft_err *err);

/*
 * The same for many functions of an open file, or only those it exports: their offsets by index, 0
 * of those it lacks.
 */
void ft_uprobe_find_all(struct ft_elf *elf, bool exported, const char *const *names, u32 count,
			u64 *offsets);

/*
 * The locations of a statically defined probe (base/sdt.h), for the caller to free. -ENOENT when
 * there is none of that name; the error lists the nearest.
 */
int ft_uprobe_find_sdt(const char *path, const char *provider, const char *name,
		       struct ft_uprobe_site **sites, u32 *count, struct ft_err *err);

/* Before a program is loaded: it is to be attached by ft_uprobe_attach. */
struct bpf_program;
void ft_uprobe_prepare(struct bpf_program *program);

/* Whether the kernel can attach to many places at once, and for single processes. */
bool ft_uprobe_knows_processes(void);

#endif
