"""DuckDB: a file, read through DuckDB's own library. The file belongs to one process: nobody reads while leat runs."""

import ctypes
import os
import pathlib
import re

from adaptor import SqlAdaptor

# Of enum duckdb_type.
BOOLEAN, BIGINT, DOUBLE, TIMESTAMP, BLOB, TIMESTAMP_TZ = 1, 5, 11, 12, 18, 31


def library():
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    found = sorted((cache / "leat").glob("duckdb-*/libduckdb.so"))
    return found[-1] if found else None


class Result(ctypes.Structure):
    _fields_ = [("hidden", ctypes.c_void_p * 6)]


class Database:
    """Open for one query."""

    api = None

    def __init__(self, path, mode):
        if Database.api is None:
            api = Database.api = ctypes.CDLL(library())
            api.duckdb_value_varchar.restype = ctypes.c_void_p
            api.duckdb_value_varchar.argtypes = [ctypes.POINTER(Result), ctypes.c_uint64, ctypes.c_uint64]
            api.duckdb_column_type.argtypes = [ctypes.POINTER(Result), ctypes.c_uint64]
            api.duckdb_column_count.restype = api.duckdb_row_count.restype = ctypes.c_uint64
            api.duckdb_result_error.restype = ctypes.c_char_p
            api.duckdb_free.argtypes = [ctypes.c_void_p]
        self.database, self.connection, config, why = (ctypes.c_void_p() for _ in range(4))
        self.api.duckdb_create_config(ctypes.byref(config))
        for name, value in ((b"access_mode", mode), (b"threads", b"1")):
            self.api.duckdb_set_config(config, name, value)
        state = self.api.duckdb_open_ext(str(path).encode(), ctypes.byref(self.database), config, ctypes.byref(why))
        self.api.duckdb_destroy_config(ctypes.byref(config))
        if state != 0:
            raise RuntimeError(f"{path}: {ctypes.string_at(why.value).decode()}")
        self.api.duckdb_connect(self.database, ctypes.byref(self.connection))

    def run(self, sql):
        """(types of the columns, rows of texts)"""
        result = Result()
        failed = self.api.duckdb_query(self.connection, sql.encode(), ctypes.byref(result))
        try:
            if failed:
                raise RuntimeError(f"{sql}: {self.api.duckdb_result_error(ctypes.byref(result)).decode()}")
            columns = range(self.api.duckdb_column_count(ctypes.byref(result)))
            kinds = [self.api.duckdb_column_type(ctypes.byref(result), column) for column in columns]
            return kinds, [[self.cell(result, column, row) for column in columns]
                           for row in range(self.api.duckdb_row_count(ctypes.byref(result)))]
        finally:
            self.api.duckdb_destroy_result(ctypes.byref(result))

    def cell(self, result, column, row):
        text = self.api.duckdb_value_varchar(ctypes.byref(result), column, row)
        if not text:
            return None
        value = ctypes.string_at(text).decode()
        self.api.duckdb_free(text)
        return value

    def close(self):
        self.api.duckdb_disconnect(ctypes.byref(self.connection))
        self.api.duckdb_close(ctypes.byref(self.database))


def blob(text):
    """As DuckDB shows it: what is not printable ASCII as \\xHH."""
    value = re.sub(rb"\\x([0-9A-F]{2})", lambda match: bytes.fromhex(match.group(1).decode()), text.encode())
    try:
        return value if b"\0" in value else value.decode()
    except UnicodeDecodeError:
        return value


def moment(text):
    whole, _, fraction = text.removesuffix("+00").partition(".")
    return whole + (f".{fraction:0<6}" if fraction else "")


READ = {BOOLEAN: lambda text: int(text == "true"), BIGINT: int, DOUBLE: float, TIMESTAMP: moment, TIMESTAMP_TZ: moment, BLOB: blob}


class DuckDb(SqlAdaptor):
    name = "duckdb"
    cannot = {"upstream": "SQLite", "refused": "refuses the row"}
    reads_beside = False
    slowness = 3

    @classmethod
    def start(cls, folder):
        return None if library() else "there is no DuckDB here: script/setup --duckdb fetches it"

    def __init__(self, folder):
        super().__init__(folder)
        self.path = folder / "out.duckdb"

    def config(self):
        return 'type = "duckdb"\npath = "out.duckdb"'

    def run(self, sql, mode):
        database = Database(self.path, mode)
        try:
            return database.run(sql)
        finally:
            database.close()

    def query(self, sql):
        if not self.path.exists():
            return []
        try:
            kinds, rows = self.run(sql, b"READ_ONLY")
        except RuntimeError as problem:
            if "does not exist" in str(problem):
                return []
            raise
        read = [READ.get(kind, str) for kind in kinds]
        return [tuple(None if cell is None else make(cell) for make, cell in zip(read, row)) for row in rows]

    def execute(self, sql):
        self.run(sql, b"READ_WRITE")

    def columns(self, table):
        return [row[0] for row in self.query(f"SELECT name FROM pragma_table_info('{table}')")]
