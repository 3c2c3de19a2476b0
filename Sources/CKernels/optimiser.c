#include "CKernels.h"
#include "dispatch.h"

#pragma clang fp reassociate(on) contract(fast)

CRUX_CLONES
void crux_adamw(ptrdiff_t count, float *restrict parameters, const float *restrict gradients, float *restrict first,
                float *restrict second, float learning_rate, float beta1, float beta2, float epsilon,
                float weight_decay, float gradient_scale, float correction1, float correction2) {
  float decay = 1.0f - learning_rate * weight_decay;
  float step = learning_rate / correction1;
  float root = 1.0f / __builtin_elementwise_sqrt(correction2);
  for (ptrdiff_t i = 0; i < count; i++) {
    float g = gradients[i] * gradient_scale;
    float m = beta1 * first[i] + (1.0f - beta1) * g;
    float v = beta2 * second[i] + (1.0f - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    parameters[i] = parameters[i] * decay - step * m / (__builtin_elementwise_sqrt(v) * root + epsilon);
  }
}

CRUX_CLONES
void crux_add(ptrdiff_t count, float *restrict into, const float *restrict from) {
  for (ptrdiff_t i = 0; i < count; i++) into[i] += from[i];
}

CRUX_CLONES
void crux_scale(ptrdiff_t count, float *x, float factor) {
  for (ptrdiff_t i = 0; i < count; i++) x[i] *= factor;
}

CRUX_CLONES
double crux_sum_of_squares(ptrdiff_t count, const float *x) {
  double total = 0;
  for (ptrdiff_t i = 0; i < count; i++) total += (double)x[i] * (double)x[i];
  return total;
}
