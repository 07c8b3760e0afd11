#!/usr/bin/env python3
"""Writes an access log the way nginx and logrotate do, and keeps a journal of exactly what it wrote.

  writer.py DIR [--journal FILE] [--seed N] [--rate N] [--rotate-every N] [--control]

Lines in nginx's "combined" format to DIR/access.log, each with a running number in its URI; a tenth are byte-identical
twins of the line before, a few are odd, a few are no log lines at all. Writes end anywhere in a line. Rotation: the
files access.log.N are renamed to .N+1, access.log to .1, and a new access.log is made at once (logrotate's `create`) or
only when the writer reopens; until then, a random moment later, it goes on writing to the old descriptor.

Without --control it runs until SIGTERM. With it, it obeys lines on stdin and answers each with "at LINES ROTATIONS":
  fill N       writes N lines at once
  rotate [N]   rotates, and writes the next N lines (else a random number) to the old descriptor
  stop [cut]   ends; cut: with a last line without newline
and writes at --rate all the while.
"""

import argparse
import os
import random
import select
import signal
import sys
import time

FIRST = 1792872000  # 2026-10-24 20:00 UTC: the clocks of Europe change five hours later
AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "curl/8.5.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "-",
    "odd \\x22agent\\x22 \\x5C \\xD9\\x85",
]
STATUSES = [200] * 14 + [304, 301, 404, 404, 500, 206]
ZONES = [("+0000", 0)] * 8 + [("+0330", 12600), ("-0700", -25200)]
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class Lines:
    """The lines, in order."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.number = 0
        self.clock = float(FIRST)
        self.last = b""
        self.stamps = {}

    def stamp(self, second):
        text = self.stamps.get(second)
        if text is None:
            name, shift = self.random.choice(ZONES)
            t = time.gmtime(second + shift)
            text = (f"{t.tm_mday:02}/{MONTHS[t.tm_mon - 1]}/{t.tm_year}:{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} {name}")
            self.stamps = {second: text}
        return text

    def make(self):
        draw = self.random.random
        if self.last and draw() < 0.1:
            return self.last
        self.number += 1
        self.clock += draw() * 1.0
        r = draw()
        when = int(self.clock) - (40 if r > 0.98 else 0)  # some are late, as in Apache's logs
        address = f"10.{int(draw() * 4)}.{int(draw() * 50)}.{int(draw() * 20)}"
        user = "-"
        request = f"GET /item/{int(draw() * draw() * 300)}?n={self.number} HTTP/1.1"
        if r < 0.05:
            kind = int(r * 1000) % 5
            if kind == 0:
                address = f"2001:db8::{int(draw() * 999)}"
            elif kind == 1:
                user = "bob smith [x] - y"
            elif kind == 2:
                request = "\\x16\\x03\\x01\\x00" + str(self.number)
            elif kind == 3:
                request = f"GET /old/{self.number % 50}"
            else:
                line = f"not a log line {self.number}\n".encode()
                self.last = line
                return line
        status = STATUSES[int(draw() * len(STATUSES))]
        agent = AGENTS[int(draw() * len(AGENTS))]
        line = (f'{address} - {user} [{self.stamp(when)}] "{request}" {status} {int(draw() * 9000)} "-" '
                f'"{agent}"\n').encode()
        self.last = line
        return line


class Writer:
    def __init__(self, directory, journal, seed, rotate_every):
        self.live = os.path.join(directory, "access.log")
        self.lines = Lines(seed)
        self.random = random.Random(seed + 1)
        self.rotate_every = rotate_every
        self.written = 0
        self.rotations = 0
        self.rest = b""  # of a line whose beginning is written
        self.until_rotation = self.next_rotation()
        self.until_reopen = None  # lines still to go to the old descriptor
        self.log = self.open(self.live)
        self.journal = open(journal, "ab") if journal else None

    def open(self, path):
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def next_rotation(self):
        return self.random.randint(self.rotate_every // 2, self.rotate_every * 3 // 2) if self.rotate_every else None

    def write(self, count):
        """`count` lines, in pieces that end anywhere."""
        while count > 0:
            n = min(count, self.random.choice((1, 3, 20, 200)))
            if self.until_reopen is not None:
                n = max(1, min(n, self.until_reopen))
            lines = [self.lines.make() for _ in range(n)]
            text = b"".join(lines)
            out = self.rest + text
            cut = len(out) - self.random.randint(1, 60) if self.random.random() < 0.3 else len(out)
            cut = max(cut, 0)
            os.write(self.log, out[:cut])
            self.rest = out[cut:]
            if self.journal:
                self.journal.write(text)
            self.written += n
            count -= n
            self.turn(n)

    def turn(self, n):
        if self.until_reopen is not None:
            self.until_reopen -= n
            if self.until_reopen <= 0:
                self.reopen()
        elif self.until_rotation is not None:
            self.until_rotation -= n
            if self.until_rotation <= 0:
                self.rotate()

    def flush(self):
        if self.rest:
            os.write(self.log, self.rest)
            self.rest = b""

    def rotate(self, late=None):
        if self.until_reopen is not None:  # still writing to the file renamed last
            self.reopen()
        for number in range(self.rotations, 0, -1):
            os.rename(f"{self.live}.{number}", f"{self.live}.{number + 1}")
        os.rename(self.live, f"{self.live}.1")
        if self.random.random() < 0.5:
            os.close(self.open(self.live))
        self.rotations += 1
        self.until_reopen = self.random.choice((0, 1, 30, 300, 1500)) if late is None else late
        if self.until_reopen == 0:
            self.reopen()

    def reopen(self):
        self.flush()
        os.close(self.log)
        self.log = self.open(self.live)
        self.until_reopen = None
        self.until_rotation = self.next_rotation()

    def end(self, cut):
        self.flush()
        if self.until_reopen is not None:
            self.reopen()
        if cut:  # one more line, and its newline is missing
            line = self.lines.make()
            os.write(self.log, line[:-1])
            if self.journal:
                self.journal.write(line)
            self.written += 1
        if self.journal:
            self.journal.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--journal")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=1000, help="lines a second")
    parser.add_argument("--rotate-every", type=int, default=0, help="lines, on the average; 0: never")
    parser.add_argument("--control", action="store_true")
    options = parser.parse_args()

    writer = Writer(options.directory, options.journal, options.seed, options.rotate_every)
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    signal.signal(signal.SIGINT, signal.SIG_IGN if options.control else lambda *_: stopped.append(True))
    tick = 0.004
    due = 0.0
    begun = time.monotonic()
    commands = b""
    while not stopped:
        if options.control:
            ready, _, _ = select.select([0], [], [], tick)
            if ready:
                got = os.read(0, 4096)
                if not got:
                    break
                commands += got
            while b"\n" in commands:
                line, commands = commands.split(b"\n", 1)
                word, *rest = line.decode().split()
                if word == "fill":
                    writer.write(int(rest[0]))
                elif word == "rotate":
                    writer.rotate(int(rest[0]) if rest else None)
                elif word == "stop":
                    writer.end(bool(rest))
                    stopped.append(True)
                print(f"at {writer.written} {writer.rotations}", flush=True)
        else:
            time.sleep(tick)
        if not stopped:
            now = time.monotonic()
            due += (now - begun) * options.rate
            begun = now
            writer.write(int(due))
            due -= int(due)
    if not options.control:
        writer.end(False)
        print(f"wrote {writer.written} lines, rotated {writer.rotations} times", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
