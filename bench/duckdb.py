"""script/bench duckdb: network flows and access logs into DuckDB, beside DuckDB's own import of the same file into the same table.

  script/bench duckdb [--rows 10000000] [--lines 1000000] [--rounds 3] [--build build/release] [--write]

CPU seconds of the whole process, all threads; the median of the rounds. DuckDB reads flows by read_csv, and log lines by one regular expression; it
has its own settings, works in all threads, and gives each row the same numbers. leat parses, checks, numbers the rows, keeps positions and commits as always, with DuckDB's memory
limited to 256 MiB. --write puts the table into docs/performance.md.
Exit status: 0 measured, 1 a run failed or counted wrong, 77 this leat has no DuckDB.
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

from duckdb_adaptor import Database, library

LIMIT_MIB = 256
FLOWS = [("time", "integer"), ("duration", "integer"), ("src_comp", "text"), ("src_port", "text"), ("dst_comp", "text"), ("dst_port", "text"),
         ("protocol", "integer"), ("packet_count", "integer"), ("byte_count", "integer")]
PIPELINE = """[sources.in]
type = "file"
include = "{file}"
{format}
[sinks.db]
type = "duckdb"
path = "leat.duckdb"
memory = "{limit}MiB"
[pipelines.rows]
from = "in"
to = "db.rows"
"""
FORMATS = {
    "flows": 'format = { type = "csv", header = false, row_number = "id", columns = [' +
             ", ".join(f'"{name}:{kind}"' for name, kind in FLOWS) + "] }",
    "logs": 'format = "nginx_combined"',
}
OWN = {
    "flows": "CREATE TABLE rows AS SELECT 0::BIGINT AS id, *, 1::BIGINT AS _part, 0::BIGINT AS _offset, 0::BIGINT AS _row FROM "
             "read_csv('{file}', header = false, columns = {{" +
             ", ".join(f"'{name}': '{'BIGINT' if kind == 'integer' else 'VARCHAR'}'" for name, kind in FLOWS) + "}})",
    "logs": "CREATE TABLE rows AS SELECT strptime(m.t, '%d/%b/%Y:%H:%M:%S %z')::TIMESTAMP AS time, m.a AS remote_addr, nullif(m.u, '-') AS remote_user, "
            "m.m AS request_method, m.r AS request_uri, m.p AS server_protocol, m.s::BIGINT AS status, m.b::BIGINT AS body_bytes_sent, "
            "nullif(m.f, '-') AS http_referer, nullif(m.g, '-') AS http_user_agent, line AS raw_log, 1::BIGINT AS _part, 0::BIGINT AS _offset, "
            "0::BIGINT AS _row FROM (SELECT line, regexp_extract(line, '^(\\S+) \\S+ (\\S+) \\[([^\\]]*)\\] \"(\\S+) (\\S+) ([^\"]*)\" (\\d+) (\\d+) "
            "\"([^\"]*)\" \"([^\"]*)\"', ['a', 'u', 't', 'm', 'r', 'p', 's', 'b', 'f', 'g']) AS m FROM read_csv('{file}', header = false, delim = '\\x01', "
            "quote = '', escape = '', columns = {{'line': 'VARCHAR'}})) WHERE m.s <> ''",
}


def measured(command, folder):
    """(CPU seconds, wall seconds, peak MiB)"""
    begun = time.monotonic()
    child = subprocess.Popen(command, cwd=folder)
    _, status, used = os.wait4(child.pid, 0)
    if status != 0:
        raise RuntimeError(f"{command}: status {status}")
    return used.ru_utime + used.ru_stime, time.monotonic() - begun, used.ru_maxrss / 1024


def count(path):
    database = Database(path, b"READ_ONLY")
    try:
        return int(database.run("SELECT count(*) FROM rows")[1][0][0])
    finally:
        database.close()


def once(leat, folder, what, name):
    """One import; how many rows it has made, and what it took."""
    path = folder / f"{name}.duckdb"
    for old in folder.glob(f"{name}.duckdb*"):
        old.unlink()
    command = [leat, "run", "p.toml", "--once", "--quiet"]
    if name == "own":
        command = [sys.executable, __file__, "--own", OWN[what].format(file=folder / what)]
    took = measured(command, folder)
    return count(path), took


def compare(options, folder, what, number):
    (folder / "p.toml").write_text(PIPELINE.format(file=what, format=FORMATS[what], limit=LIMIT_MIB))
    took = {"leat": [], "own": []}
    for _ in range(options.rounds):
        for name, results in took.items():
            rows, result = once(options.build / "leat", folder, what, name)
            if rows < number * 0.99:
                raise RuntimeError(f"{name}: {rows} rows of {number} {what}")
            results.append(result)
    return {name: [statistics.median(each[i] for each in results) for i in range(3)] for name, results in took.items()}


def own(sql):
    database = Database("own.duckdb", b"READ_WRITE")
    for statement in (f"SET threads = {os.cpu_count()}", sql):
        database.run(statement)
    database.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--own", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.own:
        return own(options.own)
    options.build = options.build.resolve()
    if library() is None:
        print("there is no DuckDB here: script/setup --duckdb fetches it", file=sys.stderr)
        return 77
    lines = ["| | rows | CPU s | rows per CPU-s | wall s | peak MiB |", "|---|---:|---:|---:|---:|---:|"]
    goals = []
    with tempfile.TemporaryDirectory(prefix="leat-bench-") as top:
        folder = pathlib.Path(top)
        leat = options.build / "leat"
        with open(folder / "flows", "wb") as flows:
            subprocess.run([leat, "generate", "flows", "--rows", str(options.rows), "--quiet"], stdout=flows, check=True)
        subprocess.run([leat, "generate", "web-log", "--lines", str(options.lines), "--out", folder / "log", "--quiet"], check=True)
        (folder / "log" / "access.log").rename(folder / "logs")
        for what, number, names, goal in (("flows", options.rows, ("leat, network flows as CSV", "DuckDB, `read_csv` of the same file"), 0.9),
                                          ("logs", options.lines, ("leat, access log with raw lines", "DuckDB, one regular expression"), 1.8)):
            found = compare(options, folder, what, number)
            for label, (cpu, wall, peak) in zip(names, found.values()):
                lines.append(f"| {label} | {number:,} | {cpu:.1f} | {number / cpu / 1000:,.0f} k | {wall:.1f} | {peak:.0f} |")
            ratio = found["own"][0] / found["leat"][0]
            goals.append(f"- {what} ≥ {goal} times the rows per CPU-second of DuckDB's own import: {ratio:.2f}: {'met' if ratio >= goal else 'missed'}.")
            mine = found["leat"][2] - LIMIT_MIB
            goals.append(f"- {what}: peak less DuckDB's limit of {LIMIT_MIB} MiB ≤ 64 MiB: {mine:.0f} MiB: {'met' if mine <= 64 else 'missed'}.")
    text = "\n".join([*lines, "", *goals, f"- Medians of {options.rounds} interleaved runs."])
    print(text)
    if options.write:
        page.put("duckdb", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
