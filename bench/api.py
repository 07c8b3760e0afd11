"""script/bench api: how fast pages of an HTTP API become rows.

  script/bench api
      --runs N          interleaved runs of each (5); medians are shown
      --pages N         of 1,000 JSON records (1000)
      --size MB         of the XML document (200)
      --write           puts the tables into docs/performance.md
      --build FOLDER    the release build (build/release)

nginx serves files on the loopback. Pages: each has the next one's URL in its body; `leat run --once` into SQLite against
the better of two Python programs: one connection, json, executemany and a commit for each page (the other one, a
connection for each page, is shown too). XML: one document by HTTP against the same file from disk, into no sink; and
what curl needs to receive it. CPU is the program's own, not nginx's. Rows are counted after each run.
Exit status: 0 measured, 1 a run failed or counted wrong, 2 wrong usage, 77 there is no nginx.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import memory
import page

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
RECORDS = 1000  # of a page
CURL = "curl alone, to nowhere"
NGINX = """{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/tmp;
  proxy_temp_path {folder}/tmp;
  fastcgi_temp_path {folder}/tmp;
  uwsgi_temp_path {folder}/tmp;
  scgi_temp_path {folder}/tmp;
  keepalive_requests 1000000;
  sendfile on;
  types {{ application/json json; text/xml xml; }}
  server {{ listen 127.0.0.1:{port}; root {folder}/files; }}
}}
"""
PAGES = """[sources.api]
type       = "http"
url        = "http://127.0.0.1:{port}/1.json"
pagination = {{ type = "next_url", path = "/next" }}
format     = {{ type = "json", records = "/items", columns = {{ id = {{ path = "/id", type = "integer" }}, \
updated = {{ path = "/updated", type = "time" }}, name = "/name", amount = {{ path = "/amount", type = "real" }}, text = "/text" }} }}

[sinks.db]
type = "sqlite"
path = "{database}"

[pipelines.items]
from = "api"
to   = "db.items"
"""
XML = """[sources.in]
{source}
format = {{ {format} }}

[sinks.none]
type = "null"

[pipelines.p]
from = "in"
to   = "none.records"
"""
PYTHON = """
import http.client, json, sqlite3, sys, urllib.request
port, database, kept = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "kept"
db = sqlite3.connect(database)
db.execute("PRAGMA journal_mode=WAL")
db.execute("CREATE TABLE items(id INTEGER, updated TEXT, name TEXT, amount REAL, text TEXT)")
connection = http.client.HTTPConnection("127.0.0.1", port)
path = "/1.json"
while path:
    if kept:
        connection.request("GET", path)
        page = json.loads(connection.getresponse().read())
    else:
        page = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}{path}"))
    with db:
        db.executemany("INSERT INTO items VALUES (:id, :updated, :name, :amount, :text)", page["items"])
    path = page["next"]
"""


def fail(message):
    print(f"script/bench api: {message}", file=sys.stderr)
    sys.exit(1)


@contextlib.contextmanager
def nginx(folder):
    """Its port."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "tmp").mkdir()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, user="user root;" if os.geteuid() == 0 else ""))
    process = subprocess.Popen([shutil.which("nginx", path=PATH), "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf",
                                "-g", "daemon off;"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        begun = time.monotonic()
        while not (folder / "nginx.pid").exists():
            if process.poll() is not None or time.monotonic() - begun > 10:
                fail(f"nginx does not start: {(folder / 'error.log').read_text()[-300:]}")
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def make_pages(folder, pages):
    for number in range(1, pages + 1):
        items = [{"id": id, "updated": f"2026-{1 + id % 12:02}-{1 + id % 28:02}T{id % 24:02}:00:00Z", "name": f"name {id % 97}",
                  "amount": id % 10007 / 4, "text": f"record {id} of many, with a text of some length in it"}
                 for id in range((number - 1) * RECORDS, number * RECORDS)]
        following = f"/{number + 1}.json" if number < pages else None
        (folder / f"{number}.json").write_text(json.dumps({"items": items, "next": following}))


def measure(command, **more):
    """CPU seconds and what was said."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **more)
    said = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        fail(f"{command[0]} ended with {child.returncode}: {said[-500:]}")
    return used.ru_utime + used.ru_stime, said


def measure_pages(options, folder, port):
    database = folder / "out.db"
    file = folder / "pages.toml"
    file.write_text(PAGES.format(port=port, database=database))
    programs = {
        "leat": [options.build / "leat", "run", file, "--once"],
        "Python, one connection, executemany": [sys.executable, "-c", PYTHON, str(port), database, "kept"],
        "Python, urllib": [sys.executable, "-c", PYTHON, str(port), database, "new"],
    }
    found = {name: [] for name in programs}
    for _ in range(options.runs):
        for name, command in programs.items():
            for old in folder.glob("out.db*"):
                old.unlink()
            found[name].append(measure(command)[0])
            rows = sqlite3.connect(database).execute("SELECT count(*), count(DISTINCT id) FROM items").fetchone()
            if rows != (options.pages * RECORDS,) * 2:
                fail(f"{name}: {rows} rows of {options.pages * RECORDS:,}")
    return {name: options.pages * RECORDS / statistics.median(seconds) for name, seconds in found.items()}


def measure_xml(options, folder, port):
    made = memory.Input("xml", options.size * 10**6, False)
    document = folder / "files" / "all.xml"
    with document.open("wb") as out:
        made.write(out)
    sources = {"by HTTP": f'type = "http"\nurl = "http://127.0.0.1:{port}/all.xml"', "from disk": f'type = "file"\ninclude = "{document}"'}
    found = {name: [] for name in (*sources, CURL)}
    for _ in range(options.runs):
        for name, source in sources.items():
            file = folder / "xml.toml"
            file.write_text(XML.format(source=source, format=memory.FORMATS["xml"]))
            seconds, said = measure([options.build / "leat", "run", file, "--once"])
            rows = int(re.search(r"([\d,]+) rows?", said)[1].replace(",", ""))
            if rows != made.records:
                fail(f"XML {name}: {rows:,} rows of {made.records:,}")
            found[name].append(seconds)
        found[CURL].append(measure(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/all.xml"])[0])
    return {name: made.plain / 10**6 / statistics.median(seconds) for name, seconds in found.items()}


def main(arguments):
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--build", default=ROOT / "build" / "release", type=pathlib.Path)
    options = parser.parse_args(arguments)
    if not shutil.which("nginx", path=PATH):
        print("script/bench api: there is no nginx", file=sys.stderr)
        return 77
    with tempfile.TemporaryDirectory(prefix="leat-bench-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)  # nginx's workers look in
        (folder / "files").mkdir()
        make_pages(folder / "files", options.pages)
        with nginx(folder) as port:
            pages = measure_pages(options, folder, port)
            xml = measure_xml(options, folder, port)
    best = max(speed for name, speed in pages.items() if name != "leat")
    lines = [f"| {options.pages:,} pages of {RECORDS:,} JSON records → SQLite | rows per CPU-second | |", "|---|---|---|"]
    lines += [f"| {name} | {speed:,.0f} | {f'×{speed / best:.1f}' if name == 'leat' else ''} |" for name, speed in pages.items()]
    lines += ["", f"| {options.size} MB of XML → rows | MB per CPU-second |", "|---|---|"]
    lines += [f"| {name} | {speed:,.0f} |" for name, speed in xml.items()]
    table = "\n".join(lines)
    print(table)
    if options.write:
        page.put("api", table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
