"""What a sink must hold and show of what was written: types at their edges, proofs and mending, and what users look at."""

import contextlib
import json
import os
import re
import socket
import sqlite3
import stat
import time
import urllib.request

import golden
import http_cases
import model
from bench import Wrong, as_bytes
from checks_write import started

EDGE_FORMAT = (
    'format = { type = "json", columns = { id = { path = "/id", type = "integer" }, b = { path = "/b", type = "boolean" }, '
    'i = { path = "/i", type = "integer" }, r = { path = "/r", type = "real" }, t = "/t", at = { path = "/at", type = "time" }, '
    'j = { path = "/j", type = "json" }, "Sel\\"ect \'ß" = "/s" } }')
EDGE_COLUMNS = ("id", "b", "i", "r", "t", "at", "j", "Sel\"ect 'ß")
EDGE_TYPES = {"id": "integer", "b": "boolean", "i": "integer", "r": "real", "t": "text", "at": "time", "j": "json"}
MEBIBYTE = "0123456789abcde\u00e4" * (2**20 // 17)
EDGES = [  # what a column takes as it is
    {"b": True}, {"b": False}, {"i": 2**63 - 1}, {"i": -2**63}, {"i": 0}, {"i": -1}, {"i": 2**53 + 1},
    {"r": 1.7976931348623157e308}, {"r": -1.7976931348623157e308}, {"r": 5e-324}, {"r": 2.2250738585072014e-308}, {"r": 0.1},
    {"r": 1 / 3}, {"r": -0.0}, {"r": 123456789012345680.0},
    {"t": ""}, {"t": None}, {"t": "NULL"}, {"t": "\\N"}, {"t": "null"}, {"t": "a\tb\nc\rd\\e"}, {"t": "\"'`;--{}%s$1"}, {"t": " x "},
    {"t": "\u00e4\u20ac\U0001f600\u202e\ufeff\uffff"}, {"t": "\u0001\u001f\u007f\u0085"}, {"t": MEBIBYTE}, {"t": ","}, {"t": "0"}, {"t": "1e5"},
    {"at": "0001-01-01 00:00:00"}, {"at": "0001-01-01 00:00:00.000001"}, {"at": "9999-12-31 23:59:59.999999"},
    {"at": "1969-12-31 23:59:59.999999"}, {"at": "1970-01-01 00:00:00"}, {"at": "2000-02-29 00:00:00.100000"},
    {"at": "1582-10-10 12:00:00"}, {"at": "2038-01-19 03:14:08"}, {"at": "2262-04-12 00:00:00"},
    {"j": {"a": [1, {"b": None, "ä\"": "\n"}], "": []}}, {"j": []}, {"j": "x"}, {"j": 1.5}, {"j": False}, {"j": {"deep": [[[[[[[[0]]]]]]]]}},
    {"s": "x"}, {},
]
MISFITS = [('"i": 9223372036854775808', "i"), ('"i": -9223372036854775809', "i"), ('"i": 1.5', "i"), ('"r": 1e400', "r"), ('"r": "NaN"', "r"),
           ('"r": "inf"', "r"), ('"b": 2', "b"), ('"at": "10000-01-01T00:00:00Z"', "at"), ('"at": "0000-12-31T23:59:59Z"', "at"), ('"t": [1]', "t")]


def edge_row(number, record):
    value = record.get("j")
    return (number, record.get("b"), record.get("i"), exact(record.get("r")), record.get("t"), record.get("at"),
            None if value is None else canonical(value), record.get("s"))


def exact(real):
    """Bit by bit, but for the sign of zero, which SQLite does not keep."""
    return None if real is None else (float(real) + 0.0).hex()


def canonical(value):
    return json.dumps(value, sort_keys=True)


def read_edges(bench, table):
    rows = bench.sink.rows(table, EDGE_COLUMNS, EDGE_TYPES)
    return [(*row[:3], exact(row[3]), *row[4:6], None if row[6] is None else canonical(json.loads(row[6])), row[7]) for row in rows]


def types(bench):
    """Every type at its edges; what does not fit is a reject that names the column; bytes that are no UTF-8."""
    bench.pipeline(format_=EDGE_FORMAT, aggregates="", pipeline="raw = false")
    iso = lambda record: record | ({"at": record["at"].replace(" ", "T") + "Z"} if "at" in record else {})
    lines = [json.dumps({"id": number, **iso(record)}, ensure_ascii=number % 2 == 0) for number, record in enumerate(EDGES)]
    misfits = [f'{{"id": 0, {text}}}' for text, _ in MISFITS]
    bench.write(lines + misfits)
    bad_utf8 = b'{"id": 0, "t": "\xff\xc3"}'
    with open(bench.folder / "in.ndjson", "ab") as file:
        file.write(bad_utf8 + b"\n")
    bench.run()
    bench.same("rows", read_edges(bench, "records"), [edge_row(number, record) for number, record in enumerate(EDGES)])
    bench.same("rejects", [(row[0], row[1], as_bytes(row[3])) for row in bench.sink.rejects("records")],
               [(len(lines) + 1 + number, MISFITS[number][1], line.encode()) for number, line in enumerate(misfits)] +
               [(len(lines) + len(misfits) + 1, "", bad_utf8)])
    bench.verify()
    raw_bytes(bench)
    bench.facts.append(f"{len(EDGES)} values, {len(MISFITS) + 1} misfits")


def raw_bytes(bench):
    """`raw_log` is exact to the byte; in a text column what is no UTF-8 stays visible."""
    bench.pipeline(format_="format = { type = \"web_log\", log_format = '$remote_addr [$request]' }", include="in.log", aggregates="", name="raw")
    texts = [b"plain", b"\xff\xfe\x80", b"\xc3\xa4", b"nul\x00nul", b"\xed\xa0\x80", b"C:\\\\x"]
    lines = [b"192.0.2.1 [" + text + b"]" for text in texts]
    (bench.folder / "in.log").write_bytes(b"".join(line + b"\n" for line in lines))
    bench.run()
    found = bench.sink.rows("raw", ("request", "raw_log"), {"request": "text", "raw_log": "bytes"})
    wanted = [as_shown(line) if "bytes" in bench.sink.cannot else line for line in lines]
    bench.same("raw_log", [(as_bytes(row[1]),) for row in found], [(line,) for line in wanted])
    bench.same("request", [(row[0],) for row in found if row[0] and "\\xFF" in row[0]], [("\\xFF\\xFE\\x80",)])


def as_shown(line):
    """With what is no UTF-8 as \\xHH."""
    return "".join(f"\\x{ord(char) - 0xDC00:02X}" if "\udc80" <= char <= "\udcff" else char
                   for char in line.decode(errors="surrogateescape")).encode()


def reals(bench):
    """What only a table can hand over: infinite reals; a NULL, an empty text."""
    (bench.folder / "up.toml").write_text('[sources.in]\ntype = "file"\ninclude = "in.ndjson"\n' + EDGE_FORMAT +
                                          '\n[sinks.up]\ntype = "sqlite"\npath = "up.db"\n[pipelines.up]\nfrom = "in"\nto = "up"\nraw = false\n')
    bench.write([json.dumps({"id": number, "r": 1.0, "t": ""}) for number in range(4)])
    bench.leat("run", "up.toml", "--once", "--quiet")
    with contextlib.closing(sqlite3.connect(bench.folder / "up.db")) as database, database:
        database.execute("UPDATE up SET r = 9e999 WHERE id = 1")
        database.execute("UPDATE up SET r = -9e999 WHERE id = 2")
        database.execute("UPDATE up SET r = NULL, t = NULL WHERE id = 3")
    bench.pipeline(source='type = "table"\npath = "up.db"\ntable = "up"', aggregates="", pipeline="raw = false")
    bench.run()
    infinite = lambda value: None if "infinite" in bench.sink.cannot else value
    bench.same("rows", [(row[0], exact(row[3]), row[4]) for row in bench.sink.rows("records", EDGE_COLUMNS, EDGE_TYPES)],
               [(0, exact(1.0), ""), (1, infinite("inf"), ""), (2, infinite("-inf"), ""), (3, None, None)])
    bench.verify()


def verify(bench):
    """Proves what is right, and finds a row that is removed, doubled or moved behind leat's back, and a count that is changed."""
    lines = bench.lines(300)
    for how in ("nothing", "remove", "double", "move", "reject", "count"):
        if how == "count" and "aggregates" in bench.sink.cannot:
            continue
        bench.fresh(how)
        bench.pipeline()
        bench.write(lines)
        bench.run()
        out, _ = bench.leat("verify", "p.toml")
        expected = model.Expected("append", lines)
        wanted = f"ok: {expected.records} records, {len(expected.rows)} rows, {len(expected.rejects)} rejects, 0 bytes of gaps"
        if out.strip().split("\n")[-1] != wanted:
            raise Wrong(f"verify says {out!r}, not {wanted!r}")
        if how == "nothing":
            continue
        bench.sink.tamper("per_hour" if how == "count" else "records", how)
        out, err = bench.leat("verify", "p.toml", status=1)
        if not out.strip().split("\n")[-1].startswith("broken: "):
            raise Wrong(f"{how}: verify says {out + err!r}")
        numbers = json.loads(bench.leat("verify", "p.toml", "--json", status=1)[0])
        if numbers["ok"] or not numbers["problems"] or how in ("remove", "reject") and not numbers["lost"] or how == "double" and not numbers["doubled"]:
            raise Wrong(f"{how}: verify --json says {numbers}")
        if how == "count":
            bench.leat("rebuild", "p.toml", "--quiet")
            bench.verify()
            bench.aggregate_fits(expected.rows)
    for number, (change, wanted) in enumerate(bench.sink.key_changes):
        bench.fresh(f"key-{number}")
        bench.pipeline("merge")
        bench.write(lines)
        bench.run()
        bench.verify()
        for sql in change:
            bench.sink.execute(sql)
        out, err = bench.leat("verify", "p.toml", status=1)
        if wanted not in out + err:
            raise Wrong(f"{change}: verify says {out + err!r}")


def status(bench):
    """`status` and `state show` say what is there; nothing runs."""
    mode = "ignore" if "ignore" not in bench.sink.cannot and bench.sink.knows_ignored else "append"
    bench.pipeline(mode)
    lines = bench.lines(500, keys=300)
    expected = model.Expected(mode, lines)
    bench.leat("status", "p.toml")  # there is nothing yet
    bench.write(lines)
    bench.run()
    size = (bench.folder / "in.ndjson").stat().st_size
    found = bench.status()
    part = json.loads(bench.leat("state", "show", "p.toml", "--json")[0])["pipelines"][0]["parts"][0]
    wanted = {"pipeline": "records", "started": True, "running": False, "records": expected.records, "rows": len(expected.rows),
              "rejects": len(expected.rejects), "ignored": expected.ignored, "filtered": 0, "gaps": 0, "behind_bytes": 0, "last_error": ""}
    if differ := {name: found.get(name) for name, value in wanted.items() if found.get(name) != value}:
        raise Wrong(f"status says {differ} in place of {wanted}")
    wanted = {"origin": str(bench.folder / "in.ndjson"), "offset": size, "inserted": expected.inserted, "ignored": expected.ignored,
              "rejected": len(expected.rejects)}
    if differ := {name: part.get(name) for name, value in wanted.items() if part.get(name) != value}:
        raise Wrong(f"state show says {differ} in place of {wanted}")
    counts = bench.sink.counts("records")
    if counts["end"] != size:
        raise Wrong(f"the position is {counts['end']}, not {size}")
    text = bench.leat("status", "p.toml")[0]
    if f"{expected.records} records" not in text:
        raise Wrong(f"status says {text}")
    if bench.sink.address():  # in place of a pipeline file
        if f"{expected.records} records" not in bench.leat("status", bench.sink.address())[0]:
            raise Wrong("status of the address alone says something else")
        bench.leat("verify", bench.sink.address())
        bench.leat("rejects", "list", bench.sink.address())
    if not bench.sink.reads_beside:  # who asks all the time keeps it from its own file
        return
    # Between two runs of a schedule.
    bench.pipeline(mode, pipeline='schedule = "every 1000h"')
    child = bench.start("run", "p.toml", "--quiet")
    ends = time.monotonic() + 60
    while not (found := bench.status()).get("waiting"):
        if child.poll() is not None or time.monotonic() > ends:
            raise Wrong(f"status does not say that it waits for its next run: {found}, {child.poll()}")
        time.sleep(0.05)
    child.terminate()
    bench.wait(child)
    if not found["last_run"] or not found["next_run"]:
        raise Wrong(f"status between two runs says {found}")


def rewind(bench):
    """Rows, rejects and counts of a part, or of all, are undone; the next run makes them again."""
    bench.pipeline(include="*.ndjson", pipeline='raw = false')
    one, two = bench.lines(300), bench.lines(200)
    bench.write(one, "one.ndjson")
    bench.write(two, "two.ndjson")
    bench.run()
    both = model.Expected("append", one + two)
    bench.matches(both)
    bench.leat("state", "rewind", "p.toml", "records", "--all", status=2)  # without --yes
    bench.matches(both)
    parts = json.loads(bench.leat("state", "show", "p.toml", "--json")[0])["pipelines"][0]["parts"]
    part = next(part["part"] for part in parts if part["origin"].endswith("one.ndjson"))
    if "rewind" in bench.sink.cannot:
        _, err = bench.leat("state", "rewind", "p.toml", "records", "--part", part, "--yes", status=2)
        if bench.sink.cannot["rewind"] not in err:
            raise Wrong(f"rewind says {err!r}, without {bench.sink.cannot['rewind']!r}")
        bench.matches(both)
        bench.facts.append(f"refused: {bench.sink.cannot['rewind']}")
        return
    bench.leat("state", "rewind", "p.toml", "records", "--part", part, "--yes")
    bench.matches(model.Expected("append", two), "one part undone: ")
    bench.verify()
    bench.run()
    bench.matches(both, "read again: ")
    bench.leat("state", "rewind", "p.toml", "records", "--all", "--yes")
    bench.same("all undone: rows", bench.sink.rows("records", model.COLUMNS, model.TYPES), [])
    bench.run()
    bench.matches(both, "all read again: ")
    bench.verify()
    if bench.sink.name not in ("sqlite", "duckdb", "postgres"):  # those with the table itself in the database
        return
    bench.sink.execute("DROP TABLE records")
    _, err = bench.leat("run", "p.toml", "--once", status=1)
    if "state rewind" not in err:
        raise Wrong(f"a table that is gone: {err!r} does not name the way out")
    bench.leat("state", "rewind", "p.toml", "records", "--all", "--yes")
    bench.run()
    bench.matches(both, "a dropped table, read again: ")
    bench.verify()


def rejects(bench):
    """`rejects list` shows them; after the format was corrected `rejects retry` makes rows of those that fit."""
    csv = lambda null: f'format = {{ type = "csv", columns = ["id", "n:integer", "x:real", "at:time", "t"]{null} }}'
    bench.pipeline(format_=csv(""), include="in.csv")
    lines = [f"key-{i},{'n/a' if i % 7 == 0 else 'zwölf' if i % 31 == 0 else i},0.5,2026-03-01 0{i % 6}:00:00,ä" for i in range(200)]
    bench.write(["id,n,x,at,t", *lines], "in.csv")
    bench.run()
    bad = [(number + 2, "n", line) for number, line in enumerate(lines) if "n/a" in line or "zwölf" in line]
    bench.same("rejects", [(row[0], row[1], row[3]) for row in bench.sink.rejects("records")], bad)
    shown = [json.loads(line) for line in bench.leat("rejects", "list", "p.toml", "--json", "-n", "1000")[0].splitlines()]
    bench.same("rejects list", [(reject["line"], reject["column"], reject["raw"]) for reject in shown], bad)
    bench.pipeline(format_=csv(', null = "n/a"'), include="in.csv")
    bench.leat("rejects", "retry", "p.toml")
    bench.same("rejects after", [(row[0], row[3]) for row in bench.sink.rejects("records")], [(line, raw) for line, _, raw in bad if "zwölf" in raw])
    rows = [(key, None if n == "n/a" else int(n), float(x), at, t) for key, n, x, at, t in (line.split(",") for line in lines if "zwölf" not in line)]
    bench.same("rows after", bench.sink.rows("records", model.COLUMNS, model.TYPES), rows)
    bench.aggregate_fits(rows)
    bench.verify()
    bench.run()
    bench.same("nothing comes twice", bench.sink.rows("records", model.COLUMNS, model.TYPES), rows)


def top(bench):
    """The live view counts what is there."""
    per_day = model.AGGREGATE.replace("per_hour", "per_day").replace("hour", "day")
    bench.pipeline(aggregates="" if "aggregates" in bench.sink.cannot else per_day)
    lines = bench.lines(400)
    bench.write(lines)
    bench.run()
    expected = model.Expected("append", lines)
    out, _ = bench.leat("top", "p.toml", "--once")
    if not re.search(rf"^records +stopped .* {len(expected.rows)} +{len(expected.rejects)} ", out, re.MULTILINE):
        raise Wrong(f"top shows {out}")


def serve(bench):
    """All rows as a stream and in pages, and the aggregate, over HTTP."""
    bench.pipeline(pipeline="raw = false")
    lines = bench.lines(500)
    bench.write(lines)
    bench.run()
    if "serve" in bench.sink.cannot:
        _, err = bench.leat("serve", "p.toml", "--listen", "127.0.0.1:0", status=2)
        if bench.sink.cannot["serve"] not in err:
            raise Wrong(f"serve says {err!r}, without {bench.sink.cannot['serve']!r}")
        bench.facts.append(f"refused: {bench.sink.cannot['serve']}")
        return
    expected = model.Expected("append", lines)
    child = bench.start("serve", "p.toml", "--listen", "127.0.0.1:0")
    said = child.stderr.readline().decode()
    if "listening on http://" not in said:
        child.kill()
        raise Wrong(f"serve says {said + child.stderr.read().decode()}")
    address = said.split("listening on ")[1].strip()
    ask = lambda path: urllib.request.urlopen(address + path, timeout=60).read()
    if ask("/healthz").strip() != b"ok":
        raise Wrong("/healthz is not ok")
    row = lambda record: tuple(record[name] for name in model.COLUMNS)
    streamed = [json.loads(line) for line in ask("/api/v1/stream/records?format=ndjson").splitlines()]
    bench.same("stream", map(row, streamed), expected.rows)
    paged, path = [], "/api/v1/tables/records?limit=90"
    while path:
        page = json.loads(ask(path))
        paged += page["data"]
        path = page["next"] and page["next"].replace(address, "")
    bench.same("pages", map(row, paged), expected.rows)
    if "aggregates" not in bench.sink.cannot:
        counts = json.loads(ask("/api/v1/stream/per_hour?format=json"))["data"]
        bench.same("aggregate", [tuple(record[name] for name in model.AGGREGATE_COLUMNS) for record in counts], expected.buckets)
    child.terminate()
    if bench.wait(child)[0] != 0:
        raise Wrong("serve does not end well")


def table_source(bench):
    """A second pipeline reads what the first one has written, each row once, also what comes later."""
    bench.pipeline(pipeline="raw = false", aggregates="")
    with open(bench.folder / "p.toml", "a") as file:
        file.write('\n[sources.first]\ntype = "table"\nfrom = "records"\n[pipelines.copy]\nfrom = "first"\nto = "db"\n'
                   'raw = false\ntransforms = [ { type = "filter", where = "n > 0" } ]\n')
    if "upstream" in bench.sink.cannot:
        out, err = bench.leat("check", "p.toml", status=2)
        if bench.sink.cannot["upstream"] not in out + err:
            raise Wrong(f"check says {out + err!r}, without {bench.sink.cannot['upstream']!r}")
        bench.facts.append(f"refused: {bench.sink.cannot['upstream']}")
        return
    lines = []
    for _ in range(2):
        lines += bench.lines(300)
        bench.write(lines)
        bench.run()
        rows = model.Expected("append", lines).rows
        bench.same("rows", bench.sink.rows("records", model.COLUMNS, model.TYPES), rows)
        bench.same("copy", bench.sink.rows("copy", model.COLUMNS, model.TYPES), [row for row in rows if row[1] is not None and row[1] > 0])
    bench.verify()


def beside(bench):
    """While leat runs others look at what it has committed. Of a DuckDB file they ask leat, by a socket that is only its user's, however long its
    path; those who ask and do nothing more hold nobody up."""
    for name in ("x", "long-" + "x" * 120):
        bench.fresh(name)
        bench.pipeline()
        lines = bench.lines(300)
        bench.write(lines)
        child = started(bench)
        if not bench.status()["running"]:
            raise Wrong("status does not say that it runs")
        bench.verify()
        bench.leat("top", "p.toml", "--once")
        bench.leat("rejects", "list", "p.toml")
        socket_path = bench.folder / "out.duckdb.sock"
        hanging = []
        if bench.sink.name == "duckdb":
            if stat.S_IMODE(socket_path.stat().st_mode) != 0o600:
                raise Wrong(f"the socket has mode {socket_path.stat().st_mode:o}")
            place = os.getcwd()
            os.chdir(bench.folder)  # the path is too long for an address
            try:
                for sent in (b"", b"\x03", b"\xff" * 4, b"\x11\0\0\0" + b"\x07" * 17):
                    hanging.append(socket.socket(socket.AF_UNIX))
                    hanging[-1].connect(socket_path.name)
                    hanging[-1].sendall(sent)
            finally:
                os.chdir(place)
        bench.verify()
        more = bench.lines(300)
        bench.write(more, mode="a")
        lines += more
        while bench.status()["records"] < len(lines):
            if child.poll() is not None:
                raise Wrong(f"leat has ended: {child.communicate()[1]}")
        child.terminate()
        if (status := bench.wait(child)[0]) != 0:
            raise Wrong(f"it does not end well: {status}")
        for each in hanging:
            each.close()
        if socket_path.exists():
            raise Wrong("the socket is still there")
        if not bench.sink.loads_at_stop:
            bench.run()
        bench.matches(model.Expected("append", lines))
    bench.write(bench.lines(50), mode="a")
    killed = started(bench)  # leaves its socket
    killed.kill()
    killed.communicate()
    bench.verify()
    bench.run()
    bench.verify()


def quiet(bench):
    """What was taken is seen after a while, though leat goes on and nothing more comes."""
    if not bench.sink.reads_beside:
        bench.facts.append("its file is read by one process at a time")
        return
    bench.pipeline(sink=bench.sink.soon())
    lines = bench.lines(100)
    bench.write(lines)
    child = bench.start("run", "p.toml", "--quiet")
    expected = model.Expected("append", lines)
    ends = time.monotonic() + 60
    while bench.sink.waits() or len(bench.sink.rows("records", model.COLUMNS)) < len(expected.rows):
        if child.poll() is not None or time.monotonic() > ends:
            raise Wrong(f"rows are not seen: status {child.poll()}")
        time.sleep(0.1)
    child.terminate()
    if (status := bench.wait(child)[0]) != 0:
        raise Wrong(f"it does not end well: {status}")
    bench.matches(expected)
    bench.verify()


CHECKS = {
    "beside": beside,
    "quiet": quiet,
    "golden": golden.check,
    "http": http_cases.check,
    "types": types,
    "reals": reals,
    "verify": verify,
    "status": status,
    "rewind": rewind,
    "rejects": rejects,
    "top": top,
    "serve": serve,
    "table_source": table_source,
}
