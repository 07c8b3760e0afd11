#!/usr/bin/env python3
"""serve.py LEAT: `leat serve` as its clients see it, good ones and bad ones, while a writer appends.

What every format says is what SQLite says; pages and streams have each row once; cuts can be told; nobody who is slow,
silent or wrong keeps others from being answered, nor the writer's log from being emptied.
"""

import csv
import io
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import xml.etree.ElementTree

from served import CHILDREN, PATIENCE, Answer, Server, start

LEAT = Server.leat = os.path.abspath(sys.argv[1])
PROBLEMS = []

LOG_FORMAT = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time'
LINES = [
    r'203.0.113.1 - - [10/Oct/2026:13:55:36 +0000] "GET /a?x=1&y=<b> HTTP/1.1" 200 9223372036854775807 "-" "curl/8.5.0" 0.1',
    r'203.0.113.2 - bob, the\x22 b [10/Oct/2026:13:55:37 +0000] "GET /\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80 HTTP/1.1" 404 0 "https://x/&amp;" "" 12.000',
    r'203.0.113.3 - - [10/Oct/2026:13:55:38 +0000] "GET /\xFF\x1B\x00]]> HTTP/1.1" 404 1 "-" "a\x5Cb, \x22c\x22" -',
    r"203.0.113.4 - - [10/Oct/2026:13:55:39 +0000] \"GET /';DROP%20TABLE%20access_log;-- HTTP/1.1\" 500 2 \"-\" \"-\" 0.000".replace('\\"', '"'),
]


def expect(truth, text, up=1):
    if not truth:
        PROBLEMS.append(text)
        print(f"serve.py:{sys._getframe(up).f_lineno}: {text}", file=sys.stderr)


def equal(found, expected, text):
    expect(found == expected, f"{text}: {str(found)[:500]!r} is not {str(expected)[:500]!r}", 2)


def rows_of(path, sql):
    database = sqlite3.connect(path, timeout=PATIENCE)
    database.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in database.execute(sql)]
    finally:
        database.close()


def check_formats(server, path):
    columns = "_row,remote_addr,remote_user,request_uri,status,body_bytes_sent,http_referer,http_user_agent,request_time"
    expected = rows_of(path, f"SELECT {columns} FROM access_log ORDER BY _row")
    equal(len(expected), len(LINES), "rows in the database")
    target = f"/api/v1/stream/access_log?fields={columns}"
    for encoding in ("identity", "gzip"):
        answers = {name: server.get(f"{target}&format={name}", Accept_Encoding=encoding)
                   for name in ("json", "ndjson", "xml", "csv")}
        for name, answer in answers.items():
            equal((answer.status, answer.whole, answer.trailers.get("leat-rows")), (200, True, str(len(LINES))),
                  f"the stream as {name}, {encoding}")
            equal(answer.headers.get("leat-last-row"), str(len(LINES)), "the bound")
        document = answers["json"].json()
        equal(document, {"data": expected, "count": len(LINES)}, "the stream as JSON")
        equal([json.loads(line) for line in answers["ndjson"].body.splitlines()], expected, "the stream as NDJSON")
        table = list(csv.reader(io.StringIO(answers["csv"].body.decode(), newline="")))
        as_text = [["" if value is None else str(value) for value in row.values()] for row in expected]
        equal(table[0], columns.split(","), "the header of CSV")
        equal([[str(float(c)) if i == 8 and c else c for i, c in enumerate(row)] for row in table[1:]], as_text,
              "the stream as CSV")
        root = xml.etree.ElementTree.fromstring(answers["xml"].body)
        for record, row in zip(root, expected):
            found = {child.tag: child.text or "" for child in record}
            found["request_time"] = str(float(found["request_time"])) if "request_time" in found else None
            wanted = {name: str(value) for name, value in row.items() if value is not None}
            wanted.setdefault("request_time", None)
            equal(found, wanted, "a record of XML")
    shown = server.get("/api/v1/stream/access_log?limit=1").json()["data"][0]
    expect("raw_log" not in shown and "_row" not in shown, "raw_log and _row are shown without being asked for")
    raw = server.get("/api/v1/stream/access_log?fields=raw_log&limit=2").json()["data"]
    equal([row["raw_log"] for row in raw], LINES[:2], "the raw records")
    old = server.get(f"{target}&format=json", version="1.0")
    equal((old.json(), "transfer-encoding" in old.headers), (document, False), "the stream for HTTP/1.0")
    accepted = server.get("/api/v1/tables/statuses_per_day", Accept="text/csv")
    equal(accepted.body, b"day,status,hits\r\n2026-10-10,200,1\r\n2026-10-10,404,2\r\n2026-10-10,500,1\r\n", "Accept")


