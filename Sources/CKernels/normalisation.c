#include "CKernels.h"
#include "dispatch.h"

#pragma clang fp reassociate(on) contract(fast)

CRUX_CLONES
void crux_layer_norm_forward(ptrdiff_t rows, ptrdiff_t width, const float *x, const float *residual, float *sum,
                             const float *weight, const float *bias, float epsilon, float *out, float *mean,
                             float *rstd) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *in = x + row * width;
    float total = 0;
    if (residual) {
      const float *addend = residual + row * width;
      float *target = sum + row * width;
      CRUX_IN_PLACE
      for (ptrdiff_t i = 0; i < width; i++) {
        float value = in[i] + addend[i];
        target[i] = value;
        total += value;
      }
      in = target;
    } else {
      for (ptrdiff_t i = 0; i < width; i++) total += in[i];
    }
    float m = total / (float)width;
    float variance = 0;
    for (ptrdiff_t i = 0; i < width; i++) {
      float d = in[i] - m;
      variance += d * d;
    }
    float s = 1.0f / __builtin_elementwise_sqrt(variance / (float)width + epsilon);
    float *target = out + row * width;
    if (bias) {
      for (ptrdiff_t i = 0; i < width; i++) target[i] = (in[i] - m) * s * weight[i] + bias[i];
    } else {
      for (ptrdiff_t i = 0; i < width; i++) target[i] = (in[i] - m) * s * weight[i];
    }
    mean[row] = m;
    rstd[row] = s;
  }
}

CRUX_CLONES
void crux_layer_norm_backward(ptrdiff_t rows, ptrdiff_t width, const float *dout, const float *x,
                              const float *weight, const float *bias, const float *mean, const float *rstd,
                              float *restrict dx, float *restrict out, float *restrict dweight,
                              float *restrict dbias) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *gradient = dout + row * width;
    const float *in = x + row * width;
    float *target = dx + row * width;
    float *normalised = out + row * width;
    float m = mean[row], s = rstd[row];
    // With g = dout * weight and y = (x - mean) * rstd: dx = rstd * (g - mean(g) - y * mean(g * y)).
    float sum = 0, dot = 0;
    for (ptrdiff_t i = 0; i < width; i++) {
      float g = gradient[i] * weight[i];
      float y = (in[i] - m) * s;
      sum += g;
      dot += g * y;
      dweight[i] += gradient[i] * y;
      normalised[i] = y * weight[i];
    }
    if (dbias) {
      for (ptrdiff_t i = 0; i < width; i++) {
        dbias[i] += gradient[i];
        normalised[i] += bias[i];
      }
    }
    sum /= (float)width;
    dot /= (float)width;
    for (ptrdiff_t i = 0; i < width; i++) {
      float y = (in[i] - m) * s;
      target[i] += s * (gradient[i] * weight[i] - sum - y * dot);
    }
  }
}
