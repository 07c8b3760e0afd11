#!/usr/bin/env python3
"""A stand-in for an HTTP API: every kind of paging and login, and everything that goes wrong with them, at will.

  server.py --scenario FILE|NAME [--port 0] [--other-port 0]

FILE is TOML or JSON; NAME is one of scenarios/. README.md says what it may hold, and what the tests can ask (`GET /_log` …).
Prints `listening on 127.0.0.1:PORT`, then `other origin on 127.0.0.1:PORT`. Ends when its parent does.
"""

import argparse
import email.utils
import json
import os
import pathlib
import random
import socket
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import access
import answer as answers
import bodies
import faults
import pages
import records
import scenario as scenarios

LOOK = 0.1  # seconds between two looks of who accepts

HERE = pathlib.Path(__file__).resolve().parent


class Request:
    def __init__(self, method, target, headers, body, origin):
        self.method, self.target, self.headers, self.body, self.origin = method, target, headers, body, origin
        self.path, _, query = target.partition("?")
        self.params = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if self.header("content-type").startswith("application/x-www-form-urlencoded"):
            self.params |= dict(urllib.parse.parse_qsl(body.decode("latin-1"), keep_blank_values=True))

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name), "")


def read_request(file, origin):
    """None: the client has gone."""
    line = file.readline(100_000).decode("latin-1").split()
    if len(line) != 3:
        return None
    headers = []
    while (text := file.readline(100_000).decode("latin-1").strip()):
        name, _, value = text.partition(":")
        headers.append((name, value.strip()))
    length = int(next((value for name, value in headers if name.lower() == "content-length"), 0))
    return Request(line[0], line[1], headers, file.read(length), origin)


