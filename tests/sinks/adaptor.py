"""What the suite must know of a sink: one small class each. README.md says how to add one."""


class Adaptor:
    """Of one check: an empty target and its folder. What is not there yet raises NotImplementedError."""

    name = ""  # in the table of the suite
    kind = ""  # a sink that this leat must have for it; `name` where it is empty
    # What the sink refuses by design: the name of a check or of one of `FEATURES` → a text that the error must hold.
    # The check then proves the refusal. None: there is no such thing. Whatever is not here has to work.
    cannot = {}
    FEATURES = ("append", "ignore", "merge", "newest", "replace", "aggregates", "provisional", "refused", "upstream", "reconcile", "rewind", "again",
                "infinite", "bytes", "offset")
    files = True  # it keeps its data in files of this machine, whose system calls can be made to fail
    kills = 6  # of a write mode; there are five
    commit_rows = 50  # of the pipelines that are killed
    lines = 3000  # of a round with kills, at most
    knows_lines = True  # of rows that the target refuses later: the reject says the line and the record; else the byte, and what was sent
    key_changes = ()  # (statements that break the key of records, what verify says of it)
    loads_at_stop = True  # what is committed is seen when leat was stopped, not only with the next run
    reads_beside = True  # others can read while leat has it open
    knows_ignored = True  # what became of a record of a key is known when it is committed
    slowness = 1  # how many times as long as with SQLite a run takes: of long sweeps so many fewer points
    timeout = 120  # seconds that one run may take on a loaded machine

    @classmethod
    def start(cls, folder):
        """Starts what all checks share (a server). `folder`: where it may write. Returns why it cannot be tested here, or None."""
        return None

    @classmethod
    def stop(cls):
        pass

    def __init__(self, folder):
        self.folder = folder

    def another(self, folder):
        """An empty target for the same check; both end with close() of either."""
        return type(self)(folder)

    def begin_again(self):
        """Its folder was emptied: so is what the target keeps elsewhere."""

    def close(self):
        """The end of the check."""

    def config(self):
        """The lines of [sinks.db]."""
        raise NotImplementedError

    def address(self):
        """What `leat status` takes in place of a pipeline file; empty: there is no such thing."""
        return ""

    def soon(self):
        """The same, where rows are seen within a second."""
        return self.config()

    def waits(self):
        """Whether there are committed rows that nobody sees yet."""
        return False

    def environment(self):
        """Variables that leat gets besides: secrets."""
        return {}

    def through(self, port):
        """For servers: the lines of [sinks.db] when the connection goes through this port of 127.0.0.1; None: no server."""
        return None

    def server(self):
        """For servers: (host, port) behind the proxy."""

    def crash(self):
        """For servers: it ends as in a crash, and is started again after a moment."""

    def rows(self, table, columns, types=None):
        """All rows as tuples in no order. Values are None, int, float, str, bytes; a boolean is 0 or 1, a time
        `model.time_text`, json as its text. `types`: {column: type} where it is not plain from the value. The columns
        `_part` (the part's name) and `_offset` can be asked for. No table: no rows."""
        raise NotImplementedError

    def rejects(self, pipeline):
        """(line, column, reason, raw) of each; raw: str, or bytes where it is no UTF-8."""
        raise NotImplementedError

    def counts(self, pipeline):
        """{inserted, updated, ignored, filtered, rejected: sums over the ranges; end: sum of the positions}."""
        raise NotImplementedError

    def vanished(self):
        """How many rows full pulls have deleted, in all."""
        raise NotImplementedError

    def tamper(self, table, how):
        """Behind leat's back. `how`: a row is removed ("remove"), is there twice ("double"), its place is another ("move"); a reject is
        removed ("reject"); `hits` of an aggregate is another ("count")."""
        raise NotImplementedError

    def forbid_doubles(self, table, column):
        """From now on the target refuses a row whose value of this column is there."""
        raise NotImplementedError

    def allow_doubles(self):
        """No more: of sinks whose `cannot` has "refused"."""
        raise NotImplementedError


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class SqlAdaptor(Adaptor):
    """Of sinks with the tables of docs/formats/database.md."""

    def query(self, sql):
        """Rows as tuples of plain Python values, times as text; [] where the table is not there."""
        raise NotImplementedError

    def execute(self, sql):
        raise NotImplementedError

    def table(self, name):
        return quoted(name)

    def leat(self, name):
        """A table of leat's own."""
        return quoted(f"_leat_{name}")

    def rows(self, table, columns, types=None):
        names = ", ".join("p.name" if column == "_part" else self.column(column, (types or {}).get(column)) for column in columns)
        return self.query(f"SELECT {names} FROM {self.table(table)} t" +
                          (f" JOIN {self.leat('parts')} p ON p.part = t._part" if "_part" in columns else ""))

    def column(self, name, kind):
        return f"t.{quoted(name)}"

    def rejects(self, pipeline):
        return self.query(f"SELECT line, column_name, reason, raw FROM {self.leat('rejects')} WHERE pipeline = '{pipeline}'")

    def counts(self, pipeline):
        names = ("inserted", "updated", "ignored", "filtered", "rejected")
        sums = self.query(f"SELECT {', '.join(f'sum({name})' for name in names)} FROM {self.leat('ranges')} r "
                          f"JOIN {self.leat('parts')} p ON p.part = r.part WHERE p.pipeline = '{pipeline}'")
        end = self.query(f"SELECT sum(s.{quoted('offset')}) FROM {self.leat('positions')} s JOIN {self.leat('parts')} p "
                         f"ON p.part = s.part WHERE p.pipeline = '{pipeline}'")
        return dict(zip(names, [int(value or 0) for value in sums[0]]), end=int(end[0][0] or 0)) if sums else {}

    def vanished(self):
        return sum(int(row[0]) for row in self.query(f"SELECT vanished FROM {self.leat('full_pulls')}"))

    def tamper(self, table, how):
        table = self.table(table)
        one = f"_row = (SELECT min(_row) FROM {table})"
        if how == "remove":
            self.execute(f"DELETE FROM {table} WHERE {one}")
        elif how == "reject":
            self.execute(f"DELETE FROM {self.leat('rejects')} WHERE reject = (SELECT min(reject) FROM {self.leat('rejects')})")
        elif how == "count":
            self.execute(f"UPDATE {table} SET hits = hits + 1 WHERE hour = (SELECT min(hour) FROM {table})")
        elif how == "move":
            self.execute(f"UPDATE {table} SET _offset = _offset + 1 WHERE {one}")
        else:
            columns = [name for name in self.columns(table) if name != "_row"]
            names = ", ".join(quoted(name) for name in columns)
            self.execute(f"INSERT INTO {table} ({names}, _row) SELECT {names}, (SELECT max(_row) + 1 FROM {table}) FROM {table} WHERE {one}")

    def columns(self, table):
        """Names, of a table that is quoted."""
        raise NotImplementedError

    def forbid_doubles(self, table, column):
        self.execute(f"CREATE UNIQUE INDEX no_doubles ON {self.table(table)} ({quoted(column)})")

    def allow_doubles(self):
        self.execute("DROP INDEX no_doubles")
