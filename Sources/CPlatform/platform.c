#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "quern_platform.h"

#include <errno.h>
#include <fcntl.h>
#if defined(__linux__)
#include <sched.h>
#endif
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#if defined(__linux__)

/// File systems without this call, and descriptors it does not apply to, are no failure: the data
/// reaches the disk by fsync all the same.
static int sync_range(int descriptor, int64_t offset, int64_t byte_count, unsigned flags) {
  if (sync_file_range(descriptor, offset, byte_count, flags) == 0) return 0;
  switch (errno) {
  case ENOSYS:
  case EINVAL:
  case ESPIPE:
  case EOPNOTSUPP: return 0;
  default: return errno;
  }
}

int quern_start_writeback(int descriptor, int64_t offset, int64_t byte_count) {
  return sync_range(descriptor, offset, byte_count, SYNC_FILE_RANGE_WRITE);
}

int quern_finish_writeback(int descriptor, int64_t offset, int64_t byte_count) {
  int error = sync_range(
      descriptor, offset, byte_count,
      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
  if (error != 0) return error;
  // Advice: its failure changes nothing but the size of the cache.
  (void)posix_fadvise(descriptor, offset, byte_count, POSIX_FADV_DONTNEED);
  return 0;
}

int quern_rename_without_replacing(const char *from, const char *to) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0 ? 0 : errno;
}

#else

int quern_start_writeback(int descriptor, int64_t offset, int64_t byte_count) {
  (void)descriptor, (void)offset, (void)byte_count;
  return 0;
}

int quern_finish_writeback(int descriptor, int64_t offset, int64_t byte_count) {
  (void)descriptor, (void)offset, (void)byte_count;
  return 0;
}

int quern_rename_without_replacing(const char *from, const char *to) {
  return renamex_np(from, to, RENAME_EXCL) == 0 ? 0 : errno;
}

#endif

int quern_sync_file(int descriptor) {
#if defined(F_FULLFSYNC)
  if (fcntl(descriptor, F_FULLFSYNC) == 0) return 0;
#endif
  while (fsync(descriptor) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int quern_lock_exclusively(int descriptor) {
  return flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

int quern_processor_count(void) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
#endif
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : (int)count;
}
