/*
 * source.h - what the driver (symbolizer.c) and the sources of names share. Private to this folder.
 *
 * The driver sorts the addresses of one module into a group and asks the sources in the order of
 * their list. A source names what it can and leaves the rest to the next one. It may fail only for
 * lack of memory: damage costs names.
 */
#ifndef FT_SYMBOLIZER_SOURCE_H
#define FT_SYMBOLIZER_SOURCE_H

#include "base/elf.h"
#include "base/map64.h"
#include "symbolizer/dwarf.h"
#include "symbolizer/name.h"
#include "symbolizer/symbolizer.h"

enum ft_group_kind {
	FT_GROUP_FILE,	 /* addresses in a file, as linked */
	FT_GROUP_VDSO,	 /* the same in the kernel's user-space page */
	FT_GROUP_ANON,	 /* run-time addresses of one process */
	FT_GROUP_KERNEL, /* kernel addresses */
};

/* One address that wants a name. */
struct ft_want {
	u64 addr;     /* what the group's kind says */
	u64 start;    /* where its function begins, for a name without a symbol; or addr */
	u64 end;      /* of the kernel: where the next symbol begins; 0: not known */
	u64 when_ns;  /* of code made at run time: CLOCK_MONOTONIC; 0: at the end */
	u32 location; /* index into the raw profile's locations */
	u32 name;     /* string id in the resolved profile, while named */
	u32 module;   /* string id in the resolved profile */
	u32 first;    /* index into the run's calls; what was inlined here, outermost first */
	u16 inlined;  /* how many they are */
	u32 file;     /* string id of the source file, of the place in the function itself; or 0 */
	u32 line, column; /* 0 where unknown */
	u8 kind;	  /* enum ft_frame_kind */
	bool named;
	bool image;  /* of the kernel: in its image, not in a module */
	bool plain;  /* named, but a mangled symbol would say more */
	bool moved;  /* jitdump.c: its code had gone elsewhere by then */
	bool mapped; /* addr is as linked; false: still a file offset, in no segment */
};

/* A call that was inlined at a want. */
struct ft_call {
	u32 name; /* string id in the resolved profile */
	u32 file; /* string id of the place in it, or 0 */
	u32 line, column;
	u8 kind;
};

/* The wanted addresses of one module. */
struct ft_group {
	enum ft_group_kind kind;
	const struct ft_module *module; /* NULL for the kernel */
	struct ft_want *wants;		/* sorted by addr */
	u32 count;
	struct ft_elf *elf;	  /* NULL: no image could be opened; closed by the driver */
	int fd;			  /* what elf reads from, if it has to be closed with it; else -1 */
	struct ft_elf *debug_elf; /* of a stripped file's debug file; closed by the driver */
	int debug_fd;		  /* what debug_elf reads from; else -1 */
	u8 *debug_memory;	  /* or this; owned */
	bool debug_sought;
	struct ft_sym *sym;	/* the run, for what is opened later */
	int alt_fd;		/* of dwz's supplementary file; else -1 */
	int package_fd;		/* of the package of its split units; else -1 */
	struct ft_dwarf *dwarf; /* NULL: none, or not looked for yet; closed by the driver */
	bool dwarf_sought;
	bool damage_noted, senseless_noted;
	char *debug_path; /* of debug_elf, as it was found; owned */
	/* The kernel's: a symbol at the beginning of its image, and its place. NULL: not seen. */
	const char *image_symbol;
	u64 image_addr;
	u64 slide;		 /* vmlinux.c: run-time address minus address as linked */
	struct ft_map64 symbols; /* elfsym.c: readable names that were made before; see there */
};

static inline enum ft_group_kind ft_group_kind_of(const struct ft_module *module)
{
	return module->kind == FT_MODULE_FILE	? FT_GROUP_FILE
	       : module->kind == FT_MODULE_VDSO ? FT_GROUP_VDSO
						: FT_GROUP_ANON;
}

/* One run of ft_symbolize. */
struct ft_sym {
	const struct ft_raw *raw;
	const struct ft_symbolize_opts *opts;
	struct ft_symbolize_notes *notes;
	struct ft_profile *profile;
	struct ft_call *calls;
	size_t call_cap;
	u32 call_count;
};

/* How a run wants its names. */
static inline enum ft_name_style ft_sym_style(const struct ft_sym *sym)
{
	if (sym->opts && sym->opts->no_demangle)
		return FT_NAME_LINKED;
	return sym->opts && sym->opts->as_addr2line ? FT_NAME_FULL : FT_NAME_SHORT;
}

struct ft_source {
	const char *name;
	unsigned int kinds; /* bits 1 << enum ft_group_kind that it knows about */
	/*
	 * Opens the group's ELF image (elf, fd). NULL: it has no images. Leaves elf NULL where
	 * there is none.
	 */
	int (*open)(struct ft_sym *sym, struct ft_group *group);
	/* Names wants that have no name yet. NULL: it only opens. Returns 0 or -ENOMEM. */
	int (*resolve)(struct ft_sym *sym, struct ft_group *group);
};

