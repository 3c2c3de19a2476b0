#include "CKernels.h"
#include "words.h"

#include <math.h>

// The forms of a word: as it is, rotated left by one bit, or the zigzag code of its difference from an old word (words.h).
#define PLAIN(WORD, new, old) (new)
#define ROTATED(WORD, new, old) ((WORD)((WORD)((new) << 1) | (WORD)((new) >> LAST(WORD))))

// And back, from the form and the old word.
#define FROM_PLAIN(WORD, form, old) (form)
#define FROM_ROTATED(WORD, form, old) ((WORD)((WORD)((form) >> 1) | (WORD)((form) << LAST(WORD))))

// Loops that the compiler vectorises. Planes of up to four bytes are written in one pass; of eight, one at a time: nine
// streams at once are too many for the vectoriser.
#define SPLIT_NARROW(NAME, WORD, FORM, STORES)                                                                       \
  CRUX_INLINE void NAME(ptrdiff_t n, const uint8_t *restrict words, const uint8_t *restrict olds,                    \
                        uint8_t *restrict planes) {                                                                  \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                              \
      WORD word = LOAD(WORD, words, i), old = OLD(WORD, olds, i);                                                    \
      (void)old;                                                                                                     \
      WORD form = FORM(WORD, word, old);                                                                             \
      STORES                                                                                                         \
    }                                                                                                                \
  }
#define SPLIT_8(NAME, FORM)                                                                                          \
  CRUX_INLINE void NAME(ptrdiff_t n, const uint8_t *restrict words, const uint8_t *restrict olds,                    \
                        uint8_t *restrict planes) {                                                                  \
    for (int plane = 0; plane < 8; plane++) {                                                                        \
      uint8_t *restrict out = planes + plane * n;                                                                    \
      for (ptrdiff_t i = 0; i < n; i++) {                                                                            \
        uint64_t word = LOAD(uint64_t, words, i), old = OLD(uint64_t, olds, i);                                      \
        (void)old;                                                                                                   \
        out[i] = (uint8_t)(FORM(uint64_t, word, old) >> (8 * plane));                                                \
      }                                                                                                              \
    }                                                                                                                \
  }
#define STORE_1 planes[i] = form;
#define STORE_2                                                                                                      \
  planes[i] = (uint8_t)form;                                                                                         \
  planes[n + i] = (uint8_t)(form >> 8);
#define STORE_4                                                                                                      \
  STORE_2                                                                                                            \
  planes[2 * n + i] = (uint8_t)(form >> 16);                                                                         \
  planes[3 * n + i] = (uint8_t)(form >> 24);

#define JOIN(NAME, WORD, BACK, FORM_OF_PLANES)                                                                       \
  CRUX_INLINE void NAME(ptrdiff_t n, const uint8_t *restrict planes, uint8_t *restrict words) {                      \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                              \
      WORD form = (WORD)(FORM_OF_PLANES);                                                                            \
      WORD old = OLD(WORD, words, i);                                                                                \
      (void)old;                                                                                                     \
      STORE(WORD, words, i, (WORD)BACK(WORD, form, old));                                                            \
    }                                                                                                                \
  }
#define PLANE(k) ((uint32_t)planes[k * n + i] << (8 * (k % 4)))
#define JOINED_1 planes[i]
#define JOINED_2 (PLANE(0) | PLANE(1))
#define JOINED_4 (PLANE(0) | PLANE(1) | PLANE(2) | PLANE(3))
#define JOINED_8 (JOINED_4 | (uint64_t)(PLANE(4) | PLANE(5) | PLANE(6) | PLANE(7)) << 32)

