#include "CKernels.h"
#include "words.h"

// So many words are looked at together, so that their codes stay in the nearest cache. A multiple of 8.
#define GROUP 1024

/// The bytes 0 or 1 of eight words as the bits of one byte, the first lowest.
CRUX_INLINE uint8_t mask_of(const uint8_t *flags) {
  uint64_t bytes;
  memcpy(&bytes, flags, 8);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
  bytes = __builtin_bswap64(bytes);
#endif
  // Byte i goes to bit 56 + i; no two products meet, so that nothing is carried.
  return (uint8_t)((bytes * 0x0102040810204080u) >> 56);
}

#define SPARSE(WORD)                                                                                                   \
  /* The codes of up to GROUP words, and which of them are not zero; flags behind the last are. */                    \
  CRUX_INLINE void codes_##WORD(ptrdiff_t n, const uint8_t *restrict words, const uint8_t *restrict base,              \
                                WORD *restrict codes, uint8_t *restrict flags) {                                       \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                                \
      WORD code = DIFFERENCE(WORD, LOAD(WORD, words, i), LOAD(WORD, base, i));                                         \
      codes[i] = code;                                                                                                 \
      flags[i] = code != 0;                                                                                            \
    }                                                                                                                  \
  }                                                                                                                    \
  CRUX_INLINE ptrdiff_t encode_##WORD(ptrdiff_t count, const uint8_t *words, const uint8_t *base, uint8_t *out) {      \
    const ptrdiff_t width = sizeof(WORD), mask_count = (count + 7) / 8;                                                \
    WORD codes[GROUP], packed[GROUP + 1];                                                                              \
    uint8_t flags[GROUP];                                                                                              \
    /* The mask first: it says where the planes begin. */                                                              \
    ptrdiff_t changed = 0;                                                                                             \
    for (ptrdiff_t start = 0; start < count; start += GROUP) {                                                         \
      ptrdiff_t n = count - start < GROUP ? count - start : GROUP;                                                     \
      memset(flags, 0, sizeof flags);                                                                                  \
      codes_##WORD(n, words + start * width, base + start * width, codes, flags);                                      \
      for (ptrdiff_t i = 0; i < n; i += 8) {                                                                           \
        uint8_t mask = mask_of(flags + i);                                                                             \
        out[(start + i) / 8] = mask;                                                                                   \
        changed += __builtin_popcount(mask);                                                                           \
      }                                                                                                                \
    }                                                                                                                  \
    uint8_t *planes = out + mask_count;                                                                                \
    for (ptrdiff_t start = 0; start < count; start += GROUP) {                                                         \
      ptrdiff_t n = count - start < GROUP ? count - start : GROUP, k = 0;                                              \
      codes_##WORD(n, words + start * width, base + start * width, codes, flags);                                      \
      for (ptrdiff_t i = 0; i < n; i++) {                                                                              \
        packed[k] = codes[i];                                                                                          \
        k += flags[i];                                                                                                 \
      }                                                                                                                \
      for (ptrdiff_t plane = 0; plane < width; plane++) {                                                              \
        uint8_t *restrict to = planes + plane * changed;                                                               \
        for (ptrdiff_t i = 0; i < k; i++) to[i] = (uint8_t)(packed[i] >> (8 * plane));                                 \
      }                                                                                                                \
      planes += k;                                                                                                     \
    }                                                                                                                  \
    return mask_count + width * changed;                                                                               \
  }                                                                                                                    \
  CRUX_INLINE int32_t decode_##WORD(ptrdiff_t count, ptrdiff_t changed, const uint8_t *bytes, uint8_t *words) {        \
    const ptrdiff_t width = sizeof(WORD);                                                                              \
    const uint8_t *planes = bytes + (count + 7) / 8;                                                                   \
    WORD codes[GROUP], packed[GROUP + 1];                                                                              \
    for (ptrdiff_t start = 0; start < count; start += GROUP) {                                                         \
      ptrdiff_t n = count - start < GROUP ? count - start : GROUP, k = 0;                                              \
      const uint8_t *mask = bytes + start / 8;                                                                         \
      for (ptrdiff_t i = 0; i < (n + 7) / 8; i++) k += __builtin_popcount(mask[i]);                                    \
      for (ptrdiff_t i = 0; i < k; i++) packed[i] = planes[i];                                                         \
      for (ptrdiff_t plane = 1; plane < width; plane++) {                                                              \
        const uint8_t *restrict from = planes + plane * changed;                                                       \
        for (ptrdiff_t i = 0; i < k; i++) packed[i] |= (WORD)((WORD)from[i] << (8 * plane));                           \
      }                                                                                                                \
      int has_zero = 0;                                                                                                \
      for (ptrdiff_t i = 0; i < k; i++) has_zero |= packed[i] == 0;                                                    \
      if (has_zero) return 1;                                                                                          \
      packed[k] = 0;                                                                                                   \
      planes += k;                                                                                                     \
      k = 0;                                                                                                           \
      for (ptrdiff_t i = 0; i < n; i++) {                                                                              \
        WORD bit = mask[i / 8] >> (i % 8) & 1;                                                                         \
        codes[i] = packed[k] & (WORD)(0 - bit);                                                                        \
        k += (ptrdiff_t)bit;                                                                                           \
      }                                                                                                                \
      uint8_t *own = words + start * width;                                                                            \
      for (ptrdiff_t i = 0; i < n; i++) STORE(WORD, own, i, FROM_DIFFERENCE(WORD, codes[i], LOAD(WORD, own, i)));      \
    }                                                                                                                  \
    return 0;                                                                                                          \
  }
SPARSE(uint8_t)
SPARSE(uint16_t)
SPARSE(uint32_t)
SPARSE(uint64_t)

CRUX_CLONES
ptrdiff_t crux_encode_sparse(ptrdiff_t count, int32_t width, const void *words, const void *base, void *out) {
  switch (width) {
    case 1: return encode_uint8_t(count, words, base, out);
    case 2: return encode_uint16_t(count, words, base, out);
    case 4: return encode_uint32_t(count, words, base, out);
    default: return encode_uint64_t(count, words, base, out);
  }
}

CRUX_CLONES
int32_t crux_decode_sparse(ptrdiff_t count, int32_t width, ptrdiff_t changed, const void *bytes, void *words) {
  switch (width) {
    case 1: return decode_uint8_t(count, changed, bytes, words);
    case 2: return decode_uint16_t(count, changed, bytes, words);
    case 4: return decode_uint32_t(count, changed, bytes, words);
    default: return decode_uint64_t(count, changed, bytes, words);
  }
}
