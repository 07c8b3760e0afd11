#!/usr/bin/env python3
"""The conformance suite of sinks: what every sink must do, seen from outside (README.md).

  suite.py [--leat build/release/leat] [--sink NAME] [CHECK...]   all checks of all sinks, or those named
  suite.py --list SINK                                            the names of its checks
  suite.py --kills 300 --points 1000 --sink sqlite append merge   long

Exit status: 0 all is well, 1 not, 2 the suite itself could not work, 77 the sink cannot be tested on this machine or by this leat.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import checks_read  # noqa: E402
import checks_write  # noqa: E402
from bench import Bench, Wrong  # noqa: E402
from bigquery_adaptor import BigQuery  # noqa: E402
from duckdb_adaptor import DuckDb  # noqa: E402
from files_adaptor import CsvFiles, Files, ParquetFiles  # noqa: E402
from postgres_adaptor import Postgres  # noqa: E402
from sqlite_adaptor import Sqlite  # noqa: E402

SINKS = {adaptor.name: adaptor for adaptor in (Sqlite, Files, CsvFiles, ParquetFiles, Postgres, DuckDb, BigQuery)}
CHECKS = {**checks_write.CHECKS, **checks_read.CHECKS}


def one(adaptor, name, options, top):
    """(what was wrong or None, facts, seconds)"""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"leat-{adaptor.name}-{name}-", dir=top))
    bench = Bench(adaptor(folder), folder, options, name)
    begun = time.monotonic()
    wrong = None
    try:
        CHECKS[name](bench)
    except Wrong as problem:
        wrong = str(problem)
    finally:
        bench.end()
        bench.sink.close()
    if wrong is not None and options.keep:
        wrong += f" (see {folder})"
    else:
        shutil.rmtree(folder)
    return wrong, "; ".join(bench.facts), time.monotonic() - begun


def run(adaptor, names, options):
    """Prints the table; whether all was well."""
    known = subprocess.run([options.leat, "list", "sinks", adaptor.kind or adaptor.name], capture_output=True, text=True, check=False)
    if known.returncode != 0 or "not in this build" in known.stdout:
        print(f"{adaptor.name}: this leat has no such sink", file=sys.stderr)
        return None
    top = pathlib.Path(tempfile.mkdtemp(prefix=f"leat-{adaptor.name}-", dir=options.dir)).resolve()
    bad = []
    try:
        if (why := adaptor.start(top)) is not None:
            print(f"{adaptor.name}: {why}", file=sys.stderr)
            return None
        for name in names:
            wrong, facts, seconds = one(adaptor, name, options, top)
            print(f"{adaptor.name:13} {name:14} {seconds:6.1f} s  " + (f"WRONG: {wrong}" if wrong else f"ok  {facts}".rstrip()), flush=True)
            bad += [name] if wrong else []
    finally:
        adaptor.stop()
        if not (bad and options.keep):
            shutil.rmtree(top)
    print(f"{adaptor.name}: {len(names)} checks, " + (f"{len(bad)} WRONG: {', '.join(bad)}" if bad else "all well"))
    return not bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leat", default=ROOT / "build/release/leat", type=pathlib.Path)
    parser.add_argument("--shim", default=None, type=pathlib.Path, help="libfail_calls.so; that of the release preset when not given")
    parser.add_argument("--sink", choices=SINKS, action="append", help="all of this build without it")
    parser.add_argument("--kills", type=int, help="of each write mode, while leat runs; 20 or more of all modes together when not given")
    parser.add_argument("--points", type=int, default=24, help="about so many calls are made to fail in each of four ways")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dir", default=None, help="where folders are made")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a check that failed")
    parser.add_argument("--list", choices=SINKS, help="the names of its checks")
    parser.add_argument("checks", nargs="*", metavar="CHECK")
    options = parser.parse_args()
    if options.list:
        print("\n".join(CHECKS))
        return 0
    if unknown := [name for name in options.checks if name not in CHECKS]:
        parser.error(f"no check {unknown[0]!r}; there are: {', '.join(CHECKS)}")
    options.leat = options.leat.resolve()
    options.shim = (options.shim or ROOT / "build/release/tests/libfail_calls.so").resolve()
    for needed in (options.leat, options.shim):
        if not needed.exists():
            print(f"{needed}: not there; build it first", file=sys.stderr)
            return 2
    results = [run(SINKS[sink], options.checks or CHECKS, options) for sink in options.sink or SINKS]
    return 1 if False in results else 77 if None in results and options.sink else 0


if __name__ == "__main__":
    sys.exit(main())
