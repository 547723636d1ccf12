/*
 * run.h - the life of a script: begin handlers, timers, end handlers.
 */
#ifndef FT_SCRIPTLANG_RUN_H
#define FT_SCRIPTLANG_RUN_H

#include "scriptlang/runtime/interp.h"
#include "scriptlang/scriptlang.h"

/*
 * Runs a program until it calls exit(), opts->stop_fd becomes readable, or its time is over. Output
 * goes through opts->write as it is made. *failed: it ended by errors, which were written. 0,
 * -EINVAL when diagnostics were added, or what err says.
 */
int ft_run(struct ft_compile *compile, const struct ft_ir_program *program,
	   const struct ft_script_run *opts, bool *failed, struct ft_err *err);

#endif
