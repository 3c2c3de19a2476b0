#include "CKernels.h"
#include "dispatch.h"

#pragma clang fp reassociate(on) contract(fast)

CRUX_CLONES
void crux_multiply_row(ptrdiff_t n, ptrdiff_t k, const float *a, const float *b, ptrdiff_t b_stride, float *out) {
  // Four rows of b share each load of a; each column's sum is formed the same way wherever it stands.
  ptrdiff_t column = 0;
  for (; column + 4 <= n; column += 4) {
    const float *b0 = b + column * b_stride;
    const float *b1 = b0 + b_stride;
    const float *b2 = b1 + b_stride;
    const float *b3 = b2 + b_stride;
    float t0 = 0, t1 = 0, t2 = 0, t3 = 0;
    for (ptrdiff_t i = 0; i < k; i++) {
      t0 += a[i] * b0[i];
      t1 += a[i] * b1[i];
      t2 += a[i] * b2[i];
      t3 += a[i] * b3[i];
    }
    out[column] = t0;
    out[column + 1] = t1;
    out[column + 2] = t2;
    out[column + 3] = t3;
  }
  for (; column < n; column++) {
    const float *row = b + column * b_stride;
    float total = 0;
    for (ptrdiff_t i = 0; i < k; i++) total += a[i] * row[i];
    out[column] = total;
  }
}
