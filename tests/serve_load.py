#!/usr/bin/env python3
"""serve_load.py [--leat LEAT] [--seconds 60] [--clients 200] [--silent 10000]: what clients of `leat serve` cost.

1. A writer takes in a log as fast as it can; in half of the time CLIENTS read streams of the same database slowly (8 KiB
   a second each). Printed: rows a second without and with them, the server's memory for each client, the longest -wal.
2. SILENT connections that say nothing, more than the server takes; printed: how long others wait for an answer meanwhile.

Exit status 1 when a client costs more than 1 MiB, the -wal file grows beyond 64 MiB, or others are not answered. How
much slower the writer is depends on what else the machine does: it is printed, not judged.
"""

import argparse
import os
import pathlib
import re
import resource
import selectors
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

TOML = """
[sources.web]
type    = "file"
include = ["access.log"]
format  = "nginx_combined"
[sinks.db]
type = "sqlite"
path = "web.db"
[pipelines.logs]
from = "web"
to   = "db.access_log"
standard_aggregates = true
[serve]
listen = "127.0.0.1:0"
"""
FIRST_LINES = 500_000
AHEAD_BYTES = 128 << 20
SLOW_BYTES, SLOW_SECONDS = 4096, 0.5
MOST_CLIENT_KIB, MOST_WAL_MIB = 1024, 64
ROUNDS = 4
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Server:
    def __init__(self, leat, folder):
        self.log = folder / "serve.log"
        with open(self.log, "w") as log:
            self.child = subprocess.Popen([leat, "serve", "web.toml"], cwd=folder, stdin=subprocess.DEVNULL, stderr=log)
        while not (ready := re.search(r"listening on http://\S+:(\d+)\n", self.log.read_text())):
            time.sleep(0.01)
        self.port = int(ready.group(1))

    def kib(self, what):
        return int(re.search(rf"{what}:\s+(\d+)", pathlib.Path(f"/proc/{self.child.pid}/status").read_text()).group(1))

    def connect(self):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(30)
        client.connect(("127.0.0.1", self.port))
        return client

    def ask(self, target):
        """Seconds until the first bytes of an answer."""
        start = time.monotonic()
        with self.connect() as client:
            client.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            if not client.recv(12).startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"{target} was not answered with 200")
        return time.monotonic() - start


