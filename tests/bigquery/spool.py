#!/usr/bin/env python3
"""What waits in the spool: leat reads on while BigQuery is away, no more waits than max_spool allows, and all of it comes, once.

  spool.py LEAT
"""

import base64
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import sink

KIB = 1024
ROWS_AT_ONCE = 500
CONFIG = """
[sources.lines]
type = "file"
include = ["{folder}/in.ndjson"]
format = {{ type = "json", columns = {{ id = {{ path = "/id", type = "integer" }}, text = "/text" }} }}

[sinks.warehouse]
type = "bigquery"
project = "test"
dataset = "{name}"
endpoint = "{endpoint}"
credentials = "{folder}/../service_account.json"
spool = "{folder}/spool"
every = "1ms"
{options}

[pipelines.p]
from = "lines"
to = "warehouse.records"
raw = false
commit = {{ rows = {rows}, every = "100ms" }}
"""


class Case:
    def __init__(self, leat, server, folder, name, options=""):
        self.leat, self.server, self.name = leat, server, name
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir()
        self.lines, self.dice = 0, random.Random(name)
        self.config = self.folder / "p.toml"
        self.config.write_text(CONFIG.format(folder=self.folder, name=name, endpoint=server.url, options=options, rows=ROWS_AT_ONCE))
        (self.folder / "in.ndjson").touch()

    def grow(self, count):
        with (self.folder / "in.ndjson").open("a") as file:
            for _ in range(count):
                file.write(json.dumps({"id": self.lines, "text": base64.b64encode(self.dice.randbytes(200)).decode()}) + "\n")
                self.lines += 1

    def start(self, *options):
        return subprocess.Popen([self.leat, "run", self.config, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=sink.LONGEST_SECONDS)
        if process.returncode != 0:
            raise RuntimeError(f"leat ends with {process.returncode}: {said}")
        return said

    def ask(self, question):
        """Of the journal; 0: there is none yet."""
        try:
            journal = sqlite3.connect(f"file:{self.folder}/spool/p/journal.db?mode=ro", uri=True)
        except sqlite3.OperationalError:
            return 0
        try:
            return journal.execute(question).fetchone()[0] or 0
        except sqlite3.OperationalError:
            return 0
        finally:
            journal.close()

    def wait_until(self, question, wanted):
        end = time.monotonic() + sink.LONGEST_SECONDS
        while self.ask(question) < wanted:
            if time.monotonic() > end:
                raise RuntimeError(f"{self.name}: {question} says {self.ask(question)}, not {wanted}")
            time.sleep(0.05)

    def waiting_bytes(self):
        total = 0
        for file in (self.folder / "spool" / "p").glob("*.ndjson.gz"):
            try:
                total += file.stat().st_size
            except FileNotFoundError:
                pass
        return total

    def problems(self):
        self.server.ask("wait")
        found = sorted(row["id"] for row in self.server.ask(f"rows?table={self.name}.records"))
        problems = [] if found == list(range(self.lines)) else [f"{self.lines} lines, {len(found)} rows of {len(set(found))} lines"]
        said = subprocess.run([self.leat, "verify", self.config], capture_output=True, text=True, check=False)
        if said.returncode != 0:
            problems.append(f"verify says {said.stdout}{said.stderr}")
        if left := self.waiting_bytes():
            problems.append(f"{left} bytes are left in the spool")
        return [f"{self.name}: {problem}" for problem in problems]


TAKEN = "SELECT sum(inserted) FROM _leat_ranges"


def away(leat, server, folder, name, fault):
    """Lines are taken while no job goes through, and leat can be stopped meanwhile."""
    case = Case(leat, server, folder, name)
    case.grow(100)
    process = case.start()
    case.wait_until("SELECT count(*) FROM _leat_segments WHERE state = 'loaded'", 1)
    server.ask("faults", [{"fault": fault, "on": "upload.*", "chance": 1, "times": 0}])
    loaded = len(server.ask(f"rows?table={name}.records"))
    problems = []
    for _ in range(3):
        case.grow(ROWS_AT_ONCE)
        case.wait_until(TAKEN, case.lines)
    if len(server.ask(f"rows?table={name}.records")) > loaded + ROWS_AT_ONCE or not case.waiting_bytes():
        problems.append(f"{name}: rows came although no upload went through")
    said = case.end(process)
    if fault == "quotaExceeded" and "trying again in 600 s" not in said:
        problems.append(f"{name}: leat says {said!r}")
    server.ask("faults", [])
    case.grow(10)
    if (status := case.start("--once").wait(timeout=sink.LONGEST_SECONDS)) != 0:
        problems.append(f"{name}: the next run ends with {status}")
    return problems + case.problems()


def full(leat, server, folder):
    """A spool that is smaller than what is to be read, and jobs that are slow."""
    limit = 256 * KIB
    case = Case(leat, server, folder, "full", 'max_spool = "256KiB"\nsegment = "64KiB"')
    case.grow(12_000)
    server.ask("faults", [{"fault": "job_slow", "on": "job.load", "seconds": 0.05, "times": 0}])
    process = case.start("--once")
    most = 0
    reader = threading.Thread(target=process.stderr.read)
    reader.start()
    while process.poll() is None:
        most = max(most, case.waiting_bytes())
        time.sleep(0.002)
    reader.join()
    server.ask("faults", [])
    problems = [] if process.returncode == 0 else [f"full: leat ends with {process.returncode}"]
    commit = ROWS_AT_ONCE * 400  # bytes at most, and as much again of a batch that is larger
    if not limit / 2 < most < limit + 2 * commit:
        problems.append(f"full: {most} bytes waited, {limit} may")
    print(f"full: {most // KIB} KiB of {limit // KIB} waited at most, of {os.path.getsize(case.folder / 'in.ndjson') // KIB} KiB that were read", flush=True)
    return problems + case.problems()


def main():
    leat = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder, sink.BigQuery("--auth", "token", "--credentials", folder, "--quota", 1_000_000) as server:
        problems = full(leat, server, folder)
        problems += away(leat, server, folder, "away", "backendError")
        problems += away(leat, server, folder, "parked", "quotaExceeded")
    for problem in problems:
        print(f"spool.py: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
