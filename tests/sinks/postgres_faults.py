#!/usr/bin/env python3
"""What an operator does to a PostgreSQL server before leat writes and while it does: each works, is waited out, or is a clear error.

  postgres_faults.py LEAT SHIM [CASE...]      SHIM: libfail_calls.so

Exit status: 0 all is well, 1 not, 77 there is no PostgreSQL here.
"""

import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from postgres_server import Server, binaries  # noqa: E402

PIPELINE = """[sources.in]
type = "file"
include = "in.csv"
format = {{ type = "csv", header = false, columns = ["n:integer", "word"] }}

[sinks.db]
type = "postgres"
url = "{url}"

[pipelines.numbers]
from = "in"
to = "db.numbers"
raw = false
commit = {{ rows = 50, every = "50ms" }}
"""
PATIENCE = 60  # seconds until something must have happened on a loaded machine


class Wrong(Exception):
    pass


class Case:
    def __init__(self, leat, shim, server, folder):
        self.leat, self.shim, self.server, self.folder = leat, shim, server, folder
        self.written = 0
        self.process = None
        self.err = folder / "err"

    def url(self, user="app"):
        return f"postgresql://{user}:hidden@127.0.0.1:{self.server.port}/postgres"

    def write(self, count):
        with open(self.folder / "in.csv", "a", encoding="utf-8") as out:
            out.writelines(f"{number},word{number}\n" for number in range(self.written, self.written + count))
        self.written += count

    def start(self, url):
        (self.folder / "p.toml").write_text(PIPELINE.format(url=url))
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen([self.leat, "run", "p.toml"], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)

    def said(self):
        text = self.err.read_text(errors="replace")
        if "hidden" in text:
            raise Wrong(f"the password is shown: {text}")
        return text

    def until(self, what, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            if self.process.poll() is not None:
                raise Wrong(f"{what}: leat has ended with {self.process.returncode}: {self.said()}")
            if time.monotonic() > end:
                raise Wrong(f"{what}: has not happened; leat says: {self.said()}")
            time.sleep(0.1)

    def refused(self, complaint):
        """leat ends, and says so."""
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Wrong(f"leat goes on, and says: {self.said()}") from None
        if status == 0 or complaint not in self.said():
            raise Wrong(f"status {status}: {self.said()}")

    def rows(self, server=None):
        try:
            return int((server or self.server).copy("SELECT count(*) FROM numbers", "postgres")[0][0])
        except RuntimeError:
            return 0  # not made yet

    def finish(self, server=None):
        """leat is stopped; each line is there once."""
        server = server or self.server
        self.until("all rows", lambda: self.rows(server) == self.written)
        self.process.send_signal(signal.SIGINT)
        if self.process.wait(PATIENCE) not in (0, 130):
            raise Wrong(f"status {self.process.returncode}: {self.said()}")
        different = int(server.copy("SELECT count(DISTINCT n) FROM numbers WHERE word = 'word' || n", "postgres")[0][0])
        if different != self.written:
            raise Wrong(f"{different} different rows of {self.written}")
        done = subprocess.run([self.leat, "verify", "p.toml"], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Wrong(f"verify: {done.stdout}{done.stderr}")

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def statement_timeout(case):
    case.write(200)
    case.start(case.url())
    case.until("the first rows", lambda: case.rows() == 200)
    case.server.psql("ALTER ROLE app SET lock_timeout = '200ms'; ALTER ROLE app SET statement_timeout = '300ms'")
    case.server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
    holder = subprocess.Popen([binaries() / "psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(case.server.port), "-U", "leat", "-d", "postgres", "-c",
                               "BEGIN; LOCK TABLE numbers; SELECT pg_sleep(3600)"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        case.until("the lock", lambda: int(case.server.copy("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted", "postgres")[0][0]))
        case.write(200)
        case.until("the trouble", lambda: "holds a lock" in case.said() or "statement_timeout" in case.said())
    finally:
        case.server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)' AND pid <> pg_backend_pid()")
        holder.wait(PATIENCE)
    case.finish()


def out_of_connections(case):
    case.write(100)
    case.server.psql("ALTER ROLE app CONNECTION LIMIT 0")
    case.start(case.url())
    case.until("the trouble", lambda: "takes no more connections" in case.said())
    case.server.psql("ALTER ROLE app CONNECTION LIMIT -1")
    case.finish()


def restarted(case):
    case.write(100)
    case.start(case.url())
    case.until("the first rows", lambda: case.rows() == 100)
    case.server.end(signal.SIGINT)
    case.write(100)
    time.sleep(0.5)
    if not case.server.launch():
        raise Wrong("postgres does not come back")
    case.finish()


def disk_full(case):
    """Of the server, for a while."""
    full = case.server.folder / "full"
    case.server.end(signal.SIGINT)
    if not case.server.launch(environment={"LD_PRELOAD": str(case.shim), "FAIL_UNDER": str(case.server.data / "base"), "FAIL_WHILE": str(full)}):
        raise Wrong(f"postgres does not start: {case.server.log.read_text()}")
    case.write(200)
    case.start(case.url())
    case.until("the first rows", lambda: case.rows() == 200)
    full.touch()
    case.write(20000)
    case.until("the trouble", lambda: "No space left on device" in case.said())
    time.sleep(0.5)  # tried once more at least
    full.unlink()
    case.finish()


def encrypted(case):
    """A server that takes TLS only: verified, it is used; unencrypted, or with another authority, it is refused with the reason."""
    for name in ("server", "stranger"):
        done = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                               "-keyout", f"{name}.key", "-out", f"{name}.crt"], cwd=case.server.folder, capture_output=True, text=True, check=False, **case.server.user)
        if done.returncode != 0:
            raise Wrong(f"openssl: {done.stderr}")
    (case.server.data / "pg_hba.conf").write_text("hostssl all app 127.0.0.1/32 trust\nhost all leat 127.0.0.1/32 trust\n")
    case.server.end(signal.SIGINT)
    if not case.server.launch(["ssl=on", f"ssl_cert_file={case.server.folder}/server.crt", f"ssl_key_file={case.server.folder}/server.key"]):
        raise Wrong(f"postgres does not start: {case.server.log.read_text()}")
    url = f"postgresql://app:hidden@localhost:{case.server.port}/postgres?hostaddr=127.0.0.1&sslmode="
    case.write(200)
    for end, complaint in (("disable", "pg_hba.conf"), (f"verify-full&sslrootcert={case.server.folder}/stranger.crt", "certificate verify failed")):
        case.start(url + end)
        case.refused(complaint)
    case.start(url + f"verify-full&sslrootcert={case.server.folder}/server.crt")
    case.until("the rows", lambda: case.rows() == 200)
    if case.server.copy("SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'app'", "postgres") != [["t"]]:
        raise Wrong("the connection is not encrypted")
    case.finish()


def silent_host(case):
    """The first one takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        case.write(100)
        case.start(f"postgresql://app:hidden@127.0.0.1:{silent.getsockname()[1]},127.0.0.1:{case.server.port}/postgres?connect_timeout=1")
        case.finish()


def piped(case):
    """A row that the server refuses, of an input that cannot be read again: a reject, and the others are there."""
    case.server.psql('CREATE TABLE numbers(n bigint CHECK (n <> 70), word text COLLATE "C", _part bigint NOT NULL, _offset bigint NOT NULL, '
                     "_row bigint NOT NULL); ALTER TABLE numbers OWNER TO app")
    case.write(100)
    (case.folder / "p.toml").write_text(PIPELINE.format(url=case.url()).replace('type = "file"\ninclude = "in.csv"', 'type = "stdin"'))
    with open(case.folder / "in.csv", "rb") as piped_in:
        done = subprocess.run([case.leat, "run", "p.toml", "--once"], cwd=case.folder, stdin=piped_in, capture_output=True, text=True, check=False)
    if done.returncode != 0 or case.rows() != 99 or "99 rows, 1 reject" not in done.stderr:
        raise Wrong(f"status {done.returncode}, {case.rows()} rows: {done.stderr}")


def names(case):
    """Columns of aggregates that are called as leat's own statements call theirs."""
    case.write(100)
    aggregates = """
[aggregates.words]
from = "numbers"
by = { bucket = "substr(word, 5, 1)", a = "n % 2" }
value = { n = "count()", value = "sum(n)", x = "count_distinct(word)" }
"""
    (case.folder / "p.toml").write_text(PIPELINE.format(url=case.url()) + aggregates)
    for _ in range(2):
        done = subprocess.run([case.leat, "run", "p.toml", "--once"], cwd=case.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Wrong(f"status {done.returncode}: {done.stderr}")
        case.write(100)
    found = case.server.copy("SELECT sum(n), sum(value), sum(x) FROM words", "postgres")
    done = subprocess.run([case.leat, "verify", "p.toml"], cwd=case.folder, capture_output=True, text=True, check=False)
    if found != [["200", "19900", "200"]] or done.returncode != 0:
        raise Wrong(f"{found}; verify: {done.stdout}{done.stderr}")


def failed_over(case):
    """The primary dies; its synchronous standby is promoted. leat finds it by the same url."""
    case.server.psql("CREATE ROLE follower LOGIN REPLICATION")
    standby = object.__new__(Server)
    standby.process, standby.user = None, case.server.user
    standby.folder = case.server.folder / "standby"
    standby.data, standby.log = standby.folder / "data", standby.folder / "log"
    standby.folder.mkdir()
    if standby.user:
        shutil.chown(standby.folder, standby.user["user"], standby.user["group"])
    done = subprocess.run([binaries() / "pg_basebackup", "-R", "-X", "stream", "-c", "fast", "-D", standby.data, "-h", "127.0.0.1", "-p",
                           str(case.server.port), "-U", "follower"], cwd=standby.folder, capture_output=True, text=True, check=False, **standby.user)
    if done.returncode != 0:
        raise Wrong(f"pg_basebackup: {done.stderr}")
    standby.port = Server.free_port()
    try:
        if not standby.launch():
            raise Wrong(f"the standby does not start: {standby.log.read_text()}")
        case.server.psql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        case.server.psql("SELECT pg_reload_conf()")
        case.write(500)
        case.start(f"postgresql://app:hidden@127.0.0.1:{case.server.port},127.0.0.1:{standby.port}/postgres?target_session_attrs=read-write")
        case.until("the first rows", lambda: case.rows() == 500)
        case.write(500)
        case.server.end(signal.SIGQUIT)
        case.write(500)
        standby.psql("ALTER SYSTEM RESET synchronous_standby_names")
        standby.psql("SELECT pg_reload_conf()")
        standby.psql("SELECT pg_promote()")
        case.finish(standby)
    finally:
        standby.end(signal.SIGQUIT)


def partitioned(case):
    """A table that was made beforehand."""
    case.write(500)
    columns = 'n bigint, word text COLLATE "C", _part bigint NOT NULL, _offset bigint NOT NULL, _row bigint NOT NULL'
    case.server.psql(f"CREATE TABLE numbers({columns}) PARTITION BY RANGE (n); CREATE TABLE low PARTITION OF numbers FOR VALUES FROM (0) TO (100); "
                     "CREATE TABLE high PARTITION OF numbers DEFAULT; ALTER TABLE numbers OWNER TO app")
    case.start(case.url())
    case.finish()
    if int(case.server.copy("SELECT count(*) FROM low", "postgres")[0][0]) != 100:
        raise Wrong("the rows are not in their partition")


def another_table(case):
    """One that leat has not made, and cannot take."""
    case.write(1)
    case.server.psql("CREATE TABLE numbers(n bigint, word bigint, _part bigint, _offset bigint, _row bigint)")
    case.start(case.url())
    case.refused("its column 'word' is not of type text")


def no_such_database(case):
    case.write(1)
    case.start(f"postgresql://app:hidden@127.0.0.1:{case.server.port}/nowhere")
    case.refused("there is no such database")


def no_rights(case):
    case.write(1)
    case.server.psql("CREATE ROLE nobody LOGIN")
    case.start(case.url("nobody"))
    case.refused("GRANT it")


CASES = {each.__name__: each for each in (statement_timeout, out_of_connections, restarted, disk_full, encrypted, silent_host, piped, names, failed_over, partitioned, another_table, no_such_database, no_rights)}


def main():
    leat, shim = (pathlib.Path(each).resolve() for each in sys.argv[1:3])
    if binaries() is None:
        print("there is no PostgreSQL here: script/setup --tests installs it", file=sys.stderr)
        return 77
    bad = 0
    for name in sys.argv[3:] or CASES:
        server = Server()
        with tempfile.TemporaryDirectory(prefix="leat-postgres-faults-") as folder:
            case = Case(leat, shim, server, pathlib.Path(folder))
            begun = time.monotonic()
            try:
                server.psql("CREATE ROLE app LOGIN")
                server.psql("GRANT CREATE ON SCHEMA public TO app")
                CASES[name](case)
                print(f"{name:20} {time.monotonic() - begun:6.1f} s  ok", flush=True)
            except Wrong as problem:
                bad += 1
                print(f"{name:20} {time.monotonic() - begun:6.1f} s  WRONG: {problem}", flush=True)
            finally:
                case.end()
                server.close()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
