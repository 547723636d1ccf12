/*
 * serve.h - probes that fire when somebody uses what flametap offers while a script runs: files
 * (procfs probes), and lines and characters of standard input (input probes).
 */
#ifndef FT_SCRIPTLANG_SERVE_H
#define FT_SCRIPTLANG_SERVE_H

#include "base/err.h"
#include "scriptlang/runtime/interp.h"

struct ft_serve;

struct ft_serve_use {
	/* Runs a handler; what it printed leaves. */
	void (*run)(void *context, const struct ft_ir *handler);
	void *context;
};

/*
 * Offers what the handlers of x's program want; *serve is NULL if that is nothing. 0, or what err
 * says. x and what use points to must live as long.
 */
int ft_serve_open(struct ft_interp *x, const struct ft_serve_use *use, struct ft_serve **serve,
		  struct ft_err *err);
/* Descriptors to wait for, or -1. */
int ft_serve_files_fd(const struct ft_serve *serve);
int ft_serve_input_fd(const struct ft_serve *serve);
/* Does what is waiting. */
void ft_serve_step(struct ft_serve *serve);
/* NULL is none. */
void ft_serve_close(struct ft_serve *serve);

#endif