extern const struct ft_source ft_source_file;  /* file.c: images of files */
extern const struct ft_source ft_source_vdso;  /* vdso.c: the image of the vDSO */
extern const struct ft_source ft_source_dwarf; /* dwarf_source.c: functions, inlined calls, lines */
extern const struct ft_source ft_source_elfsym;	 /* elfsym.c: .symtab and .dynsym */
extern const struct ft_source ft_source_plt;	 /* plt.c: "puts@plt" */
extern const struct ft_source ft_source_fde;	 /* fde.c: starts of functions without a symbol */
extern const struct ft_source ft_source_kernel;	 /* kernel.c: /proc/kallsyms */
extern const struct ft_source ft_source_vmlinux; /* vmlinux.c: its inlined calls and lines */
extern const struct ft_source ft_source_jitdump; /* jitdump.c: jit-PID.dump */
extern const struct ft_source ft_source_perfmap; /* perfmap.c: /tmp/perf-PID.map */

/*
 * Gives a want its name: a symbol as the linker sees it, made readable (name.h), with suffix behind
 * it unless NULL. Neighbours in a group most often share their symbol: ft_want_copy is for them.
 * Returns 0 or -ENOMEM.
 */
int ft_want_name(struct ft_sym *sym, struct ft_want *want, const char *symbol, size_t len,
		 const char *suffix);
void ft_want_copy(struct ft_want *want, const struct ft_want *named);

/*
 * symbolizer.c: opens the image of a group and links its wants, unless that was done. 0 or -ENOMEM.
 */
int ft_group_open(struct ft_sym *sym, struct ft_group *group);

/*
 * dwarf_source.c: gives a want that has its name the calls that were inlined at an address as
 * linked, and its line. 0 or -ENOMEM.
 */
int ft_dwarf_complete(struct ft_sym *sym, struct ft_dwarf *dwarf, u64 addr, struct ft_want *want);

/* debugfile.c: notes a file that is damaged, once for each path in a row. */
void ft_note_damaged(struct ft_sym *sym, const char *path);

/*
 * debugfile.c: looks for the debug file of a group's image, once, if it has no debug information of
 * its own. 0 or -ENOMEM.
 */
int ft_debugfile_seek(struct ft_sym *sym, struct ft_group *group);

/*
 * debugfile.c: opens the package of split units that lies beside a group's file. 0, -ENOENT or
 * -ENOMEM.
 */
int ft_debugfile_package(struct ft_sym *sym, struct ft_group *group);

/*
 * debugfile.c: opens the supplementary file of dwz that a file names, which is the group's or its
 * debug file. fd: the same, opened. 0, -ENOENT or -ENOMEM.
 */
int ft_debugfile_alt(struct ft_sym *sym, struct ft_group *group, struct ft_elf *elf, int fd);

/*
 * minidebug.c: makes the symbols in .gnu_debugdata the group's debug file. 0, -ENOENT, -ENODATA
 * (damaged) or -ENOMEM.
 */
int ft_minidebug_open(struct ft_group *group);

/*
 * debuginfod.c: the debug file of a build-id from the servers in DEBUGINFOD_URLS. A descriptor for
 * the caller to close, or -ENOENT.
 */
int ft_debuginfod_find(struct ft_sym *sym, const u8 *build_id, int bytes);

/*
 * kept.c: names a group's wants by the names that came with the profile, if it has one for each of
 * them; *done says so. 0 or -ENOMEM.
 */
int ft_kept_take(struct ft_sym *sym, struct ft_group *group, bool *done);

/* kept.c: notes a want, which has its final name, for an archive. 0 or -ENOMEM. */
int ft_kept_note(const struct ft_sym *sym, const struct ft_want *want, struct ft_kept *keep);

/* symbolizer.c: asks all sources about a group. 0 or -ENOMEM. */
int ft_group_ask(struct ft_sym *sym, struct ft_group *group);

/* symbolizer.c: names what no source knew, by where it is. 0 or -ENOMEM. */
int ft_want_fallback(struct ft_sym *sym, const struct ft_group *group, struct ft_want *want);

/* symbolizer.c: closes what the sources opened. */
void ft_group_close(struct ft_group *group);

/* Index of the first want at or after addr; count if there is none. */
static inline u32 ft_want_lower(const struct ft_want *wants, u32 count, u64 addr)
{
	u32 low = 0;

	while (count) {
		u32 half = count / 2;

		if (wants[low + half].addr < addr) {
			low += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return low;
}

/*
 * The base name of a module's path without " (deleted)". Borrowed from the path; its length through
 * *len.
 */
const char *ft_module_base(const struct ft_module *module, size_t *len);

/*
 * Opens a regular file for reading (nothing else: opening a device may do things). inside: the root
 * folder that path belongs to, or NULL for ours. may_be_link: path itself may be a symbolic link. A
 * descriptor or a negative errno.
 */
int ft_file_open(const char *inside, const char *path, bool may_be_link);

/*
 * kernel.c: the resolve function on a symbol table in the format of /proc/kallsyms, read from fd.
 */
int ft_kernel_resolve_fd(struct ft_sym *sym, struct ft_group *group, int fd);

/* jitdump.c: the resolve function on an opened jitdump file. */
int ft_jitdump_resolve_fd(struct ft_sym *sym, struct ft_group *group, int fd);

/* perfmap.c: the resolve function on an opened perf map: names wants without a name. */
int ft_perfmap_resolve_fd(struct ft_sym *sym, struct ft_group *group, int fd);

/*
 * fde.c: the function by unwind tables around an address as linked: [*start, *end). False: not
 * known.
 */
bool ft_fde_find(struct ft_elf *elf, u64 addr, u64 *start, u64 *end);

/*
 * elfsym.c: of two aliases, whether the name a (with binding STB_x) is the better one for a reader.
 */
bool ft_alias_better(const char *a, u8 bind_a, const char *b, u8 bind_b);

#endif
