// How the loops are compiled: for several x86-64 levels, picked by the loader; plain elsewhere.
#ifndef CRUX_DISPATCH_H
#define CRUX_DISPATCH_H

#if defined(__x86_64__) && defined(__linux__) && !defined(CRUX_NO_CLONES)
#define CRUX_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CRUX_CLONES
#endif

// Before a loop whose pointers may be equal but overlap in no other way: element i is read before it is written.
#define CRUX_IN_PLACE _Pragma("clang loop vectorize(assume_safety)")

#define CRUX_INLINE static inline __attribute__((always_inline))

#endif
