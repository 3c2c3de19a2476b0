#include "CKernels.h"
#include "dispatch.h"

#include <string.h>

// Sums run in LANES fixed lanes and without contraction, so that every CPU level gives the same bits.
#pragma clang fp reassociate(off) contract(off)

#define LANES 16

CRUX_INLINE uint32_t float_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/// Round to nearest even; both zeros get one pattern.
CRUX_INLINE uint32_t bfloat16_bits(float x) {
  uint32_t bits = float_bits(x);
  bits = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  return (bits & 0x7FFF) == 0 ? 0 : bits;
}

CRUX_CLONES
void crux_difference(ptrdiff_t count, const float *base, const float *policy, double absolute, double relative,
                     crux_difference_sums *sums) {
  double change_squares[LANES] = {0}, base_squares[LANES] = {0}, policy_squares[LANES] = {0}, products[LANES] = {0};
  double magnitudes[LANES] = {0}, largest[LANES] = {0};
  int32_t as_bfloat16[LANES] = {0}, beyond_absolute[LANES] = {0}, beyond_relative[LANES] = {0};
  int32_t base_nans[LANES] = {0}, policy_nans[LANES] = {0}, pairs[LANES] = {0}, values[LANES] = {0};
  for (ptrdiff_t start = 0; start < count; start += LANES) {
    float from[LANES] = {0}, to[LANES] = {0};
    ptrdiff_t width = count - start < LANES ? count - start : LANES;
    if (width == LANES) {
      memcpy(from, base + start, sizeof from);
      memcpy(to, policy + start, sizeof to);
    } else {
      for (ptrdiff_t i = 0; i < width; i++) from[i] = base[start + i], to[i] = policy[start + i];
    }
    for (int i = 0; i < LANES; i++) {
      int base_nan = from[i] != from[i], policy_nan = to[i] != to[i];
      int valid = !(base_nan | policy_nan);
      // A NaN on either side leaves every sum as it is.
      double f = valid ? (double)from[i] : 0.0, t = valid ? (double)to[i] : 0.0;
      // Equal infinities would give NaN.
      double change = f == t ? 0.0 : t - f;
      double size = __builtin_fabs(change);
      double f_size = __builtin_fabs(f), t_size = __builtin_fabs(t);
      change_squares[i] += change * change;
      base_squares[i] += f * f;
      policy_squares[i] += t * t;
      products[i] += f * t;
      magnitudes[i] += size;
      largest[i] = size > largest[i] ? size : largest[i];
      beyond_absolute[i] += size > absolute;
      beyond_relative[i] += size > relative * (f_size > t_size ? f_size : t_size);
      as_bfloat16[i] += valid & (bfloat16_bits(from[i]) != bfloat16_bits(to[i]));
      values[i] += !((from[i] == to[i]) | (base_nan & policy_nan));
      base_nans[i] += base_nan & !valid;
      policy_nans[i] += policy_nan & !valid;
      pairs[i] += !valid;
    }
  }
  for (int i = 0; i < LANES; i++) {
    sums->change_squares += change_squares[i];
    sums->base_squares += base_squares[i];
    sums->policy_squares += policy_squares[i];
    sums->products += products[i];
    sums->magnitudes += magnitudes[i];
    sums->largest = largest[i] > sums->largest ? largest[i] : sums->largest;
    sums->beyond_absolute += beyond_absolute[i];
    sums->beyond_relative += beyond_relative[i];
    sums->as_bfloat16 += as_bfloat16[i];
    sums->by_value += values[i];
    sums->base_nans += base_nans[i];
    sums->policy_nans += policy_nans[i];
    sums->nan_pairs += pairs[i];
  }
}

/// Bits of a float of `width` bits in the order of the values: neighbours differ by one, both zeros are equal.
#define ORDERED(bits, sign) ((bits) & (sign) ? -(int64_t)((bits) & ~(sign)) : (int64_t)(bits))

CRUX_INLINE uint8_t step_bin(int64_t distance) {
  uint64_t size = (uint64_t)(distance < 0 ? -distance : distance);
  return size == 0 ? 0 : (uint8_t)(64 - __builtin_clzll(size));
}

#define STEPS(name, type, sign, infinity)                                                                  \
  CRUX_CLONES                                                                                              \
  void name(ptrdiff_t count, const void *base, const void *policy, int64_t *bins) {                        \
    const char *from = base, *to = policy;                                                                 \
    int32_t partial[4][CRUX_STEP_BINS] = {{0}};                                                            \
    for (ptrdiff_t i = 0; i < count; i++) {                                                                \
      type a, b;                                                                                           \
      memcpy(&a, from + i * (ptrdiff_t)sizeof a, sizeof a);                                                \
      memcpy(&b, to + i * (ptrdiff_t)sizeof b, sizeof b);                                                  \
      if ((type)(a & ~(sign)) > (infinity) || (type)(b & ~(sign)) > (infinity)) continue;                  \
      partial[i & 3][step_bin(ORDERED(a, sign) - ORDERED(b, sign))]++;                                     \
    }                                                                                                      \
    for (int i = 0; i < CRUX_STEP_BINS; i++)                                                               \
      bins[i] += (int64_t)partial[0][i] + partial[1][i] + partial[2][i] + partial[3][i];                   \
  }

STEPS(crux_steps_f32, uint32_t, 0x80000000u, 0x7F800000u)
STEPS(crux_steps_f16, uint16_t, 0x8000u, 0x7C00u)
STEPS(crux_steps_bf16, uint16_t, 0x8000u, 0x7F80u)

CRUX_CLONES
void crux_widen_bf16(ptrdiff_t count, const void *in, float *out) {
  const char *bytes = in;
  for (ptrdiff_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, bytes + 2 * i, sizeof half);
    uint32_t bits = (uint32_t)half << 16;
    memcpy(out + i, &bits, sizeof bits);
  }
}

CRUX_CLONES
void crux_widen_f16(ptrdiff_t count, const void *in, float *out) {
  const char *bytes = in;
  for (ptrdiff_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, bytes + 2 * i, sizeof half);
    uint32_t magnitude = (uint32_t)(half & 0x7FFF) << 13;
    uint32_t special = magnitude | 0x7F800000;
    float scaled;
    memcpy(&scaled, &magnitude, sizeof scaled);
    // Shifts the exponent, subnormals included.
    scaled *= 0x1p112f;
    uint32_t plain = float_bits(scaled);
    uint32_t bits = (half & 0x7C00) == 0x7C00 ? special : plain;
    bits |= (uint32_t)(half & 0x8000) << 16;
    memcpy(out + i, &bits, sizeof bits);
  }
}
