/* Makes the k-th call that changes a file fail; preloaded (LD_PRELOAD) into leat by tests/sinks/suite.py, into a server
 * by tests/sinks/postgres_faults.py.
 *
 *   FAIL_UNDER  only files under this folder count; "send": only what is sent through a socket, all of it with tear
 *   FAIL_AT     k, from 1: calls of all threads together
 *   FAIL_HOW    error: EIO; full: ENOSPC; kill: SIGKILL before it; tear: SIGKILL after half of what it would have
 * written FAIL_MARK   this file is made when it happened, with the name of the call
 *   FAIL_WHILE  in place of these three: the disk is full as long as this file is there
 *
 * Only the k-th call fails: what comes after it finds a machine that works. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

static int counts(const char* path) {
  const char* under = getenv("FAIL_UNDER");
  return under != NULL && strncmp(path, under, strlen(under)) == 0;
}

static int counts_fd(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return counts(path);
}

/* 0: go on. Else the call fails, with errno set, unless it is to be torn: then -1 comes back and `tear` is what is left
 * to do. */
static int fails(const char* name, int* tear) {
  const char* full = getenv("FAIL_WHILE");
  if (full != NULL && strstr(name, "write") != NULL && syscall(SYS_faccessat, AT_FDCWD, full, F_OK) == 0) {
    errno = ENOSPC;
    return 1;
  }
  const char* at = getenv("FAIL_AT");
  if (at == NULL || atomic_fetch_add(&calls, 1) + 1 != atol(at)) return 0;
  const char* how = getenv("FAIL_HOW");
  const char* mark = getenv("FAIL_MARK");
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, mark, O_WRONLY | O_CREAT, 0600);
  syscall(SYS_write, fd, name, strlen(name));
  syscall(SYS_close, fd);
  if (strcmp(how, "tear") == 0 && tear != NULL) {
    *tear = 1;
    return 0;
  }
  if (strcmp(how, "kill") == 0 || strcmp(how, "tear") == 0) raise(SIGKILL);
  errno = strcmp(how, "full") == 0 ? ENOSPC : EIO;
  return 1;
}

static void die(void) {
  raise(SIGKILL);
}

ssize_t write(int fd, const void* data, size_t size) {
  int tear = 0;
  if (counts_fd(fd) && fails("write", &tear)) return -1;
  const ssize_t done = syscall(SYS_write, fd, data, tear ? size / 2 : size);
  if (tear) die();
  return done;
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  int tear = 0;
  if (counts_fd(fd) && fails("pwrite", &tear)) return -1;
  const ssize_t done = syscall(SYS_pwrite64, fd, data, tear ? size / 2 : size, offset);
  if (tear) die();
  return done;
}
ssize_t pwrite64(int fd, const void* data, size_t size, off_t offset) {
  return pwrite(fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  if (counts_fd(fd) && fails("writev", NULL)) return -1;
  return syscall(SYS_writev, fd, parts, count);
}

ssize_t send(int fd, const void* data, size_t size, int flags) {
  int tear = 0;
  if (counts("send") && fails("send", &tear)) return -1;
  const ssize_t done = syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
  if (tear) die();
  return done;
}

int fsync(int fd) {
  return counts_fd(fd) && fails("fsync", NULL) ? -1 : (int)syscall(SYS_fsync, fd);
}
int fdatasync(int fd) {
  return counts_fd(fd) && fails("fdatasync", NULL) ? -1 : (int)syscall(SYS_fdatasync, fd);
}
int ftruncate(int fd, off_t size) {
  return counts_fd(fd) && fails("ftruncate", NULL) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}
int ftruncate64(int fd, off_t size) {
  return ftruncate(fd, size);
}
int rename(const char* from, const char* to) {
  return counts(to) && fails("rename", NULL) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int unlink(const char* path) {
  return counts(path) && fails("unlink", NULL) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}
