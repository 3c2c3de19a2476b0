// The largest element of a row, in sixteen lanes so that it becomes vector code.
#ifndef CRUX_MAXIMUM_H
#define CRUX_MAXIMUM_H

#include "dispatch.h"
#include <stddef.h>

/// The largest of `count` >= 1 elements. A NaN is passed over, which hides nothing in a softmax: the
/// exponentials of a row with a NaN sum to NaN, and that reaches every element.
CRUX_INLINE float crux_maximum(ptrdiff_t count, const float *x) {
  float lanes[16];
  for (int lane = 0; lane < 16; lane++) lanes[lane] = x[0];
  ptrdiff_t start = 0;
  for (; start + 16 <= count; start += 16) {
    for (int lane = 0; lane < 16; lane++) lanes[lane] = x[start + lane] > lanes[lane] ? x[start + lane] : lanes[lane];
  }
  float maximum = lanes[0];
  for (int lane = 1; lane < 16; lane++) maximum = lanes[lane] > maximum ? lanes[lane] : maximum;
  for (; start < count; start++) maximum = x[start] > maximum ? x[start] : maximum;
  return maximum;
}

#endif
