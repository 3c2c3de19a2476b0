#include "CKernels.h"
#include "dispatch.h"

#include <string.h>

// NaN and infinity both have an exponent of ones; an infinity's fraction is zero. Counts of one loop fit 32 bits, which
// vectorises; the caller's blocks are far smaller than 2^31.
#define COUNT_NON_FINITE(NAME, BITS, EXPONENT, MAGNITUDE)                                                           \
  CRUX_CLONES                                                                                                      \
  void NAME(ptrdiff_t count, const void *bytes, int64_t *nans, int64_t *infinities) {                              \
    const char *from = bytes;                                                                                      \
    uint32_t nan_count = 0, infinity_count = 0;                                                                    \
    for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
      BITS bits;                                                                                                   \
      memcpy(&bits, from + i * (ptrdiff_t)sizeof bits, sizeof bits);                                               \
      BITS magnitude = bits & (BITS)(MAGNITUDE);                                                                   \
      nan_count += magnitude > (BITS)(EXPONENT);                                                                   \
      infinity_count += magnitude == (BITS)(EXPONENT);                                                             \
    }                                                                                                              \
    *nans += nan_count;                                                                                            \
    *infinities += infinity_count;                                                                                 \
  }

COUNT_NON_FINITE(crux_non_finite_f16, uint16_t, 0x7C00, 0x7FFF)
COUNT_NON_FINITE(crux_non_finite_bf16, uint16_t, 0x7F80, 0x7FFF)
COUNT_NON_FINITE(crux_non_finite_f32, uint32_t, 0x7F800000, 0x7FFFFFFF)
COUNT_NON_FINITE(crux_non_finite_f64, uint64_t, 0x7FF0000000000000, 0x7FFFFFFFFFFFFFFF)
