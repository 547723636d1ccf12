/* json.h - text from the profiled machine in JSON. Private to this folder. */
#ifndef FT_OUTPUT_JSON_H
#define FT_OUTPUT_JSON_H

#include "base/out.h"
#include "profile/profile.h"

/* A string with its quotes: always valid JSON and UTF-8, whatever the bytes (escape.h). */
void ft_json_text(struct ft_out *out, const char *text, size_t len);
void ft_json_string(struct ft_out *out, const struct ft_profile *profile, u32 id);

#endif
