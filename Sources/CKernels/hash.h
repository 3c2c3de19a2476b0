// XXH3-128 for AVX2, where the processor has it.
#ifndef CRUX_HASH_H
#define CRUX_HASH_H

#include "CKernels.h"

#if defined(__x86_64__) && defined(__linux__) && !defined(CRUX_NO_CLONES)
#define CRUX_HASH_AVX2 1
crux_hash128 crux_hash128_of_avx2(size_t count, const void *bytes);
void crux_hash128_update_avx2(void *state, size_t count, const void *bytes);
#else
#define CRUX_HASH_AVX2 0
#endif

#endif
