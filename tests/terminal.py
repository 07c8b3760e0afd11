#!/usr/bin/env python3
"""terminal.py LEAT: the live views on a terminal, which is a pseudo-terminal here.

`leat top` draws at most twice a second and only what changed, follows a resize, and puts the terminal back however it
ends: q, Ctrl-C, SIGTERM, SIGHUP, a crash, a suspension in between. NO_COLOR and TERM=dumb are honoured. `leat logs`
keeps its notes above the live block and leaves nothing of the block behind.
"""

import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

LEAT = os.path.abspath(sys.argv[1])
PROBLEMS = []
LINE = '203.0.113.{} - - [{:02}/Oct/2026:13:55:36 +0000] "GET {} HTTP/1.1" 200 512 "-" "curl/8.5.0"\n'
ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


def expect(truth, text):
    if not truth:
        PROBLEMS.append(text)
        print(text, file=sys.stderr)


def take_terminal():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def as_job():
    take_terminal()
    job = os.fork()
    if job == 0:
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        return
    os.closerange(0, 256)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(job, 0)[1]) & 0xFF)


class OnTerminal:
    """A command in a session of its own. With `shell` it is a job of a process that waits for it, as in a shell: only
    then it can be suspended."""

    def __init__(self, arguments, rows=24, columns=80, env=None, shell=False):
        self.master, slave = pty.openpty()
        self.slave = slave
        self.resize(rows, columns)
        self.before = termios.tcgetattr(slave)
        self.bytes = b""
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TERM": "xterm", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        environment.update(env or {})
        self.child = subprocess.Popen([LEAT, *arguments], stdin=slave, stdout=slave, stderr=slave, env=environment,
                                      start_new_session=True, preexec_fn=as_job if shell else take_terminal)
        self.pid = self.child.pid
        while shell and self.pid == self.child.pid:
            children = pathlib.Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()
            self.pid = int(children[0]) if children else self.pid

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds, until=None):
        """What comes within `seconds`, or up to where the pattern `until` is in it."""
        found = b""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (until and re.search(until, found)):
            if select.select([self.master], [], [], 0.05)[0]:
                found += os.read(self.master, 65536)
        self.bytes += found
        return found

    def write(self, keys):
        os.write(self.master, keys)

    def end(self, seconds=10):
        limit = time.monotonic() + seconds
        while self.child.poll() is None and time.monotonic() < limit:
            self.read(0.05)
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
            expect(False, "it did not end")
        self.read(0.2)
        return self.child.returncode

    def restored(self):
        return termios.tcgetattr(self.slave) == self.before

    def close(self):
        os.close(self.master)
        os.close(self.slave)


def frames(found):
    return found.count(b"\x1b[?2026h")


def started(folder, **more):
    top = OnTerminal(["top", str(folder / "web.db")], **more)
    top.read(10, until=b"q quit")
    return top


def check_ends(folder):
    endings = {
        "q": (lambda top: top.write(b"q"), 0),
        "Ctrl-C": (lambda top: top.write(b"\x03"), 0),
        "SIGTERM": (lambda top: top.child.terminate(), 0),
        "SIGHUP": (lambda top: top.child.send_signal(signal.SIGHUP), -signal.SIGHUP),
        "a crash": (lambda top: top.child.send_signal(signal.SIGSEGV), None),
    }
    for name, (end, status) in endings.items():
        top = started(folder)
        expect(ENTER in top.bytes, f"{name}: it is not on the alternate screen")
        expect(not top.restored(), f"{name}: keys are not taken one by one")
        end(top)
        found = top.end()
        expect(found == status if status is not None else found != 0, f"{name}: it ended with {found}")
        expect(top.bytes.rstrip().endswith(LEAVE) or status is None and LEAVE in top.bytes,
               f"{name}: the screen is not put back: {top.bytes[-80:]!r}")
        expect(b"\x1b[?25h" in top.bytes, f"{name}: the cursor stays hidden")
        expect(top.restored(), f"{name}: the terminal's settings are not put back")
        top.close()


def check_suspension(folder):
    top = started(folder, shell=True)
    top.write(b"\x1a")
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        top.read(0.05)
        stat = pathlib.Path(f"/proc/{top.pid}/stat").read_text().rsplit(") ", 1)[1]
        if stat.startswith("T"):
            break
    top.read(0.2)
    expect(stat.startswith("T"), "Ctrl-Z: it does not stop")
    expect(top.bytes.endswith(LEAVE) and top.restored(), "Ctrl-Z: the terminal is not put back")
    os.kill(top.pid, signal.SIGCONT)
    again = top.read(10, until=b"q quit")
    expect(ENTER in again and again.index(ENTER) < again.index(b"leat top"), "fg: it draws on the normal screen")
    top.write(b"q")
    expect(top.end() == 0 and top.restored(), "fg: it does not end well")
    top.close()


