#include "CKernels.h"
#include "dispatch.h"

// Each element is one chain of multiply-adds in the order of k, whichever tile computes it: no `reassociate` here.
#pragma clang fp contract(fast)

typedef float panel_row __attribute__((vector_size(4 * CRUX_PANEL), aligned(4)));

/// `rows` by `panels` sums that stay in registers; `columns` of `out` are left from here on.
CRUX_INLINE void tile(int rows, int panels, ptrdiff_t columns, ptrdiff_t k, const float *x, ptrdiff_t x_stride,
                      const float *packed, const float *bias, float *out, ptrdiff_t out_stride) {
  panel_row sums[6];
  for (int i = 0; i < rows * panels; i++) sums[i] = (panel_row){0};
  for (ptrdiff_t i = 0; i < k; i++) {
    for (int panel = 0; panel < panels; panel++) {
      panel_row weights = *(const panel_row *)(packed + (panel * k + i) * CRUX_PANEL);
      for (int row = 0; row < rows; row++) sums[row * panels + panel] += x[row * x_stride + i] * weights;
    }
  }
  for (int panel = 0; panel < panels; panel++) {
    ptrdiff_t column = panel * CRUX_PANEL;
    for (int row = 0; row < rows; row++) {
      float *target = out + row * out_stride + column;
      panel_row sum = sums[row * panels + panel];
      if (columns - column >= CRUX_PANEL) {
        if (bias) sum += *(const panel_row *)(bias + column);
        *(panel_row *)target = sum;
      } else {
        for (ptrdiff_t i = 0; i < columns - column; i++) target[i] = bias ? sum[i] + bias[column + i] : sum[i];
      }
    }
  }
}

CRUX_CLONES
void crux_multiply_packed(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *x, ptrdiff_t x_stride,
                          const float *packed, const float *bias, float *out, ptrdiff_t out_stride) {
#define TILE(rows, panels) \
  tile(rows, panels, n - column, k, x + row * x_stride, x_stride, packed + column * k, bias ? bias + column : 0, \
       out + row * out_stride + column, out_stride)
  ptrdiff_t column = 0, row = 0;
  // One or two rows take several panels at a time, to have enough independent sums.
  if (m == 1) {
    for (; column + 4 * CRUX_PANEL <= n; column += 4 * CRUX_PANEL) TILE(1, 4);
  } else if (m == 2) {
    for (; column + 2 * CRUX_PANEL <= n; column += 2 * CRUX_PANEL) TILE(2, 2);
  }
  for (; column < n; column += CRUX_PANEL) {
    row = 0;
    while (m - row >= 9 || m - row == 6) {
      TILE(6, 1);
      row += 6;
    }
    if (m - row >= 7) {
      TILE(4, 1);
      row += 4;
    }
    switch (m - row) {
      case 5: TILE(5, 1); break;
      case 4: TILE(4, 1); break;
      case 3: TILE(3, 1); break;
      case 2: TILE(2, 1); break;
      case 1: TILE(1, 1); break;
      default: break;
    }
  }
#undef TILE
}

typedef float four __attribute__((vector_size(16), aligned(4)));

CRUX_CLONES
void crux_pack(ptrdiff_t n, ptrdiff_t k, const float *restrict weight, float *restrict packed) {
  for (ptrdiff_t column = 0; column < n; column += CRUX_PANEL) {
    float *panel = packed + column * k;
    const float *rows = weight + column * k;
    ptrdiff_t columns = n - column < CRUX_PANEL ? n - column : CRUX_PANEL;
    ptrdiff_t i = 0;
    if (columns == CRUX_PANEL) {
      // Squares of 4 by 4, transposed in registers.
      for (; i + 4 <= k; i += 4) {
        for (int c = 0; c < CRUX_PANEL; c += 4) {
          const float *corner = rows + c * k + i;
          four r0 = *(const four *)corner, r1 = *(const four *)(corner + k);
          four r2 = *(const four *)(corner + 2 * k), r3 = *(const four *)(corner + 3 * k);
          four a = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), b = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
          four d = __builtin_shufflevector(r0, r1, 2, 6, 3, 7), e = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
          float *target = panel + i * CRUX_PANEL + c;
          *(four *)target = __builtin_shufflevector(a, b, 0, 1, 4, 5);
          *(four *)(target + CRUX_PANEL) = __builtin_shufflevector(a, b, 2, 3, 6, 7);
          *(four *)(target + 2 * CRUX_PANEL) = __builtin_shufflevector(d, e, 0, 1, 4, 5);
          *(four *)(target + 3 * CRUX_PANEL) = __builtin_shufflevector(d, e, 2, 3, 6, 7);
        }
      }
    }
    for (; i < k; i++) {
      for (ptrdiff_t c = 0; c < CRUX_PANEL; c++) panel[i * CRUX_PANEL + c] = c < columns ? rows[c * k + i] : 0;
    }
  }
}
