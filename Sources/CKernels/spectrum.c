#include "CKernels.h"
#include "dispatch.h"

#pragma clang fp reassociate(on) contract(fast)

CRUX_CLONES
void crux_gram(ptrdiff_t rows, ptrdiff_t columns, const float *x, double *gram) {
  for (ptrdiff_t i = 0; i < columns * columns; i++) gram[i] = 0;
  // Four rows at a time: a row of the Gram matrix is loaded and stored once for four products.
  for (ptrdiff_t r = 0; r < rows; r += 4) {
    ptrdiff_t left = rows - r;
    const float *x0 = x + r * columns;
    const float *x1 = left > 1 ? x0 + columns : x0, *x2 = left > 2 ? x1 + columns : x0;
    const float *x3 = left > 3 ? x2 + columns : x0;
    double f1 = left > 1, f2 = left > 2, f3 = left > 3;
    for (ptrdiff_t i = 0; i < columns; i++) {
      double a0 = x0[i], a1 = f1 * x1[i], a2 = f2 * x2[i], a3 = f3 * x3[i];
      double *row = gram + i * columns;
      for (ptrdiff_t j = 0; j <= i; j++) row[j] += a0 * x0[j] + a1 * x1[j] + a2 * x2[j] + a3 * x3[j];
    }
  }
  for (ptrdiff_t i = 0; i < columns; i++)
    for (ptrdiff_t j = 0; j < i; j++) gram[j * columns + i] = gram[i * columns + j];
}

CRUX_CLONES
static double dot(ptrdiff_t count, const double *a, const double *b) {
  double total = 0;
  for (ptrdiff_t i = 0; i < count; i++) total += a[i] * b[i];
  return total;
}

CRUX_CLONES
static void add_scaled(ptrdiff_t count, double factor, const double *x, double *y) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] += factor * x[i];
}

CRUX_CLONES
static void rotate(ptrdiff_t count, double c, double s, double *restrict a, double *restrict b) {
  for (ptrdiff_t i = 0; i < count; i++) {
    double f = b[i];
    b[i] = s * a[i] + c * f;
    a[i] = c * a[i] - s * f;
  }
}

static double hypotenuse(double a, double b) {
  a = __builtin_fabs(a);
  b = __builtin_fabs(b);
  double large = a > b ? a : b, small = a > b ? b : a;
  if (large == 0) return 0;
  double ratio = small / large;
  return large * __builtin_sqrt(1 + ratio * ratio);
}

int32_t crux_symmetric_eigen(ptrdiff_t n, double *a, double *values, double *vectors, double *scratch) {
  double *diagonal = values, *off = scratch, *p = scratch + n;
  // Householder reflections from the last row up: row i keeps its reflector in a[i][0..<i].
  for (ptrdiff_t i = n - 1; i > 0; i--) {
    double *u = a + i * n;
    ptrdiff_t l = i;
    double scale = 0;
    for (ptrdiff_t k = 0; k < l - 1; k++) scale += __builtin_fabs(u[k]);
    off[i] = u[l - 1];
    p[i] = 0;
    if (scale == 0) {
      for (ptrdiff_t k = 0; k < l; k++) u[k] = 0;
      diagonal[i] = 0;
      continue;
    }
    double norm = __builtin_sqrt(dot(l, u, u));
    double g = u[l - 1] >= 0 ? -norm : norm;
    off[i] = g;
    double h = norm * norm - u[l - 1] * g;
    u[l - 1] -= g;
    diagonal[i] = h;
    // p = A u / h, from the lower triangle alone.
    double *w = p;
    for (ptrdiff_t j = 0; j < l; j++) w[j] = 0;
    for (ptrdiff_t j = 0; j < l; j++) {
      double *row = a + j * n;
      w[j] += dot(j + 1, row, u);
      add_scaled(j, u[j], row, w);
    }
    for (ptrdiff_t j = 0; j < l; j++) w[j] /= h;
    double half = dot(l, w, u) / (2 * h);
    for (ptrdiff_t j = 0; j < l; j++) w[j] -= half * u[j];
    for (ptrdiff_t j = 0; j < l; j++) {
      double *row = a + j * n;
      add_scaled(j + 1, -u[j], w, row);
      add_scaled(j + 1, -w[j], u, row);
    }
  }
  off[0] = 0;
  if (vectors) {
    // Rows of `vectors` will be the eigenvectors: start from the product of the reflections, transposed.
    for (ptrdiff_t i = 0; i < n * n; i++) vectors[i] = 0;
    for (ptrdiff_t i = 0; i < n; i++) vectors[i * n + i] = 1;
    for (ptrdiff_t i = 1; i < n; i++) {
      double h = diagonal[i];
      if (h == 0) continue;
      double *u = a + i * n;
      // vectors = vectors' with the reflection 1 - u u^T / h applied to rows 0..<i.
      for (ptrdiff_t k = 0; k < i; k++) p[k] = 0;
      for (ptrdiff_t j = 0; j < i; j++) add_scaled(i, u[j], vectors + j * n, p);
      for (ptrdiff_t j = 0; j < i; j++) add_scaled(i, -u[j] / h, p, vectors + j * n);
    }
    // The reflections were applied from the left to the unit matrix: its rows are those of Q; eigenvectors need Q^T.
    for (ptrdiff_t i = 0; i < n; i++)
      for (ptrdiff_t j = 0; j < i; j++) {
        double swap = vectors[i * n + j];
        vectors[i * n + j] = vectors[j * n + i];
        vectors[j * n + i] = swap;
      }
  }
  for (ptrdiff_t i = 0; i < n; i++) diagonal[i] = a[i * n + i];
  for (ptrdiff_t i = 1; i < n; i++) off[i - 1] = off[i];
  if (n > 0) off[n - 1] = 0;
  // Implicit QL.
  for (ptrdiff_t l = 0; l < n; l++) {
    for (int iteration = 0;; iteration++) {
      ptrdiff_t m = l;
      for (; m < n - 1; m++) {
        double size = __builtin_fabs(diagonal[m]) + __builtin_fabs(diagonal[m + 1]);
        if (__builtin_fabs(off[m]) <= 0x1p-52 * size) break;
      }
      if (m == l) break;
      if (iteration == 60) return 0;
      double g = (diagonal[l + 1] - diagonal[l]) / (2 * off[l]);
      double r = hypotenuse(g, 1);
      g = diagonal[m] - diagonal[l] + off[l] / (g + (g >= 0 ? r : -r));
      double s = 1, c = 1, shift = 0;
      ptrdiff_t i = m - 1;
      for (; i >= l; i--) {
        double f = s * off[i], b = c * off[i];
        r = hypotenuse(f, g);
        off[i + 1] = r;
        if (r == 0) {
          diagonal[i + 1] -= shift;
          off[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = diagonal[i + 1] - shift;
        r = (diagonal[i] - g) * s + 2 * c * b;
        shift = s * r;
        diagonal[i + 1] = g + shift;
        g = c * r - b;
        if (vectors) rotate(n, c, s, vectors + i * n, vectors + (i + 1) * n);
      }
      if (r == 0 && i >= l) continue;
      diagonal[l] -= shift;
      off[l] = g;
      off[m] = 0;
    }
  }
  return 1;
}
