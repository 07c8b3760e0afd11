"""script/bench bigquery: network flows into BigQuery's segments, beside the same rows into Parquet.

  script/bench bigquery [--rows 1000000] [--rounds 3] [--build build/release] [--write]

Against the stand-in of the tests, so that what is measured is leat's own work: reading, cutting, typing, JSON, gzip, SHA-256, the journal, the
upload. The stand-in's time is not counted; it is why the wall time says nothing. CPU seconds are user and system time of leat's process.
--write puts the table into docs/performance.md. Exit status: 0 measured, 1 a run failed or counted wrong, 77 there is no DuckDB here.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile

import files
import page

sys.path.insert(0, str(files.ROOT / "tests" / "standins" / "bigquery"))

from standin import BigQuery

PARQUET, BIGQUERY = "leat → Parquet, zstd", "leat → BigQuery, NDJSON in gzip"
SINK = 'type = "bigquery"\nproject = "test"\ndataset = "bench"\nendpoint = "{url}"\nspool = "spool"'


def run(leat, folder, columns, sink):
    (folder / "p.toml").write_text(files.PIPELINE.format(columns=columns, sink=sink))
    return files.measured([leat, "run", "p.toml", "--once", "--quiet"], folder)


def check(found, wanted):
    if found != wanted:
        raise RuntimeError(f"{found} rows instead of {wanted}")


def into_parquet(leat, folder, columns, rows):
    files.empty(folder / "lake")
    result = run(leat, folder, columns, files.SINKS[PARQUET])
    check(files.rows_in(folder / "lake"), rows)
    return result


def into_bigquery(leat, folder, columns, rows):
    files.empty(folder / "spool")
    with BigQuery() as warehouse:
        result = run(leat, folder, columns, SINK.format(url=warehouse.url))
        check(sum(int(job["statistics"]["load"]["outputRows"]) for job in warehouse.ask("jobs")), rows)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", type=pathlib.Path, default=files.ROOT / "build/release")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    if files.duckdb_adaptor.library() is None:
        print("there is no DuckDB here: script/setup --duckdb fetches it", file=sys.stderr)
        return 77
    leat = options.build.resolve() / "leat"
    columns = ", ".join(f'"{name}:integer"' if kind == "BIGINT" else f'"{name}"' for name, kind in files.COLUMNS.items())
    results = {PARQUET: [], BIGQUERY: []}
    with tempfile.TemporaryDirectory(prefix="leat-bench-") as top:
        folder = pathlib.Path(top)
        with open(folder / "flows.txt", "wb") as flows:
            subprocess.run([leat, "generate", "flows", "--rows", str(options.rows), "--quiet"], stdout=flows, check=True)
        for _ in range(options.rounds):
            results[PARQUET].append(into_parquet(leat, folder, columns, options.rows))
            results[BIGQUERY].append(into_bigquery(leat, folder, columns, options.rows))
    lines = ["|  | CPU s | rows per CPU-s | peak MiB |", "|---|---:|---:|---:|"]
    cpu = {}
    for name, runs in results.items():
        cpu[name], peak = statistics.median(run[0] for run in runs), statistics.median(run[2] for run in runs)
        lines.append(f"| {name} | {cpu[name]:.2f} | {options.rows / cpu[name] / 1000:,.0f} k | {peak:.0f} |")
    speed = cpu[PARQUET] / cpu[BIGQUERY]
    lines += ["", f"- {options.rows:,} rows; medians of {options.rounds} interleaved rounds.",
              f"- BigQuery's segments at least 0.8 times as fast as Parquet: {speed:.2f} times: {'met' if speed >= 0.8 else 'missed'}."]
    text = "\n".join(lines)
    print(text)
    if options.write:
        page.put("bigquery", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
