#!/usr/bin/env python3
"""The spool of a BigQuery pipeline is lost again and again, at any moment: the next run goes on from the table's description, each record once.

  lost_journal.py [--rounds 8] [--seed 1] LEAT
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile

import sink


class Case(sink.Case):
    def lose(self):
        shutil.rmtree(self.folder / "spool")

    def problems(self):
        self.server.ask("wait")
        found = sorted(row["id"] for row in self.server.ask("rows?table=made.records"))
        wanted = [id for id in range(self.written) if id % sink.BAD and not sink.is_double(id)]
        problems = [] if found == wanted else [f"{len(set(wanted) - set(found))} lost, {len(found) - len(set(found))} doubled of {len(wanted)}"]
        said = subprocess.run([self.leat, "verify", self.config, "--json"], capture_output=True, text=True, check=False)
        report = json.loads(said.stdout)
        if not report["ok"] or report["rows"] != len(wanted) or report["records"] != self.written:
            problems.append(f"verify says {said.stdout}")
        return problems

    def refused(self, name, change):
        """The error of a run whose configuration is another one."""
        other = self.folder / f"{name}.toml"
        other.write_text(change(self.config.read_text()))
        done = subprocess.run([self.leat, "run", other, "--once", "--quiet"], capture_output=True, text=True, check=False)
        return None if done.returncode == 1 and "filled from another spool" in done.stderr else f"{name}: {done.returncode} {done.stderr}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("leat")
    options = parser.parse_args()
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder, \
            sink.BigQuery("--auth", "token", "--credentials", folder, "--seed", options.seed, "--quota", 1_000_000) as server:
        case = Case(options.leat, server, folder)
        case.run()
        server.ask("forbid_doubles", {"table": "made.records", "column": "name"})
        server.ask("faults", [{"fault": fault, "on": on, "chance": 0.05, "times": 0} for fault, on in (("lost", "upload.put"), ("not_found", "jobs.get"))] +
                   [{"fault": "job_slow", "on": "job.load", "seconds": 0.3, "chance": 0.3, "times": 0},
                    {"fault": "job_fails", "on": "job.load", "chance": 0.05, "times": 0}])
        problems, killed = [], 0
        for _ in range(options.rounds):
            case.grow()
            killed += case.run(dice.uniform(0.05, 2)) is None
            case.lose()
        server.ask("faults", [])
        case.run()
        problems += case.problems()
        problems += filter(None, [case.refused("other_spool_and_name", lambda text: text.replace("[pipelines.p]", "[pipelines.q]").replace("/spool", "/other"))])
        (case.folder / "copy").mkdir()
        shutil.copytree(case.folder / "spool" / "p", case.folder / "copy" / "p")
        case.lose()
        case.grow()
        case.run()
        problems += case.problems()
        problems += filter(None, [case.refused("old_copy", lambda text: text.replace("/spool", "/copy"))])
        jobs = [job["jobReference"]["jobId"] for job in server.ask("jobs") if job["configuration"]["jobType"] == "QUERY"]
        undone = sum("__undo__" in job for job in jobs)
        if not undone or undone == len(jobs):
            problems.append(f"nothing was taken out, or no id was used up: {jobs}")
    print(f"the spool lost {options.rounds + 1} times, {killed} kills, rows taken out {undone} times, {case.written} lines: {len(problems)} problems")
    for problem in problems:
        print(f"lost_journal.py: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
