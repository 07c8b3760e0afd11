"""PostgreSQL: a real server, a database for each check, read by psql."""

import copy
import itertools
import signal
import time

from adaptor import SqlAdaptor, quoted
from postgres_server import Server, binaries


class Postgres(SqlAdaptor):
    name = "postgres"
    cannot = {"upstream": "SQLite"}
    key_changes = (
        (("UPDATE records SET id = NULL WHERE _row = (SELECT min(_row) FROM records)",), "no value in a column of the key"),
        (("DROP INDEX _leat_key_records",), "is gone"),
        (("DROP INDEX _leat_key_records", "CREATE UNIQUE INDEX _leat_key_records ON records(id) WHERE n > 0"), "same key apart"))
    files = False
    shared = None  # the server of all checks
    number = itertools.count()

    @classmethod
    def start(cls, folder):
        if binaries() is None:
            return "there is no PostgreSQL here: script/setup --tests installs it"
        cls.shared = Server()
        return None

    @classmethod
    def stop(cls):
        if cls.shared:
            cls.shared.close()

    def __init__(self, folder):
        super().__init__(folder)
        self.database, self.schema = f"check_{next(self.number)}", None
        self.shared.psql(f"CREATE DATABASE {self.database}")

    def another(self, folder):
        """A schema of its own in the same database: a hundred times cheaper."""
        other = copy.copy(self)
        other.folder, other.schema = folder, f"schema_{next(self.number)}"
        other.execute(f"CREATE SCHEMA {other.schema}")
        return other

    def close(self):
        self.shared.psql(f"DROP DATABASE {self.database} WITH (FORCE)")

    def config(self):
        return self.through(self.shared.port)

    def through(self, port):
        schema = f'\nschema = "{self.schema}"' if self.schema else ""
        return f'type = "postgres"\nurl = "postgresql://leat@127.0.0.1:{port}/{self.database}"{schema}'

    def address(self):
        return f"postgresql://leat@127.0.0.1:{self.shared.port}/{self.database}"

    def server(self):
        return "127.0.0.1", self.shared.port

    def crash(self):
        self.shared.end(signal.SIGQUIT)
        time.sleep(0.3)
        if not self.shared.launch():
            raise RuntimeError("postgres does not come back")

    def query(self, sql):
        return self.shared.copy(sql, self.database, self.schema)

    def execute(self, sql):
        self.shared.psql(sql, self.database, self.schema)

    def types(self, table):
        """Columns and their types in the order of the table; nothing where there is no table."""
        return dict(self.query("SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped "
                               f"AND attrelid = to_regclass('{table.replace(chr(39), chr(39) * 2)}') ORDER BY attnum"))

    def columns(self, table):
        return list(self.types(table))

    def typed(self, table, columns):
        """Rows with their values as Python has them."""
        types = self.types(table)
        if not types:
            return []
        names = [("p.name", "text") if name == "_part" else (f"t.{quoted(name)}", types[name]) for name in columns]
        sql = ", ".join(f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')" if kind.startswith("timestamp") else name
                        for name, kind in names)
        join = ' JOIN "_leat_parts" p ON p.part = t._part' if "_part" in columns else ""
        read = [READ.get(kind, str) for _, kind in names]
        return [tuple(None if cell is None else make(cell) for make, cell in zip(read, row))
                for row in self.query(f"SELECT {sql} FROM {table} t{join}")]

    def rows(self, table, columns, types=None):
        rows = self.typed(self.table(table), columns)
        if "_part" in columns:  # a backslash of a name is doubled
            at = columns.index("_part")
            rows = [(*row[:at], row[at].replace("\\\\", "\\"), *row[at + 1:]) for row in rows]
        return rows

    def rejects(self, pipeline):
        rows = self.typed(self.leat("rejects"), ("pipeline", "line", "column_name", "reason", "raw"))
        return [row[1:] for row in rows if row[0] == pipeline]


def raw_text(cell):
    """bytea as COPY writes it: text where it is one."""
    value = bytes.fromhex(cell.removeprefix("\\x"))
    try:
        return value if b"\0" in value else value.decode()
    except UnicodeDecodeError:
        return value


READ = {"bigint": int, "double precision": float, "boolean": lambda cell: int(cell == "t"), "bytea": raw_text,
        "timestamp with time zone": lambda cell: cell.removesuffix(".000000")}
