/* cpus.c - see cpus.h. */
#include "sampler/cpus.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"

#define CPU_MAX 65536 /* far beyond any kernel's NR_CPUS; bounds memory on a damaged file */

int ft_cpus_parse(const char *text, u32 **cpus)
{
	u32 *list = NULL;
	size_t cap = 0;
	int count = 0;

	while (*text && *text != '\n') {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			goto invalid;
		if (*end == '-') {
			text = end + 1;
			last = strtoul(text, &end, 10);
			if (end == text)
				goto invalid;
		}
		if (last < first || last >= CPU_MAX || (count && first <= list[count - 1]))
			goto invalid;
		if (FT_GROW(&list, &cap, (size_t)count + (last - first) + 1)) {
			free(list);
			return -ENOMEM;
		}
		while (first <= last)
			list[count++] = (u32)first++;
		text = *end == ',' ? end + 1 : end;
	}
	if (count) {
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
