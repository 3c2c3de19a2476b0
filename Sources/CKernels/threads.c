#define _GNU_SOURCE
#include "CKernels.h"
#include <dlfcn.h>

void crux_use_one_openmp_thread(void) {
  // Looked up rather than linked: the runtime is whichever one the matrix library brought along.
  static _Thread_local int done;
  if (done) return;
  done = 1;
  void (*set_thread_count)(int);
  *(void **)&set_thread_count = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (set_thread_count) set_thread_count(1);
}

void crux_spin_hint(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
