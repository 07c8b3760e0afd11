#!/usr/bin/env python3
"""Kills leat again and again while a real nginx writes its log and the real logrotate rotates it.

  real_nginx.py [--leat build/release/leat] [--kills 24] [--seed N] [--keep] [MODE...]

nginx listens on a free port of the loopback, with a configuration and a folder of its own; requests come from here, a
tenth of them twice. logrotate has its own configuration and state file. Both end with the test. The truth is what nginx
has logged: all its files, decompressed. With copytruncate a log line can be in no file (written after the copy was made),
and leat may have it or not; but what is in a file has to be there, and nothing that was not asked for, or twice.

Exit status: 0 every line is there once, 1 not, 2 the test itself could not work, 77 there is no nginx or logrotate.
"""

import collections
import contextlib
import gzip
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import judge  # noqa: E402
import rounds  # noqa: E402
from reader import ZONE, Reader, Trouble  # noqa: E402

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
MODES = {
    "create": "create 0644\n nocompress",
    "dateext": "create 0644\n dateext\n dateformat -%Y%m%d-%s\n nocompress",
    "delaycompress": "create 0644\n compress\n delaycompress",
    "copytruncate": "copytruncate\n nocompress",
}
RATE = 2000  # requests a second
NUMBER = re.compile(rb"[?&]n=(\d+) ")
AGENTS = [b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", b"curl/8.5.0", b'odd "agent" \\ \xd9\x85']

NGINX = """daemon off;
{user}
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {folder}/logs/access.log combined;
  client_body_temp_path {folder}/tmp;
  proxy_temp_path {folder}/tmp;
  fastcgi_temp_path {folder}/tmp;
  uwsgi_temp_path {folder}/tmp;
  scgi_temp_path {folder}/tmp;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port};
    location / {{ return 200 "ok\\n"; }}
    location /missing {{ return 404 "no\\n"; }}
  }}
}}
"""


class Nginx:
    def __init__(self, folder):
        self.folder = folder
        for name in ("logs", "tmp"):
            (folder / name).mkdir()
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=self.port,
                                                        user="user root;" if os.geteuid() == 0 else ""))
        self.process = subprocess.Popen([shutil.which("nginx", path=PATH), "-p", folder, "-e", folder / "error.log", "-c",
                                         folder / "nginx.conf"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        begun = time.monotonic()
        while not (folder / "nginx.pid").exists() or not (folder / "logs/access.log").exists():
            if self.process.poll() is not None or time.monotonic() - begun > 10:
                raise Trouble(f"nginx does not start, see {folder}/error.log")
            time.sleep(0.02)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # what it has begun is ended, and logged
            self.process.wait(30)

    def lines(self):
        """All that is in its logs."""
        text = b""
        for path in (self.folder / "logs").iterdir():
            text += gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return text.split(b"\n")[:-1]


class Load(threading.Thread):
    """Requests over two connections, at RATE; each has a number, a tenth have the same as the one before."""

    def __init__(self, port, seed):
        super().__init__(daemon=True)
        self.port = port
        self.random = random.Random(seed)
        self.number = 0
        self.asked = collections.Counter()
        self.stopping = threading.Event()
        self.failed = None

    def request(self):
        if self.number == 0 or self.random.random() >= 0.1:
            self.number += 1
        self.asked[self.number] += 1
        folder = b"missing" if self.number % 13 == 0 else b"item/%d" % (self.number % 300)
        return b"GET /%s?n=%d HTTP/1.1\r\nHost: localhost\r\nUser-Agent: %s\r\n\r\n" % (
            folder, self.number, AGENTS[self.number % len(AGENTS)])

    def run(self):
        try:
            connections = [socket.create_connection(("127.0.0.1", self.port), 10) for _ in range(2)]
            begun = time.monotonic()
            sent = 0
            while not self.stopping.is_set():
                due = int((time.monotonic() - begun) * RATE) - sent
                if due < 20:
                    time.sleep(0.004)
                    continue
                for connection in connections:
                    connection.sendall(b"".join(self.request() for _ in range(10)))
                for connection in connections:
                    answers = 0
                    while answers < 10:
                        got = connection.recv(65536)
                        if not got:
                            raise Trouble("nginx has closed the connection")
                        answers += got.count(b"ok\n") + got.count(b"no\n")
                sent += 20
            for connection in connections:
                connection.close()
        except (OSError, Trouble) as error:
            self.failed = error

    def stop(self):
        self.stopping.set()
        self.join(30)
        if self.failed or self.is_alive():
            raise Trouble(f"the requests failed: {self.failed}")


class Rotation(threading.Thread):
    def __init__(self, folder, mode, seed):
        super().__init__(daemon=True)
        self.random = random.Random(seed)
        self.folder = folder
        self.times = 0
        self.failed = None
        self.stopping = threading.Event()
        reopen = "" if mode == "copytruncate" else (f" postrotate\n  kill -USR1 $(cat {folder}/nginx.pid)\n endscript\n")
        (folder / "logrotate.conf").write_text(
            f"{folder}/logs/access.log {{\n rotate 900\n missingok\n {MODES[mode]}\n{reopen}}}\n")
        os.chmod(folder / "logrotate.conf", 0o644)

    def run(self):
        while not self.stopping.wait(1.1 + self.random.random() * 1.2):  # dateformat knows seconds
            done = subprocess.run([shutil.which("logrotate", path=PATH), "-f", "-s", self.folder / "logrotate.state",
                                   self.folder / "logrotate.conf"], stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, check=False)
            if done.returncode != 0:
                self.failed = done.stderr
            self.times += 1

    def stop(self):
        self.stopping.set()
        self.join(30)
        if self.failed:
            raise Trouble(f"logrotate: {self.failed}")


def compare(findings, database, mode, truth, asked):
    stored = judge.stored_lines(database)
    truth = collections.Counter(truth)
    lost, more = truth - stored, stored - truth
    findings.fact(f"{sum(truth.values())} lines in nginx's files, {sum(stored.values())} stored; {sum(lost.values())} lost, "
                  f"{sum(more.values())} in no file")
    if lost:
        findings.problem(f"{sum(lost.values())} lines lost, for example {next(iter(lost))[:120]!r}")
    if more and mode != "copytruncate":
        findings.problem(f"{sum(more.values())} lines doubled or never written, for example {next(iter(more))[:120]!r}")
    numbers = collections.Counter()
    for line, times in stored.items():
        found = NUMBER.search(line)
        numbers[int(found.group(1)) if found else None] += times
    wrong = [number for number, times in numbers.items() if times > asked[number]]
    if wrong:
        findings.problem(f"{len(wrong)} requests doubled or never made, for example n={wrong[0]}: {numbers[wrong[0]]} times "
                        f"stored, {asked[wrong[0]]} times made")


def one_round(options, mode, seed, kills):
    draw = random.Random(f"{mode} {seed}")
    with rounds.folder_of(options, f"nginx-{mode}", seed) as folder, contextlib.ExitStack() as at_end:
        os.chmod(folder.path, 0o755)  # nginx's workers and logrotate look in
        nginx = Nginx(folder.path)
        at_end.callback(nginx.stop)
        name = "access.log*" if seed % 2 else "access.log"
        reader = Reader(options.leat, folder.path, [folder.path / "logs" / name], draw)
        at_end.callback(reader.end)
        load = Load(nginx.port, seed)
        at_end.callback(load.stopping.set)
        rotation = Rotation(folder.path, mode, seed)
        at_end.callback(rotation.stopping.set)
        reader.start(reader.logs())
        load.start()
        reader.wait_for_first_commit()
        rotation.start()
        for number in range(kills):
            if number > 0:
                reader.start(reader.logs() if number % 3 == 0 else reader.run_often())
            time.sleep(draw.random() * 1.5)
            reader.kill()
            time.sleep(draw.random() * (3 if draw.random() < 0.15 else 0.6))
        reader.start(reader.logs())
        time.sleep(1)
        load.stop()
        rotation.stop()
        nginx.stop()
        truth = nginx.lines()
        reader.wait_for(len(truth), still=10)
        time.sleep(0.5)
        reader.stop()
        for _ in range(2):
            reader.once()
        judge.say(f"{mode}, seed {seed}: {kills} kills, {sum(load.asked.values())} requests, {rotation.times} rotations",
                  options.report)
        findings = judge.Findings()
        judge.verify(findings, options.leat, reader.database)
        if mode != "copytruncate" and sum(load.asked.values()) != len(truth):
            findings.problem(f"{sum(load.asked.values())} requests, but {len(truth)} lines in nginx's files")
        with contextlib.closing(judge.open_database(reader.database)) as database:
            compare(findings, database, mode, truth, load.asked)
            if mode != "copytruncate":
                judge.compare(findings, database, *judge.recount(truth, ZONE))
        folder.judged(findings)
    return folder.good


def main():
    options = rounds.options_of(__doc__, MODES, 24)
    for program in ("nginx", "logrotate"):
        if not shutil.which(program, path=PATH):
            print(f"no {program} here (script/setup --tests installs it)")
            return 77
    return rounds.run("real_nginx", options, one_round)


if __name__ == "__main__":
    sys.exit(main())
