/*
 * wait.h - what profiles of waits say beside stacks: why a thread was off its CPU, what is special
 * about a wait, how long it was. As names of frames at the leaf of a stack, so that every writer
 * and every reader of folded text has them.
 */
#ifndef FT_PROFILE_WAIT_H
#define FT_PROFILE_WAIT_H

#include "base/types.h"

enum ft_wait_note {
	FT_NOTE_RUNNABLE,
	FT_NOTE_SLEEP,
	FT_NOTE_DISK,
	FT_NOTE_IDLE,
	FT_NOTE_STOPPED,
	FT_NOTE_TRACED,
	FT_NOTE_PARKED,
	FT_NOTE_USER_LOCK,
	FT_NOTE_KERNEL_LOCK,
	FT_NOTE_BEFORE,	   /* the wait had begun before the recording; its part inside counts */
	FT_NOTE_AFTER,	   /* it was not over at the end; likewise */
	FT_NOTE_UNKNOWN,   /* where the thread waits could not be found out */
	FT_NOTE_WAKER,	   /* what follows is who ended the wait, innermost frame first */
	FT_NOTE_INTERRUPT, /* an interrupt ended it, whatever ran on that CPU */
	FT_NOTE_BRIEF,	   /* on a CPU, for so short a time that no sample was taken */
	FT_NOTE_COUNT
};

/* The frame name of a note: "[off CPU: sleeping]". Static. */
const char *ft_wait_note_name(enum ft_wait_note note);

/* Whether a frame name is that of a note. */
bool ft_wait_is_note(const char *name, size_t len);

#define FT_WAIT_BUCKETS 65

/* The frame name for waits of 2^(bucket-1) to 2^bucket - 1 ns (bucket 0: 0 ns). */
void ft_wait_bucket_name(u32 bucket, char name[40]);

#endif
