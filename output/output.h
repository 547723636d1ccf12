/*
 * output.h - resolved profile to files.
 *
 * Each format is a struct ft_writer in a file of its own; all are listed once, in writers.c. A
 * writer streams to an ft_out and never fails by itself: errors are the output's.
 */
#ifndef FT_OUTPUT_OUTPUT_H
#define FT_OUTPUT_OUTPUT_H

#include "base/err.h"
#include "base/out.h"
#include "profile/diff.h"
#include "profile/profile.h"

/* A profile of several in one page. */
struct ft_part {
	const struct ft_profile *profile;
	const char *name; /* any bytes */
};

struct ft_write_opts {
	bool annotate;	   /* folded: add _[k] _[i] _[j] */
	bool icicle;	   /* SVG, HTML: root on top at first */
	bool no_script;	   /* SVG, HTML: the plain picture alone */
	const char *notes; /* HTML: Markdown to stand above the picture, or NULL */
	size_t notes_len;
	const struct ft_part *parts; /* HTML: all in the page, the one written first; or NULL */
	u32 part_count;
	const char *title; /* overrides the profile's title; NULL: keep it */
};

struct ft_writer {
	const char *name;      /* for -f: "svg", "folded", "txt" */
	const char *extension; /* with the dot: ".svg" */
	const char *summary;   /* one line for the help text */
	/* Writes the whole profile. Returns 0 or -ENOMEM. */
	int (*write)(const struct ft_profile *profile, const struct ft_write_opts *opts,
		     struct ft_out *out);
};

/* All writers, ended by NULL. */
const struct ft_writer *const *ft_writer_all(void);

/*
 * The writer for an output: by format name if that is not NULL, else by the path's extension; "-"
 * is folded text. -EINVAL with the list of known formats if there is none.
 */
int ft_writer_find(const char *path, const char *format, const struct ft_writer **writer,
		   struct ft_err *err);

/* Writes a profile as an indented tree of text, heaviest callees first. 0 or -ENOMEM. */
int ft_tree_view(const struct ft_profile *profile, struct ft_out *out);

/* One line of the table of hottest functions. */
struct ft_top_row {
	u32 name;   /* string id in the profile */
	u32 module; /* string id in the profile */
	u8 kind;    /* enum ft_frame_kind */
	u64 self;   /* weight where the function was the leaf */
	u64 total;  /* weight of stacks it appears in, recursion counted once */
};

/*
 * The count functions with the largest self weight (ties: larger total, then name), processes and
 * threads left out. *result is for the caller to free. Returns the number of rows or -ENOMEM.
 */
int ft_top_functions(const struct ft_profile *profile, u32 count, struct ft_top_row **result);

/*
 * What changed, as an SVG picture or a page of HTML. parts: before, then after, of which diff was
 * made. 0 or -ENOMEM.
 */
int ft_diff_picture(const struct ft_diff *diff, const struct ft_part parts[2], bool page,
		    const struct ft_write_opts *opts, struct ft_out *out);

/* What changed of a function; [0] before, [1] after; shares of the whole. */
struct ft_diff_row {
	u32 name; /* string id in diff->profile */
	double self[2], total[2];
	bool noise; /* self differs by no more than chance does */
};

/*
 * All functions, changes beyond noise first, the largest of self weight first. before and after are
 * those that diff was made of. *result is for the caller to free. Their number or -ENOMEM.
 */
int ft_diff_functions(const struct ft_diff *diff, const struct ft_profile *before,
		      const struct ft_profile *after, struct ft_diff_row **result);

/* Writes the first count of them as a table. */
void ft_diff_table(const struct ft_diff *diff, const struct ft_diff_row *rows, u32 count,
		   struct ft_out *out);

#endif