def check_drawing(folder):
    top = started(folder)
    quiet = top.read(2.6)
    expect(1 <= frames(quiet) <= 6, f"{frames(quiet)} frames in 2.6 s")
    # Only the clock and the age of the commit have changed.
    expect(b"visitors" not in quiet and b"\x1b[2J" not in quiet, f"unchanged lines are drawn again: {quiet!r}")
    top.write(b"\x1b[A\x1bOPx")  # arrow up, F1, a key without meaning
    expect(top.child.poll() is None, "a key without meaning ends it")
    top.resize(12, 50)
    # A frame of the old size may still be on its way, and one of the new size comes twice if the tick and the signal meet.
    small = top.read(10, until=rb"\x1b\[2J[^\0]*q quit").rpartition(b"\x1b[2J")[2]
    rows = [int(n) for n in re.findall(rb"\x1b\[(\d+);1H", small)]
    expect(b"q quit" in small, "a resize: it is not drawn anew")
    expect(rows and max(rows) <= 12, f"12 rows: it draws in row {max(rows, default=0)}")
    top.resize(40, 120)
    large = top.read(10, until=rb"\x1b\[40;1H")
    expect(b"\x1b[40;1H" in large, "40 rows: the last one is not used")
    top.write(b"q")
    expect(top.end() == 0, "it does not end after a resize")
    top.close()


def check_colours(folder):
    colour = re.compile(rb"\x1b\[(?:\d+;)*[34]\d(?:;\d+)*m")
    for env, wanted in (({}, True), ({"NO_COLOR": "1"}, False)):
        top = started(folder, env=env)
        top.write(b"q")
        top.end()
        expect(bool(colour.search(top.bytes)) == wanted, f"{env}: colours are {not wanted}")
        top.close()
    for env, arguments in (({"TERM": "dumb"}, []), ({}, ["--once"])):
        top = OnTerminal(["top", str(folder / "web.db"), *arguments], columns=70, env=env)
        expect(top.end() == 0, f"{env} {arguments}: it does not end")
        expect(b"\x1b" not in top.bytes and b"visitors" in top.bytes, f"{env} {arguments}: it is not plain text")
        longest = max(len(line) for line in top.bytes.decode().split("\r\n"))
        expect(longest <= 70, f"{env} {arguments}: a line of {longest} columns")
        top.close()


def check_logs(folder):
    log = folder / "live.log"
    log.write_text("".join(LINE.format(i % 20, 1 + i % 9, f"/page/{i % 5}") for i in range(500)))
    live = OnTerminal(["logs", str(log), "--to", str(folder / "live.db")])
    first = live.read(15, until=b"pages, ")
    expect(b"format nginx_combined" in first and b"visitors" in first, f"leat logs: no live view: {first!r}")
    with log.open("a") as more:
        more.write(LINE.format(99, 10, "/new"))
    live.read(15, until=b"2026-10-10")
    expect(b"2026-10-10" in live.bytes, "leat logs: a new line does not show")
    live.write(b"\x03")
    expect(live.end() == 0, "leat logs does not end")
    # What stands after the last wiping of the block.
    last = live.bytes.rsplit(b"\x1b[J", 1)[1]
    expect(b"501 rows" in last and b"visitors" not in last, f"leat logs: the block stays: {last!r}")
    live.close()


def check_a_stop(folder):
    """A run that was to take in all of a pipe, and is stopped while more may come, says so."""
    command = [LEAT, "load", "-", "--to", str(folder / "piped.db"), "--table", "t", "--format", "csv"]
    load = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    load.stdin.write(b"a,b\n" + b"1,2\n" * 1000)
    load.stdin.flush()
    end = time.monotonic() + 60
    while not (folder / "piped.db").exists() and load.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    load.terminate()
    said = load.communicate(timeout=60)[1]
    expect(load.returncode == 1 and b"stopped by a signal" in said, f"a stopped load ends with {load.returncode}: {said!r}")


def main():
    with tempfile.TemporaryDirectory(prefix="leat-terminal-") as name:
        folder = pathlib.Path(name)
        (folder / "in.log").write_text("".join(LINE.format(i % 20, 1 + i % 9, f"/page/{i % 5}") for i in range(1000)))
        subprocess.run([LEAT, "logs", str(folder / "in.log"), "--to", str(folder / "web.db"), "--once", "--quiet"],
                       check=True, env={**os.environ, "TZ": "UTC"})
        for check in (check_ends, check_suspension, check_drawing, check_colours, check_logs, check_a_stop):
            check(folder)
    print(f"{len(PROBLEMS)} problems")
    return 1 if PROBLEMS else 0


if __name__ == "__main__":
    sys.exit(main())
