#include "CKernels.h"
#include "dispatch.h"

#pragma clang fp reassociate(on) contract(fast)

// Four rows of b share each load of a's row: the products stay in registers and b streams once from memory.
CRUX_INLINE void multiply_rows(int rows, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t a_stride, const float *b,
                               ptrdiff_t b_stride, float *out, ptrdiff_t out_stride) {
  ptrdiff_t column = 0;
  for (; column + 4 <= n; column += 4) {
    const float *b0 = b + column * b_stride;
    const float *b1 = b0 + b_stride;
    const float *b2 = b1 + b_stride;
    const float *b3 = b2 + b_stride;
    for (int row = 0; row < rows; row++) {
      const float *x = a + row * a_stride;
      float t0 = 0, t1 = 0, t2 = 0, t3 = 0;
      for (ptrdiff_t i = 0; i < k; i++) {
        t0 += x[i] * b0[i];
        t1 += x[i] * b1[i];
        t2 += x[i] * b2[i];
        t3 += x[i] * b3[i];
      }
      float *target = out + row * out_stride + column;
      target[0] = t0, target[1] = t1, target[2] = t2, target[3] = t3;
    }
  }
  for (; column < n; column++) {
    for (int row = 0; row < rows; row++) {
      const float *x = a + row * a_stride;
      const float *y = b + column * b_stride;
      float total = 0;
      for (ptrdiff_t i = 0; i < k; i++) total += x[i] * y[i];
      out[row * out_stride + column] = total;
    }
  }
}

CRUX_CLONES
void crux_multiply_few_rows(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t a_stride,
                            const float *b, ptrdiff_t b_stride, float *out, ptrdiff_t out_stride) {
  multiply_rows((int)m, n, k, a, a_stride, b, b_stride, out, out_stride);
}
