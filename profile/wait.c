/* wait.c - see wait.h. */
#include "profile/wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *ft_wait_note_name(enum ft_wait_note note)
{
	static const char *const names[FT_NOTE_COUNT] = {
		[FT_NOTE_RUNNABLE] = "[off CPU: waits for a CPU]",
		[FT_NOTE_SLEEP] = "[off CPU: sleeping]",
		[FT_NOTE_DISK] = "[off CPU: uninterruptible]",
		[FT_NOTE_IDLE] = "[off CPU: idle]",
		[FT_NOTE_STOPPED] = "[off CPU: stopped]",
		[FT_NOTE_TRACED] = "[off CPU: traced]",
		[FT_NOTE_PARKED] = "[off CPU: parked]",
		[FT_NOTE_USER_LOCK] = "[waits for a futex]",
		[FT_NOTE_KERNEL_LOCK] = "[waits for a lock of the kernel]",
		[FT_NOTE_BEFORE] = "[began before the recording]",
		[FT_NOTE_AFTER] = "[not over at the end]",
		[FT_NOTE_UNKNOWN] = "[stack not known]",
		[FT_NOTE_WAKER] = "--",
		[FT_NOTE_INTERRUPT] = "[interrupt]",
		[FT_NOTE_BRIEF] = "[on CPU: too briefly for a sample]",
	};

	return names[note];
}

bool ft_wait_is_note(const char *name, size_t len)
{
	for (int i = 0; i < FT_NOTE_COUNT; i++) {
		const char *note = ft_wait_note_name((enum ft_wait_note)i);

		if (strlen(note) == len && !memcmp(note, name, len))
			return true;
	}
	return false;
}

void ft_wait_bucket_name(u32 bucket, char name[40])
{
	if (!bucket)
		snprintf(name, 40, "[0 ns]");
	else
		snprintf(name, 40, "[%" PRIu64 " ns and more]", UINT64_C(1) << (bucket - 1));
}