// Without a base there is no old word to load.
#define OLD(WORD, olds, i) ((void)(olds), (WORD)0)
SPLIT_NARROW(split_2, uint16_t, PLAIN, STORE_2)
SPLIT_NARROW(split_2_rotated, uint16_t, ROTATED, STORE_2)
SPLIT_NARROW(split_4, uint32_t, PLAIN, STORE_4)
SPLIT_NARROW(split_4_rotated, uint32_t, ROTATED, STORE_4)
SPLIT_8(split_8, PLAIN)
SPLIT_8(split_8_rotated, ROTATED)
JOIN(join_2, uint16_t, FROM_PLAIN, JOINED_2)
JOIN(join_2_rotated, uint16_t, FROM_ROTATED, JOINED_2)
JOIN(join_4, uint32_t, FROM_PLAIN, JOINED_4)
JOIN(join_4_rotated, uint32_t, FROM_ROTATED, JOINED_4)
JOIN(join_8, uint64_t, FROM_PLAIN, JOINED_8)
JOIN(join_8_rotated, uint64_t, FROM_ROTATED, JOINED_8)
#undef OLD
#define OLD(WORD, olds, i) LOAD(WORD, olds, i)
SPLIT_NARROW(split_1_difference, uint8_t, DIFFERENCE, STORE_1)
SPLIT_NARROW(split_2_difference, uint16_t, DIFFERENCE, STORE_2)
SPLIT_NARROW(split_4_difference, uint32_t, DIFFERENCE, STORE_4)
SPLIT_8(split_8_difference, DIFFERENCE)
JOIN(join_1_difference, uint8_t, FROM_DIFFERENCE, JOINED_1)
JOIN(join_2_difference, uint16_t, FROM_DIFFERENCE, JOINED_2)
JOIN(join_4_difference, uint32_t, FROM_DIFFERENCE, JOINED_4)
JOIN(join_8_difference, uint64_t, FROM_DIFFERENCE, JOINED_8)
#undef OLD

CRUX_CLONES
void crux_split_planes(ptrdiff_t count, int32_t width, int32_t is_rotated, const void *words, void *planes) {
  switch (width) {
    case 2: is_rotated ? split_2_rotated(count, words, 0, planes) : split_2(count, words, 0, planes); break;
    case 4: is_rotated ? split_4_rotated(count, words, 0, planes) : split_4(count, words, 0, planes); break;
    case 8: is_rotated ? split_8_rotated(count, words, 0, planes) : split_8(count, words, 0, planes); break;
  }
}

CRUX_CLONES
void crux_join_planes(ptrdiff_t count, int32_t width, int32_t is_rotated, const void *planes, void *words) {
  switch (width) {
    case 2: is_rotated ? join_2_rotated(count, planes, words) : join_2(count, planes, words); break;
    case 4: is_rotated ? join_4_rotated(count, planes, words) : join_4(count, planes, words); break;
    case 8: is_rotated ? join_8_rotated(count, planes, words) : join_8(count, planes, words); break;
  }
}

CRUX_CLONES
void crux_split_differences(ptrdiff_t count, int32_t width, const void *words, const void *base, void *planes) {
  switch (width) {
    case 1: split_1_difference(count, words, base, planes); break;
    case 2: split_2_difference(count, words, base, planes); break;
    case 4: split_4_difference(count, words, base, planes); break;
    case 8: split_8_difference(count, words, base, planes); break;
  }
}

CRUX_CLONES
void crux_join_differences(ptrdiff_t count, int32_t width, const void *planes, void *words) {
  switch (width) {
    case 1: join_1_difference(count, planes, words); break;
    case 2: join_2_difference(count, planes, words); break;
    case 4: join_4_difference(count, planes, words); break;
    case 8: join_8_difference(count, planes, words); break;
  }
}

double crux_byte_entropy(ptrdiff_t count, const void *bytes) {
  // Four tables: equal neighbours would wait for each other's sums.
  uint32_t tables[4][256];
  memset(tables, 0, sizeof tables);
  const uint8_t *from = bytes;
  ptrdiff_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (int lane = 0; lane < 4; lane++) tables[lane][from[i + lane]]++;
  }
  for (; i < count; i++) tables[0][from[i]]++;
  double bits = 0;
  for (int byte = 0; byte < 256; byte++) {
    double times = (double)tables[0][byte] + tables[1][byte] + tables[2][byte] + tables[3][byte];
    if (times > 0) bits -= times * log2(times / (double)count);
  }
  return count > 0 ? bits / (double)count : 0;
}
