/* event_field.h - the fields of a tracepoint's record, as tracefs describes them. */
#ifndef FT_SAMPLER_EVENT_FIELD_H
#define FT_SAMPLER_EVENT_FIELD_H

#include "base/err.h"
#include "sampler/event.h"

/*
 * Looks up event->field in the format of the event's tracepoint below tracefs_root; sets
 * field_offset, field_bytes and field_signed. -EINVAL when there is no such number; the error lists
 * those there are.
 */
int ft_event_find_field(const char *tracefs_root, struct ft_event *event, struct ft_err *err);

/* The same in the text of a format file, which is changed. */
int ft_event_parse_format(char *text, struct ft_event *event, struct ft_err *err);

#endif
