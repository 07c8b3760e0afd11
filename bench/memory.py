"""script/bench memory: the memory of leat does not depend on the size of what it reads.

  script/bench memory [SIZE ...]   sizes of the plain bytes (50MB 5GB)
      --formats LIST    of xml,json,ndjson,csv (all)
      --sinks LIST      of null,sqlite (both)
      --http            by HTTP, from the stand-in of the tests, not through a pipe
      --plain           only plain, not gzip as well
      --write           puts the table into docs/performance.md
      --build FOLDER    the release build (build/release)

Each input is made while it is read, and goes through a pipe or comes in chunks by HTTP: nothing of it is ever on disk. A
gzip stream is made of members that were compressed once. Rows are counted after each run; the peak is VmHWM, as the kernel tells it.
Exit status: 0 measured, 1 a run failed, counted wrong or took more than 64 MiB, 2 wrong usage.
"""

import argparse
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zlib

import page

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "standins" / "api"))

from standin import Api

UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
MOST = 64 * 2**20
HOSTS, RECORDS = 400, 25  # of a block

COLUMNS = {
    "xml": """columns = { host = { path = "../../ID", type = "integer" }, ip = "../../IP", qid = { path = "QID", type = "integer" }, \
severity = { path = "SEVERITY", type = "integer" }, found = { path = "FOUND", type = "time" }, results = "RESULTS" }""",
    "json": """columns = { host = { path = "/host", type = "integer" }, ip = "/ip", qid = { path = "/qid", type = "integer" }, \
severity = { path = "/severity", type = "integer" }, found = { path = "/found", type = "time" }, results = "/results" }""",
    "csv": """columns = ["host:integer", "ip", "qid:integer", "severity:integer", "found:time", "results"]""",
}
FORMATS = {
    "xml": 'type = "xml", record = "/OUT/RESPONSE/HOST_LIST/HOST/DETECTION_LIST/DETECTION", ' + COLUMNS["xml"],
    "json": 'type = "json", records = "/data", ' + COLUMNS["json"],
    "ndjson": 'type = "json", ' + COLUMNS["json"],
    "csv": 'type = "csv", header = false, ' + COLUMNS["csv"],
}
PIPELINE = """[sources.in]
{source}
format = {{ {format} }}

[sinks.out]
{sink}

[pipelines.p]
from = "in"
to   = "out.records"
"""


class Input:
    """What a document is made of: a head, a block of whole records that is repeated, a foot."""

    def __init__(self, format, size, gzip):
        head, block, foot = {"xml": self.xml, "json": self.json, "ndjson": self.ndjson, "csv": self.csv}[format]()
        self.times = max(1, (size - len(head) - len(foot)) // len(block))
        self.records = (self.times + (format == "json")) * HOSTS * RECORDS
        self.plain = len(head) + len(block) * self.times + len(foot)
        self.pieces = [self.member(piece) if gzip and piece else piece for piece in (head, block, foot)]

    @staticmethod
    def member(plain):
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        return packer.compress(plain) + packer.flush()

    @staticmethod
    def values():
        for host in range(HOSTS):
            for record in range(RECORDS):
                yield (host, f"10.{host % 250}.{record}.7", 38000 + record * 7, 1 + record % 5,
                       f"2026-10-{1 + host % 28:02}T{record % 24:02}:15:00Z",
                       f"port {record} of host {host}: version 1.{record}.{host} is older than it should be, update it")

    @classmethod
    def xml(cls):
        parts = []
        for host, ip, qid, severity, found, results in cls.values():
            if qid == 38000:
                parts.append(f"<HOST><ID>{host}</ID><IP>{ip}</IP><DETECTION_LIST>\n")
            parts.append(f"<DETECTION><QID>{qid}</QID><SEVERITY>{severity}</SEVERITY><FOUND>{found}</FOUND>"
                         f"<RESULTS><![CDATA[{results}]]></RESULTS></DETECTION>\n")
            if qid == 38000 + (RECORDS - 1) * 7:
                parts.append("</DETECTION_LIST></HOST>\n")
        return (b'<?xml version="1.0" encoding="UTF-8"?>\n<OUT><RESPONSE><HOST_LIST>\n', "".join(parts).encode(),
                b"</HOST_LIST></RESPONSE></OUT>\n")

    @classmethod
    def objects(cls):
        return ['{{"host":{},"ip":"{}","qid":{},"severity":{},"found":"{}","results":"{}"}}'.format(*values)
                for values in cls.values()]

    @classmethod
    def json(cls):
        # There is one comma fewer than records: the first ones are in the head.
        records = ",\n".join(cls.objects()).encode()
        return b'{"total":1,"data":[\n' + records, b",\n" + records, b"]}\n"

    @classmethod
    def ndjson(cls):
        return b"", ("\n".join(cls.objects()) + "\n").encode(), b""

    @classmethod
    def csv(cls):
        return b"", "".join('{},{},{},{},{},"{}"\n'.format(*values) for values in cls.values()).encode(), b""

    def api(self, format, gzip, folder):
        """The stand-in that serves it."""
        files = {name: folder / name for name in ("head", "block", "foot")}
        for file, piece in zip(files.values(), self.pieces):
            file.write_bytes(piece)
        return Api({"format": format, "paging": "none", "encoding": "gzip" if gzip else "", "records": 0,
                    "pieces": {"times": self.times, **{name: str(file) for name, file in files.items()}}})

    def write(self, out):
        head, block, foot = self.pieces
        out.write(head)
        for _ in range(self.times):
            out.write(block)
        out.write(foot)


def fail(message):
    print(f"script/bench memory: {message}", file=sys.stderr)
    sys.exit(1)


def peak_of(pid):
    try:
        return int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) * 1024
    except (OSError, TypeError):
        return 0


