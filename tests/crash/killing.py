"""What the loops that kill leat have in common: their options, what went wrong, questions to a database, and a folder
that is kept when something did. Used by api_kill.py and documents.py."""

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


class KillLoop:
    def __init__(self, options, folder, database):
        self.options, self.folder, self.database = options, folder, folder / database
        self.random = random.Random(options.seed)
        self.error = folder / "leat.err"  # what leat says
        self.kills = 0
        self.problems = []

    def problem(self, text):
        self.problems.append(text)
        print(text, file=sys.stderr)

    def said(self):
        return self.error.read_text(errors="replace")[-600:]

    def query(self, sql):
        """No rows when there is no database or no such table yet."""
        if not self.database.exists():
            return []
        connection = sqlite3.connect(self.database)
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.OperationalError as problem:
            if "no such table" not in str(problem):
                raise
            return []
        finally:
            connection.close()

    def verify(self, what):
        verified = subprocess.run([self.options.leat, "verify", self.database], cwd=self.folder, capture_output=True, text=True)
        if verified.returncode != 0:
            self.problem(f"{what}: verify: {verified.stdout[-600:]}")


def main(about, loop, name, kills, add_options=lambda parser: None):
    """`loop(options, folder).run()` gives the exit status, which this returns."""
    parser = argparse.ArgumentParser(usage=about, add_help=False)
    parser.add_argument("--leat", default=ROOT / "build/release/leat", type=pathlib.Path)
    parser.add_argument("--kills", default=kills, type=int)
    parser.add_argument("--seed", default=int(time.time()), type=int)
    parser.add_argument("--keep", action="store_true")
    add_options(parser)
    options = parser.parse_args()
    options.leat = options.leat.resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"leat-{name}-"))
    status = 2
    try:
        status = loop(options, folder).run()
    finally:
        if options.keep or status == 1:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    return status
