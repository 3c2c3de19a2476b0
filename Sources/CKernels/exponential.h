// exp and log as plain arithmetic, so that loops around them become vector code.
#ifndef CRUX_EXPONENTIAL_H
#define CRUX_EXPONENTIAL_H

#include "dispatch.h"
#include <stdint.h>
#include <string.h>

/// exp(x) to about 2 units in the last place: 0 below -87.3, infinity above 88.7, NaN for NaN.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; exp(r) by its Taylor polynomial of degree 7; 2^n by the exponent's bits.
CRUX_INLINE float crux_exp(float x) {
// The rounding trick below is not algebra: it must not be simplified away.
#pragma clang fp reassociate(off) contract(fast)
  const float rounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  float t = x * 1.44269504088896341f + rounder;
  float n = t - rounder;
  float r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.9841270e-4f;
  p = p * r + 1.3888889e-3f;
  p = p * r + 8.3333333e-3f;
  p = p * r + 4.1666667e-2f;
  p = p * r + 1.6666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  uint32_t bits;
  memcpy(&bits, &t, 4);
  bits = (bits + 127u) << 23;  // the rounder's own bits leave at the top
  float power;
  memcpy(&power, &bits, 4);
  float result = p * power;
  result = x < -87.3f ? 0.0f : result;
  result = x > 88.37f ? __builtin_inff() : result;
  return result;
}

#endif
