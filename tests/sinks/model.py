"""Records, and what must become of them: Python's own idea of the write modes and of aggregates, sharing nothing with leat."""

import collections
import datetime
import json

COLUMNS = ("id", "n", "x", "at", "t")
TYPES = {"id": "text", "n": "integer", "x": "real", "at": "time", "t": "text"}
FORMAT = ('format = { type = "json", columns = { id = "/id", n = { path = "/n", type = "integer" }, x = { path = "/x", type = "real" }, '
          'at = { path = "/at", type = "time" }, t = "/t" } }')
WRITE = {
    "append": 'write = "append"',
    "ignore": 'write = "ignore"\nkey = ["id"]',
    "merge": 'write = "merge"\nkey = ["id"]',
    "newest": 'write = "merge"\nkey = ["id"]\nnewest = "at"',
    "replace": 'write = "replace"',
}
AGGREGATE = """[aggregates.per_hour]
from = "records"
by = { hour = "hour(at)" }
value = { hits = "count()", texts = "count_distinct(t)", total = "sum(n)", sum_x = "sum(x)", first = "min(t)", last = "max(at)" }
"""
AGGREGATE_COLUMNS = ("hour", "hits", "texts", "total", "sum_x", "first", "last")
FIRST = datetime.datetime(2026, 3, 1)


def time_text(at):
    """As the suite writes every time: the fraction only where there is one, then with 6 digits."""
    text = f"{at:%H:%M:%S}" + (f".{at.microsecond:06}" if at.microsecond else "")
    return f"{at.year:04}-{at:%m-%d} {text}"


def random_line(random, keys, pad):
    """A record of few keys; one in twenty fits no row. `pad`: bytes that no column takes, for more chunks and so more commits."""
    kind = random.random()
    if kind < 0.03:
        return "this is no record"
    or_null = lambda value: None if random.random() < 0.08 else value
    at = FIRST + datetime.timedelta(seconds=random.randrange(6 * 3600), microseconds=random.choice((0, 0, 1, 999999)))
    return json.dumps({
        "id": None if random.random() < 0.03 else f"key-{random.randrange(keys)}",
        "n": "many" if kind < 0.05 else or_null(random.randrange(-10**12, 10**12)),
        "x": or_null(random.randrange(-1000, 1000) / 4),  # quarters: their sums are exact
        "at": or_null(at.isoformat() + "Z"),
        "t": or_null(random.choice(("", "ä€😀", "a\tb\\N\nc", "'\"--", f"text {random.randrange(30)}"))),
        **({"pad": "x" * pad} if pad else {}),
    }, ensure_ascii=False)


def parse(line):
    """The row of a line, or None: a reject."""
    try:
        record = json.loads(line)
        at = record["at"] and time_text(datetime.datetime.fromisoformat(record["at"][:-1]))
        return None if isinstance(record["n"], str) else (record["id"], record["n"], record["x"], at, record["t"])
    except (ValueError, KeyError, TypeError):
        return None


def order(values):
    return sorted(values, key=repr)


def older(one, other):
    """Of two values of `newest`: NULL is older than any other."""
    return other is not None and (one is None or one < other)


def aggregate(rows):
    buckets = collections.defaultdict(list)
    for row in rows:
        buckets[row[3] and row[3][:13]].append(row)
    result = []
    for hour, own in buckets.items():
        column = lambda i: [row[i] for row in own if row[i] is not None]
        texts, encoded = column(4), lambda text: text.encode()
        result.append((hour, len(own), len(set(texts)), sum(column(1)) if column(1) else None, sum(column(2)) if column(2) else None,
                       min(texts, key=encoded, default=None), max(column(3), default=None)))
    return result


class Expected:
    """What the table, its rejects and its aggregate must hold after these lines."""

    def __init__(self, mode, lines):
        self.rejects, self.inserted, self.updated, self.ignored = [], 0, 0, 0
        rows, by_key = [], {}
        for line in lines:
            row = parse(line)
            if row is None or (mode in ("ignore", "merge", "newest") and row[0] is None):
                self.rejects.append(line)
            elif mode in ("append", "replace"):
                rows.append(row)
                self.inserted += 1
            elif row[0] not in by_key:
                by_key[row[0]] = row
                self.inserted += 1
            elif mode == "ignore" or (mode == "newest" and older(row[3], by_key[row[0]][3])):
                self.ignored += 1
            else:
                by_key[row[0]] = row
                self.updated += 1
        self.rows = order(rows + list(by_key.values()))
        self.rejects = order(self.rejects)
        self.buckets = order(aggregate(self.rows))
        self.records = self.inserted + self.updated + self.ignored + len(self.rejects)
