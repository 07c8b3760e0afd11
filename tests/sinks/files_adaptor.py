"""Files: NDJSON in folders, read by Python; the books are a SQLite database beside them."""

import gzip
import json

from adaptor import SqlAdaptor, quoted
from sqlite_adaptor import Sqlite


class Files(Sqlite):
    name = "files"
    cannot = {mode: "does not have write" for mode in ("ignore", "merge", "newest", "replace", "reconcile")} | {
        "aggregates": "keeps no aggregates", "upstream": "SQLite", "refused": "the target refuses no row", "rewind": "cannot be taken out of files"}

    def __init__(self, folder):
        SqlAdaptor.__init__(self, folder)
        self.root = folder / "lake"
        self.path = self.root / "_leat" / "books.db"

    def config(self):
        return 'type = "files"\npath = "lake"\nformat = "ndjson"\ncompression = "gzip"\nmax_rows = 700'

    def rows(self, table, columns, types=None):
        """Complete files, and what is committed of those that grow. Where a row stood is in the books alone."""
        booked = self.query(f"SELECT p.name, t._offset FROM {quoted(table)} t JOIN _leat_parts p ON p.part = t._part ORDER BY t.file, t._row")
        found = []
        for path, size in self.query("SELECT path, bytes FROM _leat_files JOIN _leat_pipelines USING(pipeline) "
                                     f"WHERE table_name = '{table}' ORDER BY file"):
            file = self.root / path
            data = (file if file.exists() else file.with_name(file.name + ".part")).read_bytes()[:size]
            found += [json.loads(line) for line in gzip.decompress(data).split(b"\n") if line]
        assert len(found) == len(booked), f"{len(found)} rows in files, {len(booked)} in the books"
        kinds = types or {}

        def cell(row, place, column):
            if column in ("_part", "_offset"):
                return place[0 if column == "_part" else 1]
            value = row.get(column)  # an older file has fewer columns
            if kinds.get(column) == "json":
                return None if value is None else json.dumps(value)
            return int(value) if isinstance(value, bool) else value

        return [tuple(cell(row, place, column) for column in columns) for row, place in zip(found, booked)]
