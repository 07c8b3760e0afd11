#!/usr/bin/env python3
"""Two steps: the second pipeline reads the table of the first one, and both are killed all the time.

  two_steps.py [--leat build/release/leat] [--rounds 6] [--seed N] [--keep] [MODE...]

Each round adds records to a file (in mode `replace` it writes another one; in mode `append`, where their order does not matter, there are
three), often the last one without its end. Then leat lives some
short lives, which end by SIGKILL: both steps in one process, or each in its own at the same time, following or with --once. At
the end `run --once` has to bring everything to its end: the table of the second step, in a database of its own, must be the
one of the first step, its counts those that Python makes of the log, and `leat verify` must agree. Where rows do not change each
must have come once: the second table's _offset are the first one's _row, no more and no less.

Exit status: 0 all equal, 1 not, 2 the loop itself could not work.
"""

import argparse
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/sinks"))

import model  # noqa: E402

LINES = 4000  # of a round, at most
MODES = ("append", "ignore", "merge", "replace")
LIVES = 6  # of a round, at most

PIPELINES = """
[sources.log]
type = "file"
include = "*.ndjson"
%s
[sources.records]
type = "table"
from = "records"
[sinks.one]
type = "sqlite"
path = "one.db"
[sinks.two]
type = "sqlite"
path = "two.db"
[pipelines.copy]
from = "records"
to = "two"
commit = { rows = 50 }
%s
[pipelines.records]
from = "log"
to = "one"
raw = false
commit = { rows = 50 }
%s
"""

ROWS = f"SELECT {', '.join(model.COLUMNS)} FROM "
COUNTS = f"SELECT {', '.join(model.AGGREGATE_COLUMNS)} FROM per_hour"


class Wrong(Exception):
    pass


def query(path, sql):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return sorted(db.execute(sql).fetchall(), key=repr)
    finally:
        db.close()


class Loop:
    def __init__(self, options, mode, folder):
        self.random = random.Random(f"{options.seed} {mode}")
        self.leat, self.mode, self.folder = options.leat, mode, folder
        names = [f"{letter}.ndjson" for letter in ("abc" if mode == "append" else "a")]
        self.written = dict.fromkeys(names, "")  # with a last line that ends
        self.visible = dict(self.written)  # what stands there
        self.rows = self.kills = 0
        self.longest = 0.1  # seconds that leat may live
        second = model.WRITE["append" if mode in ("append", "ignore") else mode]
        (folder / "p.toml").write_text(PIPELINES % (model.FORMAT, second, model.WRITE[mode]) +
                                       model.AGGREGATE.replace('"records"', '"copy"'))

    def start(self, *arguments):
        return subprocess.Popen([self.leat, "run", "p.toml", "--quiet", *arguments], cwd=self.folder,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def write(self):
        for name in self.written:
            if self.mode == "append" and self.random.random() < 0.4:
                continue
            lines = [model.random_line(self.random, 150, 200) for _ in range(self.random.randrange(LINES // 2, LINES))]
            if self.mode == "replace":
                self.written[name] = ""
                (self.folder / name).unlink(missing_ok=True)
            self.written[name] += "\n".join(lines) + "\n"
            # The last line often has no end yet.
            cut = self.random.choice([-1, -1, -3, -20]) if self.random.random() < 0.7 else None
            self.visible[name] = self.written[name][:cut]
            with open(self.folder / name, "ab") as log:
                log.write(self.visible[name].encode()[log.tell():])

    def live(self):
        """One life: who takes part, and how."""
        once = ["--once"] if self.mode == "replace" or self.random.random() < 0.5 else []
        steps = self.random.choice([[[]], [["records"], ["copy"]], [["copy"]], [["records"]]])
        processes = [self.start(*step, *once) for step in steps]
        time.sleep(self.random.random() * self.longest)
        busy = False
        for process in self.random.sample(processes, len(processes)):
            busy = process.poll() is None or busy
            process.kill()
            process.communicate()
        self.kills += busy
        # How long a life may last is found on the way: most kills are to fall into it.
        self.longest = min(self.longest * 1.3, 1) if busy else self.longest * 0.7

    def round(self, number):
        self.write()
        for _ in range(self.random.randrange(LIVES + 1)):
            self.live()
        process = self.start("--once")
        _, said = process.communicate(timeout=120)
        if process.returncode != 0:
            raise Wrong(f"round {number}: leat ended with {process.returncode}: {said}")
        lines = [line for text in self.visible.values() for line in text.split("\n") if line]
        expected = model.Expected(self.mode, lines)
        self.rows = len(expected.rows)
        one, two = self.folder / "one.db", self.folder / "two.db"
        found = {"rows of the first step": (query(one, ROWS + "records"), expected.rows),
                 "rows of the second step": (query(two, ROWS + "copy"), expected.rows),
                 "counts": (query(two, COUNTS), expected.buckets)}
        if self.mode != "merge":
            found["numbers of rows"] = query(two, "SELECT _offset FROM copy"), query(one, "SELECT _row FROM records")
        for name, (is_now, wanted) in found.items():
            if is_now != wanted:
                raise Wrong(f"round {number}: {name} differ: {len(is_now)} found, {len(wanted)} expected, for example "
                            f"{list(set(is_now) ^ set(wanted))[:3]}")
        verify = subprocess.run([self.leat, "verify", self.folder / "p.toml"], capture_output=True, text=True)
        if verify.returncode != 0:
            raise Wrong(f"round {number}: {verify.stdout}{verify.stderr}")


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
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"leat-steps-{mode}-"))
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
        print(f"{mode}: {options.rounds} rounds, {loop.kills} kills while it ran, {loop.rows} rows at the end: "
              + ("all equal" if wrong is None else f"WRONG: {wrong}" + (f" (see {folder})" if options.keep else "")))
    return status


if __name__ == "__main__":
    sys.exit(main())
