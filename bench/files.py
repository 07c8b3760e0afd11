"""script/bench files: network flows into files, beside DuckDB's own `COPY` of the same text into Parquet.

  script/bench files [--rows 5000000] [--rounds 3] [--build build/release] [--write]

DuckDB reads the text by read_csv with the same column types, numbers the rows, and writes the same columns with zstd; in one thread, so that its
CPU time is what it needs and not what it waits, and with the memory limit that leat gives it. leat also keeps its books: positions, ranges, the
hash of each file. CPU seconds are user and system time of the whole process. --write puts the table into docs/performance.md.
Exit status: 0 measured, 1 a run failed or counted wrong, 77 there is no DuckDB here.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import page

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "sinks"))

import duckdb_adaptor

COLUMNS = {"time": "BIGINT", "duration": "BIGINT", "src_comp": "VARCHAR", "src_port": "VARCHAR", "dst_comp": "VARCHAR", "dst_port": "VARCHAR",
           "protocol": "BIGINT", "packet_count": "BIGINT", "byte_count": "BIGINT"}
PIPELINE = """[sources.flows]
type = "file"
include = "flows.txt"
[sources.flows.format]
type = "csv"
header = false
row_number = "id"
columns = [{columns}]

[sinks.out]
{sink}

[pipelines.flows]
from = "flows"
to = "out.flows"
raw = false
"""
SINKS = {
    "leat → Parquet, zstd": 'type = "files"\npath = "lake"\nformat = "parquet"',
    "leat → CSV": 'type = "files"\npath = "lake"',
    "leat → NDJSON, gzip": 'type = "files"\npath = "lake"\nformat = "ndjson"\ncompression = "gzip"',
    "leat → null": 'type = "null"',
}
DUCKDB = "DuckDB COPY → Parquet, zstd"
COPY = """import sys
sys.path.insert(0, {path!r})
import duckdb_adaptor
database = duckdb_adaptor.Database(":memory:", b"AUTOMATIC")
database.run("SET memory_limit = '256MiB'")
database.run({sql!r})
database.close()
"""


def measured(command, folder):
    """(CPU seconds, wall seconds, peak MiB) of a process."""
    begun = time.monotonic()
    child = subprocess.Popen(command, cwd=folder)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        raise RuntimeError(f"{command[0]}: {status}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - begun, usage.ru_maxrss / 1024


def rows_in(folder):
    """Of Parquet files."""
    database = duckdb_adaptor.Database(":memory:", b"AUTOMATIC")
    try:
        return int(database.run(f"SELECT count(*) FROM '{folder}/**/*.parquet'")[1][0][0])
    finally:
        database.close()


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.parent.name != "_leat") / 1e6


def empty(folder):
    subprocess.run(["rm", "-rf", folder], check=True)
    folder.mkdir()


def table(results, sizes, options, text_bytes):
    lines = ["|  | CPU s | rows per CPU-s | wall s | peak MiB | MB |", "|---|---:|---:|---:|---:|---:|"]
    for name, runs in results.items():
        cpu, wall, peak = (statistics.median(run[i] for run in runs) for i in range(3))
        lines.append(f"| {name} | {cpu:.2f} | {options.rows / cpu / 1000:,.0f} k | {wall:.1f} | {peak:.0f} | {sizes[name]:.0f} |")
    cpu = {name: statistics.median(run[0] for run in runs) for name, runs in results.items()}
    ours, theirs = cpu["leat → Parquet, zstd"], cpu[DUCKDB]
    lines += ["", f"- {options.rows:,} rows, {text_bytes / 1e6:.0f} MB of text; medians of {options.rounds} interleaved rounds.",
              f"- Parquet at least as fast as DuckDB's COPY: leat needs {ours / theirs:.2f} times its CPU time: {'met' if ours <= theirs else 'missed'}."]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    if duckdb_adaptor.library() is None:
        print("there is no DuckDB here: script/setup --duckdb fetches it", file=sys.stderr)
        return 77
    leat = options.build.resolve() / "leat"
    results = {name: [] for name in (*SINKS, DUCKDB)}
    sizes = dict.fromkeys(results, 0)
    with tempfile.TemporaryDirectory(prefix="leat-bench-") as top:
        folder = pathlib.Path(top)
        with open(folder / "flows.txt", "wb") as flows:
            subprocess.run([leat, "generate", "flows", "--rows", str(options.rows), "--quiet"], stdout=flows, check=True)
        columns = ", ".join(f'"{name}:integer"' if kind == "BIGINT" else f'"{name}"' for name, kind in COLUMNS.items())
        sql = (f"COPY (SELECT row_number() OVER () AS id, * FROM read_csv('flows.txt', header = false, columns = {COLUMNS})) "
               "TO 'lake/flows.parquet' (FORMAT parquet, COMPRESSION zstd)")
        for _ in range(options.rounds):
            for name in results:
                empty(folder / "lake")
                if name == DUCKDB:
                    command = [sys.executable, "-c", COPY.format(path=str(ROOT / "tests" / "sinks"), sql=sql)]
                else:
                    (folder / "p.toml").write_text(PIPELINE.format(columns=columns, sink=SINKS[name]))
                    command = [leat, "run", "p.toml", "--once", "--quiet"]
                results[name].append(measured(command, folder))
                sizes[name] = size_of(folder / "lake")
                if "Parquet" in name and (found := rows_in(folder / "lake")) != options.rows:
                    print(f"{name}: {found} rows", file=sys.stderr)
                    return 1
        text = table(results, sizes, options, (folder / "flows.txt").stat().st_size)
    print(text)
    if options.write:
        page.put("files", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
