#!/usr/bin/env python3
"""The BigQuery sink, killed at random moments while a file grows and the service fails now and then: each record once.

  sink.py [--kills 12] [--seed 1] LEAT
"""

import argparse
import json
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "standins" / "bigquery"))

from standin import BigQuery

LINES = 3000    # that are added before each run
BAD = 500       # one line of so many is no record
DOUBLE = 15000  # one of so many has a name that is there, which the table refuses: found by bisection
LONGEST_SECONDS = 300
CONFIG = """
[sources.lines]
type = "file"
include = ["{folder}/in.ndjson"]
format = {{ type = "json", columns = {{ id = {{ path = "/id", type = "integer" }}, name = "/name", at = {{ path = "/at", type = "time" }}, amount = {{ path = "/amount", type = "real" }}, rest = {{ path = "", type = "json" }} }} }}

[sinks.warehouse]
type = "bigquery"
project = "test"
dataset = "made"
location = "EU"
endpoint = "{endpoint}"
credentials = "{credentials}"
spool = "{folder}/spool"
every = "1ms"
partition_by = "at"
cluster_by = ["id"]

[pipelines.p]
from = "lines"
to = "warehouse.records"
raw = true
commit = {{ rows = 1000, every = "1s" }}
"""


def is_double(id):
    return id % DOUBLE == 4007


def name(id):
    return f"name {id - 1 if is_double(id) else id} größe"


def line(id):
    record = {"id": id, "name": name(id), "at": f"2026-01-{id % 28 + 1:02}T00:00:00.{id % 1000:06}Z", "amount": id / 4, "more": [id, None]}
    return json.dumps(record) if id % BAD else f"no record {id}"


class Case:
    def __init__(self, leat, server, folder):
        self.leat, self.server, self.folder = leat, server, pathlib.Path(folder)
        self.written = 0
        (self.folder / "in.ndjson").touch()
        self.config = self.folder / "p.toml"
        self.config.write_text(CONFIG.format(folder=folder, endpoint=server.url, credentials=self.folder / "service_account.json"))

    def grow(self):
        with (self.folder / "in.ndjson").open("a") as file:
            for id in range(self.written, self.written + LINES):
                file.write(line(id) + "\n")
        self.written += LINES

    def run(self, seconds=None):
        """Its status; None: it was killed."""
        process = subprocess.Popen([self.leat, "run", self.config, "--once"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            _, said = process.communicate(timeout=seconds or LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            if seconds is None:
                raise
            return None
        if process.returncode != 0:
            raise RuntimeError(f"leat ends with {process.returncode}: {said}")
        return 0

    def problems(self):
        self.server.ask("wait")
        rows = self.server.ask("rows?table=made.records")
        refused = [id for id in range(self.written) if is_double(id)]
        wanted = [id for id in range(self.written) if id % BAD and not is_double(id)]
        found = sorted(row["id"] for row in rows)
        problems = [] if found == wanted else [f"{len(set(wanted) - set(found))} lost, {len(found) - len(set(found))} doubled of {len(wanted)}"]
        for row in rows:
            if row["name"] != name(row["id"]) or row["amount"] != row["id"] / 4 or json.loads(row["rest"]) != {"more": [row["id"], None]}:
                problems.append(f"another row: {row}")
                break
        journal = sqlite3.connect(f"file:{self.folder}/spool/p/journal.db?mode=ro", uri=True)
        with journal:
            sums = journal.execute("SELECT sum(inserted), sum(rejected) FROM _leat_ranges").fetchone()
            rejects = journal.execute("SELECT count(*) FROM _leat_rejects").fetchone()[0]
            found = journal.execute("SELECT column_name, raw FROM _leat_rejects WHERE reason LIKE 'BigQuery%' ORDER BY byte_offset").fetchall()
            left = journal.execute("SELECT count(*) FROM _leat_segments WHERE state <> 'loaded'").fetchone()[0]
        journal.close()
        if found != [("name", line(id)) for id in refused]:
            problems.append(f"refused are {found}, not the lines of {refused}")
        bad = self.written // BAD + len(refused)
        if sums != (len(wanted), bad) or rejects != bad or left:
            problems.append(f"the journal has {sums} rows and rejects, {rejects} rejects, {left} segments that are not loaded")
        if files := list((self.folder / "spool" / "p").glob("*.ndjson*")):
            problems.append(f"left in the spool: {files}")
        return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("leat")
    options = parser.parse_args()
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder, BigQuery("--auth", "token", "--credentials", folder, "--seed", options.seed) as server:
        case = Case(options.leat, server, folder)
        case.run()
        server.ask("forbid_doubles", {"table": "made.records", "column": "name"})
        server.ask("faults", [{"fault": fault, "on": on, "chance": 0.02, "times": 0} for fault, on in
                              (("lost", "upload.put"), ("backendError_after", "*"), ("reset", "*"), ("not_found", "jobs.get"))] +
                   [{"fault": "job_fails", "on": "job.load", "chance": 0.05, "times": 0}])
        killed = 0
        began = time.monotonic()
        for _ in range(options.kills):
            case.grow()
            killed += case.run(dice.uniform(0.05, 1.5)) is None
        server.ask("faults", [])
        case.grow()
        case.run()
        problems = case.problems()
        subprocess.run([options.leat, "verify", case.config], check=True, stdout=subprocess.DEVNULL)
        counts = server.ask("counts")
        status, table = server.api("GET", "/datasets/made/tables/records", headers={"Authorization": "Bearer " + server.ask("token")["access_token"]})
        if table.get("timePartitioning") != {"type": "DAY", "field": "at"} or table.get("clustering") != {"fields": ["id"]} or status != 200:
            problems.append(f"the table is {table}")
    print(f"{killed} kills, {sum(counts['faults'].values())} faults, {counts['loads']} load jobs, {case.written} lines, "
          f"{time.monotonic() - began:.0f} s: {len(problems)} problems")
    for problem in problems:
        print(f"sink.py: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
