#!/usr/bin/env python3
"""verify is not fooled: a database is damaged by SQL in many ways; each makes `leat verify` exit 1 and name it.
Where only aggregates are concerned, `leat rebuild` makes it well again.

usage: damage.py LEAT
"""

import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

LINES = 3000

TABLE = "access_log"

# name, SQL, words that one problem must have together, keys of the JSON report and their values
DAMAGES = [
    ("delete a row", "DELETE FROM access_log WHERE _row = 100",
     [["'access_log'", "part 1", "{origin}", "1 lost"]], {"lost": 1, "doubled": 0}),
    ("delete ten rows of the second log", "DELETE FROM access_log WHERE _row IN "
     "(SELECT _row FROM access_log WHERE _part = 2 ORDER BY _row LIMIT 10)",
     [["'access_log'", "part 2", "10 lost"]], {"lost": 10, "doubled": 0}),
    ("double a row", "INSERT INTO access_log SELECT {columns}, _part, _offset, "
     "(SELECT max(_row) + 1 FROM access_log) FROM access_log WHERE _row = 100",
     [["'access_log'", "part 1", "1 doubled"], ["'access_log'", "_row"]], {"lost": 0, "doubled": 1}),
    ("delete one and double another", "UPDATE access_log SET _offset = (SELECT _offset FROM access_log WHERE _row = 101)"
     " WHERE _row = 100", [["'access_log'", "part 1", "1 lost, 1 doubled"]], {"lost": 1, "doubled": 1}),
    ("shift an offset", "UPDATE access_log SET _offset = _offset + 1 WHERE _row = 100",
     [["'access_log'", "part 1", "at least 1 lost"]], {"lost": 1}),
    ("swap the part of a row", "UPDATE access_log SET _part = 2 WHERE _row = 100",
     [["'access_log'", "part 1", "1 lost"]], {}),
    ("a part that is not there", "UPDATE access_log SET _part = 77 WHERE _row = 100",
     [["'access_log'", "part 77"]], {"lost": 1}),
    ("an offset behind the position", "UPDATE access_log SET _offset = 1000000000 WHERE _row = 100",
     [["'access_log'", "behind its position"]], {}),
    ("edit a count", "UPDATE visitors_per_day SET hits = hits + 1 WHERE rowid = 1",
     [["'visitors_per_day'", "day = '2026-", "hits is "]], {"lost": 0, "doubled": 0}),
    ("edit a sum", "UPDATE visitors_per_day SET bytes = NULL WHERE rowid = 2",
     [["'visitors_per_day'", "day = '2026-", "bytes is NULL"]], {}),
    ("edit a day", "UPDATE visitors_per_day SET day = '1999-01-01' WHERE rowid = 1",
     [["'visitors_per_day'", "is missing"], ["'visitors_per_day'", "1999-01-01", "has no rows"]], {}),
    ("delete a bucket", "DELETE FROM pages_per_day WHERE rowid = 1", [["'pages_per_day'", "is missing"]], {}),
    ("a bucket with NULL twice", "INSERT INTO pages_per_day SELECT * FROM pages_per_day WHERE page IS NULL",
     [["'pages_per_day'", "buckets"]], {}),
    ("delete an aggregate's table", "DROP TABLE statuses_per_day", [["'statuses_per_day'", "is gone"]], {}),
    ("delete a member of a distinct set", "DELETE FROM _leat_distinct_visitors_per_day_visitors WHERE value = "
     "(SELECT min(value) FROM _leat_distinct_visitors_per_day_visitors) AND bucket = 1",
     [["_leat_distinct_visitors_per_day_visitors", "is missing"]], {}),
    ("add a member to a distinct set", "INSERT INTO _leat_distinct_visitors_per_day_visitors VALUES(1, 'nobody')",
     [["_leat_distinct_visitors_per_day_visitors", "'nobody'", "is in no row"]], {}),
    ("delete the numbers of the buckets", "DELETE FROM _leat_buckets_visitors_per_day WHERE bucket = 1",
     [["_leat_distinct_visitors_per_day_visitors"]], {}),
    ("drop a reject", "DELETE FROM _leat_rejects WHERE reject = 1",
     [["'_leat_rejects'", "part 1", "rejects"], ["1 lost"]], {"lost": 1}),
    ("double a reject", "INSERT INTO _leat_rejects SELECT 1000000, pipeline, part, origin, byte_offset, line, column_name, "
     "reason, raw, raw_length, raw_hash, at FROM _leat_rejects WHERE reject = 1",
     [["'_leat_rejects'", "part 1"], ["1 doubled"]], {"doubled": 1}),
    ("a reject of nobody", "UPDATE _leat_rejects SET pipeline = 'x' WHERE reject = 1",
     [["'_leat_rejects'", "reject 1", "'x'"]], {}),
    ("a row becomes a reject's double", "UPDATE access_log SET _offset = (SELECT byte_offset FROM _leat_rejects WHERE "
     "part = 1 LIMIT 1) WHERE _row = 100", [["1 lost, 1 doubled"]], {"lost": 1, "doubled": 1}),
    ("drop a range", "DELETE FROM _leat_ranges WHERE part = 1", [["'_leat_ranges'", "part 1", "{origin}"]], {}),
    ("cut a range", "UPDATE _leat_ranges SET start = 10 WHERE part = 1", [["'_leat_ranges'", "no range covers 0 to 10"]],
     {}),
    ("overlapping ranges", "INSERT INTO _leat_ranges VALUES(1, 5, 9, 0, 0, 0, 0, 0, 0, 0)",
     [["'_leat_ranges'", "two ranges cover 5 to 9"]], {}),
    ("edit a range's count", "UPDATE _leat_ranges SET inserted = inserted + 3 WHERE part = 2",
     [["'access_log'", "part 2", "were committed"], ["3 lost"]], {"lost": 3}),
    ("edit a range's digest", "UPDATE _leat_ranges SET digest = digest + 1 WHERE part = 2",
     [["'access_log'", "part 2"]], {}),
    ("drop a part", "DELETE FROM _leat_parts WHERE part = 1",
     [["'_leat_positions'", "part 1"], ["'_leat_ranges'", "part 1"], ["'access_log'", "part 1"]], {}),
    ("drop a position", "DELETE FROM _leat_positions WHERE part = 1",
     [["'_leat_positions'", "part 1", "no position"]], {}),
    ("move a position", "UPDATE _leat_positions SET \"offset\" = \"offset\" + 1 WHERE part = 1",
     [["'_leat_ranges'", "part 1", "position"]], {}),
    ("a position from the future", "UPDATE _leat_positions SET sequence = 1000000 WHERE part = 1",
     [["'_leat_positions'", "part 1", "1000000"]], {}),
    ("drop the pipeline", "DELETE FROM _leat_pipelines", [["'_leat_parts'", "'logs'"]], {}),
    ("drop the table", "DROP TABLE access_log", [["'access_log'", "is gone"]], {}),
    ("change a cell that an aggregate reads", "UPDATE access_log SET status = 999 WHERE _row = 100",
     [["aggregate 'statuses_per_day'", "hits is"]], {}),
]

