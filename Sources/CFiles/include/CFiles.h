// System calls that Swift's modules of the C library leave out.
#ifndef CRUX_CFILES_H
#define CRUX_CFILES_H

#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

/// Asks the system to begin writing part of a file to its disk, where it can be asked: does not wait for it, reports no
/// errors and makes nothing durable.
void crux_start_writing(int32_t descriptor, int64_t offset, int64_t byte_count);

#if defined(__cplusplus)
}
#endif

#endif
