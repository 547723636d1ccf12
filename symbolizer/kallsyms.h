/* kallsyms.h - lines of /proc/kallsyms: "ffffffff81000000 T name", then "\t[module]" maybe. */
#ifndef FT_SYMBOLIZER_KALLSYMS_H
#define FT_SYMBOLIZER_KALLSYMS_H

#include <elf.h>

#include "symbolizer/lines.h"

#define FT_KALLSYMS_LINE_MAX 1024 /* KSYM_NAME_LEN is 512; a longer line is no symbol */

struct ft_kallsyms_line {
	u64 addr;
	char type;	  /* as nm prints it */
	const char *text; /* "name" or "name\t[module]" */
	size_t len;
};

static inline bool ft_kallsyms_is_text(char type)
{
	return type == 'T' || type == 't' || type == 'W' || type == 'w';
}

/* False: not such a line. */
static inline bool ft_kallsyms_parse(const char *p, const char *end, struct ft_kallsyms_line *line)
{
	p = ft_lines_hex(p, end, &line->addr);
	if (!p || end - p < 3 || p[1] != ' ' || end - p > FT_KALLSYMS_LINE_MAX)
		return false;
	line->type = p[0];
	line->text = p + 2;
	line->len = (size_t)(end - p) - 2;
	return true;
}

/* STB_x: what the letter says of a symbol of code. */
static inline u8 ft_kallsyms_bind(char type)
{
	if (type == 'T')
		return STB_GLOBAL;
	return type == 't' ? STB_LOCAL : STB_WEAK;
}

#endif
