#!/usr/bin/env python3
"""Write modes against a model: the table and its counts are what these rules give, whatever happens in between.

  write_modes.py [--leat build/release/leat] [--rounds 6] [--seed N] [--keep] [MODE...]

Each round of append, ignore and merge adds random lines of few keys to a log, some without a key, some that do not fit,
the last one often without its end; each round of replace writes a new log in the place of the old one. leat reads it with
`run --once` and is killed (SIGKILL) at random moments while it runs, then started until it ends well. Then rows, rejects and the
aggregate must equal what Python makes of the log, and `leat verify` must agree. After each kill in a round of replace the
table must hold the last complete pull, or the whole new one.

Exit status: 0 all equal, 1 not, 2 the loop itself could not work.
"""

import argparse
import collections
import datetime
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODES = ("append", "ignore", "merge", "newest", "replace")
LINES = 4000  # of a round, at most
KILLS = 4  # of a round, at most

PIPELINE = """
[sources.log]
type = "file"
include = "records.log"
format = { type = "web_log", log_format = '$request_id [$time_local] $remote_addr $body_bytes_sent' }
[sinks.db]
type = "sqlite"
path = "modes.db"
[pipelines.records]
from = "log"
to = "db.records"
raw = false
commit = { rows = 50 }
%s
[aggregates.per_hour]
from = "records"
by = { hour = "hour(time)" }
value = { hits = "count()", addrs = "count_distinct(remote_addr)", bytes = "sum(body_bytes_sent)", first = "min(remote_addr)", last = "max(time)" }
"""

WRITE = {
    "append": 'write = "append"',
    "ignore": 'write = "ignore"\nkey = ["request_id"]',
    "merge": 'write = "merge"\nkey = ["request_id"]',
    "newest": 'write = "merge"\nkey = ["request_id"]\nnewest = "time"',
    "replace": 'write = "replace"',
}


class Wrong(Exception):
    pass


def random_line(rng):
    if rng.random() < 0.04:
        return "this is no record"
    key = "-" if rng.random() < 0.04 else f"key-{rng.randrange(150)}"
    second = rng.randrange(6 * 3600)
    at = datetime.datetime(2026, 3, 1) + datetime.timedelta(seconds=second)
    addr = "-" if rng.random() < 0.1 else f"10.0.0.{rng.randrange(40)}"
    size = "-" if rng.random() < 0.1 else str(rng.randrange(100_000))
    return f"{key} [{at:%d/%b/%Y:%H:%M:%S} +0000] {addr} {size}"


def parse(line):
    """The row of a line, or None: a reject."""
    words = line.split(" ")
    if len(words) != 5 or not words[1].startswith("["):
        return None
    try:
        at = datetime.datetime.strptime(words[1][1:], "%d/%b/%Y:%H:%M:%S")
        size = None if words[4] == "-" else int(words[4])
    except ValueError:
        return None
    if words[2] != "+0000]":
        return None
    text = [None if word == "-" else word for word in (words[0], words[3])]
    return (text[0], f"{at:%Y-%m-%d %H:%M:%S}", text[1], size)


def model(mode, content):
    """Rows (in any order), rejects and buckets that the content of the log gives."""
    rows, by_key, rejects = [], {}, 0
    for line in content.split("\n"):
        if line == "":
            continue
        row = parse(line)
        keyed = mode in ("ignore", "merge", "newest")
        if row is None or (keyed and row[0] is None):
            rejects += 1
        elif not keyed:
            rows.append(row)
        elif row[0] not in by_key:
            by_key[row[0]] = row
        elif mode == "merge" or (mode == "newest" and row[1] >= by_key[row[0]][1]):
            by_key[row[0]] = row
    rows += by_key.values()
    buckets = collections.defaultdict(list)
    for row in rows:
        buckets[row[1][:13]].append(row)
    counts = []
    for hour, own in buckets.items():
        addrs = {row[2] for row in own if row[2] is not None}
        sizes = [row[3] for row in own if row[3] is not None]
        counts.append((hour, len(own), len(addrs), sum(sizes) if sizes else None, min(addrs) if addrs else None,
                       max(row[1] for row in own)))
    return sorted(rows, key=repr), rejects, sorted(counts)