def check_requests(server, path):
    first = server.get("/api/v1/tables/statuses_per_day?limit=2")
    document = first.json()
    equal((document["count"], first.headers.get("link")), (2, f"<{document['next']}>; rel=\"next\""), "the first page")
    second = server.get(document["next"])
    equal((second.json()["data"], second.json()["next"], second.headers.get("link")),
          ([{"day": "2026-10-10", "status": 500, "hits": 1}], None, None), "the second page")
    equal(server.get(document["next"] + "x").status, 400, "a cursor that was changed")
    again = server.get("/api/v1/tables/statuses_per_day?limit=2", If_None_Match=first.headers["etag"])
    equal((again.status, again.body, again.headers.get("etag")), (304, b"", first.headers["etag"]), "the same page")
    head = server.get("/api/v1/tables/statuses_per_day?limit=2", method="HEAD")
    equal((head.status, head.headers["content-length"], head.headers["etag"]),
          (200, first.headers["content-length"], first.headers["etag"]), "HEAD")
    equal(server.get("/api/v1/stream/access_log", method="HEAD").status, 200, "HEAD of a stream")
    equal([table["name"] for table in server.get("/api/v1/tables").json()["data"]],
          ["access_log", "browsers_per_day", "pages_per_day", "referrers_per_day", "statuses_per_day", "visitors_per_day"],
          "the tables")
    equal((server.get("/healthz").status, server.get("/healthz").body), (200, b"ok\n"), "health")

    def refused(target, status, text, **headers):
        answer = server.get(target, **headers)
        expect(answer.status == status and text in answer.json()["error"],
               f"{target}: {answer.status} {answer.body!r}, expected {status} with {text!r}")

    stream = "/api/v1/stream/access_log?"
    refused(stream + "status=404", 400, "CREATE INDEX")
    refused(stream + "order=status", 400, "CREATE INDEX")
    refused(stream + "nothing=1", 400, "there are: format, limit, fields, order")
    refused(stream + "limit=0", 400, "'limit'")
    refused(stream + "status=1%20OR%201", 400, "must be an integer")
    refused("/api/v1/tables/access_log?limit=10001", 400, "at most 10000")
    refused("/api/v1/stream/_leat_parts", 404, "there is no table")
    refused("/api/v1/stream/access_log%22%20UNION%20SELECT", 404, "there is no table")
    refused("/api/v1/stream/sqlite_schema", 404, "there is no table")
    refused("/", 404, "/api/v1/tables")
    refused("/api/v1/tables?x=1", 400, "there are none here")
    refused("/api/v1/stream/access_log", 406, "text/csv", Accept="image/png")
    refused("/healthz", 403, "Host", Host="evil.example")
    refused("/healthz", 403, "Host", Host=None)
    refused("/healthz", 403, "may not ask", Origin="https://evil.example")
    refused("/healthz", 405, "GET and HEAD", method="DELETE")
    equal(server.get("/healthz", Host="127.0.0.1").status, 200, "by address")
    equal(server.get("/", Accept="text/plain").headers["content-type"], "text/plain; charset=utf-8", "an error as text")
    expect("access-control-allow-origin" not in server.get("/healthz", Origin=f"http://localhost:{server.port}").headers,
           "CORS headers without being asked for")

    database = sqlite3.connect(path)
    database.execute("CREATE INDEX by_uri ON access_log(request_uri)")
    database.close()
    by_uri = "/api/v1/tables/access_log?fields=_row&request_uri="
    equal(server.get(by_uri + urllib.parse.quote("/';DROP%20TABLE%20access_log;--", safe="")).json()["data"], [{"_row": 4}],
          "a value that looks like SQL, by an index made meanwhile")
    equal(server.get(by_uri + urllib.parse.quote("/ü€😀")).json()["data"], [{"_row": 2}], "a value beyond ASCII")


