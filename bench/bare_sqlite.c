/* The least that a program must do to bring an access log into SQLite: reads, finds the fields with memchr, inserts the
   columns of leat's table with leat's pragmas, cache and rows per commit (docs/formats/database.md). No positions, no
   rejects, no checks of what it reads, no aggregates: what leat adds to this is what leat costs.

   bare_sqlite LOG DB     LOG: nginx's combined format, well formed, times in UTC. DB: must not exist. */

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { kBlock = 1 << 20, kRowsPerCommit = 32768 };

static sqlite3* db;

static void die(const char* what) {
  fprintf(stderr, "bare_sqlite: %s: %s\n", what, db != NULL ? sqlite3_errmsg(db) : "failed");
  exit(1);
}

static void run(const char* sql) {
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) die(sql);
}

static const char* after(const char* from, const char* end, char mark) {
  const char* at = memchr(from, mark, (size_t)(end - from));
  if (at == NULL) die("a line is not in the combined format");
  return at;
}

/* "-" is NULL. */
static void bind_text(sqlite3_stmt* insert, int column, const char* from, const char* end) {
  if (end - from == 1 && *from == '-') {
    sqlite3_bind_null(insert, column);
  } else {
    sqlite3_bind_text(insert, column, from, (int)(end - from), SQLITE_STATIC);
  }
}

static long long number(const char* from, const char* end) {
  long long value = 0;
  for (; from < end && *from >= '0' && *from <= '9'; ++from) value = value * 10 + (*from - '0');
  return value;
}

/* "01/Nov/2025:10:20:30 +0000" to "2025-11-01 10:20:30"; most lines have the time of the one before. */
static const char* utc_text(const char* logged) {
  static const char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  static char last[20];
  static char text[20];
  if (memcmp(last, logged, sizeof(last)) == 0) return text;
  memcpy(last, logged, sizeof(last));
  int month = 0;
  while (month < 11 && memcmp(kMonths + 3 * month, logged + 3, 3) != 0) ++month;
  ++month;
  memcpy(text, logged + 7, 4);
  text[4] = '-';
  text[5] = (char)('0' + month / 10);
  text[6] = (char)('0' + month % 10);
  text[7] = '-';
  memcpy(text + 8, logged, 2);
  text[10] = ' ';
  memcpy(text + 11, logged + 12, 8);
  return text;
}

static void insert_line(sqlite3_stmt* insert, const char* line, const char* end, long long offset, long long row) {
  const char* at = line;
  const char* next = after(at, end, ' ');
  bind_text(insert, 2, at, next);
  at = after(next + 1, end, ' ') + 1;
  next = after(at, end, '[') - 1;
  bind_text(insert, 3, at, next);
  sqlite3_bind_text(insert, 1, utc_text(next + 2), 19, SQLITE_STATIC);
  at = after(next, end, '"') + 1;
  const char* close = after(at, end, '"');
  next = after(at, close, ' ');
  bind_text(insert, 4, at, next);
  at = next + 1;
  next = after(at, close, ' ');
  bind_text(insert, 5, at, next);
  bind_text(insert, 6, next + 1, close);
  at = close + 2;
  next = after(at, end, ' ');
  sqlite3_bind_int64(insert, 7, number(at, next));
  at = next + 1;
  next = after(at, end, ' ');
  sqlite3_bind_int64(insert, 8, number(at, next));
  at = next + 2;
  next = after(at, end, '"');
  bind_text(insert, 9, at, next);
  at = next + 3;
  next = after(at, end, '"');
  bind_text(insert, 10, at, next);
  sqlite3_bind_null(insert, 11);
  sqlite3_bind_text(insert, 12, line, (int)(end - line), SQLITE_STATIC);
  sqlite3_bind_int64(insert, 13, 1);
  sqlite3_bind_int64(insert, 14, offset);
  sqlite3_bind_int64(insert, 15, row);
  if (sqlite3_step(insert) != SQLITE_DONE) die("insert");
  sqlite3_reset(insert);
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: bare_sqlite LOG DB\n");
    return 2;
  }
  const int log = open(argv[1], O_RDONLY);
  char* buffer = malloc(2 * kBlock);
  if (log < 0 || buffer == NULL) die(argv[1]);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(argv[2], &db, flags, NULL) != SQLITE_OK) die(argv[2]);
  run("PRAGMA page_size = 8192; PRAGMA cache_size = -16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
      "PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 2048; PRAGMA journal_size_limit = 33554432");
  run("CREATE TABLE access_log(time TEXT, remote_addr TEXT, remote_user TEXT, request_method TEXT, request_uri TEXT, "
      "server_protocol TEXT, status INTEGER, body_bytes_sent INTEGER, http_referer TEXT, http_user_agent TEXT, "
      "request TEXT, raw_log TEXT, _part INTEGER NOT NULL, _offset INTEGER NOT NULL, _row INTEGER PRIMARY KEY)");
  sqlite3_stmt* insert = NULL;
  if (sqlite3_prepare_v2(db, "INSERT INTO access_log VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", -1, &insert,
                         NULL) != SQLITE_OK) {
    die("prepare");
  }

  long long rows = 0;
  long long offset = 0; /* of buffer[0] in the log */
  size_t held = 0;
  run("BEGIN");
  for (;;) {
    const ssize_t got = read(log, buffer + held, kBlock);
    if (got < 0) die("read");
    if (got == 0) break;
    const char* const end = buffer + held + got;
    const char* line = buffer;
    for (;;) {
      const char* newline = memchr(line, '\n', (size_t)(end - line));
      if (newline == NULL) break;
      insert_line(insert, line, newline, offset + (line - buffer), ++rows);
      line = newline + 1;
      if (rows % kRowsPerCommit == 0) run("COMMIT; BEGIN");
    }
    held = (size_t)(end - line);
    if (held > kBlock) die("a line is too long");
    offset += line - buffer;
    memmove(buffer, line, held);
  }
  run("COMMIT");
  sqlite3_finalize(insert);
  if (sqlite3_close(db) != SQLITE_OK) die("close");
  close(log);
  free(buffer);

  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  const double seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  printf("rows %lld  cpu_seconds %.4f\n", rows, seconds);
  return 0;
}
