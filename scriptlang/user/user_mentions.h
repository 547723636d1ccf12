/*
 * user_mentions.h - where the debug information of a file can mention a name: what tells, without
 * reading entries, which units cannot know it. Private to scriptlang/user_*.c.
 *
 * The bytes are searched as they lie: for the name itself, and for the offsets of strings that are
 * it, or end so (linkers merge such). What is found may be something else by chance; what is not
 * found is not there.
 */
#ifndef FT_SCRIPTLANG_USER_MENTIONS_H
#define FT_SCRIPTLANG_USER_MENTIONS_H

#include "scriptlang/user/user_file.h"

struct ft_user_mentions;

/*
 * Where a name may be mentioned, or any that begins so; kept for the file. Lives in the arena. NULL
 * without memory, or when the file cannot be searched: it may be anywhere then.
 */
const struct ft_user_mentions *ft_user_mentions(struct ft_user_file *file, const char *name,
						bool begins);

/* Whether offsets from begin to end may mention it, of .debug_info or of .debug_str_offsets. */
bool ft_user_mentions_info(const struct ft_user_mentions *mentions, u64 begin, u64 end);
bool ft_user_mentions_index(const struct ft_user_mentions *mentions, u64 begin, u64 end);

/* Whether anything does: another unit, or the file that is shared with others (dwz). */
bool ft_user_mentions_any(const struct ft_user_mentions *mentions);

/* A section of debug information as it lies in memory; NULL: there is none. */
const u8 *ft_user_section(Dwarf *dwarf, const char *name, size_t *bytes);

#endif
