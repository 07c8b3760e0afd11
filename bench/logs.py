"""script/bench logs: access logs into SQLite, beside the least that could do the job, and beside another program.

  script/bench logs [LINES]     access logs into SQLite; 1,000,000 lines when not said
      --runs N                  interleaved runs of each (5); the table shows medians
      --write                   puts the table into docs/performance.md
      --large                   also ten times the lines into SQLite, once, for the peak memory: 8 GB of disk
      --build FOLDER            the release build (build/release)

Builds the release preset, makes the input once (build/bench/), and runs, one after the other, N times:
  parse only                    bench/parse_logs: the decoder alone, the file already in memory
  leat                          leat logs --once: raw lines, rejects, positions, the standard aggregates
  leat without aggregates       leat run --once with a pipeline file
  leat → null                   the standard aggregates in memory, printed at the end; stores nothing
  bare C loop                   bench/bare_sqlite.c: the same columns, pragmas, cache and rows per commit, nothing else
  … each line a visitor         leat and the bare C loop with a log of one day in which each line has its own address
  … four times the lines        leat → null on one CPU and on all, for the wall time
  GoAccess                      to JSON, stores nothing; left out when it is not installed (apt-get install goaccess)
After each run the rows (and counts) are checked. CPU seconds are user and system time of the process; they are what to
compare: wall times depend on the disk and on what else runs. Close other programs first.
Exit status: 0 measured, 1 a run failed or counted wrong, 2 wrong usage.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import platform
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import page

ROOT = pathlib.Path(__file__).resolve().parent.parent
PIPELINE = """[sources.web]
type    = "file"
include = ["{log}"]
format  = "nginx_combined"

[sinks.db]
type = "sqlite"
path = "{db}"

[pipelines.logs]
from = "web"
to   = "db.access_log"
"""
NULL_PIPELINE = """[sources.web]
type    = "file"
include = ["{log}"]
format  = "nginx_combined"

[sinks.none]
type = "null"

