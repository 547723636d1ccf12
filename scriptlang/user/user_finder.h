/*
 * user_finder.h - the search for the places of one point; private to user_point.c, which finds the
 * files and hands over what was found, and user_find.c, which looks into a file.
 */
#ifndef FT_SCRIPTLANG_USER_FINDER_H
#define FT_SCRIPTLANG_USER_FINDER_H

#include "scriptlang/user/user_places.h"

struct ft_user_finder {
	struct ft_compile *compile;
	const struct ft_point *point;
	bool has_others;	   /* what is handed over is one of several places */
	bool apart, has_arguments; /* of handlers: they use variables; they may use registers */
	ft_user_point_fn found;
	void *context;
	char *why; /* 300 bytes */
	/* of the file at hand */
	u32 pid;
	bool and_children; /* of that process: it is the one of -c or -x */
	struct ft_user_file *program;
	u32 at;			    /* of the part behind process() and library() */
	struct ft_user_site *sites; /* found so far */
	u32 count;
};

/* Writes why there are none, and gives the code back. */
int ft_user_refuse(struct ft_user_finder *f, int code, const char *fmt, ...) FT_PRINTF(3, 4);

/* A part of a point; one without a name behind the last. And what its argument is. */
const struct ft_point_part *ft_user_part(const struct ft_point *point, u32 at);
bool ft_user_has_text(const struct ft_point_part *part);
bool ft_user_has_number(const struct ft_point_part *part);

/*
 * The point of one place, spelled out: with the file's path and the function's name. NULL without
 * memory.
 */
struct ft_point *ft_user_spell_out(struct ft_user_finder *f, const struct ft_user_site *site);

/* Hands over the places found so far, apart or together. 0, -ENOENT (none), -ENOMEM. */
int ft_user_deliver(struct ft_user_finder *f, const struct ft_user_probe *like);

/* Finds what the point means in a file, and hands it over. */
int ft_user_find_in_file(struct ft_user_finder *f, struct ft_user_file *file);

/* begin, end, thread, syscall: events of whole processes, of any program if file is NULL. */
bool ft_user_is_life(const char *part);
int ft_user_find_life(struct ft_user_finder *f, struct ft_user_file *file);

#endif
