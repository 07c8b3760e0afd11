#!/usr/bin/env python3
"""A stand-in for BigQuery: its REST API over SQLite, and everything that goes wrong with it, at will.

  server.py [--port 0] [--project test] [--auth any|token] [--lifetime 3600] [--credentials FOLDER] [--quota 1500]
            [--late-duplicate] [--faults FILE] [--seed 1] [--discovery FILE]

Prints `listening on 127.0.0.1:PORT`. Ends when its parent does. README.md says what it knows and what the tests can ask.
"""

import argparse
import json
import os
import pathlib
import socket
import struct
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import api
import auth
import faults
import jobs
from problem import Problem
import uploads
import warehouse

REASONS = {200: "OK", 204: "No Content", 308: "Resume Incomplete"}
LARGEST_LINE = 100_000


class Cut(Exception):
    """The connection ends here; `reset`: with RST."""

    def __init__(self, reset=False):
        super().__init__()
        self.reset = reset


class Request:
    def __init__(self, method, target, headers, body, origin):
        self.method, self.target, self.headers, self.body, self.origin = method, target, headers, body, origin
        path, _, query = target.partition("?")
        self.path = urllib.parse.unquote(path)
        self.params = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    def header(self, name):
        return self.headers.get(name)

    def json(self):
        try:
            return json.loads(self.body or b"{}")
        except ValueError as problem:
            raise Problem("invalid", f"Parse error: {problem}") from None

    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode()))


def read_request(file, connection, origin):
    """None: the client has gone."""
    line = file.readline(LARGEST_LINE).decode("latin-1").split()
    if len(line) != 3:
        return None
    headers = {}
    while (text := file.readline(LARGEST_LINE).decode("latin-1").strip()):
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in headers.get("transfer-encoding", "").lower():
        pieces = []
        while (size := int(file.readline(LARGEST_LINE).split(b";")[0], 16)) > 0:
            pieces.append(file.read(size))
            file.readline(LARGEST_LINE)
        while file.readline(LARGEST_LINE).strip():
            pass
        body = b"".join(pieces)
    else:
        length = int(headers.get("content-length", 0))
        body = file.read(length)
        if len(body) < length:
            return None
    return Request(line[0], line[1], headers, body, origin)


