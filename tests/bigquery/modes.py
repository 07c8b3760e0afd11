#!/usr/bin/env python3
"""write = "merge" and "replace" into BigQuery: the last version of each record, the whole of the last pull, or of its days, whatever happens on the way.

  modes.py [--kills 12] [--step 2] [--seed 1] LEAT SHIM

leat is killed before and behind requests that it sends, one after the other (about each `step`th), and goes on. Then it is killed at random
moments while a file grows and the service fails now and then; and its spool is lost. SHIM: tests/sinks/fail_calls.c.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile

import sink

KEYS = 700
MODES = {"append": "", "merge": 'write = "merge"\nkey = ["id"]', "merge by day": 'write = "merge"\nkey = ["id", "at"]', "replace": 'write = "replace"', "replace partitions": 'write = "replace"'}
CONFIG = """
[sources.lines]
type = "file"
include = ["{folder}/in.ndjson"]
format = {{ type = "json", columns = {{ id = {{ path = "/id", type = "integer" }}, version = {{ path = "/version", type = "integer" }}, at = {{ path = "/at", type = "time" }} }} }}

[sinks.warehouse]
type = "bigquery"
project = "test"
dataset = "{dataset}"
endpoint = "{endpoint}"
credentials = "{folder}/service_account.json"
spool = "{folder}/spool"
every = "1ms"
partition_by = "at"
replace = "{replace}"

