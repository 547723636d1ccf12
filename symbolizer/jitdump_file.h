/*
 * jitdump_file.h - the records of a jitdump file, one after the other. Private to this folder.
 *
 * A compiler maps its jit-PID.dump executable once, as a mark: so the file is among the modules of
 * its process. Format: tools/perf/Documentation/jitdump-specification.txt of Linux.
 */
#ifndef FT_SYMBOLIZER_JITDUMP_FILE_H
#define FT_SYMBOLIZER_JITDUMP_FILE_H

#include "profile/raw.h"

#define FT_JIT_TEXT_MAX 1024 /* of a name, in bytes */

enum ft_jit_kind { FT_JIT_LOAD, FT_JIT_MOVE, FT_JIT_LINES };

struct ft_jit_record {
	enum ft_jit_kind kind;
	u64 when_ns; /* of the file's clock */
	u64 addr;    /* LOAD, MOVE: where the code is from now on; LINES: of which function */
	u64 from;    /* MOVE: where it was */
	u64 bytes;   /* LOAD, MOVE: of the code; LINES: how many entries there are */
	u64 index;   /* LOAD, MOVE: the function's number; unique */
	u64 at, end; /* LOAD: of its name in the file; LINES: of the entries */
};

struct ft_jitdump {
	int fd;	    /* borrowed */
	bool dated; /* its times are of CLOCK_MONOTONIC */
	u64 begin;  /* of the first record */
};

/* Not 0: an error of memory, which ends the reading. */
typedef int (*ft_jit_fn)(void *context, const struct ft_jitdump *dump,
			 const struct ft_jit_record *record);

/* False: it is no jitdump file. */
bool ft_jitdump_begin(struct ft_jitdump *dump, int fd);

/* Calls fn for the records in their order, as far as they make sense. 0 or what fn returned. */
int ft_jitdump_each(const struct ft_jitdump *dump, ft_jit_fn fn, void *context);

/*
 * The string at a place before end, cut to FT_JIT_TEXT_MAX; its length is returned, where the next
 * one begins through *next.
 */
size_t ft_jitdump_text(const struct ft_jitdump *dump, u64 at, u64 end,
		       char text[FT_JIT_TEXT_MAX + 1], u64 *next);

/* Bytes of the file. False: it does not have them. */
bool ft_jitdump_bytes(const struct ft_jitdump *dump, u64 at, void *out, size_t bytes);

/*
 * Opens the file of a module that is one (ft_module_is_jitdump). A descriptor that *owned says to
 * close, or a negative errno.
 */
int ft_jitdump_open(const struct ft_module *module, bool *owned);

#endif