class Limits:
    """A sliding window of requests and how many at a time, as Qualys has them; refused as there, or with another status."""

    def __init__(self, given):
        self.given = given
        self.times = []
        self.running = 0
        self.refused = 0

    def begin(self, lock):
        """One that runs until what is returned is called, at first."""
        self.running += 1
        over = []

        def end():
            with lock:
                if not over:
                    over.append(True)
                    self.running -= 1
        return end

    def headers(self):
        if not self.given["requests"]:
            return []
        now = time.monotonic()
        self.times = [at for at in self.times if at > now - self.given["seconds"]]
        left = self.given["requests"] - len(self.times)
        wait = self.times[0] + self.given["seconds"] - now if left <= 0 else 0
        return [("X-RateLimit-Limit", self.given["requests"]), ("X-RateLimit-Window-Sec", max(1, round(self.given["seconds"]))),
                ("X-RateLimit-Remaining", max(0, left)), ("X-RateLimit-ToWait-Sec", -int(-wait // 1)),
                ("X-Concurrency-Limit-Limit", self.given["concurrency"]), ("X-Concurrency-Limit-Running", self.running)]

    def refuses(self, answer, service):
        headers = dict(self.headers())
        if self.given["concurrency"] and self.running > self.given["concurrency"]:
            self.refused += 1
            faults.concurrency_1960(answer, {}, service)
        elif headers and headers["X-RateLimit-Remaining"] == 0:
            self.refused += 1
            faults.rate_1965(answer, {"seconds": max(1, headers["X-RateLimit-ToWait-Sec"])}, service)
            answer.status = self.given["status"]
        else:
            self.times.append(time.monotonic())
            return False
        return True


class Service:
    def __init__(self, scenario):
        self.scenario = scenario
        self.lock = threading.Lock()  # holds all that is below
        self.clock = records.seconds_of(scenario.now) if scenario.now else int(time.time())
        self.data = records.Data(scenario.seed, scenario.records, records.seconds_of(scenario.start), self.clock)
        self.pages = pages.Pages(scenario, self.data)
        self.access = access.Access(scenario)
        self.faults = faults.Faults(scenario, random.Random(scenario.seed))
        self.limits = Limits(scenario.limits)
        self.moments = [dict(moment) for moment in scenario.moments]
        self.requests = 0   # that asked for data
        self.log = []
        self.served = {}    # [window, page]: times
        self.origin = self.other_origin = ""
        self.refusing = threading.Event()
        self.closed = False
        self.refuse_seconds = 0

    def http_date(self, more=0):
        """By the API's clock."""
        return email.utils.formatdate(self.clock + self.scenario.skew + more, usegmt=True)

    def moved(self, request):
        return self.origin + "/moved" + request.target

    def refuse(self, seconds):
        self.refuse_seconds = seconds
        self.refusing.set()
        time.sleep(2 * LOOK)  # until accept() has seen it

    def answer(self, request):
        """Called by the thread of a connection."""
        answer = answers.Answer(self.scenario, request)
        with self.lock:
            if request.path.startswith("/_"):
                self.control(request, answer)
                return answer
            entry = {"number": len(self.log) + 1, "at": time.time(), "method": request.method, "target": request.target,
                     "headers": request.headers, "body": request.body.decode("latin-1"), "origin": request.origin}
            self.log.append(entry)
            if not self.access.logs_in(request, answer):
                self.data_answer(request, answer)
            entry["status"] = answer.status
        return answer

    def data_answer(self, request, answer):
        self.requests += 1
        answer.ended = self.limits.begin(self.lock)
        for moment in [m for m in self.moments if m["after"] < self.requests]:
            self.moments.remove(moment)
            self.moment(moment)
        if not self.access.allowed(request):
            answer.become(401, b'{"error":"unauthorized"}', headers=[("WWW-Authenticate", 'Basic realm="api"')])
            return
        for name, value in self.scenario.require.items():
            if not request.header(name.lower()) or value and request.header(name.lower()) != value:
                answer.become(400, bodies.simple_return(1901, f"{name} is missing"), "text/xml")
                return
        if self.limits.refuses(answer, self):
            return
        try:
            page = self.pages.page(request.params, request.path.removeprefix("/moved"))
        except (pages.BadRequest, pages.NotFound) as problem:
            status = 400 if isinstance(problem, pages.BadRequest) else 404
            answer.become(status, json.dumps({"error": str(problem)}).encode())
            return
        due = self.faults.due(self.requests, page)
        for fault in due:
            if change := faults.PAGE_FAULTS.get(fault["fault"]):
                change(self.pages, request.params, page, fault)
        self.say(request, answer, page)
        for fault in due:
            if change := faults.ANSWER_FAULTS.get(fault["fault"]):
                change(answer, fault, self)
        if answer.page:
            self.served[page.window, page.number] = self.served.get((page.window, page.number), 0) + 1

    def say(self, request, answer, page):
        s = self.scenario
        answer.page = page
        answer.headers = [("Content-Type", bodies.CONTENT_TYPES[s.format]), *self.limits.headers()]
        if page.next is not None and not page.next_url:
            params = dict(request.params)
            if not s.echo_secret:
                params.pop("api_key", None)
            path = request.path.removeprefix("/moved")
            page.next_url = pages.url_of(self.other_origin if page.elsewhere else self.origin, path, params,
                                         {self.pages.param(): page.next})
            if s.paging == "link_header":
                answer.headers.append(("Link", f'<{self.origin}{path}>; rel="first", <{page.next_url}>; title="a, b"; rel="next"'))
            elif s.paging == "next_header":
                answer.headers.append(("X-Next", page.next_url))
            elif s.paging == "cursor_header":
                answer.headers.append(("X-Cursor", page.next))
        if s.total:
            answer.headers.append(("X-Total", page.total))
        answer.body = bodies.pieces(s) if s.pieces else bodies.body(s, page)
        answer.ready = bool(s.pieces)

    def moment(self, told):
        self.clock += int(told.get("seconds", 0))
        self.data.change(self.clock, *(int(told.get(name, 0)) for name in ("add", "change", "vanish", "late")))

    def control(self, request, answer):
        """What the tests ask and tell."""
        told = request.params
        match request.path:
            case "/_log":
                said = self.log
            case "/_state":
                said = [record.values() for record in self.data.sorted("id")]
            case "/_children":
                said = [child.values() for id in self.data.records for child in self.pages.children(str(id))[0]]
            case "/_journal":
                said = self.data.journal
            case "/_pages":
                said = [[window, page, times] for (window, page), times in self.served.items()]
            case "/_counts":
                said = {"requests": self.requests, "refused": self.limits.refused, "faults": self.faults.happened,
                        "logins": self.access.logins, "logouts": self.access.logouts, "given": self.access.given}
            case "/_moment":
                self.moment(told)
                said = {"now": records.time_of(self.clock)}
            case "/_faults":
                # The list in place of what is left of the old one.
                self.scenario.faults = json.loads(request.body)
                happened = self.faults.happened
                self.faults = faults.Faults(self.scenario, self.faults.random)
                self.faults.happened = happened
                said = {}
            case _:
                answer.become(404, b"there are _log, _state, _children, _journal, _pages, _counts, _moment, _faults\n", "text/plain")
                return
        answer.become(200, json.dumps(said).encode())
        answer.framing = "length"

    def connection(self, connection, origin):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection, connection.makefile("rb") as file:
                while (request := read_request(file, origin)) is not None:
                    answer = self.answer(request)
                    try:
                        if not answer.send(connection, self.http_date()):
                            return
                    finally:
                        answer.ended()
        except (answers.Cut, OSError):
            pass

    def listen(self, port, name):
        listener = socket.create_server(("127.0.0.1", port), backlog=256)
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        threading.Thread(target=self.accept, args=(listener, origin, name), daemon=True).start()
        return origin

    def accept(self, listener, origin, name):
        port = listener.getsockname()[1]
        listener.settimeout(LOOK)
        while not self.closed:
            if name == "own" and self.refusing.is_set():
                listener.close()
                time.sleep(self.refuse_seconds)
                self.refusing.clear()
                listener = socket.create_server(("127.0.0.1", port), backlog=256)
                listener.settimeout(LOOK)
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(None)
            threading.Thread(target=self.connection, args=(connection, name), daemon=True).start()
        listener.close()

    def start(self, port=0, other_port=0):
        self.origin = self.listen(port, "own")
        self.other_origin = self.listen(other_port, "other")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--other-port", type=int, default=0)
    options = parser.parse_args()
    path = pathlib.Path(options.scenario)
    if not path.exists():
        path = HERE / "scenarios" / f"{options.scenario}.toml"
    parent = os.getppid()
    try:
        service = Service(scenarios.read(path))
    except (OSError, ValueError) as problem:
        print(f"{path}: {problem}", file=sys.stderr)
        return 2
    service.start(options.port, options.other_port)
    print(f"listening on {service.origin.removeprefix('http://')}", flush=True)
    print(f"other origin on {service.other_origin.removeprefix('http://')}", flush=True)
    try:
        while os.getppid() == parent:
            time.sleep(0.2)
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
