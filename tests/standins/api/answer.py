"""An answer, and how it is put on the wire: whole, slow, cut, stalled, or wrong."""

import http
import select
import socket
import struct
import time

import bodies

STEP = 0.05  # seconds between two pieces of a slow body


class Cut(Exception):
    """The connection is closed here."""


class Answer:
    def __init__(self, scenario, request):
        self.request = request
        self.status = 200
        self.headers = []
        self.body = []          # pieces, before the encoding
        self.page = None        # what it tells
        self.encoding = scenario.encoding
        self.packed = None      # the body, encoded, when that was done already
        self.ready = False      # `body` is encoded already
        self.ended = lambda: None  # called before the client can know that all has come
        self.framing = scenario.framing if scenario.http == "1.1" or scenario.framing != "chunked" else "close"
        self.version = scenario.http
        self.piece = scenario.piece
        self.bytes_per_second = 0
        self.cut_at = None      # bytes of the encoded body; -1: before the status
        self.cut_how = "close"
        self.stall_at = None    # likewise
        self.stall_seconds = 0
        self.chunk_size_text = None
        self.raw = None         # in place of all

    def become(self, status, body=b"", content_type="application/json", headers=()):
        self.status = status
        self.headers = [("Content-Type", content_type), *headers]
        self.replace(body)
        self.encoding = ""
        self.page = None

    def replace(self, body):
        self.body, self.packed = [body], body

    def encoded(self):
        if self.packed is not None:
            return [self.packed]
        return self.body if self.ready else bodies.encoded(self.body, self.encoding)

    def pieces(self):
        for piece in self.encoded():
            for begin in range(0, len(piece), self.piece):
                yield piece[begin:begin + self.piece]

    def head(self, length, date):
        lines = [f"HTTP/{self.version} {self.status} {http.HTTPStatus(self.status).phrase}", f"Date: {date}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.encoding:
            lines.append(f"Content-Encoding: {self.encoding}")
        if self.framing == "chunked" and self.status != 204:
            lines.append("Transfer-Encoding: chunked")
        elif self.framing == "length" and self.status != 204:
            lines.append(f"Content-Length: {length}")
        if self.framing == "close" or self.version == "1.0":
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def send(self, connection, date):
        """Whether the connection can be used again."""
        if self.raw is not None:
            connection.sendall(self.raw)
            raise Cut
        self.maybe_stop(connection, -1)
        pieces, length = self.pieces(), 0
        if self.framing == "length":
            pieces = list(pieces)
            length = sum(len(piece) for piece in pieces)
        if length == 0 and self.framing == "length":
            self.ended()
        connection.sendall(self.head(length, date))
        if self.status == 204 or self.request.method == "HEAD":
            return self.framing != "close"
        sent = 0
        self.maybe_stop(connection, 0)
        for piece in pieces:
            for part in self.split(piece, sent):
                self.maybe_stop(connection, sent)
                if sent + len(part) == length:
                    self.ended()
                if self.framing == "chunked":
                    size = self.chunk_size_text or b"%x\r\n" % len(part)
                    connection.sendall(size + part + b"\r\n")
                else:
                    connection.sendall(part)
                sent += len(part)
        self.maybe_stop(connection, sent, at_end=True)
        self.ended()
        if self.framing == "chunked":
            connection.sendall(b"0\r\n\r\n")
        return self.framing != "close" and self.version == "1.1"

    def split(self, piece, sent):
        """The piece, so that a cut or a stall falls between two parts; a slow one in small parts."""
        step = len(piece)
        if self.bytes_per_second:
            step = max(1, int(self.bytes_per_second * STEP))
        borders = {0, len(piece), *range(0, len(piece), max(1, step))}
        borders |= {at - sent for at in (self.cut_at, self.stall_at) if at is not None and sent < at < sent + len(piece)}
        borders = sorted(borders)
        for begin, end in zip(borders, borders[1:]):
            if self.bytes_per_second:
                time.sleep((end - begin) / self.bytes_per_second)
            yield piece[begin:end]

    def maybe_stop(self, connection, sent, at_end=False):
        """A fault at a byte behind the end of the body happens at the end."""
        def now(at):
            return at is not None and (at == sent or at_end and at > sent)
        if now(self.stall_at):
            wait(connection, self.stall_seconds)
            self.stall_at = None
        if now(self.cut_at):
            if self.cut_how == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Cut


def wait(connection, seconds):
    """Or until the client has gone."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select([connection], [], [], min(left, 1))
        if readable:
            try:
                if not connection.recv(1, socket.MSG_PEEK):
                    raise Cut
            except OSError:
                raise Cut from None
            time.sleep(0.05)  # it has sent more: it is still there
