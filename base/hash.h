/*
 * hash.h - one 64-bit hash for tables inside this process.
 *
 * Multiply-and-fold over 8-byte words (the construction of wyhash/FxHash); not for untrusted key
 * flooding where a seed matters, and not stable across versions: never store it in a file.
 */
#ifndef FT_BASE_HASH_H
#define FT_BASE_HASH_H

#include <string.h>

#include "base/types.h"

#define FT_HASH_MUL UINT64_C(0x9E3779B97F4A7C15) /* 2^64 / golden ratio */

/* Mixes one more word into a running hash. */
static inline u64 ft_hash_mix(u64 hash, u64 word)
{
	__uint128_t wide =
		(__uint128_t)(hash ^ word ^ FT_HASH_MUL) * (word ^ UINT64_C(0xD6E8FEB86659FD93));

	return (u64)wide ^ (u64)(wide >> 64);
}

/* A hash of a single word. */
static inline u64 ft_hash_word(u64 word)
{
	word *= FT_HASH_MUL;
	return word ^ (word >> 32);
}

/*
 * The last step of hashing len bytes: the len % 8 bytes that are left over, zero-extended, and the
 * length in the byte they leave free. For callers that meet the bytes a word at a time anyway and
 * end with the same hash as ft_hash_bytes.
 */
static inline u64 ft_hash_end(u64 hash, u64 rest, size_t len)
{
	return ft_hash_mix(hash, rest | (u64)len << 56);
}

/* A hash of len bytes. */
static inline u64 ft_hash_bytes(const void *data, size_t len)
{
	const char *p = data, *end = p + (len & ~(size_t)7);
	u64 hash = 0, word, rest = 0;
	unsigned tail = len & 7;
	u32 low, high;

	for (; p < end; p += 8) {
		memcpy(&word, p, 8);
		hash = ft_hash_mix(hash, word);
	}
	if (tail >= 4) { /* two loads that may overlap make up the 4 to 7 bytes */
		memcpy(&low, p, 4);
		memcpy(&high, p + tail - 4, 4);
		rest = low | (u64)high << (tail - 4) * 8;
	} else {
		for (unsigned i = 0; i < tail; i++)
			rest |= (u64)(u8)p[i] << i * 8;
	}
	return ft_hash_end(hash, rest, len);
}

#endif
