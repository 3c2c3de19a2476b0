// The words of a checkpoint, which are little-endian, and the zigzag codes of their differences.
#ifndef CRUX_WORDS_H
#define CRUX_WORDS_H

#include "dispatch.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LITTLE(WORD, x) (x)
#else
#define LITTLE(WORD, x) swapped_##WORD(x)
static inline uint8_t swapped_uint8_t(uint8_t x) { return x; }
static inline uint16_t swapped_uint16_t(uint16_t x) { return __builtin_bswap16(x); }
static inline uint32_t swapped_uint32_t(uint32_t x) { return __builtin_bswap32(x); }
static inline uint64_t swapped_uint64_t(uint64_t x) { return __builtin_bswap64(x); }
#endif

#define LAST(WORD) (8 * sizeof(WORD) - 1)

// A difference as its zigzag code, and the word that a code makes of an old one.
#define ZIGZAG_OF(WORD, d) ((WORD)((WORD)((d) << 1) ^ (WORD)(0 - (WORD)((d) >> LAST(WORD)))))
#define DIFFERENCE(WORD, new, old) ZIGZAG_OF(WORD, (WORD)((new) - (old)))
#define FROM_DIFFERENCE(WORD, form, old) ((WORD)((old) + (WORD)((WORD)((form) >> 1) ^ (WORD)(0 - ((form)&1)))))

#define LOAD(WORD, words, i) load_##WORD(words, i)
#define STORE(WORD, words, i, x) store_##WORD(words, i, x)
#define ACCESS(WORD)                                                            \
  CRUX_INLINE WORD load_##WORD(const uint8_t *words, ptrdiff_t i) {             \
    WORD word;                                                                  \
    memcpy(&word, words + i * (ptrdiff_t)sizeof word, sizeof word);             \
    return LITTLE(WORD, word);                                                  \
  }                                                                             \
  CRUX_INLINE void store_##WORD(uint8_t *words, ptrdiff_t i, WORD word) {       \
    word = LITTLE(WORD, word);                                                  \
    memcpy(words + i * (ptrdiff_t)sizeof word, &word, sizeof word);             \
  }
ACCESS(uint8_t)
ACCESS(uint16_t)
ACCESS(uint32_t)
ACCESS(uint64_t)

#endif
