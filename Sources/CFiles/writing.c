#if defined(__linux__)
// sync_file_range is Linux's own.
#define _GNU_SOURCE
#include <fcntl.h>
#endif

#include "CFiles.h"

void crux_start_writing(int32_t descriptor, int64_t offset, int64_t byte_count) {
#if defined(__linux__)
  (void)sync_file_range(descriptor, offset, byte_count, SYNC_FILE_RANGE_WRITE);
#else
  (void)descriptor, (void)offset, (void)byte_count;
#endif
}
