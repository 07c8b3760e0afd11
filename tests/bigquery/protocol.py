#!/usr/bin/env python3
"""Each row is in BigQuery once, whatever happens on the way there: the loader of the sink (bigquery_load) against the stand-in.

  protocol.py [--runs 40] [--seed 1] BIGQUERY_LOAD

It is killed at each moment between two steps and started again; then it runs under random faults, with random kills. Two loaders that
get it wrong on purpose must be found out by the same runs.
"""

import argparse
import collections
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "standins" / "bigquery"))

from standin import BigQuery

ROWS = 60  # a segment
SEGMENTS = 2
LONGEST_SECONDS = 120
SCHEMA = {"fields": [{"name": "id", "type": "INT64"}, {"name": "segment", "type": "INT64"}, {"name": "text", "type": "STRING"}]}
# What each mutant gets wrong, often enough that some run has to show it.
MUTANTS = {"random_id": ["lost", "upload.put"], "next_attempt": ["not_found", "jobs.get"]}
# What may happen in a random run: [fault, on]; each with its chance for each request.
FAULTS = [["backendError", "*"], ["backendError_after", "*"], ["internalError", "upload.*"], ["bad_gateway", "*"], ["too_many", "jobs.get"],
          ["rateLimitExceeded", "upload.start"], ["reset", "*"], ["lost", "*"], ["cut", "*"], ["html", "upload.*"], ["gone", "upload.[pq]*"],
          ["not_found", "jobs.get"], ["lost", "upload.put"], ["quotaExceeded", "upload.start"]]
JOB_FAULTS = ["backendError", "internalError", "rateLimitExceeded", "quotaExceeded"]


class Harness:
    def __init__(self, program, server, credentials):
        self.program, self.server, self.credentials = program, server, credentials
        self.generation = 0

    def begin(self, faults=()):
        """An empty table, and a folder that has not been seen."""
        self.generation += 1
        self.server.ask("faults", [])
        self.server.api("POST", "/datasets", {"datasetReference": {"datasetId": "d"}}, self.bearer())
        self.server.api("DELETE", "/datasets/d/tables/t", headers=self.bearer())
        status, said = self.server.api("POST", "/datasets/d/tables", {"tableReference": {"tableId": "t"}, "schema": SCHEMA}, self.bearer())
        if status != 200:
            raise RuntimeError(f"no table: {said}")
        self.server.ask("faults", list(faults))

    def bearer(self):
        return {"Authorization": "Bearer " + self.server.ask("token")["access_token"]}

    def run(self, folder, crash=0, how="proven"):
        """(status, moments)"""
        done = subprocess.run([self.program, self.server.url, self.credentials, folder, f"g{self.generation}", str(SEGMENTS), str(crash), how],
                              capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS)
        if done.returncode not in (0, 9):
            raise RuntimeError(f"bigquery_load ends with {done.returncode}: {done.stderr}")
        return done.returncode, int(done.stdout or 0)

    def wrong(self):
        """What is wrong with the table when no job runs any more: lost and doubled rows."""
        self.server.ask("wait")
        found = collections.Counter(row["id"] for row in self.server.ask("rows?table=d.t"))
        lost = [id for id in range(SEGMENTS * ROWS) if not found[id]]
        doubled = [id for id, times in found.items() if times > 1]
        return f"{len(lost)} lost, {len(doubled)} doubled" if lost or doubled else None


def crash_at_each_moment(harness):
    harness.begin()
    with tempfile.TemporaryDirectory() as folder:
        _, moments = harness.run(folder)
    problems = [harness.wrong()] if harness.wrong() else []
    for crash in range(1, moments + 1):
        harness.begin()
        with tempfile.TemporaryDirectory() as folder:
            harness.run(folder, crash)
            harness.run(folder)
        if wrong := harness.wrong():
            problems.append(f"killed at moment {crash}: {wrong}")
    print(f"killed at each of {moments} moments: {len(problems)} wrong", flush=True)
    return problems


def random_run(harness, seed, how="proven"):
    """What is wrong, and how often it was killed."""
    dice = random.Random(seed)
    faults = [{"fault": fault, "on": on, "chance": dice.choice((0, 0, 0.05, 0.15)), "times": 0} for fault, on in FAULTS]
    faults += [{"fault": "job_fails", "on": "job.load", "reason": reason, "chance": dice.choice((0, 0.2)), "times": 0} for reason in JOB_FAULTS]
    # Not two in a row: that would mean that the credentials are not good.
    faults += [{"fault": "unauthorized", "on": "[ju]*", "every": 5, "chance": dice.choice((0, 0.5)), "times": 0}]
    faults += [{"fault": "keep_less", "on": "upload.put", "bytes": dice.randrange(262_144), "chance": 0.1, "times": 0}]
    faults += [{"fault": "job_slow", "on": "job.load", "seconds": 0.05, "chance": 0.5, "times": 0}]
    if how in MUTANTS:
        fault, on = MUTANTS[how]
        faults.insert(0, {"fault": fault, "on": on, "chance": 0.3, "times": 0})
    harness.begin(faults)
    kills = 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(dice.randrange(4)):
            kills += harness.run(folder, dice.randrange(1, 40), how)[0] == 9
        harness.run(folder, 0, how)
    return harness.wrong(), kills


def random_runs(harness, seeds):
    problems, kills = [], 0
    for seed in seeds:
        wrong, killed = random_run(harness, seed)
        kills += killed
        if wrong:
            problems.append(f"random run {seed}: {wrong}")
    print(f"{len(seeds)} random runs, {kills} kills, {sum(harness.server.ask('counts')['faults'].values())} faults: {len(problems)} wrong", flush=True)
    return problems


def mutant(harness, how, seeds):
    for tried, seed in enumerate(seeds, 1):
        wrong, _ = random_run(harness, seed, how)
        if wrong:
            print(f"{how}: found out in run {tried}: {wrong}", flush=True)
            return []
    return [f"{how}, which is wrong, was not found out in {len(seeds)} runs"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("program")
    options = parser.parse_args()
    problems = []
    seeds = range(options.seed, options.seed + options.runs)
    for late in (), ("--late-duplicate",):
        with tempfile.TemporaryDirectory() as folder, BigQuery("--auth", "token", "--credentials", folder, "--quota", 1_000_000, "--seed", options.seed, *late) as server:
            harness = Harness(options.program, server, pathlib.Path(folder) / "service_account.json")
            problems += crash_at_each_moment(harness)
            problems += random_runs(harness, seeds[bool(late)::2])
            if not late:
                for how in MUTANTS:
                    problems += mutant(harness, how, seeds)
    for problem in problems:
        print(f"protocol.py: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
