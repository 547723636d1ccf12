/*
 * stub.h - the linker's stubs, through which a program calls functions of libraries: which word of
 * the global offset table they jump by. Formats: the x86-64 psABI, 5.2 and B.2; "ELF for the Arm
 * 64-bit Architecture", 5.
 */
#ifndef FT_BASE_STUB_H
#define FT_BASE_STUB_H

#include <stddef.h>

#include "base/types.h"

/*
 * The address of the word, as linked, of a stub that begins with this code at this address, as
 * linked; 0: it is no such stub. [endbr64] [bnd] jmp *disp(%rip).
 */
u64 ft_stub_slot_x86_64(const u8 *code, size_t bytes, u64 addr);

/* The same: [bti c]; adrp x16, page; ldr x17, [x16, #offset]; add x16, x16, #offset; br x17. */
u64 ft_stub_slot_aarch64(const u8 *code, size_t bytes, u64 addr);

#endif
