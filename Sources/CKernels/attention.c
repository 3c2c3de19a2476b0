#include "CKernels.h"
#include "dispatch.h"
#include "exponential.h"
#include "maximum.h"
#include <math.h>

#pragma clang fp reassociate(on) contract(fast)

CRUX_CLONES
void crux_causal_softmax(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t visible, ptrdiff_t stride, float scale,
                         float *scores, float *log_sum_exp) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    float *x = scores + row * stride;
    ptrdiff_t count = visible + row;
    float maximum = crux_maximum(count, x) * scale;
    float total = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
      float e = crux_exp(x[i] * scale - maximum);
      x[i] = e;
      total += e;
    }
    float factor = 1.0f / total;
    for (ptrdiff_t i = 0; i < count; i++) x[i] *= factor;
    for (ptrdiff_t i = count; i < columns; i++) x[i] = 0;
    log_sum_exp[row] = maximum + logf(total);
  }
}

CRUX_CLONES
void crux_causal_probabilities(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t visible, ptrdiff_t stride, float scale,
                               float *scores, const float *log_sum_exp) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    float *x = scores + row * stride;
    ptrdiff_t count = visible + row;
    float shift = log_sum_exp[row];
    for (ptrdiff_t i = 0; i < count; i++) x[i] = crux_exp(x[i] * scale - shift);
    for (ptrdiff_t i = count; i < columns; i++) x[i] = 0;
  }
}

CRUX_CLONES
void crux_softmax_backward(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale,
                           const float *restrict probabilities, float *restrict gradient,
                           const float *restrict row_dots) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *p = probabilities + row * stride;
    float *g = gradient + row * stride;
    float dot = row_dots[row];
    for (ptrdiff_t i = 0; i < columns; i++) g[i] = p[i] * (g[i] - dot) * scale;
  }
}

CRUX_CLONES
void crux_row_dots(ptrdiff_t rows, ptrdiff_t width, ptrdiff_t a_stride, const float *a, ptrdiff_t b_stride,
                   const float *b, float *out) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *x = a + row * a_stride;
    const float *y = b + row * b_stride;
    float dot = 0;
    for (ptrdiff_t i = 0; i < width; i++) dot += x[i] * y[i];
    out[row] = dot;
  }
}

CRUX_CLONES
void crux_cached_attention(ptrdiff_t count, ptrdiff_t width, float scale, const float *restrict query,
                           const float *restrict keys, const float *restrict values, float *restrict scores,
                           float *restrict out) {
  // A block's scores stay in registers while the head's dimensions go by; the last block may reach beyond
  // `count`, into floats that the cache has and nobody reads.
  for (ptrdiff_t start = 0; start < count; start += CRUX_KEY_BLOCK) {
    const float *k = keys + start * width;
    float block[CRUX_KEY_BLOCK] = {0};
    for (ptrdiff_t d = 0; d < width; d++) {
      for (int i = 0; i < CRUX_KEY_BLOCK; i++) block[i] += query[d] * k[d * CRUX_KEY_BLOCK + i];
    }
    for (int i = 0; i < CRUX_KEY_BLOCK; i++) scores[start + i] = block[i];
  }
  float maximum = crux_maximum(count, scores) * scale;
  float total = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    float e = crux_exp(scores[i] * scale - maximum);
    scores[i] = e;
    total += e;
  }
  float factor = 1.0f / total;
  ptrdiff_t column = 0;
  for (; column + 32 <= width; column += 32) {
    float block[32] = {0};
    for (ptrdiff_t t = 0; t < count; t++) {
      const float *v = values + t * width + column;
      for (int i = 0; i < 32; i++) block[i] += scores[t] * v[i];
    }
    for (int i = 0; i < 32; i++) out[column + i] = block[i] * factor;
  }
  for (; column < width; column++) {
    float sum = 0;
    for (ptrdiff_t t = 0; t < count; t++) sum += scores[t] * values[t * width + column];
    out[column] = sum * factor;
  }
}
