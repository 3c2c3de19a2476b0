#include "CKernels.h"
#include "dispatch.h"

#pragma clang fp contract(fast)

typedef float narrow __attribute__((vector_size(32)));
typedef float wide __attribute__((vector_size(64)));

// Twelve chains of multiply-adds keep both of a core's units busy in spite of their latency.
#define CHAINS 12

CRUX_CLONES
double crux_multiply_adds(ptrdiff_t rounds, int32_t uses_wide_vectors, float factor) {
  double total = 0;
  if (uses_wide_vectors) {
    wide sums[CHAINS];
    for (int i = 0; i < CHAINS; i++) sums[i] = (wide){0} + (float)i;
    for (ptrdiff_t round = 0; round < rounds; round++) {
      for (int i = 0; i < CHAINS; i++) sums[i] = sums[i] * factor + 1.0f;
    }
    for (int i = 0; i < CHAINS; i++) {
      for (int lane = 0; lane < 16; lane++) total += sums[i][lane];
    }
  } else {
    narrow sums[CHAINS];
    for (int i = 0; i < CHAINS; i++) sums[i] = (narrow){0} + (float)i;
    for (ptrdiff_t round = 0; round < rounds; round++) {
      for (int i = 0; i < CHAINS; i++) sums[i] = sums[i] * factor + 1.0f;
    }
    for (int i = 0; i < CHAINS; i++) {
      for (int lane = 0; lane < 8; lane++) total += sums[i][lane];
    }
  }
  return total;
}
