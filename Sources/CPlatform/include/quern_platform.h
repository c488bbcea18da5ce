/// System calls that Swift's view of the C library lacks. Each returns 0 or an errno value.
#ifndef QUERN_PLATFORM_H
#define QUERN_PLATFORM_H

#include <stdint.h>

/// Starts writing back the dirty pages of a run of bytes, without waiting. Linux only; elsewhere,
/// and on file systems that cannot, it does nothing.
int quern_start_writeback(int descriptor, int64_t offset, int64_t byte_count);

/// Waits until a run of bytes is written back, then drops its pages from the cache. An error of
/// the writeback is reported here and not again by fsync. Linux only, as above.
int quern_finish_writeback(int descriptor, int64_t offset, int64_t byte_count);

/// fsync that reaches the medium: on macOS plain fsync stops at the drive's own cache.
int quern_sync_file(int descriptor);

/// Takes an exclusive advisory lock on the open file, without waiting: EWOULDBLOCK when another
/// open file holds one.
int quern_lock_exclusively(int descriptor);

/// Renames unless the new name exists (EEXIST). EINVAL or ENOSYS when the file system cannot.
int quern_rename_without_replacing(const char *from, const char *to);

/// CPUs that this process may run on, at least 1.
int quern_processor_count(void);

#endif