class SlowClients(threading.Thread):
    def __init__(self, server, count):
        super().__init__(daemon=True)
        self.selector = selectors.DefaultSelector()
        self.taken, self.ended, self.stopped = 0, 0, False
        self.clients = []
        for _ in range(count):
            client = server.connect()
            client.sendall(b"GET /api/v1/stream/access_log?fields=raw_log HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.clients.append(client)
        for client in self.clients:
            client.recv(100)
            client.setblocking(False)

    def run(self):
        while not self.stopped:
            due = time.monotonic() + SLOW_SECONDS
            for client in self.clients:
                try:
                    piece = client.recv(SLOW_BYTES)
                    self.taken += len(piece)
                    self.ended += not piece
                except BlockingIOError:
                    pass
            time.sleep(max(0, due - time.monotonic()))


class Feeder(threading.Thread):
    """Keeps the log ahead of its reader."""

    def __init__(self, folder, block):
        super().__init__(daemon=True)
        self.folder, self.block, self.stopped = folder, block, False

    def run(self):
        database = sqlite3.connect(self.folder / "web.db", timeout=30)
        with open(self.folder / "access.log", "ab", buffering=0) as log:
            while not self.stopped:
                taken = database.execute('SELECT sum("offset") FROM _leat_positions').fetchone()[0] or 0
                if log.tell() - taken < AHEAD_BYTES:
                    log.write(self.block)
                else:
                    time.sleep(0.02)


def last_row(folder):
    database = sqlite3.connect(folder / "web.db", timeout=30)
    try:
        return database.execute("SELECT max(_row) FROM access_log").fetchone()[0]
    finally:
        database.close()


def measure(leat, folder, options):
    """Windows of a writer that is never idle, alone and with clients in turn: the machine may have other things to do."""
    block = (folder / "first.log").read_bytes()[:32 << 20]
    block = block[:block.rindex(b"\n") + 1]
    shutil.copyfile(folder / "first.log", folder / "access.log")
    subprocess.run([leat, "run", "web.toml", "--once"], cwd=folder, check=True, **QUIET)
    server = Server(leat, folder)
    server.ask("/healthz")
    before = server.kib("VmRSS")
    writer = subprocess.Popen([leat, "run", "web.toml"], cwd=folder, **QUIET)
    feeder = Feeder(folder, block)
    feeder.start()
    time.sleep(3)
    found = {"alone": 0.0, "served": 0.0, "wal_mib": 0.0, "answer_ms": 0.0, "taken_kib": 0.0, "ended": 0}
    for _ in range(ROUNDS):
        for what in ("alone", "served"):
            slow = SlowClients(server, options.clients if what == "served" else 0)
            slow.start()
            start, first = time.monotonic(), last_row(folder)
            while time.monotonic() - start < options.seconds / ROUNDS:
                time.sleep(0.25)
                found["wal_mib"] = max(found["wal_mib"], (folder / "web.db-wal").stat().st_size / (1 << 20))
                found["answer_ms"] = max(found["answer_ms"], server.ask("/api/v1/tables/visitors_per_day") * 1000)
            found[what] += (last_row(folder) - first) / (time.monotonic() - start) / ROUNDS
            found["taken_kib"] += slow.taken / 1024
            found["ended"] += slow.ended
            slow.stopped = True
            slow.join()
            for client in slow.clients:
                client.close()
    found["client_kib"] = (server.kib("VmHWM") - before) / options.clients
    feeder.stopped = True
    feeder.join()
    for child in (server.child, writer):
        child.send_signal(signal.SIGINT)
        child.wait()
    return found


def measure_silent(leat, folder, count):
    server = Server(leat, folder)
    silent, waits = [], []
    for number in range(count):
        client = socket.socket()
        client.settimeout(30)
        client.connect(("127.0.0.1", server.port))
        silent.append(client)
        if number % 100 == 99:
            waits.append(server.ask("/api/v1/tables/visitors_per_day"))
    memory = server.kib("VmHWM")
    for client in silent:
        client.close()
    server.ask("/healthz")
    server.child.send_signal(signal.SIGINT)
    server.child.wait()
    return max(waits), len(waits), memory


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leat", default="build/release/leat")
    parser.add_argument("--seconds", type=float, default=60, help="with the clients, and as long without")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--silent", type=int, default=10_000)
    options = parser.parse_args()
    leat = os.path.abspath(options.leat)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    silent = min(options.silent, hard - 500)
    failed = False
    with tempfile.TemporaryDirectory(prefix="leat-load-") as name:
        folder = pathlib.Path(name)
        (folder / "web.toml").write_text(TOML)
        subprocess.run([leat, "generate", "web-log", "--out", name, "--lines", str(FIRST_LINES)], check=True, **QUIET)
        (folder / "access.log").rename(folder / "first.log")
        found = measure(leat, folder, options)
        print(f"the writer alone: {found['alone']:,.0f} rows/s; with {options.clients} slow clients: "
              f"{found['served']:,.0f} rows/s, {1 - found['served'] / found['alone']:.1%} slower")
        print(f"a client: {found['client_kib']:,.0f} KiB; they took {found['taken_kib']:,.0f} KiB, {found['ended']} ended; "
              f"-wal at most {found['wal_mib']:.1f} MiB; others were answered within {found['answer_ms']:.0f} ms")
        failed |= found["client_kib"] > MOST_CLIENT_KIB or found["wal_mib"] > MOST_WAL_MIB
        wait, asked, memory = measure_silent(leat, folder, silent)
        print(f"{silent:,} silent connections: {asked} others were answered within {wait * 1000:.0f} ms; "
              f"the server took at most {memory / 1024:.0f} MiB")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
