/* cpus.c - see cpus.h. */
#include "sampler/cpus.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"

#define CPU_MAX 65536 /* far beyond any kernel's NR_CPUS; bounds memory on a damaged file */

/*
 * A number without sign or blanks, which strtoul would skip. False if there is none, or it is too
 * big.
 */
static bool take_number(const char **text, u32 *number)
{
	char *end;
	unsigned long value;

	if (!isdigit((unsigned char)**text))
		return false;
	value = strtoul(*text, &end, 10);
	*text = end;
	*number = (u32)value;
	return value < CPU_MAX;
}

int ft_cpus_parse(const char *text, u32 **cpus)
{
	u32 *list = NULL, first, last;
	size_t cap = 0;
	int count = 0;

	for (;;) {
		if (!take_number(&text, &first))
			goto invalid;
		last = first;
		if (*text == '-') {
			text++;
			if (!take_number(&text, &last))
				goto invalid;
		}
		if (last < first || (count && first <= list[count - 1]))
			goto invalid;
		if (FT_GROW(&list, &cap, (size_t)count + (last - first) + 1)) {
			free(list);
			return -ENOMEM;
		}
		while (first <= last)
			list[count++] = first++;
		if (*text != ',')
			break;
		text++;
	}
	if (!*text || *text == '\n') {
		*cpus = list;
		return count;
	}
invalid:
	free(list);
	return -EINVAL;
}

int ft_cpus_online(u32 **cpus)
{
	char *text;
	size_t len;
	int code = ft_file_read("/sys/devices/system/cpu/online", 65536, &text, &len);

	if (code)
		return code;
	code = ft_cpus_parse(text, cpus);
	free(text);
	return code;
}