class Service:
    def __init__(self, options):
        self.lock = threading.RLock()  # holds all that is below
        self.faults = faults.Faults(options.faults, options.seed)
        self.auth = auth.Auth(options.auth, options.lifetime)
        self.warehouse = warehouse.Warehouse(options.project)
        self.jobs = jobs.Jobs(options.project, self.warehouse, self.faults, self.lock, options.quota)
        self.uploads = uploads.Uploads(self.jobs, options.late_duplicate)
        self.api = api.Api(options.project, self.warehouse, self.jobs, self.uploads, self.faults)
        self.log = []
        self.listener = socket.create_server(("127.0.0.1", options.port), backlog=256)
        self.origin = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.discovery = self.discovery_of(options.discovery) if options.discovery else None
        if options.credentials:
            self.auth.write_credentials(options.credentials, self.origin)

    def discovery_of(self, path):
        """What `bq` asks for first: the document it was made with, with this server's address."""
        document = json.loads(pathlib.Path(path).read_text())
        document |= {"rootUrl": self.origin + "/", "baseUrl": self.origin + "/bigquery/v2/", "mtlsRootUrl": self.origin + "/"}
        return json.dumps(document).encode()

    def answer(self, request):
        """(status, headers, body); Cut."""
        if self.discovery and request.path in ("/$discovery/rest", "/discovery/v1/apis/bigquery/v2/rest"):
            return 200, [], self.discovery
        if request.path == "/_wait":
            for job in list(self.jobs.jobs.values()):
                job.ended.wait()
        if request.path.startswith("/_"):
            with self.lock:
                try:
                    return 200, [], json.dumps(self.control(request)).encode()
                except (KeyError, ValueError, Problem) as problem:
                    return 400, [], json.dumps({"error": str(problem)}).encode()
        operation, names, project = self.operation_of(request)
        with self.lock:
            entry = {"method": request.method, "target": request.target, "operation": operation, "headers": request.headers,
                     "body": request.body[:2000].decode("latin-1"), "bytes": len(request.body)}
            self.log.append(entry)
        if slow := self.due({"slow"}, operation):
            time.sleep(slow["seconds"])
        with self.lock:
            if self.due({"reset"}, operation):
                raise Cut(reset=True)
            if self.due({"html"}, operation):
                return 400, [("Content-Type", "text/html")], b"<html><title>Error 400 (Bad Request)!!1</title><p>invalid euc header</html>"
            if fault := self.due(faults.ANSWERS, operation):
                return self.refusal(fault, fault["fault"], request)
            status, headers, body = self.real_answer(operation, names, project, request)
            entry["status"] = status
            if fault := self.due({f"{name}_after" for name in faults.ANSWERS}, operation):
                return self.refusal(fault, fault["fault"].removesuffix("_after"), request)
            if self.due({"lost"}, operation):
                raise Cut()
            if self.due({"cut"}, operation):
                return status, [*headers, ("X-Cut", "1")], body
        return status, headers, body

    def due(self, names, operation):
        with self.lock:
            return self.faults.due(names, operation or "unknown")

    def operation_of(self, request):
        if request.path == "/token":
            return "token", (), None
        if "metadata-flavor" in request.headers and (request.path == "/" or request.path.startswith("/computeMetadata/")):
            return "metadata", (), None
        return api.route(request)

    def refusal(self, fault, name, request):
        status, reason, message = faults.ANSWERS[name]
        if name == "gone":
            self.uploads.drop(request.params.get("upload_id"))
        if name == "unauthorized":
            self.auth.forget()
        headers = [("Retry-After", str(fault["retry_after"]))] if "retry_after" in fault else []
        problem = Problem(reason, message)
        problem.status = status
        return status, headers, json.dumps(problem.body()).encode()

    def real_answer(self, operation, names, project, request):
        try:
            if operation == "token":
                status, said = self.auth.token(request.form(), self.origin)
                return status, [], json.dumps(said).encode()
            if operation == "metadata":
                status, said = self.auth.metadata(request.path, request.header("metadata-flavor"))
                return status, [("Metadata-Flavor", "Google")], said.encode() if isinstance(said, str) else json.dumps(said).encode()
            if operation is None:
                raise Problem("notFound", f"The requested URL {request.method} {request.path} was not found.")
            if not self.auth.allows(request.header("authorization") or ""):
                raise Problem("authError", "Request had invalid authentication credentials.")
            if project != self.warehouse.project:
                raise Problem("notFound", f"The project {project} has not enabled BigQuery.")
            said = self.api.answer(operation, names, request)
            if isinstance(said, tuple):
                return said
            return (204, [], b"") if said is None else (200, [("ETag", said["etag"])] if "etag" in said else [], json.dumps(said).encode())
        except Problem as problem:
            return problem.status, [], json.dumps(problem.body()).encode()
        except uploads.Answer as answer:
            return 308, answer.headers, b""
        except (KeyError, TypeError, ValueError) as problem:
            wrong = Problem("invalid", f"the request is not what {operation} takes: {type(problem).__name__} {problem}")
            return wrong.status, [], json.dumps(wrong.body()).encode()

    def control(self, request):
        """What the tests ask and tell."""
        match request.path:
            case "/_log":
                return self.log
            case "/_jobs":
                return [{**job.resource, "landed": id in self.jobs.landed} for id, job in self.jobs.jobs.items()]
            case "/_rows":
                table = self.warehouse.table(*request.params["table"].split("."))
                names = [field["name"] for field in table.fields]
                return [dict(zip(names, row)) for row in self.warehouse.run(f"SELECT * FROM {table.sql_name} ORDER BY rowid")]
            case "/_counts":
                operations = [entry["operation"] for entry in self.log]
                return {"faults": self.faults.happened, "tokens": self.auth.given, "loads": self.jobs.loads,
                        "operations": {name: operations.count(name) for name in set(operations) if name}}
            case "/_faults":
                self.faults.give(json.loads(request.body))
            case "/_token":
                return self.auth.give("test")
            case "/_tokens_expire":
                self.auth.forget()
            case "/_wait":
                return {}
            case "/_next_day":
                self.jobs.loads.clear()
            case "/_tamper":
                given = json.loads(request.body)
                self.warehouse.tamper(self.warehouse.table(*given["table"].split(".")), given["how"])
            case "/_forbid_doubles":
                given = json.loads(request.body)
                self.warehouse.table(*given["table"].split(".")).no_doubles = given["column"]
            case _:
                return {"there are": "_log _jobs _rows?table=DATASET.TABLE _counts _token _wait _faults _tokens_expire _next_day _tamper _forbid_doubles"}
        return {}

    def connection(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection, connection.makefile("rb") as file:
                while (request := read_request(file, connection, self.origin)) is not None:
                    try:
                        status, headers, body = self.answer(request)
                    except Cut as cut:
                        if cut.reset:
                            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        return
                    half = ("X-Cut", "1") in headers
                    head = f"HTTP/1.1 {status} {REASONS.get(status, 'Refused')}\r\nContent-Length: {len(body)}\r\n"
                    given = {name for name, _ in headers}
                    if "Content-Type" not in given:
                        head += "Content-Type: application/json; charset=UTF-8\r\n"
                    head += "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
                    connection.sendall(head.encode() + (body[:len(body) // 2] if half else body))
                    if half:
                        return
        except OSError:
            pass

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.connection, args=(connection,), daemon=True).start()


def options_of(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--project", default="test")
    parser.add_argument("--auth", choices=("any", "token"), default="any")
    parser.add_argument("--lifetime", type=int, default=3600)
    parser.add_argument("--credentials")
    parser.add_argument("--quota", type=int, default=1500)
    parser.add_argument("--late-duplicate", action="store_true")
    parser.add_argument("--faults", type=lambda path: json.loads(pathlib.Path(path).read_text()), default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--discovery")
    return parser.parse_args(arguments)


def main():
    parent = os.getppid()
    service = Service(options_of(sys.argv[1:]))
    threading.Thread(target=service.serve, daemon=True).start()
    print(f"listening on {service.origin.removeprefix('http://')}", flush=True)
    try:
        while os.getppid() == parent:
            time.sleep(0.2)
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
