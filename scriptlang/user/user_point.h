/*
 * user_point.h - probe points in user space: process("path").function("f") and its kin become
 * places in files.
 *
 * One handler may have many places, as long as what it does is the same at all of them: then one
 * program is attached to all. Which of them an event is of tells a cookie, the place's number.
 */
#ifndef FT_SCRIPTLANG_USER_POINT_H
#define FT_SCRIPTLANG_USER_POINT_H

#include "scriptlang/syntax/ast.h"
#include "scriptlang/user/user_file.h"

enum ft_user_kind {
	FT_USER_FUNCTION,
	FT_USER_STATEMENT,
	FT_USER_PLT,
	FT_USER_MARK,
};

/* A place. Texts live in the arena. */
struct ft_user_site {
	struct ft_user_file *file;
	u64 function; /* where the function begins, as linked; 0: not known */
	u64 addr;     /* where the probe is, as linked */
	/* There, registers of arguments and the stack are as at the beginning, or nobody asks. */
	bool as_at_beginning;
	int line;	       /* STATEMENT */
	u64 offset, semaphore; /* in the file; no semaphore: 0 */
	const char *name;      /* ppfunc() */
	const char *text;      /* pp() */
	u64 declared;	       /* where debug information has what pp() is made of; or 0 */
	const char *inner;     /* that of .label() or .callee(); NULL: there is none */
	u64 *callers;	       /* where the function must return to, as linked; none: anywhere */
	u32 caller_count;
	const char *provider, *arguments; /* MARK: as the note has them */
};

/*
 * Processes that are told by where they come from: the kernel notes them as they begin, run other
 * programs and end (kernel_sets.c).
 */
struct ft_user_set {
	/* those that run this file; NULL: the process of -c or -x, and all that it began */
	struct ft_user_file *program;
	int map; /* by process; -1 until it is made */
};

struct ft_user_probe {
	enum ft_user_kind kind;
	bool at_return;
	bool is_library; /* the file is not the program that processes run */
	bool in_kernel;	 /* places of the kernel: kernel_dwarf.h */
	bool has_others; /* there are more of what the script names */
	bool is_apart;	 /* each place has a point of its own, whose handlers use variables */
	u32 first; /* number of the first place, among those of all points that have several */
	u32 pid;   /* only in this process; 0: in all that map the file */
	struct ft_user_file *program; /* only in processes that run this file; NULL: in all */
	struct ft_user_set *set;      /* only in these; NULL: in all */
	struct ft_user_site *sites;
	u32 site_count;
};

/*
 * process.begin, .end, .thread.begin, .thread.end, .syscall: which events of a tracepoint they are.
 */
struct ft_user_life {
	const char *event; /* the tracepoint */
	const char
		*calls; /* the system calls that it is about: "*", a name; NULL: it is about none */
	bool of_child;	/* about the task that is its second argument, not the current one */
	bool of_thread; /* of threads that are not the first of their process; else of those */
	u32 pid;	/* only of this process; 0: of all */
	struct ft_user_file *program; /* only of processes that run this file; NULL: of all */
	struct ft_user_set *set;      /* only of these; NULL: of all */
};

/* Where the code of a file begins, as the kernel notes it of a program (mm_struct.start_code). */
u64 ft_user_first_code(const struct ft_user_file *file);

/* The set of processes that run a file (NULL: that of -c or -x). NULL without memory. */
struct ft_user_set *ft_user_set(struct ft_compile *compile, struct ft_user_file *program);

/* Takes points that were found: each with its probe. */
typedef void (*ft_user_point_fn)(void *context, struct ft_point *point);

/*
 * Finds the places of a point that begins with "process". apart: each place becomes a point of its
 * own, else those that one program can serve are one. has_arguments: handlers may look at registers
 * of arguments, or at memory. 0 when there were some; -ENOENT when there
 * are none, for the reason in why; -EINVAL when the point is of no kind; -ENOMEM.
 */
int ft_user_points_find(struct ft_compile *compile, const struct ft_point *point, bool apart,
			bool has_arguments, ft_user_point_fn found, void *context, char why[300]);

/* A target variable that no script has: the frame of a function, at its entry and its return. */
#define FT_USER_FRAME "$(frame)"

/* The places of a return probe as those where the functions begin. NULL without memory. */
const struct ft_user_probe *ft_user_entry(struct ft_compile *compile,
					  const struct ft_user_probe *probe);

/* A target variable that no script has: a word of the context, by its number. */
#define FT_USER_WORD "$(word)"

/*
 * The beginning of the function that the place of a probe, its only one, is in. NULL: nobody knows
 * where, or there is no memory.
 */
const struct ft_user_probe *ft_user_beginning(struct ft_compile *compile,
					      const struct ft_user_probe *probe);

/* What pp() and ppfunc() are at a point with several places: the place tells. */
enum ft_user_text {
	FT_USER_TEXT_NAME,
	FT_USER_TEXT_POINT,
	FT_USER_TEXTS,
};

/* Whether a function of the tapset is such a text, and which. */
bool ft_user_text_of(const char *function, enum ft_user_text *which);

/* Bytes of the longest of a point's texts, with NUL. */
u32 ft_user_text_bytes(struct ft_compile *compile, const struct ft_point *point,
		       enum ft_user_text which);

/* The text of a place. Lives in the arena. */
const char *ft_user_text(struct ft_compile *compile, const struct ft_point *point,
			 const struct ft_user_site *site, enum ft_user_text which);

/* pp() of a place. Lives in the arena. */
const char *ft_user_site_text(struct ft_compile *compile, const struct ft_point *point,
			      const struct ft_user_site *site);

#endif
