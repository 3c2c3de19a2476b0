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

/// What turns logits into log probabilities: the largest logit, and the logarithm of the sum of the exponentials of the
/// distances to it. They stay apart, for their sum would lose the digits of the second where logits are large.
typedef struct {
  float maximum;
  float log_total;
} normaliser;

CRUX_INLINE normaliser log_normaliser(ptrdiff_t width, float factor, const float *x) {
  float maximum = crux_maximum(width, x);
  float total = 0;
  for (ptrdiff_t i = 0; i < width; i++) total += crux_exp((x[i] - maximum) * factor);
  return (normaliser){maximum, logf(total)};
}

CRUX_INLINE float log_probability(normaliser row, float factor, float logit) {
#pragma clang fp reassociate(off)
  return (logit - row.maximum) * factor - row.log_total;
}

CRUX_CLONES
void crux_log_softmax(ptrdiff_t rows, ptrdiff_t width, float inverse_temperature, const float *x, float *out) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *in = x + row * width;
    float *target = out + row * width;
    normaliser own = log_normaliser(width, inverse_temperature, in);
    CRUX_IN_PLACE
    for (ptrdiff_t i = 0; i < width; i++) target[i] = log_probability(own, inverse_temperature, in[i]);
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
    normaliser own = log_normaliser(width, 1.0f, in);
    losses[row] = -log_probability(own, 1.0f, in[targets[row]]);
    if (target) {
      CRUX_IN_PLACE
      for (ptrdiff_t i = 0; i < width; i++) target[i] = scale * crux_exp(log_probability(own, 1.0f, in[i]));
      target[targets[row]] -= scale;
    }
  }
}