# The same of a table that is written by key (write = "merge"): scripts, each statement run by itself. {hide} and {show} take
# the index out of the schema and put it back, so that what is between them passes it by.
HIDE = ["PRAGMA writable_schema = ON", "CREATE TABLE hidden AS SELECT * FROM sqlite_schema WHERE name = '_leat_key_stock'",
        "DELETE FROM sqlite_schema WHERE name = '_leat_key_stock'", "PRAGMA writable_schema = RESET"]
SHOW = ["PRAGMA writable_schema = ON", "INSERT INTO sqlite_schema SELECT * FROM hidden", "PRAGMA writable_schema = RESET",
        "DROP TABLE hidden"]
KEY_DAMAGES = [
    ("the index is gone", ["DROP INDEX _leat_key_stock"], ["'_leat_key_stock'", "is gone"]),
    ("the index of revisions is gone", ["DROP INDEX _leat_revision_stock"], ["'_leat_revision_stock'", "is gone"]),
    ("the index takes twins", ["DROP INDEX _leat_key_stock", "CREATE INDEX _leat_key_stock ON stock(id)"],
     ["'_leat_key_stock'", "keeps rows with the same key apart"]),
    ("a key that is NULL", ["UPDATE stock SET id = NULL WHERE _row = 5"], ["'_leat_key_stock'", "1 rows have no value"]),
    ("a row without an entry", HIDE + ["INSERT INTO stock SELECT id + 1000, name, _part, _offset, _revision + 1000, 900 FROM stock "
                                       "WHERE _row = 5"] + SHOW, ["'_leat_key_stock'", "30 entries for 31 rows"]),
    ("an entry without a row", HIDE + ["DELETE FROM stock WHERE _row = 5"] + SHOW,
     ["'_leat_key_stock'", "30 entries for 29 rows"]),
    ("an entry of another key", HIDE + ["UPDATE stock SET id = 777 WHERE _row = 5"] + SHOW,
     ["'_leat_key_stock'", "not those of the rows"]),
    ("two rows with one key", HIDE + ["UPDATE stock SET id = (SELECT id FROM stock WHERE _row = 6) WHERE _row = 5"] + SHOW,
     ["'_leat_key_stock'", "not those of the rows"]),
    ("an index with twins in it", ["DROP INDEX _leat_key_stock", "UPDATE stock SET id = 6 WHERE _row = 5",
                                   "CREATE INDEX _leat_key_stock ON stock(id)", "PRAGMA writable_schema = ON",
                                   "UPDATE sqlite_schema SET sql = replace(sql, 'CREATE INDEX', 'CREATE UNIQUE INDEX') WHERE name = "
                                   "'_leat_key_stock'", "PRAGMA writable_schema = RESET"],
     ["'_leat_key_stock'", "1 rows have a key that another one has"]),
]

