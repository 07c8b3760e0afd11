"""SQLite: a file, read by Python's own module."""

import contextlib
import sqlite3

from adaptor import SqlAdaptor


class Sqlite(SqlAdaptor):
    name = "sqlite"
    key_changes = (
        (("UPDATE records SET id = NULL WHERE _row = (SELECT min(_row) FROM records)",), "no value in a column of the key"),
        (("DROP INDEX _leat_key_records", "CREATE UNIQUE INDEX _leat_key_records ON records(id) WHERE n > 0"), "same key apart"))

    def __init__(self, folder):
        super().__init__(folder)
        self.path = folder / "out.db"

    def config(self):
        return 'type = "sqlite"\npath = "out.db"'

    def query(self, sql):
        if not self.path.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=30)) as database:
            try:
                return database.execute(sql).fetchall()
            except sqlite3.OperationalError as problem:
                if "no such table" in str(problem):
                    return []
                raise

    def execute(self, sql):
        with contextlib.closing(sqlite3.connect(self.path, timeout=30)) as database, database:
            database.execute(sql)

    def columns(self, table):
        return [row[1] for row in self.query(f"PRAGMA table_info({table})")]
