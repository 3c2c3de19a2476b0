#include "hash.h"

#if CRUX_HASH_AVX2

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define XXH_INLINE_ALL
// XXH_AVX2, which is not defined before the header.
#define XXH_VECTOR 2
#include <xxhash.h>

crux_hash128 crux_hash128_of_avx2(size_t count, const void *bytes) {
  XXH128_hash_t hash = XXH3_128bits(bytes, count);
  return (crux_hash128){hash.high64, hash.low64};
}

void crux_hash128_update_avx2(void *state, size_t count, const void *bytes) {
  XXH3_128bits_update((XXH3_state_t *)state, bytes, count);
}
#pragma clang attribute pop

#endif
