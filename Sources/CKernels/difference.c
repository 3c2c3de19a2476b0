#include "CKernels.h"
#include "dispatch.h"

#include <string.h>

// Sums run in LANES fixed lanes and without contraction, so that every CPU level gives the same bits.
#pragma clang fp reassociate(off) contract(off)

#define LANES 16

// Vectors of the compiler, half of the lanes each: without them it does not see through so many sums at once.
#define HALF (LANES / 2)
typedef double doubles __attribute__((vector_size(HALF * sizeof(double))));
typedef int64_t masks __attribute__((vector_size(HALF * sizeof(int64_t))));
typedef float floats __attribute__((vector_size(HALF * sizeof(float))));
typedef uint32_t words __attribute__((vector_size(HALF * sizeof(uint32_t))));
typedef int32_t word_masks __attribute__((vector_size(HALF * sizeof(int32_t))));

CRUX_INLINE uint32_t float_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/// Rounds to bf16, to nearest even; both zeros get one pattern. (Vectors go by address: passed by value, how depends on
/// the CPU's level.)
CRUX_INLINE void round_to_bfloat16(const floats *x, words *out) {
  words bits = (words)*x;
  bits = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  *out = bits & (words)((bits & 0x7FFF) != 0);
}

/// The sums of half of the lanes.
typedef struct {
  doubles change_squares, base_squares, policy_squares, products, magnitudes, largest;
  masks beyond_absolute, beyond_relative;
  word_masks as_bfloat16, by_value, base_nans, policy_nans, pairs;
} half_sums;

CRUX_INLINE void add_half(half_sums *sums, const float *base, const float *policy, double absolute, double relative,
                          int has_nans) {
  floats from, to;
  memcpy(&from, base, sizeof from);
  memcpy(&to, policy, sizeof to);
  words from_rounded, to_rounded;
  round_to_bfloat16(&from, &from_rounded);
  round_to_bfloat16(&to, &to_rounded);
  word_masks rounded_differ = (word_masks)(from_rounded != to_rounded);
  if (has_nans) {
    // A NaN on either side leaves every sum as it is.
    word_masks base_nan = from != from, policy_nan = to != to;
    word_masks valid = ~(base_nan | policy_nan);
    sums->by_value -= ~((from == to) | (base_nan & policy_nan));
    sums->base_nans -= base_nan;
    sums->policy_nans -= policy_nan;
    sums->pairs -= ~valid;
    rounded_differ &= valid;
    from = (floats)((word_masks)from & valid);
    to = (floats)((word_masks)to & valid);
  } else {
    sums->by_value -= from != to;
  }
  sums->as_bfloat16 -= rounded_differ;
  doubles f = __builtin_convertvector(from, doubles), t = __builtin_convertvector(to, doubles);
  // Equal infinities would give NaN.
  doubles change = (doubles)((masks)(t - f) & (f != t));
  doubles size = (doubles)((masks)change & INT64_MAX);
  masks f_size = (masks)f & INT64_MAX, t_size = (masks)t & INT64_MAX;
  sums->change_squares += change * change;
  sums->base_squares += f * f;
  sums->policy_squares += t * t;
  sums->products += f * t;
  sums->magnitudes += size;
  // No magnitude is negative or a NaN: their bits are in the order of the values.
  sums->largest = (doubles)__builtin_elementwise_max((masks)sums->largest, (masks)size);
  sums->beyond_absolute -= size > absolute;
  sums->beyond_relative -= size > relative * (doubles)__builtin_elementwise_max(f_size, t_size);
}

/// Whether a group of lanes has a NaN on either side.
CRUX_INLINE int has_nan(const float *base, const float *policy, ptrdiff_t count) {
  int32_t found = 0;
  for (ptrdiff_t i = 0; i < count; i++) found |= __builtin_isunordered(base[i], policy[i]);
  return found;
}

/// How many elements are looked through for NaNs at once: most have none, and then need no masks.
#define NAN_RUN 256

#define ADD_LANES(total, lanes) \
  for (int i = 0; i < HALF; i++) (total) += (lanes)[i]

