"""The leat under test: started, looked at from outside, killed. Used by kill_loop.py, rotations.py and real_nginx.py."""

import os
import pathlib
import signal
import sqlite3
import subprocess
import time

ZONE = "Europe/Berlin"

PIPELINE = """[sources.logs]
type = "file"
include = [{include}]

[sinks.db]
type = "sqlite"
path = "{db}"

[pipelines.logs]
from = "logs"
to = "db.access_log"
raw = true
commit = {{ rows = {rows}, every = "{every}" }}

[aggregates.visitors_per_day]
from = "logs"
timezone = "{zone}"
by = {{ day = "day(time)" }}
value = {{ visitors = "count_distinct(remote_addr)", hits = "count()", bytes = "sum(body_bytes_sent)" }}

[aggregates.pages_per_day]
from = "logs"
timezone = "{zone}"
by = {{ day = "day(time)", page = "path(request_uri)" }}
value = {{ hits = "count()" }}

[aggregates.statuses_per_day]
from = "logs"
timezone = "{zone}"
by = {{ day = "day(time)", status = "status" }}
value = {{ hits = "count()" }}
"""


class Trouble(Exception):
    """The test cannot go on."""


class Ended(Exception):
    """leat has ended when it should not, or not as it should."""


class Reader:
    """`files` are what it reads: paths or globs."""

    def __init__(self, leat, directory, files, random):
        self.leat = leat
        self.files = [str(file) for file in files]
        self.random = random
        self.directory = pathlib.Path(directory)
        self.database = self.directory / "web.db"
        self.wal = self.directory / "web.db-wal"
        self.err = open(self.directory / "leat.err", "ab")
        self.committed = 0
        self.sequence = 0
        self.child = None
        self.begun = 0.0
        self.lives = []  # (from, to), seconds since 1970

    def environment(self):
        return dict(os.environ, TZ=ZONE)

    def start(self, arguments):
        self.begun = time.time()
        self.child = subprocess.Popen([self.leat, *arguments], stdin=subprocess.DEVNULL, stdout=self.err,
                                      stderr=self.err, env=self.environment())
        return self.child

    def logs(self, *more):
        return ["logs", *self.files, "--to", str(self.database), *more]

    def run_often(self, rows=(1, 40, 200, 1000), every=("5ms", "50ms", "1s")):
        path = self.directory / "often.toml"
        path.write_text(PIPELINE.format(include=", ".join(f'"{file}"' for file in self.files), db=self.database, zone=ZONE,
                                        rows=self.random.choice(rows), every=self.random.choice(every)))
        return ["run", str(path)]

    def look(self):
        """How far the database is, without being the last one to close it."""
        try:
            database = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)
            try:
                self.sequence = database.execute("SELECT max(sequence) FROM _leat_pipelines").fetchone()[0] or 0
                self.committed = database.execute(
                    "SELECT sum(inserted + rejected) FROM _leat_ranges").fetchone()[0] or 0
            finally:
                database.close()
        except sqlite3.OperationalError:
            pass  # no such file or table yet

    def wal_state(self):
        try:
            found = os.stat(self.wal)
            return found.st_size, found.st_mtime_ns
        except FileNotFoundError:
            return None

    def wait_for_first_commit(self):
        begun = time.monotonic()
        while self.committed == 0:
            if time.monotonic() - begun > 20 or self.child.poll() is not None:
                raise Trouble(f"the first life: no commit, see {self.err.name}")
            time.sleep(0.02)
            self.look()

    def wait_for_next_commit(self):
        """It counts as started from then on."""
        before, until = self.committed, time.monotonic() + 20
        while self.committed == before:
            if time.monotonic() > until or self.child.poll() is not None:
                raise Trouble(f"no commit in 20 seconds, see {self.err.name}")
            time.sleep(0.002)
            self.look()
        self.begun = time.time()

    def wait_for(self, lines, still=20):
        """Until so many are committed, or nothing has moved for so many seconds: then the judge will say what is missing."""
        seen, since = -1, time.monotonic()
        while self.committed < lines and time.monotonic() - since < still and self.child.poll() is None:
            time.sleep(0.01)
            self.look()
            if self.committed != seen:
                seen, since = self.committed, time.monotonic()

    def kill(self):
        self.has_to_live()
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        self.lives.append((self.begun, time.time()))

    def pause(self, seconds):
        """As on a machine that is too busy: for so long it does nothing. A new life begins for the judge."""
        self.has_to_live()
        self.child.send_signal(signal.SIGSTOP)
        self.lives.append((self.begun, time.time()))
        time.sleep(seconds)
        self.begun = time.time()
        self.child.send_signal(signal.SIGCONT)

    def has_to_live(self):
        if self.child.poll() is not None:
            raise Ended(f"life {len(self.lives)}: leat ended by itself with status {self.child.returncode}, "
                        f"see {self.err.name}")

    def stop(self):
        """The way a user does it."""
        self.child.send_signal(signal.SIGTERM)
        status = self.child.wait(60)
        self.lives.append((self.begun, time.time()))
        if status != 0:
            raise Ended(f"SIGTERM: status {status}, expected 0, see {self.err.name}")

    def once(self):
        begun = time.time()
        status = subprocess.run([self.leat, *self.logs("--once")], stdin=subprocess.DEVNULL, stdout=self.err,
                                stderr=self.err, env=self.environment(), timeout=600, check=False).returncode
        self.lives.append((begun, time.time()))
        if status != 0:
            raise Ended(f"--once: status {status}, expected 0, see {self.err.name}")

    def end(self):
        if self.child and self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.err.close()