STOCK = """
[sources.file]
type = "file"
include = ["stock.csv"]
format = { type = "csv", columns = ["id:integer", "name"] }
[sinks.db]
type = "sqlite"
path = "stock.db"
[pipelines.stock]
from = "file"
to = "db"
write = "merge"
key = ["id"]
"""


def write_log(path, lines, host):
    with open(path, "w") as log:
        for i in range(lines):
            if i % 100 == 50:
                log.write(f"this is not a line of a log {i}\n")
                continue
            request = "\\x16\\x03" if i % 70 == 3 else f"GET /page/{i % 37} HTTP/1.1"
            log.write(f'10.{host}.{i % 11}.{i % 7} - - [{1 + i % 3:02}/Mar/2026:10:{i // 60 % 60:02}:{i % 60:02} +0000] '
                      f'"{request}" {200 + i % 3} {i % 5000} "-" "agent {i % 5}"\n')


class Judge:
    def __init__(self, leat):
        self.leat = leat
        self.wrong = 0
        self.mended = 0

    def say(self, name, text):
        print(f"{name}: {text}")
        self.wrong += 1

    def verify(self, database):
        done = subprocess.run([self.leat, "verify", str(database), "--json"], capture_output=True, text=True)
        try:
            return done.returncode, json.loads(done.stdout), done.stderr
        except ValueError:
            return done.returncode, None, done.stdout + done.stderr

    def damaged(self, database, origin, columns, name, sql, wanted, numbers):
        connection = sqlite3.connect(database)
        before = connection.total_changes
        dropped = sql.startswith("DROP")
        connection.execute(sql.replace("{columns}", columns))
        if connection.total_changes == before and not dropped:
            self.say(name, "the SQL changed nothing: the case is void")
        connection.commit()
        connection.close()
        status, report, text = self.verify(database)
        if report is None or status != 1 or report["ok"]:
            self.say(name, f"exit status {status} and no verdict, or the wrong one: {report or text}")
            return
        for words in wanted:
            words = [word.replace("{origin}", origin) for word in words]
            if not any(all(word in problem for word in words) for problem in report["problems"]):
                self.say(name, f"no problem names {words}: {report['problems']}")
        for key, value in numbers.items():
            if report[key] != value:
                self.say(name, f"{key} is {report[key]}, not {value}: {report['problems']}")
        if all(problem.startswith("aggregate '") for problem in report["problems"]):
            self.rebuilt(database, name)

    def damaged_keys(self, database, name, statements, words):
        connection = sqlite3.connect(database, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()
        status, report, text = self.verify(database)
        if report is None or status != 1 or not any(all(word in problem for word in words)
                                                    for problem in report["problems"]):
            self.say(name, f"exit status {status}, no problem names {words}: {report or text}")

    def keys(self, folder):
        (folder / "stock.toml").write_text(STOCK)
        (folder / "stock.csv").write_text("id,name\n" + "".join(f"{i % 30},name {i}\n" for i in range(100)))
        made = subprocess.run([self.leat, "run", str(folder / "stock.toml"), "--once"], capture_output=True, text=True)
        whole = folder / "stock.db"
        status, report, text = self.verify(whole)
        if made.returncode != 0 or status != 0:
            self.say("keys", f"{made.stderr}{report or text}")
        for damage in KEY_DAMAGES:
            self.damaged_keys(copied(whole, folder), *damage)

    def rebuilt(self, database, name):
        self.mended += 1
        done = subprocess.run([self.leat, "rebuild", str(database)], capture_output=True, text=True)
        status, report, text = self.verify(database)
        if done.returncode != 0 or done.stdout.count("rebuilt: ") != 5 or status != 0:
            self.say(name, f"not mended by rebuild ({done.stdout}{done.stderr}): {report or text}")


def copied(whole, folder):
    database = folder / "damaged.db"
    for suffix in ("", "-wal", "-shm"):
        pathlib.Path(str(database) + suffix).unlink(missing_ok=True)
    shutil.copy(whole, database)
    return database


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    judge = Judge(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder_name:
        folder = pathlib.Path(folder_name)
        logs = [folder / "one.log", folder / "two.log"]
        for host, log in enumerate(logs):
            write_log(log, LINES, host)
        whole = folder / "whole.db"
        made = subprocess.run([judge.leat, "logs", *map(str, logs), "--to", str(whole), "--once"],
                              capture_output=True, text=True)
        if made.returncode != 0:
            print(made.stdout, made.stderr, sep="\n")
            return 1
        status, report, text = judge.verify(whole)
        if status != 0 or report is None or report["rows"] != 2 * LINES * 99 // 100 or report["problems"]:
            judge.say("whole", f"exit status {status}: {report or text}")
        connection = sqlite3.connect(whole)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        columns = ", ".join(f'"{row[1]}"' for row in connection.execute(f"PRAGMA table_info({TABLE})")
                            if not row[1].startswith("_"))
        origin = connection.execute("SELECT origin FROM _leat_parts WHERE part = 1").fetchone()[0]
        connection.close()
        for name, sql, wanted, numbers in DAMAGES:
            judge.damaged(copied(whole, folder), origin, columns, name, sql, wanted, numbers)
        judge.keys(folder)
    if judge.mended < 10:
        judge.say("rebuild", f"only {judge.mended} cases are of aggregates alone")
    print(f"{len(DAMAGES) + len(KEY_DAMAGES)} ways to damage a database, {judge.mended} of them mended, {judge.wrong} complaints")
    return 1 if judge.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
