"""A PostgreSQL server of Debian's package for tests: loopback, a free port, a folder of its own, ended by its own process id."""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def binaries():
    """The folder of the newest installed server, or None."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("[0-9]*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Server:
    """Trusts who connects as `leat`. As root it runs as the user `postgres`: it refuses root."""

    def __init__(self):
        self.process = None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="leat-postgres-"))
        self.data, self.log = self.folder / "data", self.folder / "log"
        self.user = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        done = subprocess.run([binaries() / "initdb", "--no-sync", "--no-instructions", "-A", "trust", "-U", "leat", "-E", "UTF8",
                               "--locale", "C.UTF-8", "-D", self.data], cwd=self.folder, capture_output=True, text=True, check=False, **self.user)
        if done.returncode != 0:
            raise RuntimeError(f"initdb: {done.stdout}{done.stderr}")
        for _ in range(5):  # somebody else may take the port first
            self.port = self.free_port()
            if self.launch():
                return
        raise RuntimeError(f"postgres does not start: {self.log.read_text()}")

    @staticmethod
    def free_port():
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return free.getsockname()[1]

    def launch(self, settings=(), environment=None):
        """Whether it came up. `settings`: ["fsync=on", …]; `environment`: variables, besides those that are there."""
        settings = ["listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", "fsync=off", "full_page_writes=off",
                    "shared_buffers=32MB", "max_connections=20", "autovacuum=off", "timezone=America/New_York", *settings]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([binaries() / "postgres", "-D", self.data, *(word for each in settings for word in ("-c", each))],
                                            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(environment or {})},
                                            **self.user)
        end = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < end:
            if subprocess.run([binaries() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False).returncode == 0:
                return True
            time.sleep(0.05)
        self.end(signal.SIGQUIT)
        return False

    def end(self, how=signal.SIGINT):
        """SIGINT: at once and in order; SIGQUIT: as in a crash."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close(self):
        self.end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def copy(self, sql, database, schema=None):
        """The rows of a query as lists of texts and None, read by psql with COPY."""
        text = self.psql(f"COPY ({sql}) TO STDOUT", database, schema)
        return [[unescape(cell) for cell in line.split("\t")] for line in text.split("\n")[:-1]]

    def psql(self, sql, database="postgres", schema=None):
        done = subprocess.run([binaries() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", "leat",
                               "-d", database, "-c", sql], capture_output=True, check=False, env={
                                   "PGCLIENTENCODING": "UTF8", "LC_ALL": "C.UTF-8", "PGOPTIONS": f"-c search_path={schema or 'public'}"})
        if done.returncode != 0:
            raise RuntimeError(f"psql: {sql}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()


def unescape(cell):
    """A cell of COPY's text format."""
    if cell == "\\N":
        return None
    if "\\" not in cell:
        return cell
    known = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
    out, at = [], 0
    while at < len(cell):
        if cell[at] == "\\":
            at += 1
            out.append(known.get(cell[at], cell[at]))
        else:
            out.append(cell[at])
        at += 1
    return "".join(out)
