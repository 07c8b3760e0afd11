"""BigQuery: the stand-in of tests/standins, a dataset for each check; rows are read from the stand-in, the books in the spool."""

import base64
import datetime
import importlib.util
import itertools
import pathlib

from adaptor import SqlAdaptor
from model import time_text
from sqlite_adaptor import Sqlite

# By its path: another stand-in's module has the same name.
HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("bigquery_standin", HERE.parent / "standins" / "bigquery" / "standin.py")
standin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(standin)


def cell(value, kind):
    """A stored value of the stand-in as the suite has it."""
    if value is None:
        return None
    match kind:
        case "TIMESTAMP":
            return time_text(datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=value))
        case "FLOAT":
            return float(value)
        case "BYTES":
            raw = base64.b64decode(value)
            try:
                return raw if b"\0" in raw else raw.decode()
            except UnicodeDecodeError:
                return raw
    return value


class BigQuery(Sqlite):
    name = "bigquery"
    cannot = {"reconcile": "cannot take out what a full pull no longer has",
        "aggregates": "a view in BigQuery", "upstream": "SQLite", "serve": "are read by BigQuery itself", "provisional": "is not loaded before"}
    key_changes = ()
    loads_at_stop = False
    knows_lines = False
    knows_ignored = False
    slowness = 4
    shared = None  # the stand-in of all checks
    number = itertools.count()

    @classmethod
    def start(cls, folder):
        cls.shared = standin.BigQuery("--quota", 1_000_000).__enter__()

    @classmethod
    def stop(cls):
        cls.shared.__exit__()

    def __init__(self, folder):
        SqlAdaptor.__init__(self, folder)
        self.begin_again()

    def begin_again(self):
        self.dataset = f"check_{next(self.number)}"

    def config(self):
        return (f'type = "bigquery"\nproject = "test"\ndataset = "{self.dataset}"\nspool = "spool"\nendpoint = "{self.shared.url}"\n'
                'every = "100ms"')

    def soon(self):
        return self.config().replace('"100ms"', '"1s"')

    def journals(self):
        return sorted((self.folder / "spool").glob("*/journal.db"))

    def query(self, sql):
        """Of all journals together."""
        found = []
        for self.path in self.journals():
            found += Sqlite.query(self, sql)
        return found

    def rows(self, table, columns, types=None):
        self.shared.ask("wait")
        status, resource = self.shared.api("GET", f"/datasets/{self.dataset}/tables/{table}")
        if status == 404:
            return []
        kinds = {field["name"]: field["type"] for field in resource["schema"]["fields"]}
        named = {column: safe(column) for column in columns}
        return [tuple(cell(row.get(named[column]), kinds.get(named[column])) for column in columns)
                for row in self.shared.ask(f"rows?table={self.dataset}.{table}")]

    def tamper(self, table, how):
        if how == "reject":
            self.path = self.journals()[0]
            self.execute(f"DELETE FROM {self.leat('rejects')} WHERE reject = (SELECT min(reject) FROM {self.leat('rejects')})")
        else:
            self.shared.ask("tamper", {"table": f"{self.dataset}.{table}", "how": how})

    def forbid_doubles(self, table, column):
        self.shared.ask("forbid_doubles", {"table": f"{self.dataset}.{table}", "column": column})


def safe(name):
    """A column's name as the sink makes it one of BigQuery's."""
    return "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" * len(c.encode()) for c in name)
