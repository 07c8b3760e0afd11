#!/usr/bin/env python3
"""leat writes, the official Node client reads back: every type at its edges, and what leat says of what it does not take.

  read_back.py LEAT FOLDER    FOLDER: where the client is installed (tests/standins/bigquery/official.py)

Status 77: the client cannot be had here.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "standins" / "bigquery"))

from official import installed
from standin import BigQuery

LINES = [
    '{"i":9223372036854775807,"r":1e300,"b":true,"t":"größe \\"q\\" \\u0001","at":"0001-01-01T00:00:00Z","j":{"a":[1,null]}}',
    '{"i":-9007199254740993,"r":-0.1,"b":false,"t":"","at":"9999-12-31T23:59:59.999999Z","j":"text"}',
    '{"i":null}',
    '{"i":"no number"}',
    '{"i":1,"t":"line\\nbreak"}',
]
CONFIG = """
[sources.lines]
type = "file"
include = ["in.ndjson"]
format = {{ type = "json", columns = {{ i = {{ path = "/i", type = "integer" }}, r = {{ path = "/r", type = "real" }}, b = {{ path = "/b", type = "boolean" }}, t = "/t", at = {{ path = "/at", type = "time" }}, j = {{ path = "/j", type = "json" }} }} }}
[sinks.warehouse]
type = "bigquery"
project = "test"
dataset = "d"
endpoint = "{endpoint}"
spool = "{spool}"
[pipelines.p]
from = "lines"
to = "warehouse.{table}"
{more}
"""
COLUMNS = [["i", "INTEGER"], ["r", "FLOAT"], ["b", "BOOLEAN"], ["t", "STRING"], ["at", "TIMESTAMP"], ["j", "JSON"], ["_part", "STRING"], ["_offset", "INTEGER"], ["_segment", "INTEGER"]]
ROWS = [
    ["9223372036854775807", 1e300, True, 'größe "q" \u0001', "0001-01-01T00:00:00.000Z", '{"a":[1,null]}'],
    ["-9007199254740993", -0.1, False, "", "9999-12-31T23:59:59.999999000Z", '"text"'],
    [None] * 6,
    ["1", None, None, "line\nbreak", None, None],
]
PROBLEMS = []


def same(found, wanted, what):
    if found != wanted:
        PROBLEMS.append(what)
        print(f"read_back.py: {what}:\n{found!r}\nnot\n{wanted!r}", file=sys.stderr)


def main():
    leat, place = pathlib.Path(sys.argv[1]).resolve(), installed(pathlib.Path(sys.argv[2]).resolve())
    if place is None:
        print("read_back.py: skipped: the official client cannot be installed here", file=sys.stderr)
        return 77
    with tempfile.TemporaryDirectory() as folder, BigQuery() as server:
        (pathlib.Path(folder) / "in.ndjson").write_text("\n".join(LINES) + "\n")

        def run(table="t", spool="spool", more=""):
            (pathlib.Path(folder) / "p.toml").write_text(CONFIG.format(endpoint=server.url, table=table, spool=spool, more=more))
            done = subprocess.run([leat, "run", "p.toml", "--once"], cwd=folder, capture_output=True, text=True, check=False)
            return done.returncode, done.stderr

        status, said = run()
        same((status, said.startswith("4 rows, 1 reject ")), (0, True), f"a first run: {said}")
        same(run()[0], 0, "a second run")
        done = subprocess.run(["node", "read_back.js", server.url, "d.t"], cwd=place, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stderr, file=sys.stderr)
            return 1
        found = json.loads(done.stdout)
        same(found["columns"], COLUMNS, "columns")
        same([row[:6] for row in found["rows"]], ROWS, "rows")
        same([row[8] for row in found["rows"]], ["1"] * 4, "the segment that brought them")

        # Another spool goes on where the table is; the first one is refused from then on.
        status, said = run(spool="other")
        same((status, "is lost; going on behind segment 1" in said), (0, True), f"another spool: {said}")
        status, said = run()
        same((status, "is filled from another spool" in said), (1, True), f"the first spool: {said}")

        # What it does not take; nothing is loaded.
        before = server.ask("counts")["loads"]
        status, said = run(table="n", spool="merge", more='write = "merge"\nkey = ["j"]\n')
        same((status, "column 'j' cannot belong to the key: it holds json" in said), (2, True), f"a key of json: {said}")
        status, said = run(table="n", spool="sum", more='[aggregates.a]\nfrom = "p"\nby = { b = "b" }\nvalue = { n = "count()" }\n')
        same((status, "has no row transactions" in said), (2, True), f"an aggregate: {said}")
        server.api("POST", "/datasets/d/tables", {"tableReference": {"tableId": "typed"}, "schema": {"fields": [{"name": "i", "type": "STRING"}]}})
        status, said = run(table="typed", spool="typed")
        same((status, "has column 'i' of type STRING, not INTEGER" in said), (2, True), f"another type: {said}")
        same(server.ask("counts")["loads"], before, "load jobs")

        keyed = 'write = "merge"\nkey = ["i"]\n'
        status, said = run(table="keyed", spool="keyed", more=keyed)
        same((status, said.startswith("3 rows, 2 rejects")), (0, True), f"merge: {said}")
        for rows in 4, 4:
            status, said = run(table="pulled", spool="pulled", more='write = "replace"\n')
            same((status, said.startswith("4 rows, 1 reject")), (0, True), f"replace: {said}")
            same(len(server.ask("rows?table=d.pulled")), rows, "rows of a pull")
        status, said = run(table="keyed", spool="keyed", more='write = "merge"\nkey = ["t"]\n')
        same((status, "the key of table 'keyed' is 'i', now it would be 't'" in said), (2, True), f"another key: {said}")
        status, said = run(table="keyed", spool="keyed")
        same((status, "is written with write = 'merge', now it would be 'append'" in said), (2, True), f"no key: {said}")
        server.ask("wait")

        shutil.copytree(pathlib.Path(folder) / "other", pathlib.Path(folder) / "old")
        # A new column comes with its rows, a last line when it has its end.
        with (pathlib.Path(folder) / "in.ndjson").open("a") as file:
            file.write('{"i":1,"n":7}\n{"i":6}')
        config = pathlib.Path(folder) / "p.toml"
        for table, spool, more in ("t", "other", ""), ("keyed", "keyed", keyed):
            config.write_text(CONFIG.format(endpoint=server.url, table=table, spool=spool, more=more).replace('t = "/t"', 't = "/t", n = { path = "/n", type = "integer" }'))
            done = subprocess.run([leat, "run", "p.toml", "--once"], cwd=folder, capture_output=True, text=True, check=False)
            same((done.returncode, "its last record has no line end" in done.stderr), (0, True), f"a new column of {table}: {done.stderr}")
        same([(row["i"], row["n"]) for row in server.ask("rows?table=d.t")][4:], [(1, 7)], "its rows")
        same([(row["i"], row["t"], row["n"]) for row in server.ask("rows?table=d.keyed") if row["i"] == 1], [(1, None, 7)], "the row that it takes the place of")
        status, said = run(spool="old")
        same((status, "it is an older copy" in said), (1, True), f"a spool from a backup: {said}")
        same(len(server.ask("rows?table=d.t")), 5, "rows in the end")
    print(f"read_back.py: {len(PROBLEMS)} problems")
    return 1 if PROBLEMS else 0


if __name__ == "__main__":
    sys.exit(main())
