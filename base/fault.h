/*
 * fault.h - reading mapped files that their owner may truncate.
 *
 * A page of a mapping that the file no longer reaches, or that the disk cannot deliver, is answered
 * by SIGBUS, which ends a process. Between ft_fault_enter and ft_fault_leave it gets a page of
 * zeros instead and goes on; the reader asks afterwards whether what it read can be trusted. Only
 * for libraries that want a mapping: our own readers use pread (base/elf.h).
 */
#ifndef FT_BASE_FAULT_H
#define FT_BASE_FAULT_H

#include "base/types.h"

/*
 * From here on this thread's reads of mapped files do not end the program. Nests: the outermost
 * costs a system call, others nothing.
 */
void ft_fault_enter(void);

/* True: since the outermost ft_fault_enter a page was missing, and zeros were read in its place. */
bool ft_fault_leave(void);

#endif
