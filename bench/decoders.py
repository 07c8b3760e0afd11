"""script/bench decoders: how fast CSV, JSON and XML become rows.

  script/bench decoders
      --runs N          interleaved runs of each (5); medians are shown
      --size MB         of the JSON and XML documents (100)
      --rows N          of the CSV file (2000000)
      --write           puts the table into docs/performance.md
      --build FOLDER    the release build (build/release)

CSV: `leat run --once` into SQLite, with a number for each record and typed columns, against `sqlite3 .import` of the same
file into a plain table; rows are counted after each run. JSON and XML: the decoders alone, from bytes to rows, against
libraries that only walk through (bench/parse_json.cpp, bench/parse_xml.cpp), and a Python program that makes the rows.
Exit status: 0 measured, 1 a run failed or counted wrong, 2 wrong usage.
"""

import argparse
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile

import page

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS = ("time:integer", "duration:integer", "src_comp", "src_port", "dst_comp", "dst_port", "protocol:integer",
           "packet_count:integer", "byte_count:integer")
PIPELINE = """[sources.flows]
type    = "file"
include = "{file}"
format  = {{ type = "csv", header = false, row_number = "id", columns = [{columns}] }}

[sinks.db]
type = "sqlite"
path = "{database}"

[pipelines.flows]
from = "flows"
to   = "db.flows"
"""


def fail(message):
    print(f"script/bench decoders: {message}", file=sys.stderr)
    sys.exit(1)


def cpu_seconds(command, **more):
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        fail(f"{command[0]} ended with {child.returncode}")
    return used.ru_utime + used.ru_stime


def measure_csv(options, folder):
    file = folder / "flows.txt"
    with file.open("wb") as out:
        subprocess.run([options.build / "leat", "generate", "flows", "--rows", str(options.rows)], stdout=out, check=True)
    pipeline, database, plain = folder / "p.toml", folder / "leat.db", folder / "import.db"
    pipeline.write_text(PIPELINE.format(file=file, database=database,
                                        columns=", ".join(f'"{column}"' for column in COLUMNS)))
    names = ", ".join(f"{name} {'INTEGER' if type else 'TEXT'}" for name, _, type in
                      (column.partition(":") for column in COLUMNS))
    times = {"leat": [], "sqlite3": []}
    for _ in range(options.runs):
        for old in (*folder.glob("leat.db*"), *folder.glob("import.db*")):
            old.unlink()
        times["leat"].append(cpu_seconds([options.build / "leat", "run", pipeline, "--once"]))
        times["sqlite3"].append(cpu_seconds(["sqlite3", plain, f"CREATE TABLE flows({names})", ".mode csv",
                                             f".import {file} flows"]))
        for made in (database, plain):
            rows = sqlite3.connect(made).execute("SELECT count(*) FROM flows").fetchone()[0]
            if rows != options.rows:
                fail(f"{made.name}: {rows:,} rows of {options.rows:,}")
    leat, other = (statistics.median(times[name]) for name in ("leat", "sqlite3"))
    return [f"CSV into SQLite, {options.rows:,} rows of {file.stat().st_size / options.rows:.0f} bytes",
            f"  leat             {options.rows / leat:12,.0f} rows per CPU-second",
            f"  sqlite3 .import  {options.rows / other:12,.0f} rows per CPU-second; leat is {other / leat:.2f} times as fast"]


def output_of(command, **more):
    ended = subprocess.run(command, capture_output=True, text=True, **more)
    if ended.returncode != 0:
        fail(f"{command[0]} ended with {ended.returncode}: {ended.stderr[-400:]}")
    return ended.stdout.rstrip("\n").split("\n")


def main(arguments):
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--build", default=ROOT / "build" / "release", type=pathlib.Path)
    parser.add_argument("--help", action="help")
    options = parser.parse_args(arguments)
    programs = options.build / "bench"
    with tempfile.TemporaryDirectory(prefix="leat-bench-") as name:
        folder = pathlib.Path(name)
        lines = measure_csv(options, folder)
        lines += ["", *output_of([programs / "parse_json", str(options.runs), str(options.size)])]
        document = folder / "detections.xml"
        with document.open("wb") as out:
            subprocess.run([programs / "make_xml", str(options.size)], stdout=out, check=True)
        lines += ["", *output_of([programs / "parse_xml", document, str(options.runs)]),
                  *output_of(["/usr/bin/python3", ROOT / "bench" / "iterparse_xml.py", document])]
    text = "\n".join(lines)
    print(text)
    if options.write:
        page.put("decoders", f"```\n{text}\n```")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
