/*
 * parse.h - from the text of a script to its tree (pass 1).
 */
#ifndef FT_SCRIPTLANG_PARSE_H
#define FT_SCRIPTLANG_PARSE_H

#include "scriptlang/ast.h"
#include "scriptlang/compile.h"

/*
 * Takes out @define, expands macros, then decides %( %). tokens is replaced. 0, -EINVAL or -ENOMEM.
 */
int ft_preprocess(struct ft_compile *compile, struct ft_tokens *tokens);

/* The two steps of it. The first leaves what is no macro: @count, @cast. */
int ft_expand_macros(struct ft_compile *compile, struct ft_tokens *tokens);
int ft_decide_conditions(struct ft_compile *compile, struct ft_tokens *tokens);

/*
 * Parses a source: lexer, preprocessor, joining, parser. After a mistake it goes on at the next
 * statement or declaration. *file is whole but for what was wrong. 0, -EINVAL or -ENOMEM.
 */
int ft_parse(struct ft_compile *compile, const struct ft_source *source, struct ft_file **file);

/*
 * Cuts a printf format into directives; at is the literal's place for messages. 0, -EINVAL or
 * -ENOMEM.
 */
int ft_parse_format(struct ft_compile *compile, const char *format, u32 len, struct ft_span at,
		    struct ft_directive **directives, u32 *count);

/* The tree as a script again, one declaration after the other (-p1). */
void ft_ast_dump(const struct ft_file *file, struct ft_out *out);

/* An expression as SystemTap prints it in messages and in pp(). */
void ft_expr_dump(const struct ft_expr *expr, struct ft_out *out);

/* "kernel.trace("sched_switch")": a probe point's canonical text. */
void ft_point_dump(const struct ft_point *point, struct ft_out *out);

/* The same as text, without '?', '!' and a condition: what pp() says. "" without memory. */
const char *ft_point_text(struct ft_arena *arena, const struct ft_point *point);

#endif
