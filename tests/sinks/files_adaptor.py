"""Files in a folder: NDJSON, CSV and Parquet, read by Python, or DuckDB's own library; the books are a SQLite database beside them."""

import gzip
import json

import duckdb_adaptor
import golden
from adaptor import SqlAdaptor, quoted
from sqlite_adaptor import Sqlite

PLAIN = {"boolean": lambda text: int(text == "true"), "integer": int, "real": float}


class Files(Sqlite):
    """NDJSON."""

    name = "files"
    key_changes = ()
    kind = "files"
    kills = 20  # there is one write mode
    format = 'format = "ndjson"\ncompression = "gzip"\nmax_rows = 700'
    cannot = {mode: "does not have write" for mode in ("ignore", "merge", "newest", "replace", "reconcile")} | {
        "aggregates": "keeps no aggregates", "upstream": "SQLite", "refused": None, "rewind": "cannot be taken out of files",
        "again": "cannot be taken out of files", "serve": "are read by any tool", "infinite": "null in NDJSON", "bytes": "\\xHH in NDJSON",
        "offset": "the books have that of the last row of a batch"}

    def __init__(self, folder):
        SqlAdaptor.__init__(self, folder)
        self.root = folder / "lake"
        self.path = self.root / "_leat" / "books.db"

    def config(self):
        return f'type = "files"\npath = "lake"\n{self.format}'

    def soon(self):
        return self.config() + ("" if "max_age" in self.format else '\nmax_age = "1s"')

    def waits(self):
        return any(self.root.rglob("*.part"))

    def schema(self, table):
        """{column: type} of all files together; `bytes` is a type, too."""
        found = self.query(f"SELECT columns FROM _leat_file_tables JOIN _leat_pipelines USING(pipeline) WHERE table_name = '{table}'")
        cells = found[0][0].split("\t") if found else []
        return dict(zip(cells[1::2], cells[::2]))

    def rows(self, table, columns, types=None):
        """Complete files, and what is committed of those that grow. Of which part a row is stands in the books alone."""
        booked = [part for part, count in self.query(f"SELECT p.name, t.records FROM {quoted(table)} t JOIN _leat_parts p ON p.part = t._part "
                                                     "ORDER BY t.file, t._row") for _ in range(count)]
        schema = self.schema(table)
        found = []
        for path, size in self.query("SELECT path, bytes FROM _leat_files JOIN _leat_pipelines USING(pipeline) "
                                     f"WHERE table_name = '{table}' ORDER BY file"):
            file = self.root / path
            found += self.read(file if file.exists() else file.with_name(file.name + ".part"), size, schema)
        assert len(found) == len(booked), f"{len(found)} rows in files, {len(booked)} in the books"
        return [tuple(part if column == "_part" else row.get(column) for column in columns) for row, part in zip(found, booked)]  # older ones have fewer

    def read(self, file, size, schema):
        """The rows in the first `size` bytes of a file, as {column: value}."""
        return [self.row(line, schema) for line in gzip.decompress(file.read_bytes()[:size]).decode().split("\n") if line]

    @staticmethod
    def row(line, schema):
        """json as it stands there."""
        decode, at, row = json.JSONDecoder().raw_decode, 1, {}
        while at < len(line) - 1:
            name, at = decode(line, at)
            value, end = decode(line, at + 1)
            row[name] = None if value is None else line[at + 1:end] if schema[name] == "json" else int(value) if isinstance(value, bool) else value
            at = end + 1
        return row


class CsvFiles(Files):
    name = "files-csv"
    format = "max_rows = 700"
    cannot = {name: why for name, why in Files.cannot.items() if name not in ("infinite", "bytes")}

    def read(self, file, size, schema):
        names, *rows = golden.parse(file.read_bytes()[:size].decode(errors="surrogateescape"))
        return [{name: None if cell is None else self.value(cell, schema[name]) for name, cell in zip(names, row)} for row in rows]

    @staticmethod
    def value(cell, kind):
        if kind in PLAIN:
            return PLAIN[kind](cell)
        encoded = cell.encode(errors="surrogateescape")
        return encoded if kind == "bytes" and encoded != cell.encode(errors="replace") else cell


class ParquetFiles(Files):
    """Each commit makes files; they are small here, so that there are many."""

    name = "files-parquet"
    kind = "duckdb"
    format = 'format = "parquet"\nmax_rows = 700\nmax_age = "1s"'
    cannot = CsvFiles.cannot
    slowness = 3
    start = duckdb_adaptor.DuckDb.start

    def read(self, file, size, schema):
        assert file.suffix == ".parquet" and file.stat().st_size == size, f"{file} is not whole"
        database = duckdb_adaptor.Database(":memory:", b"READ_WRITE")
        try:
            names = [name for (name,) in database.run(f"SELECT name FROM parquet_schema('{file}') OFFSET 1")[1]]
            kinds, rows = database.run(f"SELECT * FROM '{file}'")
        finally:
            database.close()
        read = [duckdb_adaptor.READ.get(kind, str) for kind in kinds]
        return [{name: None if cell is None else make(cell) for name, make, cell in zip(names, read, row)} for row in rows]