def check_protocol(server):
    host = f"Host: localhost:{server.port}\r\n".encode()
    three = b"".join(b"GET /healthz HTTP/1.1\r\n" + host + end + b"\r\n" for end in (b"", b"", b"Connection: close\r\n"))
    equal(server.raw(three).count(b"\r\n\r\nok\n"), 3, "three requests at once")
    expect(server.raw(b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * 20000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431"),
           "a header that is too large")
    expect(server.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01").startswith(b"HTTP/1.1 400"), "a TLS hello")
    for wrong in (b"GET /healthz\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\nhello\r\n\r\n",
                  b"GET / HTTP/1.1\r\n" + host + b" folded\r\nContent-Length: -1\r\n\r\n"):
        found = server.raw(wrong)
        expect(found == b"" or re.match(rb"HTTP/1.1 40[03] ", found), f"{wrong!r} was answered with {found[:80]!r}")
    # A body is not read, and what stands in it is not a request.
    smuggled = b"GET /healthz HTTP/1.1\r\n" + host + b"\r\n"
    found = server.raw(b"GET /healthz HTTP/1.1\r\n" + host + b"Content-Length: %d\r\n\r\n" % len(smuggled) + smuggled)
    equal(found.count(b"HTTP/1.1 "), 1, "answers to a request with another one in its body")
    found = server.raw(b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    expect(found.startswith(b"HTTP/1.1 405") and found.count(b"HTTP/1.1 ") == 1, "a POST")
    equal(server.get("/healthz?" + "&".join(f"a{i}=1" for i in range(1000))).status, 200, "many parameters")


def check_tools(server):
    stream = f"http://127.0.0.1:{server.port}/api/v1/stream/access_log"
    if shutil.which("curl"):
        done = subprocess.run(["curl", "-sSf", "--compressed", stream + "?format=ndjson"], capture_output=True, check=False)
        equal((done.returncode, done.stdout.count(b"\n")), (0, len(LINES)), "curl")
        if shutil.which("xmllint"):
            done = subprocess.run(f"curl -sS '{stream}?format=xml&fields=raw_log,request_uri' | xmllint --stream -",
                                  shell=True, capture_output=True, check=False)
            equal((done.returncode, done.stderr), (0, b""), "xmllint")


def check_static(folder):
    (folder / "in.log").write_text("\n".join(LINES) + "\n")
    done = subprocess.run([LEAT, "logs", "in.log", "--once", "--to", "static.db", "--format", LOG_FORMAT], cwd=folder,
                          capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC"})
    expect(done.returncode == 0 and "0 rejects" in done.stderr, f"leat logs: {done.stderr}")
    server = Server(folder, "static.db", "--listen", "127.0.0.1:0")
    check_formats(server, folder / "static.db")
    check_requests(server, folder / "static.db")
    check_protocol(server)
    check_tools(server)
    taken = subprocess.run([LEAT, "serve", "static.db", "--listen", f"127.0.0.1:{server.port}"], cwd=folder,
                           capture_output=True, text=True, check=False)
    equal((taken.returncode, "another program listens there" in taken.stderr), (1, True), "a port in use")
    equal(server.stop(), 0, "the exit status after SIGINT")
    expect(re.search(r'event=answer client=127.0.0.1 method=GET target="/api/v1/stream/access_log\?limit=1" status=200 '
                     r"bytes=\d+ ms=\d+\n", server.log.read_text()), "the request log")


WRITER_TOML = """
[sources.web]
type    = "file"
include = ["logs/access.log"]
format  = "nginx_combined"
[sinks.db]
type = "sqlite"
path = "live.db"
[pipelines.logs]
from = "web"
to   = "db.access_log"
[serve]
listen = "127.0.0.1:0"
connections = 100
[serve.tables.access_log]
index = ["status"]
range = { column = "time", after = "from", before = "to" }
"""


class Writer:
    """A log that grows, and `leat run` behind it."""

    def __init__(self, folder):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        (folder / "live.toml").write_text(WRITER_TOML)
        self.path = folder / "live.db"
        subprocess.run([LEAT, "generate", "web-log", "--out", "logs", "--lines", "30000"], check=True, **quiet)
        subprocess.run([LEAT, "run", "live.toml", "--once"], check=True, **quiet)
        self.children = [start(LEAT, "run", "live.toml", **quiet),
                         start(sys.executable, "-c", GROW, str(folder / "logs/access.log"), **quiet)]

    def stop(self):
        for child in self.children:
            child.send_signal(signal.SIGINT)
        return [child.wait(PATIENCE) for child in self.children][0]


GROW = """
import sys, time
lines = open(sys.argv[1]).readlines()[:1000]
try:
    with open(sys.argv[1], "a") as log:
        while True:
            log.writelines(lines[:200])
            log.flush()
            time.sleep(0.05)
except KeyboardInterrupt:
    pass
"""


def check_live(folder):
    writer = Writer(folder)
    server = Server(folder, "live.toml")

    stream = server.get("/api/v1/stream/access_log?fields=_row,status&format=ndjson")
    rows = [json.loads(line)["_row"] for line in stream.body.splitlines()]
    equal(rows, list(range(1, int(stream.headers["leat-last-row"]) + 1)), "the rows of a stream while others come in")
    end = time.monotonic() + PATIENCE
    while rows_of(writer.path, "SELECT max(_row) AS n FROM access_log")[0]["n"] <= rows[-1] and time.monotonic() < end:
        time.sleep(0.05)
    more = server.get(f"/api/v1/stream/access_log?_row.gt={rows[-1]}&fields=_row&limit=5").json()["data"]
    equal([row["_row"] for row in more], [rows[-1] + i for i in range(1, 6)], "the rows behind those")

    target, walked = "/api/v1/tables/access_log?fields=_row,status&limit=2000&status=404", []
    while target and len(walked) < 10 * len(rows):
        page = server.get(target).json()
        walked += [row["_row"] for row in page["data"]]
        target = page["next"]
    wanted = rows_of(writer.path, f"SELECT _row FROM access_log WHERE status = 404 AND _row <= {walked[-1]} ORDER BY _row")
    equal(walked, [row["_row"] for row in wanted], "the rows of all pages while others come in")
    some = server.get("/api/v1/stream/access_log?from=2026-01-01T00:10:00&to=2026-01-01T00:10:01&fields=time&limit=500").json()
    equal({row["time"] for row in some["data"]}, {"2026-01-01 00:10:01"}, "a declared range")

    check_slow(server, writer)
    check_silent(server)
    equal(server.child.poll(), None, "the server")

    # A stream that is cut can be told from one that ended.
    client = server.send("/api/v1/stream/access_log?fields=raw_log")
    client.recv(1000)
    equal(server.stop(signal.SIGTERM), 0, "the exit status after SIGTERM with a stream open")
    with client, client.makefile("rb") as file:
        try:
            rest = file.read()
        except ConnectionResetError:
            rest = b""
    expect(b"Leat-Rows" not in rest and not rest.endswith(b"0\r\n\r\n"), "a stream that was cut ended as a whole one")
    equal(writer.stop(), 0, "the exit status of the writer")
    done = subprocess.run([LEAT, "verify", str(writer.path)], capture_output=True, text=True, check=False)
    expect(done.stdout.startswith("ok: "), f"verify: {done.stdout}")


def check_slow(server, writer):
    """Clients that take the beginning of a stream, and no more."""
    before = server.memory_kib()
    slow = []
    for _ in range(60):
        client = server.connect(receive_buffer=4096)
        client.sendall(f"GET /api/v1/stream/access_log?fields=raw_log HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
        slow.append(client)
    for client in slow:
        expect(client.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200", "a slow client was refused")
    equal(server.get("/healthz").status, 200, "others meanwhile")
    equal(server.get("/api/v1/stream/visitors_per_day").whole, True, "another stream meanwhile")
    expect(server.memory_kib() - before < len(slow) * 1024, f"slow clients cost {server.memory_kib() - before} KiB")
    # No statement of theirs is open: the log of the writer can be emptied (his own transactions may be in the way).
    end = time.monotonic() + PATIENCE
    busy = 1
    while busy and time.monotonic() < end:
        database = sqlite3.connect(writer.path, timeout=1)
        busy = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        database.close()
    equal(busy, 0, "the write-ahead log is held")
    for client in slow[:30]:
        client.close()
    # The others are still served, to the last byte.
    with slow[30].makefile("rb") as file:
        expect(Answer(file).whole, "a slow client did not get its end")
    for client in slow[30:]:
        client.close()
    end = time.monotonic() + PATIENCE
    while server.log.read_text().count("cut=client") < 30 and time.monotonic() < end:
        time.sleep(0.05)
    expect(server.log.read_text().count("cut=client") >= 30, "clients that went away are not logged as cut")


def check_silent(server):
    """More connections than there may be, which say nothing or send their header byte by byte."""
    silent = []
    for number in range(400):
        client = server.connect()
        if number % 2:
            try:
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")
            except (BrokenPipeError, ConnectionResetError):
                pass
        silent.append(client)
        if number % 50 == 49:
            equal(server.get("/healthz").status, 200, f"an honest client among {number + 1} silent ones")
    for client in silent:
        client.close()
    equal(server.get("/healthz").status, 200, "an honest client afterwards")


def check_token(folder):
    (folder / "token").write_text("s3cret\n")
    (folder / "token.toml").write_text(WRITER_TOML.replace(
        'listen = "127.0.0.1:0"', 'listen = "0.0.0.0:0"\ntoken = "${file:token}"\nhosts = ["db.example.org"]\n'
        'origins = ["https://app.example.org"]'))
    server = Server(folder, "token.toml")
    equal(server.get("/api/v1/tables").status, 401, "without a token")
    equal(server.get("/api/v1/tables", Authorization="Bearer s3crets").status, 401, "with a wrong token")
    equal(server.get("/api/v1/tables", Authorization="Bearer s3cret", Host="db.example.org:80").status, 200, "with the token")
    equal(server.get("/healthz").status, 200, "health without a token")
    allowed = server.get("/api/v1/tables", Authorization="Bearer s3cret", Origin="https://app.example.org")
    equal((allowed.status, allowed.headers.get("access-control-allow-origin")), (200, "https://app.example.org"), "CORS")
    before = server.get("/api/v1/tables", method="OPTIONS", Origin="https://app.example.org")
    equal((before.status, before.headers.get("access-control-allow-headers")), (204, "Authorization"), "a preflight")
    equal(server.stop(), 0, "the exit status")
    expect("s3cret" not in server.log.read_text(), "the token is in the log")


def check_tls(folder):
    for name in ("key", "other"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / f"{name}.pem",
                        "-out", folder / f"{name}-certificate.pem"], check=True, stderr=subprocess.DEVNULL)
    declared = 'listen = "127.0.0.1:0"\ntls = { certificate = "key-certificate.pem", key = "%s.pem" }'
    for name in ("key", "other", "absent"):
        (folder / f"tls-{name}.toml").write_text(WRITER_TOML.replace('listen = "127.0.0.1:0"', declared % name))
    for name in ("other", "absent"):
        refused = subprocess.run([LEAT, "serve", f"tls-{name}.toml"], cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
        equal(refused.returncode, 2, "a key that does not fit")
        expect(f"{name}.pem: cannot be used as the key of" in refused.stderr, f"says {refused.stderr!r}")
    server = Server(folder, "tls-key.toml")
    expect("listening on https://127.0.0.1:" in server.log.read_text(), "the address")
    silent = [server.connect() for _ in range(100)]  # which never begin to speak TLS
    server.tls = ssl.create_default_context(cafile=folder / "key-certificate.pem")
    plain = rows_of(folder / "live.db", "SELECT count(*) AS n FROM access_log")[0]["n"]
    answer = server.get("/api/v1/stream/access_log?format=ndjson&fields=_row")
    equal((answer.status, answer.whole, answer.body.count(b"\n")), (200, True, plain), "a stream over TLS")
    equal(answer.trailers.get("leat-rows"), str(plain), "its mark")
    with server.connect() as client, client.makefile("rb") as file:  # one connection for both
        for _ in range(2):
            client.sendall(f"GET /api/v1/tables HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
            equal(Answer(file).status, 200, "a request over TLS")
    equal(server.get("/healthz", Origin=f"https://localhost:{server.port}").status, 200, "its own origin")
    equal(server.get("/healthz", Origin=f"http://localhost:{server.port}").status, 403, "another origin")
    tls, server.tls = server.tls, None
    expect(b"200" not in server.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"), "plain HTTP on the port of TLS")
    server.tls = tls
    equal(server.get("/healthz").status, 200, "afterwards")
    for client in silent:
        client.close()
    equal(server.stop(), 0, "the exit status")


def main():
    with tempfile.TemporaryDirectory(prefix="leat-serve-") as name:
        folder = pathlib.Path(name)
        try:
            check_static(folder)
            check_live(folder)
            check_token(folder)
            check_tls(folder)
        finally:
            for child in CHILDREN:
                child.kill()
                child.wait()
    print(f"{len(PROBLEMS)} problems")
    return 1 if PROBLEMS else 0


if __name__ == "__main__":
    sys.exit(main())