CRUX_CLONES
void crux_difference(ptrdiff_t count, const float *base, const float *policy, double absolute, double relative,
                     crux_difference_sums *sums) {
  half_sums halves[2];
  memset(halves, 0, sizeof halves);
  ptrdiff_t start = 0;
  while (count - start >= LANES) {
    ptrdiff_t run = (count - start < NAN_RUN ? count - start : NAN_RUN) / LANES * LANES;
    if (has_nan(base + start, policy + start, run)) {
      for (ptrdiff_t i = start; i < start + run; i += LANES)
        for (int half = 0; half < 2; half++)
          add_half(&halves[half], base + i + half * HALF, policy + i + half * HALF, absolute, relative, 1);
    } else {
      for (ptrdiff_t i = start; i < start + run; i += LANES)
        for (int half = 0; half < 2; half++)
          add_half(&halves[half], base + i + half * HALF, policy + i + half * HALF, absolute, relative, 0);
    }
    start += run;
  }
  if (start < count) {
    float from[LANES] = {0}, to[LANES] = {0};
    for (ptrdiff_t i = 0; i < count - start; i++) from[i] = base[start + i], to[i] = policy[start + i];
    for (int half = 0; half < 2; half++)
      add_half(&halves[half], from + half * HALF, to + half * HALF, absolute, relative, 1);
  }
  for (int half = 0; half < 2; half++) {
    half_sums *part = &halves[half];
    ADD_LANES(sums->change_squares, part->change_squares);
    ADD_LANES(sums->base_squares, part->base_squares);
    ADD_LANES(sums->policy_squares, part->policy_squares);
    ADD_LANES(sums->products, part->products);
    ADD_LANES(sums->magnitudes, part->magnitudes);
    for (int i = 0; i < HALF; i++) sums->largest = part->largest[i] > sums->largest ? part->largest[i] : sums->largest;
    ADD_LANES(sums->beyond_absolute, part->beyond_absolute);
    ADD_LANES(sums->beyond_relative, part->beyond_relative);
    ADD_LANES(sums->as_bfloat16, part->as_bfloat16);
    ADD_LANES(sums->by_value, part->by_value);
    ADD_LANES(sums->base_nans, part->base_nans);
    ADD_LANES(sums->policy_nans, part->policy_nans);
    ADD_LANES(sums->nan_pairs, part->pairs);
  }
}

/// Bits of a float in the order of the values: neighbours differ by one, both zeros are equal.
#define ORDERED(bits, sign) ((bits) & (sign) ? -(int32_t)((bits) & ~(sign)) : (int32_t)(bits))

/// How many elements get their bins at once.
#define STEP_RUN 1024
/// Those of numbers, and one for pairs with a NaN.
#define ALL_BINS (CRUX_STEP_BINS + 1)

CRUX_INLINE uint32_t step_bin(uint32_t distance) {
  // A float's exponent is the place of the highest bit; without the bit below that, rounding does not raise it. Half of
  // the distance is never negative as a signed number.
  uint32_t half = distance >> 1;
  uint32_t bits = float_bits((float)(int32_t)(half & ~(half >> 1)));
  return distance < 2 ? distance : (bits >> 23) - 125;
}

// Bins are counted in pairs: half of the additions, and equal ones in a row, which would wait for each other, are rarer.
#define STEPS(name, type, sign, infinity)                                                                  \
  CRUX_CLONES                                                                                              \
  ptrdiff_t name(ptrdiff_t count, const void *base, const void *policy, int64_t *bins) {                   \
    const char *from = base, *to = policy;                                                                 \
    uint32_t pairs[ALL_BINS][256];                                                                         \
    for (int i = 0; i < ALL_BINS; i++) memset(pairs[i], 0, ALL_BINS * sizeof pairs[i][0]);                 \
    uint8_t found[STEP_RUN];                                                                               \
    ptrdiff_t differing = 0;                                                                               \
    for (ptrdiff_t start = 0; start < count; start += STEP_RUN) {                                          \
      ptrdiff_t run = count - start < STEP_RUN ? count - start : STEP_RUN;                                 \
      int32_t others = 0;                                                                                  \
      for (ptrdiff_t i = 0; i < run; i++) {                                                                \
        type a, b;                                                                                         \
        memcpy(&a, from + (start + i) * (ptrdiff_t)sizeof a, sizeof a);                                    \
        memcpy(&b, to + (start + i) * (ptrdiff_t)sizeof b, sizeof b);                                      \
        int32_t x = ORDERED(a, sign), y = ORDERED(b, sign);                                                \
        /* Up to twice the bits of infinity, which needs all 32. */                                        \
        uint32_t distance = x > y ? (uint32_t)x - (uint32_t)y : (uint32_t)y - (uint32_t)x;                 \
        int is_nan = (type)(a & ~(sign)) > (infinity) || (type)(b & ~(sign)) > (infinity);                 \
        found[i] = (uint8_t)(is_nan ? CRUX_STEP_BINS : step_bin(distance));                                \
        others += a != b;                                                                                  \
      }                                                                                                    \
      differing += others;                                                                                 \
      ptrdiff_t i = 0;                                                                                     \
      for (; i + 8 <= run; i += 8) {                                                                       \
        uint64_t word;                                                                                     \
        memcpy(&word, found + i, sizeof word);                                                             \
        for (int pair = 0; pair < 4; pair++) (&pairs[0][0])[(uint16_t)(word >> (16 * pair))]++;            \
      }                                                                                                    \
      for (; i < run; i++) {                                                                               \
        if (found[i] < CRUX_STEP_BINS) bins[found[i]]++;                                                   \
      }                                                                                                    \
    }                                                                                                      \
    uint32_t columns[ALL_BINS] = {0};                                                                      \
    for (int i = 0; i < ALL_BINS; i++) {                                                                   \
      uint32_t row = 0;                                                                                    \
      for (int j = 0; j < ALL_BINS; j++) {                                                                 \
        row += pairs[i][j];                                                                                \
        columns[j] += pairs[i][j];                                                                         \
      }                                                                                                    \
      if (i < CRUX_STEP_BINS) bins[i] += row;                                                              \
    }                                                                                                      \
    for (int j = 0; j < CRUX_STEP_BINS; j++) bins[j] += columns[j];                                        \
    return differing;                                                                                      \
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