def stored(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT request_id, time, remote_addr, body_bytes_sent FROM records").fetchall()
        rejects = db.execute("SELECT count(*) FROM _leat_rejects WHERE pipeline = 'records'").fetchone()[0]
        counts = db.execute("SELECT hour, hits, addrs, bytes, first, last FROM per_hour").fetchall()
    db.close()
    return sorted(rows, key=repr), rejects, sorted(counts)


class Loop:
    def __init__(self, options, mode, folder):
        self.random = random.Random(f"{options.seed} {mode}")
        self.leat, self.mode, self.folder = options.leat, mode, folder
        self.content, self.complete = "", None
        self.kills = 0
        self.longest = 0.1  # seconds that leat may live
        (folder / "p.toml").write_text(PIPELINE % WRITE[mode])

    def start(self):
        return subprocess.Popen([self.leat, "run", self.folder / "p.toml", "--once", "--quiet"], cwd=self.folder,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def look(self, when):
        """Readers of a table that is replaced never see a mix."""
        if self.mode != "replace" or self.complete is None:
            return
        found = stored(self.folder / "modes.db")
        if found not in (self.complete, model(self.mode, self.content)):
            raise Wrong(f"{when}: the table is neither the last complete pull nor the new one")

    def write(self):
        lines = [random_line(self.random) for _ in range(self.random.randrange(LINES // 2, LINES))]
        if self.mode == "replace":
            self.content = "\n".join(lines) + "\n"
        else:
            self.content += "\n".join(lines) + "\n"
        path = self.folder / "records.log"
        text = self.content
        if self.random.random() < 0.6:  # the last line has no end yet, or only a part of it stands there
            text = text[: self.random.choice([-1, -3, -20])]
        if self.mode != "replace":
            with open(path, "r+" if path.exists() else "w") as log:
                log.seek(0, 2)
                log.write(text[log.tell():])
        else:
            path.unlink(missing_ok=True)
            path.write_text(text)
        self.visible = text

    def round(self, number):
        self.write()
        whole, self.content = self.content, self.visible
        for _ in range(self.random.randrange(KILLS + 1)):
            process = self.start()
            time.sleep(self.random.random() * self.longest)
            busy = process.poll() is None
            process.kill()
            process.communicate()
            self.kills += busy
            # How long a life may last is found on the way: most kills are to fall into it.
            self.longest = min(self.longest * 1.3, 1) if busy else self.longest * 0.7
            self.look(f"round {number}, after a kill")
        process = self.start()
        _, said = process.communicate(timeout=120)
        if process.returncode != 0:
            raise Wrong(f"round {number}: leat ended with {process.returncode}: {said}")
        found, expected = stored(self.folder / "modes.db"), model(self.mode, self.content)
        for name, one, other in zip(("rows", "rejects", "counts"), found, expected):
            if one != other:
                raise Wrong(f"round {number}: {name} differ: found {one if name != 'rows' else len(one)}, expected "
                            f"{other if name != 'rows' else len(other)}")
        verify = subprocess.run([self.leat, "verify", self.folder / "modes.db"], capture_output=True, text=True)
        if verify.returncode != 0:
            raise Wrong(f"round {number}: {verify.stdout}{verify.stderr}")
        self.complete = found
        self.content = whole


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leat", default=ROOT / "build/release/leat", type=pathlib.Path)
    parser.add_argument("--rounds", default=6, type=int)
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--keep", action="store_true", help="keep the folder of a mode that failed")
    parser.add_argument("modes", nargs="*", choices=[*MODES, []], default=[])
    options = parser.parse_args()
    options.leat = options.leat.resolve()
    if not options.leat.exists():
        print(f"{options.leat}: no such program; build it first", file=sys.stderr)
        return 2
    status = 0
    for mode in options.modes or MODES:
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"leat-{mode}-"))
        loop = Loop(options, mode, folder)
        wrong = None
        try:
            for number in range(options.rounds):
                loop.round(number)
        except Wrong as found:
            wrong = found
        if wrong is None or not options.keep:
            shutil.rmtree(folder)
        if wrong is not None:
            status = 1
        rows = len(loop.complete[0]) if loop.complete else 0
        print(f"{mode}: {options.rounds} rounds, {loop.kills} kills while it ran, {rows} rows at the end: "
              + ("all equal" if wrong is None else f"WRONG: {wrong}" + (f" (see {folder})" if options.keep else "")))
    return status


if __name__ == "__main__":
    sys.exit(main())
