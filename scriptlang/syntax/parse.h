/*
 * parse.h - from the text of a script to its tree (pass 1).
 */
#ifndef FT_SCRIPTLANG_PARSE_H
#define FT_SCRIPTLANG_PARSE_H

#include "scriptlang/sema/compile.h"
#include "scriptlang/syntax/ast.h"

/* What is wrong with "%{ %}". */
#define FT_EMBEDDED_WHY \
	"is C for a kernel module, and this program loads none: use the functions of the tapset"

/*
 * Takes out @define, expands macros, then decides %( %). tokens is replaced. 0, -EINVAL or -ENOMEM.
 */
int ft_preprocess(struct ft_compile *compile, struct ft_tokens *tokens);

/*
 * The steps of it. Macros leave what is none: @count, @cast. Conditions are decided before them
 * (early: what stands in no definition and asks for no macro), so that each machine has its own
 * definitions, and after them.
 */
int ft_expand_macros(struct ft_compile *compile, struct ft_tokens *tokens);
int ft_decide_conditions(struct ft_compile *compile, struct ft_tokens *tokens, bool early);

/*
 * Takes the definitions of a file of macros (*.stpm) for all that is parsed from then on; a script
 * may define the names anew. 0, -EINVAL or -ENOMEM. The source must outlive the compilation.
 */
int ft_macros_read(struct ft_compile *compile, const struct ft_source *source);

/* The tokens that a macro of the library stands for (name: with its '@'), or NULL. */
const struct ft_token *ft_macro_body(const struct ft_compile *compile, const char *name,
				     u32 *count);

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

/*
 * What stands in function("...") and its kin, up to the file; a tracepoint's name; "" without any.
 * Lives in the arena.
 */
const char *ft_point_function(struct ft_arena *arena, const struct ft_point *point);

#endif
