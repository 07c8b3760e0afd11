#!/usr/bin/env python3
"""Kills leat again and again while it reads one large document, XML or JSON, and judges what it has stored.

  documents.py [--leat build/release/leat] [--kills 40] [--size 20MB] [--seed N] [--keep]

Each record has columns of its own and of its ancestors. A life is killed at a random moment; when a document is read to
its end, it is judged and the next round begins with an empty database, formats in turn. Every record has a number, from
which its other columns can be computed: all rows are compared with that. A life that goes on in the middle of a
document may read only what is left of it, as the kernel counts its reads (which shows with large documents only).

Exit status: 0 every record is there once, 1 not, 2 the loop itself could not work.
"""

import pathlib
import re
import subprocess
import sys
import time

from killing import KillLoop, main

RECORDS = 20  # of a host
SLACK = 16 * 2**20  # a chunk and the queue are read again, and the program itself is read

FORMATS = {
    "xml": """type = "xml", record = "/OUT/HOSTS/HOST/LIST/ITEM", columns = { host = { path = "../../ID", type = "integer" }, \
name = "../../@name", n = { path = "N", type = "integer" }, text = "TEXT" }""",
    "json": """type = "json", records = "/hosts/*/items", columns = { host = { path = "../../id", type = "integer" }, \
name = "../../name", n = { path = "/n", type = "integer" }, text = "/text" }""",
}
PIPELINE = """[sources.in]
type    = "file"
include = "{file}"
format  = {{ {format} }}

[sinks.db]
type = "sqlite"
path = "{database}"

[pipelines.p]
from   = "in"
to     = "db.items"
commit = {{ rows = {rows}, every = "50ms" }}

[aggregates.items_per_name]
from  = "p"
by    = {{ name = "name" }}
value = {{ items = "count()", sum = "sum(n)" }}
"""


def write_xml(out, hosts):
    out.write('<?xml version="1.0"?>\n<OUT><!-- keep-alive --><HOSTS>\n')
    for host in range(hosts):
        out.write(f'<HOST name="h&amp;{host % 7}"><ID>{host}</ID><LIST>\n')
        for n in range(host * RECORDS, (host + 1) * RECORDS):
            out.write(f"<ITEM><N>{n}</N><TEXT><![CDATA[item <{n}> ]]>of {host} &lt;&#233;&gt;</TEXT></ITEM>\n")
        out.write("</LIST></HOST>\n")
    out.write("</HOSTS></OUT>\n")


def write_json(out, hosts):
    out.write('{"made": "now", "hosts": [\n')
    for host in range(hosts):
        items = ",\n".join(f'{{"n":{n},"text":"item <{n}> of {host} <\\u00e9>"}}'
                           for n in range(host * RECORDS, (host + 1) * RECORDS))
        out.write(f'{{"id":{host},"name":"h&{host % 7}","items":[{items}]}}{"," if host + 1 < hosts else ""}\n')
    out.write('], "complete": true}\n')


class Document:
    def __init__(self, format, folder, size):
        self.format = format
        self.file = folder / f"document.{format}"
        hosts = max(10, size // (1700 if format == "xml" else 1100))
        with self.file.open("w") as out:
            (write_xml if format == "xml" else write_json)(out, hosts)
        self.size = self.file.stat().st_size
        self.records = hosts * RECORDS


class Loop(KillLoop):
    def __init__(self, options, folder):
        super().__init__(options, folder, "out.db")
        self.middle = 0

    def position(self):
        found = self.query('SELECT max("offset") FROM _leat_positions')
        return (found[0][0] or 0) if found else 0

    def life(self, document, last):
        """True when it was read to its end."""
        file = self.folder / "p.toml"
        file.write_text(PIPELINE.format(file=document.file, format=FORMATS[document.format], database=self.database,
                                        rows=self.random.choice((500, 5000, 32768))))
        before = self.position()
        with self.error.open("ab") as err:
            child = subprocess.Popen([self.options.leat, "run", file, "--once", "--quiet"], stdout=err, stderr=err)
            read = 0
            deadline = time.monotonic() + (600 if last else self.random.uniform(0.01, self.longest))
            while child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
                try:
                    counted = re.search(r"rchar: (\d+)", pathlib.Path(f"/proc/{child.pid}/io").read_text())
                    read = int(counted[1]) if counted else read
                except OSError:
                    pass
            ended = child.poll() is not None
            if not ended:
                child.kill()
                self.kills += 1
            child.wait()
        if ended and child.returncode != 0:
            self.problem(f"{document.format}: leat ended with {child.returncode}: {self.said()}")
            return True
        # The kernel counts as well what SQLite reads of its own log, which is about as much as is left of the document.
        if read > 2.2 * (document.size - before) + before / 2 + SLACK:
            self.problem(f"{document.format}: with the position at {before:,} of {document.size:,} bytes it read {read:,}")
        after = self.position()
        if after < before:
            self.problem(f"{document.format}: the position went back from {before:,} to {after:,}")
        self.middle += 0 < after < document.size
        self.longest = min(4.0, self.longest * (0.8 if ended else 1.25 if after == before else 1.0))
        return ended

    def judge(self, document):
        truth = document.records
        rows = self.query("SELECT count(*), count(DISTINCT n), min(n), max(n), sum(n) FROM items")
        if rows != [(truth, truth, 0, truth - 1, truth * (truth - 1) // 2)]:
            self.problem(f"{document.format}: {truth:,} records, found (rows, different, first, last, sum) {rows}")
        wrong = self.query(f"""SELECT n, host, name, text FROM items WHERE host <> n / {RECORDS} OR name <> 'h&' || (host % 7)
            OR text <> 'item <' || n || '> of ' || host || ' <' || char(233) || '>' OR host IS NULL OR name IS NULL
            OR text IS NULL LIMIT 3""")
        if wrong:
            self.problem(f"{document.format}: rows that no record has: {wrong}")
        counts = self.query("SELECT sum(items), sum(sum) FROM items_per_name")
        if counts != [(truth, truth * (truth - 1) // 2)]:
            self.problem(f"{document.format}: the aggregate says {counts}")
        self.verify(document.format)
        for old in self.folder.glob("out.db*"):
            old.unlink()

    def run(self):
        documents = [Document(format, self.folder, self.options.size) for format in FORMATS]
        rounds = 0
        while self.kills < self.options.kills and not self.problems:
            document = documents[rounds % len(documents)]
            self.longest = 0.4
            kills = self.kills
            while not self.life(document, self.kills - kills > 200):
                pass
            self.judge(document)
            rounds += 1
        print(f"seed {self.options.seed}: {self.kills} kills in {rounds} rounds of {documents[0].size:,} and "
              f"{documents[1].size:,} bytes, {self.middle} of them in the middle of a document")
        if self.middle < self.kills // 3:
            self.problem("too few of the kills fell into the middle of a document: this has shown little")
        return 1 if self.problems else 0


def size_of(text):
    return int(text.removesuffix("MB")) * 10**6


def add_size(parser):
    parser.add_argument("--size", default=size_of("20MB"), type=size_of)


if __name__ == "__main__":
    sys.exit(main(__doc__, Loop, "documents", 40, add_size))
