/* types.h - short names for fixed-width integers and the attributes used all over. */
#ifndef FT_BASE_TYPES_H
#define FT_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* Lets the compiler check arguments of printf-like functions; FMT and ARGS count from 1. */
#define FT_PRINTF(FMT, ARGS) __attribute__((format(printf, FMT, ARGS)))

#define FT_ARRAY_LEN(A) (sizeof(A) / sizeof((A)[0]))

#endif
