#!/usr/bin/env python3
"""`leat run` pulls a table from `leat serve` while another `leat run` appends to it; at the end both tables are equal.

  serve_pull.py [--leat build/release/leat] [--runs 5] [--seed N] [--keep]

A run: a writer appends lines to a file, leat takes them into a table and serves it, leat pulls them by HTTP into another
database, again and again, killed now and then. By pages with a next URL in the body, by pages with Link, and as one
stream, in turn. When the writer has ended and all is taken in, one more pull must make the tables equal.

Exit status: 0 they were equal in all runs, 1 not, 2 the loop itself could not work.
"""

import argparse
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LINES = 1500
PATIENCE = 120  # seconds, for what must happen at last

SERVED = """[sources.lines]
type    = "file"
include = "lines.csv"
format  = { type = "csv", header = false, columns = ["n:integer", "name", "amount:real", "text"] }

[sinks.db]
type = "sqlite"
path = "served.db"

[pipelines.lines]
from   = "lines"
to     = "db.items"
commit = { rows = 100, every = "20ms" }

[serve]
listen = "127.0.0.1:0"
"""
PULLED = """[sources.api]
type        = "http"
url         = "http://{address}/api/v1/{path}"
params      = {{ fields = "_row,n,name,amount,text"{params} }}
pagination  = {{ {pagination} }}
incremental = {{ after = "_row.gt", by = "id", path = "/data/*/_row", start = 0 }}
format      = {{ type = "json", records = "/data", columns = {{ number = {{ path = "/_row", type = "integer" }}, \
n = {{ path = "/n", type = "integer" }}, name = "/name", amount = {{ path = "/amount", type = "real" }}, text = "/text" }} }}

[sinks.db]
type = "sqlite"
path = "pulled.db"

[pipelines.items]
from   = "api"
to     = "db.items"
commit = {{ rows = 100, every = "20ms" }}
"""
WAYS = {
    "next_url": {"path": "tables/items", "params": ", limit = 150", "pagination": 'type = "next_url", path = "/next"'},
    "link_header": {"path": "tables/items", "params": ", limit = 70", "pagination": 'type = "link_header"'},
    "stream": {"path": "stream/items", "params": "", "pagination": 'type = "none"'},
}


class Run:
    def __init__(self, options, folder, way, seed):
        self.options, self.folder, self.way = options, folder, way
        self.random = random.Random(seed)
        self.writer_done = threading.Event()
        self.pulls = self.kills = 0

    def write_lines(self):
        with (self.folder / "lines.csv").open("w") as out:
            for n in range(LINES):
                out.write(f'{n},name {n % 7},{n / 4},"text, ""{n}"" ☃"\n')
                if self.random.random() < 0.02:
                    out.flush()
                    time.sleep(0.01)
        self.writer_done.set()

    def start(self, *arguments):
        with (self.folder / "leat.err").open("ab") as err:
            return subprocess.Popen([self.options.leat, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=err)

    def said(self):
        return (self.folder / "leat.err").read_text(errors="replace")

    def rows(self, database, sql):
        connection = sqlite3.connect(self.folder / database)
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []  # no table yet
        finally:
            connection.close()

    def until(self, what, condition):
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what} has not happened: {self.said()[-500:]}")
            time.sleep(0.02)
        return found

    def pull(self, kill):
        child = self.start("run", "pulled.toml", "--once", "--quiet")
        self.pulls += 1
        try:
            status = child.wait(self.random.uniform(0.01, 0.3) if kill else PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            self.kills += 1
            if not kill:
                return [f"a pull did not end in {PATIENCE} s"]
            return []
        return [] if status == 0 else [f"a pull ended with {status}: {self.said()[-500:]}"]

    def run(self):
        """What is wrong."""
        (self.folder / "served.toml").write_text(SERVED)
        (self.folder / "lines.csv").touch()
        writer = threading.Thread(target=self.write_lines)
        writer.start()
        children = [self.start("run", "served.toml")]
        problems = []
        try:
            self.until("the first row", lambda: self.rows("served.db", "SELECT 1 FROM items LIMIT 1"))
            children.append(self.start("serve", "served.toml"))
            address = self.until("listening", lambda: re.search(r"listening on http://(\S+)", self.said()))[1]
            (self.folder / "pulled.toml").write_text(PULLED.format(address=address, **WAYS[self.way]))
            while not problems and not self.writer_done.is_set():
                problems = self.pull(self.random.random() < 0.5)
            self.until("the last row", lambda: self.rows("served.db", "SELECT count(*) FROM items") == [(LINES,)])
            problems = problems or self.pull(False)
        finally:
            writer.join()
            for child in children:
                child.kill()
                child.wait()
        return problems or self.judge()

    def judge(self):
        served = self.rows("served.db", "SELECT _row, n, name, amount, text FROM items ORDER BY _row")
        pulled = self.rows("pulled.db", "SELECT number, n, name, amount, text FROM items ORDER BY number")
        problems = []
        if served != pulled:
            problems.append(f"{len(served)} rows served, {len(pulled)} pulled, {len(set(pulled))} different; "
                            f"missing {sorted(set(served) - set(pulled))[:3]}, more {sorted(set(pulled) - set(served))[:3]}")
        verified = subprocess.run([self.options.leat, "verify", "pulled.db"], cwd=self.folder, capture_output=True, text=True)
        if verified.returncode != 0:
            problems.append(f"verify: {verified.stdout[-500:]}")
        return problems


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("--leat", default=ROOT / "build/release/leat", type=pathlib.Path)
    parser.add_argument("--runs", default=5, type=int)
    parser.add_argument("--seed", default=int(time.time()), type=int)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.leat = options.leat.resolve()
    pulls = kills = 0
    for number in range(options.runs):
        way = list(WAYS)[number % len(WAYS)]
        folder = pathlib.Path(tempfile.mkdtemp(prefix="leat-serve-pull-"))
        problems = None
        try:
            run = Run(options, folder, way, options.seed + number)
            problems = run.run()
            pulls += run.pulls
            kills += run.kills
        finally:
            if options.keep or problems != []:
                print(f"kept: {folder}", file=sys.stderr)
            else:
                shutil.rmtree(folder)
        if problems:
            print("\n".join(f"{way}, seed {options.seed + number}: {problem}" for problem in problems), file=sys.stderr)
            return 1
    print(f"seed {options.seed}: {options.runs} runs, {pulls} pulls, {kills} of them killed: the tables were equal each time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