[pipelines.logs]
from                = "web"
to                  = "none.access_log"
standard_aggregates = true
"""
LEAT, BARE, NULL = "leat → SQLite, raw and aggregates", "bare C loop → SQLite", "leat → null, aggregates"
DISTINCT, FOUR_TIMES = ", each line a visitor", ", four times the lines"
LEAT_DISTINCT, BARE_DISTINCT = LEAT + DISTINCT, BARE + DISTINCT
NULL_ON_ONE, NULL_ON_ALL = NULL + FOUR_TIMES + ", one CPU", NULL + FOUR_TIMES + ", all CPUs"
AGGREGATES = ("visitors_per_day", "browsers_per_day", "pages_per_day", "statuses_per_day", "referrers_per_day")


def fail(message):
    print(f"script/bench: {message}", file=sys.stderr)
    sys.exit(1)


def run(command, cpus=None, output=None):
    """Runs it to its end, on these CPUs only: CPU seconds, wall seconds, peak bytes, what it printed.

    A process begins with the peak of the one that starts it: this one has to stay small.
    """
    with open(output, "w+b") if output else tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                 preexec_fn=cpus and (lambda: os.sched_setaffinity(0, cpus)))
        _, status, used = os.wait4(child.pid, 0)
        wall = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        text = "" if output else out.read().decode(errors="replace")
        if child.returncode != 0:
            fail(f"{command[0]} ended with {child.returncode}: {err.read().decode(errors='replace').strip()[-2000:]}")
    return {"cpu": used.ru_utime + used.ru_stime, "wall": wall, "peak": used.ru_maxrss * 1024, "text": text}


def number(text, name):
    found = re.search(rf"\b{name} ([0-9.]+)", text)
    if not found:
        fail(f"no {name} in {text!r}")
    return float(found.group(1))


def check(what, found, wanted):
    if found != wanted:
        fail(f"{what}: {found} instead of {wanted}")


def ask(path, question):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute(question).fetchone()[0]
    finally:
        connection.close()


def parse_only(tools, log, lines, folder):
    del folder
    result = run([tools / "bench/parse_logs", log, "nginx_combined"])
    check("rows of parse_logs", number(result["text"], "rows"), lines)
    # Reading the file into memory is not counted, and makes the peak meaningless.
    return {"cpu": number(result["text"], "cpu_seconds"), "wall": None, "peak": None}


def leat(tools, log, lines, folder):
    path = folder / "web.db"
    result = run([tools / "leat", "logs", log, "--to", path, "--once", "--quiet", "--format", "nginx_combined"])
    check("rows", ask(path, "SELECT count(*) FROM access_log"), lines)
    for aggregate in AGGREGATES:
        check(f"hits of {aggregate}", ask(path, f"SELECT sum(hits) FROM {aggregate}"), lines)
    result["bytes"] = path.stat().st_size
    return result


def leat_without_aggregates(tools, log, lines, folder):
    path = folder / "web.db"
    file = folder / "web.toml"
    file.write_text(PIPELINE.format(log=log, db=path))
    result = run([tools / "leat", "run", file, "--once", "--quiet"])
    check("rows", ask(path, "SELECT count(*) FROM access_log"), lines)
    result["bytes"] = path.stat().st_size
    return result


def hits_of(path):
    tables = json.loads(path.read_bytes())["pipelines"][0]["tables"]
    return {table["table"]: sum(row[table["columns"].index("hits")] for row in table["rows"]) for table in tables}


def leat_to_null(tools, log, lines, folder, cpus=None):
    file, output = folder / "web.toml", folder / "out.json"
    file.write_text(NULL_PIPELINE.format(log=log))
    result = run([tools / "leat", "run", file, "--once", "--quiet", "--json"], cpus, output)
    with multiprocessing.Pool(1) as another:  # its memory is not that of this process
        check("hits of the aggregates", another.apply(hits_of, (output,)), dict.fromkeys(AGGREGATES, lines))
    return result


def leat_to_null_on_one(tools, log, lines, folder):
    return leat_to_null(tools, log, lines, folder, {min(os.sched_getaffinity(0))})


def bare_sqlite(tools, log, lines, folder):
    path = folder / "web.db"
    result = run([tools / "bench/bare_sqlite", log, path])
    check("rows of bare_sqlite", number(result["text"], "rows"), lines)
    check("rows", ask(path, "SELECT count(*) FROM access_log"), lines)
    result["bytes"] = path.stat().st_size
    return result


def goaccess(tools, log, lines, folder):
    del tools
    path = folder / "out.json"
    result = run(["goaccess", log, "--log-format=COMBINED", "-o", path, "--no-global-config"])
    general = json.loads(path.read_text())["general"]
    check("requests of GoAccess", (general["total_requests"], general["valid_requests"]), (lines, lines))
    return result


def build(folder):
    commands = [["cmake", "--preset", "release", "-B", folder],
                ["cmake", "--build", folder, "--target", "leat", "parse_logs", "make_log", "bare_sqlite"]]
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            fail(f"{' '.join(map(str, command))} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def make_input(tools, folder, lines, *options):
    log = folder / f"access-{lines}{''.join(options)}.log"
    if not log.exists():
        part = log.with_suffix(".part")
        with open(part, "wb") as out:
            subprocess.run([tools / "bench/make_log", str(lines), *options], stdout=out, check=True)
        part.rename(log)
    return log


def machine():
    model = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    with open("/proc/meminfo", encoding="utf-8") as info:
        memory = int(info.readline().split()[1]) / 1024 / 1024
    return f"{model}, {os.cpu_count()} CPUs, {memory:.0f} GB; {system}; SQLite {sqlite3.sqlite_version}"


def median(samples, name):
    values = [s[name] for s in samples if s.get(name) is not None]
    return statistics.median(values) if values else None


def table(results, lines_of):
    rows = [["", "CPU s per 1 M lines", "lines per CPU-s", "÷ bare C", "wall s", "peak MiB", "database MB"],
            ["---", "---:", "---:", "---:", "---:", "---:", "---:"]]
    for name, samples in results.items():
        lines = lines_of[name]
        bare = median(results[BARE_DISTINCT if name.endswith(DISTINCT) else BARE], "cpu") / lines_of[BARE] * lines
        cpu, wall, peak, size = (median(samples, n) for n in ("cpu", "wall", "peak", "bytes"))
        rows.append([name, f"{cpu / lines * 1e6:.2f}", f"{lines / cpu / 1e3:,.0f} k", f"{cpu / bare:.2f}",
                     "–" if wall is None else f"{wall:.1f}", "–" if peak is None else f"{peak / 2**20:.0f}",
                     "–" if size is None else f"{size / 1e6:.0f}"])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def cell(text, i, separator):
        if separator:
            return "-" * (widths[i] - 1) + ":" if i else "-" * widths[i]
        return text.rjust(widths[i]) if i else text.ljust(widths[i])

    return "\n".join("| " + " | ".join(cell(c, i, n == 1) for i, c in enumerate(row)) + " |"
                     for n, row in enumerate(rows))


def ratio(results, name, other, what="cpu", of=median):
    return of(results[name], what) / of(results[other], what)


def least(samples, name):
    return min(s[name] for s in samples)


def notes(results, lines, size, runs, version, large):
    spread = [s["cpu"] for s in results[LEAT]]
    text = [f"{lines:,} lines, {size / 1e6:.0f} MB; medians of {runs} interleaved runs; leat's CPU time varied from "
            f"{min(spread) / lines * 1e6:.2f} to {max(spread) / lines * 1e6:.2f} s per 1 M lines.",
            f"Machine: {machine()}{'; ' + version if version else ''}."]
    more, many = ratio(results, LEAT, BARE), ratio(results, LEAT_DISTINCT, BARE_DISTINCT)
    peak = max(median(samples, "peak") for name, samples in results.items() if name.startswith("leat → SQLite"))
    speed = lines / median(results["parse only"], "cpu")
    marks = [(f"parse only ≥ 3 M lines per CPU-second: {speed / 1e6:.1f} M", speed >= 3e6),
             (f"leat → SQLite ≤ 1.6 times the CPU time of the bare C loop: {more:.2f}", more <= 1.6),
             (f"with each line a visitor of its own ≤ 2.5 times: {many:.2f}", many <= 2.5),
             (f"its memory ≤ 64 MiB: {peak / 2**20:.0f} MiB", peak <= 64 * 2**20)]
    if large:
        marks.append((f"with ten times the lines: {large['peak'] / 2**20:.0f} MiB", large["peak"] <= 64 * 2**20))
    if NULL_ON_ALL in results:
        faster = ratio(results, NULL_ON_ONE, NULL_ON_ALL, "wall", least)
        marks.append((f"leat → null on {os.cpu_count()} CPUs ≥ 1.6 times as fast as on one (best wall times, "
                      f"{least(results[NULL_ON_ONE], 'wall'):.2f} and {least(results[NULL_ON_ALL], 'wall'):.2f} s): "
                      f"{faster:.2f}", faster >= 1.6))
    other = next((n for n in results if n.startswith("GoAccess")), None)
    if other:
        text.append(f"GoAccess needs {ratio(results, other, LEAT):.1f} times the CPU time of leat with everything "
                    "switched on.")
        faster, share = ratio(results, other, NULL), ratio(results, NULL, other, "peak")
        marks += [(f"leat → null ≥ 8 times the lines per CPU-second of GoAccess: {faster:.0f} times", faster >= 8),
                  (f"at ≤ 1/4 of its memory: {share:.2f}", share <= 0.25)]
    return text + [f"{what}: {'met' if met else 'NOT MET'}." for what, met in marks]


def bench_logs(options):
    tools = (ROOT / options.build).resolve()
    build(tools)
    work = ROOT / "build" / "bench"
    work.mkdir(parents=True, exist_ok=True)
    log = make_input(tools, work, options.lines)
    contestants = {"parse only": parse_only, LEAT: leat, "leat → SQLite, raw, no aggregates": leat_without_aggregates,
                   NULL: leat_to_null, BARE: bare_sqlite, LEAT_DISTINCT: leat, BARE_DISTINCT: bare_sqlite}
    if len(os.sched_getaffinity(0)) > 1:
        contestants |= {NULL_ON_ONE: leat_to_null_on_one, NULL_ON_ALL: leat_to_null}
    version = ""
    if shutil.which("goaccess"):
        first = subprocess.run(["goaccess", "--version"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"GoAccess - ([0-9.]*[0-9])", first)
        version = f"GoAccess {found.group(1) if found else '?'}"
        contestants[f"{version} → JSON, stores nothing"] = goaccess
    else:
        print("script/bench: goaccess is not installed and is left out (apt-get install goaccess)", file=sys.stderr)
    logs = {name: (log, options.lines) for name in contestants}
    distinct = make_input(tools, work, options.lines, "--distinct")
    for name in contestants:
        if name.endswith(DISTINCT):
            logs[name] = (distinct, options.lines)
        elif FOUR_TIMES in name:
            logs[name] = (make_input(tools, work, 4 * options.lines), 4 * options.lines)
    results = {name: [] for name in contestants}
    for i in range(options.runs):
        for name, contestant in contestants.items():
            with tempfile.TemporaryDirectory(dir=work) as folder:
                results[name].append(contestant(tools, *logs[name], pathlib.Path(folder)))
            print(f"{i + 1}/{options.runs}  {name}: {results[name][-1]['cpu']:.2f} CPU s", file=sys.stderr)
    large = None
    if options.large:
        with tempfile.TemporaryDirectory(dir=work) as folder:
            large = leat(tools, make_input(tools, work, 10 * options.lines), 10 * options.lines, pathlib.Path(folder))
    shown = table(results, {name: lines for name, (_, lines) in logs.items()})
    said = notes(results, options.lines, log.stat().st_size, options.runs, version, large)
    print("\n" + shown + "\n")
    print("\n".join(said))
    if options.write:
        page.put("logs", shown + "\n\n" + "\n".join(f"- {line}" for line in said))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="?", type=int, default=1_000_000, metavar="LINES")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--build", default="build/release")
    options = parser.parse_args()
    if options.lines < 1 or options.runs < 1:
        parser.error("LINES and --runs must be at least 1")
    bench_logs(options)


if __name__ == "__main__":
    main()
