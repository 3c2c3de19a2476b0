#include "CKernels.h"
#include "dispatch.h"

CRUX_CLONES
void crux_transpose(ptrdiff_t rows, ptrdiff_t columns, const float *restrict in, float *restrict out) {
  // Tiles of 16 by 16 keep both sides within few cache lines.
  for (ptrdiff_t row = 0; row < rows; row += 16) {
    ptrdiff_t row_end = row + 16 < rows ? row + 16 : rows;
    for (ptrdiff_t column = 0; column < columns; column += 16) {
      ptrdiff_t column_end = column + 16 < columns ? column + 16 : columns;
      for (ptrdiff_t c = column; c < column_end; c++) {
        for (ptrdiff_t r = row; r < row_end; r++) out[c * rows + r] = in[r * columns + c];
      }
    }
  }
}
