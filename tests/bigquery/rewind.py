#!/usr/bin/env python3
"""`leat state rewind` of a table in BigQuery, killed at its requests, and the spool lost then: the next run brings each record once.

  rewind.py [--step 2] [--seed 1] LEAT SHIM
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile

import modes
import sink


def rewind(case, whole):
    """The command that takes back all, or its one part."""
    if whole:
        return ("state", "rewind", case.config, "p", "--all", "--yes")
    shown = subprocess.run([case.leat, "state", "show", case.config, "--json"], capture_output=True, text=True, check=True).stdout
    return ("state", "rewind", case.config, "p", "--part", json.loads(shown)["pipelines"][0]["parts"][0]["part"], "--yes")


def at_each_request(leat, shim, server, folder, dice, step):
    problems, killed = [], 0
    for mode, whole, lose in ("append", True, False), ("append", False, True), ("append", True, True), ("merge", True, False), ("merge", True, True):
        k = 1
        while True:
            case = modes.Case(leat, server, folder, mode)
            case.grow(dice, 150)
            case.run()
            case.grow(dice, 20)
            case.run()
            mark = case.folder / "mark"
            mark.unlink(missing_ok=True)
            how = dice.choice(("kill", "tear"))
            case.run(*rewind(case, whole), LD_PRELOAD=shim, FAIL_UNDER="send", FAIL_AT=k, FAIL_HOW=how, FAIL_MARK=mark)
            ended = not mark.exists()
            when = f"{mode}, {'all' if whole else 'a part'}, {how} at request {k}{', the spool lost' if lose else ''}"
            if ended and (rows := server.ask(f"rows?table={case.dataset}.records")):
                problems.append(f"{mode}: {len(rows)} rows are there after a rewind")
            if lose:
                shutil.rmtree(case.folder / "spool")
            case.grow(dice, 10)
            case.run()
            problems += case.problems(when)
            if ended:
                break
            killed += 1
            k += dice.randrange(1, 2 * step)
    print(f"killed {killed} times: {len(problems)} problems", flush=True)
    return problems if killed > 20 / step else [*problems, f"only {killed} requests were seen: does the shim still fit?"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("leat")
    parser.add_argument("shim")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, \
            sink.BigQuery("--auth", "token", "--credentials", folder, "--seed", options.seed, "--quota", 1_000_000) as server:
        problems = at_each_request(options.leat, options.shim, server, folder, random.Random(options.seed), options.step)
    for problem in problems:
        print(f"rewind.py: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
