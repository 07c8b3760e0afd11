"""`leat serve` as a process of a test, and its answers, read strictly. Used by serve.py."""

import gzip
import json
import pathlib
import re
import signal
import socket
import subprocess
import time

PATIENCE = 60  # seconds, for what must happen at last


class Answer:
    """Read from a socket's file as HTTP/1.1 is written, strictly; `whole` is false when it was cut."""

    def __init__(self, file, head=False):
        line = file.readline()
        self.whole = False
        self.status = int(line.split()[1]) if line else 0
        self.headers, self.trailers, self.body = {}, {}, b""
        if not line:
            return
        self.read_headers(file, self.headers)
        if head or self.status in (204, 304):
            self.whole = True
        elif self.headers.get("transfer-encoding") == "chunked":
            self.read_chunks(file)
        elif "content-length" in self.headers:
            size = int(self.headers["content-length"])
            self.body = file.read(size)
            self.whole = len(self.body) == size
        else:
            self.body = file.read()
            self.whole = True
        if self.headers.get("content-encoding") == "gzip" and self.whole and not head:
            self.body = gzip.decompress(self.body)

    @staticmethod
    def read_headers(file, into):
        while (line := file.readline()) not in (b"\r\n", b""):
            name, value = line.decode("latin-1").split(":", 1)
            into[name.lower()] = value.strip()
        return line != b""

    def read_chunks(self, file):
        pieces = []
        while True:
            line = file.readline()
            if not re.fullmatch(rb"[0-9a-f]+\r\n", line):
                break
            size = int(line, 16)
            if size == 0:
                self.whole = self.read_headers(file, self.trailers)
                break
            piece = file.read(size + 2)
            if len(piece) < size + 2:
                break
            pieces.append(piece[:-2])
        self.body = b"".join(pieces)

    def json(self):
        return json.loads(self.body)


CHILDREN = []


def start(*command, **how):
    CHILDREN.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, **how))
    return CHILDREN[-1]


class Server:
    leat = None  # the program

    def __init__(self, folder, target, *arguments):
        self.log = folder / f"serve-{time.monotonic_ns()}.log"
        with open(self.log, "w") as log:
            self.child = start(self.leat, "serve", str(target), *arguments, stderr=log, cwd=folder)
        end = time.monotonic() + PATIENCE
        while not (ready := re.search(r"listening on https?://(\S+):(\d+)\n", self.log.read_text())):
            if self.child.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"leat serve did not start: {self.log.read_text()}")
            time.sleep(0.01)
        self.port = int(ready.group(2))
        self.tls = None  # an ssl.SSLContext

    def connect(self, receive_buffer=None):
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", self.port))
        return self.tls.wrap_socket(client, server_hostname="localhost") if self.tls else client

    def send(self, target, method="GET", version="1.1", **headers):
        headers = {"Host": f"localhost:{self.port}", "Connection": "close", **headers}
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items() if value is not None)
        client = self.connect()
        client.sendall(f"{method} {target} HTTP/{version}\r\n{lines}\r\n".encode())
        return client

    def get(self, target, method="GET", version="1.1", **headers):
        with self.send(target, method, version, **headers) as client, client.makefile("rb") as file:
            return Answer(file, method == "HEAD")

    def raw(self, data):
        """What comes back, to the end of the connection."""
        with self.connect() as client:
            client.sendall(data)
            found = b""
            try:
                while piece := client.recv(65536):
                    found += piece
            except ConnectionResetError:
                pass
            return found

    def memory_kib(self):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.child.pid}/status").read_text()).group(1))

    def stop(self, how=signal.SIGINT):
        self.child.send_signal(how)
        return self.child.wait(PATIENCE)