def measure(options, format, size, gzip, sink, folder):
    made = Input(format, size, gzip)
    if not options.http:
        return measure_leat(options, made, 'type = "stdin"', format, size, gzip, sink, folder)
    with made.api(format, gzip, folder) as api:
        source = f'type = "http"\nurl = "{api.url}/records"'
        return measure_leat(options, made, source, format, size, gzip, sink, folder)


def measure_leat(options, made, source, format, size, gzip, sink, folder):
    database = folder / "out.db"
    for old in folder.glob("out.db*"):
        old.unlink()
    file = folder / "p.toml"
    file.write_text(PIPELINE.format(source=source, format=FORMATS[format],
                                    sink='type = "null"' if sink == "null" else f'type = "sqlite"\npath = "{database}"'))
    began = time.monotonic()
    child = subprocess.Popen([options.build / "leat", "run", file, "--once"],
                             stdin=subprocess.DEVNULL if options.http else subprocess.PIPE, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
    peak = [0]
    ended = threading.Event()

    def watch():
        while not ended.wait(0.02):
            peak[0] = max(peak[0], peak_of(child.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    said = []
    reader = threading.Thread(target=lambda: said.append(child.stderr.read().decode()))
    reader.start()
    if not options.http:
        try:
            made.write(child.stdin)
            child.stdin.close()
        except BrokenPipeError:
            pass
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    ended.set()
    watcher.join()
    reader.join()
    what = f"{format}{' by HTTP' if options.http else ''}, {size:,} bytes{', gzip' if gzip else ''} → {sink}"
    if child.returncode != 0:
        fail(f"{what}: exit status {child.returncode}: {said[0][-500:]}")
    rows = int(re.search(r"([\d,]+) rows?", said[0])[1].replace(",", ""))
    if sink == "sqlite":
        rows = sqlite3.connect(database).execute("SELECT count(*) FROM records").fetchone()[0]
    if rows != made.records:
        fail(f"{what}: {rows:,} rows of {made.records:,} records")
    return {"bytes": made.plain, "rows": rows, "peak": peak[0],
            "cpu": used.ru_utime + used.ru_stime, "wall": wall}


def size_of(text):
    found = re.fullmatch(r"(\d+)([KMG]i?B)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"'{text}' is no size, such as 50MB or 5GB")
    return int(found[1]) * UNITS[found[2]]


def words(known):
    def check(text):
        for word in text.split(","):
            if word not in known:
                raise argparse.ArgumentTypeError(f"there is no '{word}' (there are: {', '.join(known)})")
        return text.split(",")
    return check


def main(arguments):
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("sizes", nargs="*", type=size_of)
    parser.add_argument("--formats", type=words(list(FORMATS)), default=list(FORMATS))
    parser.add_argument("--sinks", type=words(["null", "sqlite"]), default=["null", "sqlite"])
    parser.add_argument("--http", action="store_true")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--build", default=ROOT / "build" / "release", type=pathlib.Path)
    options = parser.parse_args(arguments)
    sizes = options.sizes or [50 * 10**6, 5 * 10**9]
    lines = ["| input | → | " + " | ".join(f"peak at {size / 10**9:g} GB" for size in sizes) +
             " | MB per CPU-second | rows per CPU-second |", "|---|---|" + "---|" * (len(sizes) + 2)]
    worst = 0
    for format in options.formats:
        for gzip in ([False] if options.plain else [False, True]):
            for sink in options.sinks:
                found = []
                for size in sizes:
                    with tempfile.TemporaryDirectory(prefix="leat-bench-") as folder:
                        found.append(measure(options, format, size, gzip, sink, pathlib.Path(folder)))
                worst = max(worst, *(each["peak"] for each in found))
                last = found[-1]
                lines.append(f"| {format}{', gzip' if gzip else ''}{' by HTTP' if options.http else ''} | {sink} | " +
                             " | ".join(f"{each['peak'] / 2**20:.0f} MiB" for each in found) +
                             f" | {last['bytes'] / 10**6 / last['cpu']:,.0f} | {last['rows'] / last['cpu']:,.0f} |")
                print(lines[-1], flush=True)
    table = "\n".join(lines)
    print(f"\n{table}")
    if options.write:
        page.put("memory --http" if options.http else "memory", table)
    if worst > MOST:
        fail(f"the largest peak is {worst / 2**20:.0f} MiB, over 64")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
