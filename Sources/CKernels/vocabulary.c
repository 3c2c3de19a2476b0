#include "CKernels.h"
#include "dispatch.h"
#include "exponential.h"
#include "maximum.h"
#include <math.h>

#pragma clang fp reassociate(on) contract(fast)

CRUX_CLONES
void crux_embed(ptrdiff_t rows, ptrdiff_t width, const int32_t *tokens, const int32_t *positions,
                const float *restrict token_table, const float *restrict position_table, float *restrict out) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *a = token_table + tokens[row] * width;
    const float *b = position_table + positions[row] * width;
    float *target = out + row * width;
    for (ptrdiff_t i = 0; i < width; i++) target[i] = a[i] + b[i];
  }
}

CRUX_CLONES
void crux_embed_backward(ptrdiff_t rows, ptrdiff_t width, const int32_t *tokens, const int32_t *positions,
                         const float *restrict gradient, float *restrict token_table,
                         float *restrict position_table) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *in = gradient + row * width;
    float *a = token_table + tokens[row] * width;
    float *b = position_table + positions[row] * width;
    for (ptrdiff_t i = 0; i < width; i++) {
      a[i] += in[i];
      b[i] += in[i];
    }
  }
}

CRUX_INLINE float log_normaliser(ptrdiff_t width, float factor, const float *x) {
  float maximum = crux_maximum(width, x) * factor;
  float total = 0;
  for (ptrdiff_t i = 0; i < width; i++) total += crux_exp(x[i] * factor - maximum);
  return maximum + logf(total);
}

CRUX_CLONES
void crux_log_softmax(ptrdiff_t rows, ptrdiff_t width, float inverse_temperature, const float *x, float *out) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *in = x + row * width;
    float *target = out + row * width;
    float shift = log_normaliser(width, inverse_temperature, in);
    CRUX_IN_PLACE
    for (ptrdiff_t i = 0; i < width; i++) target[i] = in[i] * inverse_temperature - shift;
  }
}

CRUX_CLONES
void crux_cross_entropy(ptrdiff_t rows, ptrdiff_t width, const float *logits, const int32_t *targets, float scale,
                        float *losses, float *gradient) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *in = logits + row * width;
    float *target = gradient ? gradient + row * width : 0;
    if (targets[row] < 0) {
      losses[row] = 0;
      if (target) {
        for (ptrdiff_t i = 0; i < width; i++) target[i] = 0;
      }
      continue;
    }
    float shift = log_normaliser(width, 1.0f, in);
    losses[row] = shift - in[targets[row]];
    if (target) {
      CRUX_IN_PLACE
      for (ptrdiff_t i = 0; i < width; i++) target[i] = scale * crux_exp(in[i] - shift);
      target[targets[row]] -= scale;
    }
  }
}