[pipelines.p]
from = "lines"
to = "warehouse.records"
{mode}
raw = false
commit = {{ rows = {rows}, every = "1s" }}
"""


class Case:
    """A table of its own."""

    number = 0

    def __init__(self, leat, server, folder, mode, rows=1000):
        Case.number += 1
        self.leat, self.server, self.folder = leat, server, pathlib.Path(folder)
        self.dataset, self.mode, self.lines, self.wanted = f"d{Case.number}", mode, 0, {}
        self.days, self.earlier = 20, {}  # what an earlier file has brought: its lines by day
        shutil.rmtree(self.folder / "spool", ignore_errors=True)
        self.log = self.folder / "in.ndjson"
        self.begin_file()
        self.config = self.folder / "p.toml"
        self.config.write_text(CONFIG.format(folder=folder, dataset=self.dataset, endpoint=server.url, mode=MODES[mode], rows=rows,
                                             replace="partitions" if mode == "replace partitions" else "table"))

    def begin_file(self):
        self.log.write_text("")
        self.brought = {}

    def bring_earlier(self, dice):
        """A whole run of its own, and another file behind it that has a few of its days."""
        self.grow(dice, 200)
        self.run()
        self.earlier, self.days = self.brought, 3
        self.begin_file()

    def grow(self, dice, count):
        with self.log.open("a") as file:
            for _ in range(count):
                self.lines += 1
                id = dice.randrange(KEYS)
                # Where the day does not belong to the key, a record moves from one partition to another.
                day = id % 20 if self.mode == "merge by day" else dice.randrange(self.days)
                self.wanted[id if self.mode.startswith("merge") else self.lines] = (id, self.lines)
                for line in self.earlier.pop(day, ()):
                    del self.wanted[line]
                self.brought.setdefault(day, []).append(self.lines)
                file.write(json.dumps({"id": id, "version": self.lines, "at": f"2026-01-{day + 1:02}T00:00:00Z"}) + "\n")

    def start(self, *command, **env):
        return subprocess.Popen([self.leat, *(command or ("run", self.config, "--once", "--quiet"))], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, **{name: str(value) for name, value in env.items()}})

    def run(self, *command, seconds=None, **env):
        """Another command in place of `run`. False: it was killed."""
        process = self.start(*command, **env)
        try:
            _, said = process.communicate(timeout=seconds or sink.LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            if seconds is None:
                raise
        if process.returncode not in (0, -signal.SIGKILL):
            raise RuntimeError(f"leat ends with {process.returncode}: {said}")
        return process.returncode == 0

    def problems(self, when):
        self.server.ask("wait")
        rows = self.server.ask(f"rows?table={self.dataset}.records")
        found = sorted((row["id"], row["version"]) for row in rows)
        wanted = sorted(self.wanted.values())
        problems = []
        if found != wanted:
            problems.append(f"{when}: {len(wanted)} records, {len(found)} rows, {len(set(wanted) - set(found))} are missing, {len(set(found) - set(wanted))} are wrong")
        said = subprocess.run([self.leat, "verify", self.config, "--json"], capture_output=True, text=True, check=False)
        if said.returncode != 0:
            problems.append(f"{when}: verify says {said.stdout}{said.stderr}")
        token = {"Authorization": "Bearer " + self.server.ask("token")["access_token"]}
        tables = [table["tableReference"]["tableId"] for table in self.server.api("GET", f"/datasets/{self.dataset}/tables", headers=token)[1].get("tables", [])]
        if tables != ["records"]:
            problems.append(f"{when}: left in the dataset: {tables}")
        if files := list((self.folder / "spool").glob("*/*.ndjson*")):
            problems.append(f"{when}: left in the spool: {files}")
        return problems


def at_each_request(leat, shim, server, folder, dice, step):
    problems, killed = [], 0
    for mode, how in ("merge", "kill"), ("merge by day", "tear"), ("replace", dice.choice(("kill", "tear"))), ("replace partitions", "kill"):
        k = 1
        while True:
            case = Case(leat, server, folder, mode, rows=100)
            if mode == "replace partitions":
                case.bring_earlier(dice)
            case.grow(dice, 150)
            mark = case.folder / "mark"
            mark.unlink(missing_ok=True)
            case.run(LD_PRELOAD=shim, FAIL_UNDER="send", FAIL_AT=k, FAIL_HOW=how, FAIL_MARK=mark)
            if not mark.exists():
                break
            killed += 1
            case.grow(dice, 20)
            case.run()
            problems += case.problems(f"{mode}, {how} at request {k}")
            k += dice.randrange(1, 2 * step)
    print(f"killed {killed} times at one of {k} requests: {len(problems)} problems", flush=True)
    return problems if killed > 20 / step else [*problems, f"only {killed} requests were seen: does the shim still fit?"]


def at_random(leat, server, folder, dice, kills):
    case = Case(leat, server, folder, "merge")
    case.grow(dice, 2000)
    case.run()
    server.ask("faults", [{"fault": fault, "on": on, "chance": 0.02, "times": 0} for fault, on in
                          (("lost", "upload.put"), ("backendError_after", "*"), ("reset", "*"), ("lost", "*"), ("not_found", "jobs.get"))] +
               [{"fault": "job_fails", "on": "job.*", "chance": 0.05, "times": 0}, {"fault": "job_slow", "on": "job.query", "seconds": 0.2, "chance": 0.3, "times": 0}])
    killed = lost = 0
    problems = []
    for number in range(kills):
        case.grow(dice, 2000)
        killed += not case.run(seconds=dice.uniform(0.05, 1.5))
        if number % 4 == 3:
            shutil.rmtree(case.folder / "spool")
            lost += 1
    server.ask("faults", [])
    case.grow(dice, 10)
    case.run()
    problems += case.problems("at random")
    print(f"{killed} kills, the spool lost {lost} times, {sum(server.ask('counts')['faults'].values())} faults, {case.lines} lines: {len(problems)} problems", flush=True)
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--step", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("leat")
    parser.add_argument("shim")
    options = parser.parse_args()
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder, \
            sink.BigQuery("--auth", "token", "--credentials", folder, "--seed", options.seed, "--quota", 1_000_000) as server:
        problems = at_each_request(options.leat, options.shim, server, folder, dice, options.step)
        problems += at_random(options.leat, server, folder, dice, options.kills)
    for problem in problems:
        print(f"modes.py: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
