/*
 * event_field.c - see event_field.h. A format file has a line for each field (Linux,
 * Documentation/trace/events.rst):
 *
 *     field:size_t bytes_alloc;	offset:32;	size:8;	signed:0;
 */
#include "sampler/event_field.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define RECORD_BYTES_MAX 65536

struct field {
	const char *name;
	u32 offset, bytes;
	bool is_signed, is_number;
};

/* The number behind a key such as "offset:"; false when there is none. */
static bool number_of(const char *line, const char *key, u32 *number)
{
	const char *at = strstr(line, key);
	char *end;
	unsigned long value;

	if (!at)
		return false;
	at += strlen(key);
	value = strtoul(at, &end, 10);
	if (end == at || *end != ';' || value > RECORD_BYTES_MAX)
		return false;
	*number = (u32)value;
	return true;
}

/* Changes line. */
static bool parse_line(char *line, struct field *field)
{
	char *declaration = strstr(line, "field:"), *end, *name;
	u32 is_signed;

	if (!declaration || !number_of(line, "\toffset:", &field->offset) ||
	    !number_of(line, "\tsize:", &field->bytes) || !number_of(line, "\tsigned:", &is_signed))
		return false;
	declaration += strlen("field:");
	end = strchr(declaration, ';');
	*end = '\0';
	name = strrchr(declaration, ' ');
	if (!name || !name[1])
		return false;
	field->name = name + 1;
	field->is_signed = is_signed != 0;
	field->is_number =
		!strpbrk(declaration, "[*") && !strstr(declaration, "__data_loc") &&
		(field->bytes == 1 || field->bytes == 2 || field->bytes == 4 || field->bytes == 8);
	return true;
}

int ft_event_parse_format(char *text, struct ft_event *event, struct ft_err *err)
{
	char list[400] = "", *line;
	size_t len = 0;

	while ((line = strsep(&text, "\n"))) {
		struct field field;

		if (!parse_line(line, &field) || !field.is_number ||
		    !strncmp(field.name, "common_", 7))
			continue;
		if (!strcmp(field.name, event->field)) {
			event->field_offset = field.offset;
			event->field_bytes = field.bytes;
			event->field_signed = field.is_signed;
			return 0;
		}
		if (len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
						len ? ", " : "", field.name);
	}
	return ft_err_set(err, -EINVAL,
			  "the tracepoint %s:%s has no field '%s' that is a number; it has: %s",
			  event->category, event->tracepoint, event->field, *list ? list : "none");
}

int ft_event_find_field(const char *tracefs_root, struct ft_event *event, struct ft_err *err)
{
	char path[300], *text;
	size_t len;
	int code;

	snprintf(path, sizeof(path), "%s/events/%s/%s/format", tracefs_root, event->category,
		 event->tracepoint);
	code = ft_file_read(path, 1 << 20, &text, &len);
	if (code)
		return ft_err_set(err, code, "cannot read %s: %s", path, strerror(-code));
	code = ft_event_parse_format(text, event, err);
	free(text);
	return code;
}
