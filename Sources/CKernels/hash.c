#include "hash.h"

// The library as it is packaged hashes with SSE2 on every x86-64 processor; compiled here, its header makes both.
#define XXH_INLINE_ALL
#include <xxhash.h>

#if CRUX_HASH_AVX2
#define HAS_AVX2 __builtin_cpu_supports("avx2")
#endif

crux_hash128 crux_hash128_of(size_t count, const void *bytes) {
#if CRUX_HASH_AVX2
  if (HAS_AVX2) return crux_hash128_of_avx2(count, bytes);
#endif
  XXH128_hash_t hash = XXH3_128bits(bytes, count);
  return (crux_hash128){hash.high64, hash.low64};
}

void *crux_hash128_make(void) {
  XXH3_state_t *state = XXH3_createState();
  if (state) XXH3_128bits_reset(state);
  return state;
}

void crux_hash128_free(void *state) { XXH3_freeState(state); }

void crux_hash128_update(void *state, size_t count, const void *bytes) {
#if CRUX_HASH_AVX2
  if (HAS_AVX2) {
    crux_hash128_update_avx2(state, count, bytes);
    return;
  }
#endif
  XXH3_128bits_update(state, bytes, count);
}

crux_hash128 crux_hash128_value(const void *state) {
  XXH128_hash_t hash = XXH3_128bits_digest(state);
  return (crux_hash128){hash.high64, hash.low64};
}
