import contextlib
import os
import shutil
import sqlite3

LINE = '10.0.0.%d - - [01/Jul/2026:00:00:0%d +0000] "GET /%d HTTP/1.1" 200 10 "-" "-"\n'
with open("access.log", "w", encoding="utf-8") as log:
    log.writelines(LINE % (n, n, n) for n in range(1, 6))


def change(database, sql):
    with contextlib.closing(sqlite3.connect(database)) as db, db:
        db.execute(sql)


def before(number):
    if number == 5:
        change("one.db", "CREATE TABLE my_notes(text)")
        shutil.copy("one.db", "copy.db")
    if number == 14:
        for name in ("one.db", "copy.db"):
            change(name, "UPDATE _leat_meta SET created_at = '2026-01-01 00:00:00'")
        with open("access.log", "a", encoding="utf-8") as log:
            log.write(LINE % (6, 6, 6))
    if number == 15:  # a backup is put back
        for name in ("one.db-wal", "one.db-shm"):
            if os.path.exists(name):
                os.remove(name)
        shutil.move("copy.db", "one.db")
    if number == 16:  # another database
        change("one.db", "UPDATE _leat_meta SET created_at = '2020-01-01 00:00:00'")
