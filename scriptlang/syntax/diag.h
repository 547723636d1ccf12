/*
 * diag.h - the texts of a script, places in them, and what is wrong there.
 *
 * Every pass collects diagnostics and goes on to the next statement. They are rendered once, with
 * the words that tools look for and a caret under the place:
 *
 *     parse error: expected statement
 *             saw: operator '}' at demo.stp:3:9
 *          source:   x = }
 *                        ^
 *
 * A place is a span of a source's bytes. What came from a macro or an argument has the span where
 * it was written, and a chain of the places that brought it there.
 */
#ifndef FT_SCRIPTLANG_DIAG_H
#define FT_SCRIPTLANG_DIAG_H

#include "base/arena.h"
#include "base/out.h"

/* A text: the script, a file of -I, or the built-in tapset. */
struct ft_source {
	const char *name; /* as messages show it: "<input>", "/path/demo.stp" */
	const char *text; /* any bytes; NUL-terminated, may hold NUL */
	u32 len;
	bool is_tapset;	 /* declarations in it are used only where a script names them */
	bool is_private; /* built in: messages point to the script instead */
};

#define FT_SOURCE_BYTES_MAX (16u << 20)

/* A piece of a source. source NULL: nowhere (made by the compiler). */
struct ft_span {
	const struct ft_source *source;
	u32 at, len;		     /* bytes */
	const struct ft_origin *via; /* macro or argument it came through, or NULL */
};

/* How a piece of text came into the script. */
struct ft_origin {
	const char *what;  /* "@name" of a macro, "$1" of an argument */
	struct ft_span at; /* where it was used; its via goes on outwards */
};

enum ft_diag_kind {
	FT_DIAG_PARSE,	  /* "parse error:" */
	FT_DIAG_SEMANTIC, /* "semantic error:" */
	FT_DIAG_WARNING,  /* "WARNING:" */
	FT_DIAG_NOTE,	  /* belongs to the record before it */
};

struct ft_diag {
	enum ft_diag_kind kind;
	const char *code; /* stable, for tests and documentation: "unresolved-function" */
	const char *text; /* one sentence, no newline */
	struct ft_span at;
	const char *word; /* what at is, as SystemTap says it: "identifier", "operator", "string" */
	/*
	 * Errors in the search for a probe point have the reason below: "while resolving probe
	 * point". A chain, innermost last.
	 */
	struct ft_diag *cause;
};

/* All of a compilation. */
struct ft_diags {
	struct ft_arena *arena; /* texts and records live here; borrowed */
	struct ft_diag **items; /* in the order found */
	u32 count, errors, warnings;
	bool fatal_warnings;  /* -W */
	bool no_warnings;     /* -w: they count for nothing, also with -W */
	struct ft_diag spare; /* handed out when memory is exhausted */
};

#define FT_DIAGS_MAX 200 /* errors beyond are counted and not kept */

/*
 * Adds a record and returns it, for a word or a cause to be set; never NULL (a record that cannot
 * be kept is a spare one that nobody reads). An error of the same text at the same place is counted
 * once.
 */
struct ft_diag *ft_diag_add(struct ft_diags *diags, enum ft_diag_kind kind, const char *code,
			    struct ft_span at, const char *fmt, ...) FT_PRINTF(5, 6);

/* Line and column of a byte, both from 1; a tab is one column, as SystemTap counts. */
void ft_source_place(const struct ft_source *source, u32 at, u32 *line, u32 *column);

/*
 * Writes one record with its source line and caret. Text of the source comes out with control
 * characters replaced.
 */
void ft_diag_render(const struct ft_diag *diag, struct ft_out *out);

#endif
