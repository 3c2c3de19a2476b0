#include "CKernels.h"
#include "dispatch.h"
#include <string.h>

// Each element is one chain of multiply-adds in the order of k, whichever tile computes it: no `reassociate` here.
#pragma clang fp contract(fast)

typedef float panel_row __attribute__((vector_size(4 * CRUX_PANEL), aligned(4)));

/// `rows` by `panels` sums that stay in registers; `columns` of `out` are left from here on.
CRUX_INLINE void tile(int rows, int panels, ptrdiff_t columns, ptrdiff_t k, const float *x, ptrdiff_t x_stride,
                      const float *packed, ptrdiff_t panel_stride, const float *bias, float *out,
                      ptrdiff_t out_stride) {
  panel_row sums[6];
  for (int i = 0; i < rows * panels; i++) sums[i] = (panel_row){0};
  for (ptrdiff_t i = 0; i < k; i++) {
    for (int panel = 0; panel < panels; panel++) {
      panel_row weights = *(const panel_row *)(packed + panel * panel_stride + i * CRUX_PANEL);
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

// Calls tiles of up to six of `count` rows, `row` being the first of each; two of four come before one of six and one of
// two, which would wait for its multiply-adds.
#define FOR_ROWS(count, row, ROWS) \
  while ((count) - row >= 9 || (count) - row == 6) { \
    ROWS(6); \
    row += 6; \
  } \
  if ((count) - row >= 7) { \
    ROWS(4); \
    row += 4; \
  } \
  switch ((count) - row) { \
    case 5: ROWS(5); break; \
    case 4: ROWS(4); break; \
    case 3: ROWS(3); break; \
    case 2: ROWS(2); break; \
    case 1: ROWS(1); break; \
    default: break; \
  }

CRUX_CLONES
void crux_multiply_packed(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *x, ptrdiff_t x_stride,
                          const float *packed, ptrdiff_t panel_stride, const float *bias, float *out,
                          ptrdiff_t out_stride) {
#define TILE(rows, panels) \
  tile(rows, panels, n - column, k, x + row * x_stride, x_stride, packed + column / CRUX_PANEL * panel_stride, \
       panel_stride, bias ? bias + column : 0, out + row * out_stride + column, out_stride)
  ptrdiff_t column = 0, row = 0;
  // One or two rows take several panels at a time, to have enough independent sums.
  if (m == 1) {
    for (; column + 4 * CRUX_PANEL <= n; column += 4 * CRUX_PANEL) TILE(1, 4);
  } else if (m == 2) {
    for (; column + 2 * CRUX_PANEL <= n; column += 2 * CRUX_PANEL) TILE(2, 2);
  }
#define ROWS(rows) TILE(rows, 1)
  for (; column < n; column += CRUX_PANEL) {
    row = 0;
    FOR_ROWS(m, row, ROWS);
  }
#undef ROWS
#undef TILE
}

typedef float four __attribute__((vector_size(16), aligned(4)));

CRUX_CLONES
void crux_pack(ptrdiff_t n, ptrdiff_t k, const float *restrict weight, ptrdiff_t stride, float *restrict packed) {
  for (ptrdiff_t column = 0; column < n; column += CRUX_PANEL) {
    float *panel = packed + column * k;
    const float *rows = weight + column * stride;
    ptrdiff_t columns = n - column < CRUX_PANEL ? n - column : CRUX_PANEL;
    ptrdiff_t i = 0;
    if (columns == CRUX_PANEL) {
      // Squares of 4 by 4, transposed in registers.
      for (; i + 4 <= k; i += 4) {
        for (int c = 0; c < CRUX_PANEL; c += 4) {
          const float *corner = rows + c * stride + i;
          four r0 = *(const four *)corner, r1 = *(const four *)(corner + stride);
          four r2 = *(const four *)(corner + 2 * stride), r3 = *(const four *)(corner + 3 * stride);
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
      for (ptrdiff_t c = 0; c < CRUX_PANEL; c++) panel[i * CRUX_PANEL + c] = c < columns ? rows[c * stride + i] : 0;
    }
  }
}

CRUX_CLONES
void crux_pack_columns(ptrdiff_t k, ptrdiff_t n, const float *restrict matrix, ptrdiff_t stride,
                       float *restrict packed) {
  for (ptrdiff_t column = 0; column < n; column += CRUX_PANEL) {
    float *panel = packed + column * k;
    const float *corner = matrix + column;
    ptrdiff_t columns = n - column < CRUX_PANEL ? n - column : CRUX_PANEL;
    if (columns == CRUX_PANEL) {
      for (ptrdiff_t i = 0; i < k; i++) {
        *(panel_row *)(panel + i * CRUX_PANEL) = *(const panel_row *)(corner + i * stride);
      }
    } else {
      for (ptrdiff_t i = 0; i < k; i++) {
        for (ptrdiff_t c = 0; c < CRUX_PANEL; c++) panel[i * CRUX_PANEL + c] = c < columns ? corner[i * stride + c] : 0;
      }
    }
  }
}

/// `rows` rows of `out`, CRUX_PANEL wide: sums over the `m` rows of both factors.
CRUX_INLINE void transposed_tile(int rows, ptrdiff_t columns, ptrdiff_t m, const float *a, const float *panel,
                                 int adds, float *out, ptrdiff_t out_stride) {
  panel_row sums[6];
  for (int row = 0; row < rows; row++) sums[row] = (panel_row){0};
  for (ptrdiff_t i = 0; i < m; i++) {
    panel_row b = *(const panel_row *)(panel + i * CRUX_PANEL);
    for (int row = 0; row < rows; row++) sums[row] += a[i * CRUX_STRIP_COLUMNS + row] * b;
  }
  for (int row = 0; row < rows; row++) {
    float *target = out + row * out_stride;
    if (columns >= CRUX_PANEL) {
      *(panel_row *)target = adds ? *(panel_row *)target + sums[row] : sums[row];
    } else {
      for (ptrdiff_t c = 0; c < columns; c++) target[c] = adds ? target[c] + sums[row][c] : sums[row][c];
    }
  }
}

CRUX_CLONES
void crux_multiply_transposed(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t a_stride,
                              const float *b, ptrdiff_t b_stride, int32_t adds, float *out, ptrdiff_t out_stride,
                              float *scratch) {
  // Columns of `a`, so that the tiles read neighbours: rows of the matrix itself fall on few lines of a cache.
  float strip[CRUX_STRIP_ROWS * CRUX_STRIP_COLUMNS];
  for (ptrdiff_t first = 0; first < m; first += CRUX_STRIP_ROWS) {
    ptrdiff_t rows = m - first < CRUX_STRIP_ROWS ? m - first : CRUX_STRIP_ROWS;
    crux_pack_columns(rows, k, b + first * b_stride, b_stride, scratch);
    for (ptrdiff_t start = 0; start < n; start += CRUX_STRIP_COLUMNS) {
      ptrdiff_t columns = n - start < CRUX_STRIP_COLUMNS ? n - start : CRUX_STRIP_COLUMNS;
      for (ptrdiff_t i = 0; i < rows; i++) {
        memcpy(strip + i * CRUX_STRIP_COLUMNS, a + (first + i) * a_stride + start, sizeof(float) * (size_t)columns);
      }
      for (ptrdiff_t column = 0; column < k; column += CRUX_PANEL) {
#define ROWS(count) \
  transposed_tile(count, k - column, rows, strip + row, scratch + column * rows, adds || first, \
                  out + (start + row) * out_stride + column, out_stride)
        ptrdiff_t row = 0;
        FOR_ROWS(columns, row, ROWS);
#undef ROWS
      }
    }
  }
}
