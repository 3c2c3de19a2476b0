// Forced literal compression is declared in the experimental section of zstd.h; the parameter is set by
// its number and its absence at run time is handled, so a library without it still works.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>
