#include "CKernels.h"
#include "dispatch.h"
#include "exponential.h"

#pragma clang fp reassociate(on) contract(fast)

// gelu(x) = x/2 (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3).
#define TWICE_ROOT_TWO_OVER_PI 1.5957691216057308f
#define CUBIC 0.044715f

CRUX_INLINE float gate(float x) {
  float u2 = TWICE_ROOT_TWO_OVER_PI * x * (1.0f + CUBIC * x * x);
  return 1.0f / (1.0f + crux_exp(-u2));
}

CRUX_CLONES
void crux_bias_gelu_forward(ptrdiff_t rows, ptrdiff_t width, float *x, const float *bias, float *out) {
  if (bias) {
    for (ptrdiff_t row = 0; row < rows; row++) {
      float *in = x + row * width;
      float *target = out + row * width;
      CRUX_IN_PLACE
      for (ptrdiff_t i = 0; i < width; i++) {
        float value = in[i] + bias[i];
        in[i] = value;
        target[i] = value * gate(value);
      }
    }
  } else {
    CRUX_IN_PLACE
    for (ptrdiff_t i = 0; i < rows * width; i++) out[i] = x[i] * gate(x[i]);
  }
}

CRUX_CLONES
void crux_gelu_backward(ptrdiff_t rows, ptrdiff_t width, const float *restrict x, float *restrict gradient,
                        float *restrict out, float *restrict dbias) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *in = x + row * width;
    float *target = gradient + row * width;
    float *activated = out + row * width;
    for (ptrdiff_t i = 0; i < width; i++) {
      float value = in[i];
      float s = gate(value);
      activated[i] = value * s;
      float slope = TWICE_ROOT_TWO_OVER_PI * (1.0f + 3.0f * CUBIC * value * value);
      target[i] *= s + value * s * (1.0f - s) * slope;
    }
    if (dbias) {
      for (ptrdiff_t i = 0; i < width; i++) dbias[i] += target[i];
    }
  }
}

CRUX_CLONES
void crux_add_bias(ptrdiff_t rows, ptrdiff_t width, float *restrict x, const float *restrict bias) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    float *target = x + row * width;
    for (ptrdiff_t i = 0; i < width; i++) target[i] += bias[i];
  }
}

CRUX_CLONES
void crux_add_column_sums(ptrdiff_t rows, ptrdiff_t width, const float *restrict x, float *restrict out) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *in = x + row * width;
    for (ptrdiff_t i = 0; i < width; i++) out[i] += in[i];
  }
}
