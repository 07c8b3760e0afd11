"""One check of one sink: a folder, a pipeline file in it, leat runs over it, and what they must have made."""

import collections
import json
import math
import os
import random
import subprocess

import model


class Wrong(Exception):
    """The sink has not done what it must."""


class Bench:
    """`options`: leat, seed, kills, points, shim; see suite.py."""

    def __init__(self, adaptor, folder, options, name):
        self.sink, self.top, self.folder, self.options = adaptor, folder, folder, options
        self.random = random.Random(f"{options.seed} {adaptor.name} {name}")
        self.facts = []  # said in the table at the end
        self.children = []

    def pipeline(self, write="append", format_=model.FORMAT, include="in.ndjson", pipeline="", aggregates=model.AGGREGATE,
                 sink=None, source="", name="records", file="p.toml"):
        """Writes the pipeline file. `sink`: lines of [sinks.db] in place of the adaptor's own."""
        if "aggregates" in self.sink.cannot and aggregates == model.AGGREGATE:
            aggregates = ""
        source = source or f'type = "file"\ninclude = "{include}"\n{format_}'
        (self.folder / file).write_text(
            f"[sources.in]\n{source}\n[sinks.db]\n{sink or self.sink.config()}\n[pipelines.{name}]\nfrom = \"in\"\n"
            f"to = \"db.{name}\"\n{model.WRITE[write]}\n{pipeline}\n{aggregates}")

    def fresh(self, name):
        """From now on an empty target, in a folder of its own."""
        self.folder = self.top / name
        self.folder.mkdir()
        self.sink = self.sink.another(self.folder)

    def environment(self):
        return {"PATH": os.environ["PATH"], "TZ": "UTC", "HOME": str(self.folder), "LC_ALL": "C.UTF-8", "NO_COLOR": "1",
                **self.sink.environment()}

    def start(self, *arguments, env=None):
        child = subprocess.Popen([self.options.leat, *arguments], cwd=self.folder, env=self.environment() | (env or {}),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.children.append(child)
        return child

    def end(self):
        """Nothing that was started stays."""
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.communicate()

    def wait(self, child):
        """(status, stdout, stderr)"""
        try:
            out, err = child.communicate(timeout=self.sink.timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            raise Wrong(f"leat did not end in {self.sink.timeout} s: {err[-500:].decode(errors='replace')}") from None
        return child.returncode, out.decode(errors="replace"), err.decode(errors="replace")

    def leat(self, *arguments, status=0, env=None):
        """What it said: (stdout, stderr)."""
        found, out, err = self.wait(self.start(*arguments, env=env))
        if found != status:
            raise Wrong(f"leat {' '.join(arguments)}: exit status {found}, not {status}: {(out + err)[-1500:]}")
        return out, err

    def run(self, file="p.toml", status=0):
        return self.leat("run", file, "--once", "--quiet", status=status)

    def verify(self, file="p.toml"):
        self.leat("verify", file)

    def status(self, file="p.toml"):
        return json.loads(self.leat("status", file, "--json")[0])["pipelines"][0]

    def same(self, what, found, wanted):
        """Multisets of tuples, in any order; doubles within 10⁻⁹."""
        found, wanted = collections.Counter(map(comparable, found)), collections.Counter(map(comparable, wanted))
        doubled, lost = found - wanted, wanted - found
        if doubled or lost:
            show = lambda counter: ", ".join(str(value)[:300] for value in list(counter)[:3])
            raise Wrong(f"{what}: {lost.total()} lost ({show(lost)}), {doubled.total()} doubled or never written ({show(doubled)})")

    def matches(self, expected, when=""):
        """Rows, rejects, counts and the aggregate are what the model says."""
        self.same(f"{when}rows", self.sink.rows("records", model.COLUMNS, model.TYPES), expected.rows)
        self.same(f"{when}rejects", [(row[3],) for row in self.sink.rejects("records")], [(line,) for line in expected.rejects])
        self.aggregate_fits(expected.rows, when)
        counts = self.sink.counts("records")
        del counts["end"]
        found = (counts["inserted"] + counts["updated"] + counts["ignored"] + counts["rejected"])
        # With a provisional record, which no range counts yet, there is one less.
        if expected.records - found not in (0, 1):
            raise Wrong(f"{when}counts: the ranges say {counts}, but there are {expected.records} records")

    def aggregate_fits(self, rows, when=""):
        if "aggregates" not in self.sink.cannot:
            self.same(f"{when}per_hour", self.sink.rows("per_hour", model.AGGREGATE_COLUMNS), model.aggregate(rows))

    def lines(self, count, keys=150, pad=0):
        return [model.random_line(self.random, keys, pad) for _ in range(count)]

    def write(self, lines, name="in.ndjson", end="\n", mode="w"):
        with open(self.folder / name, mode) as file:
            file.write("".join(line + "\n" for line in lines[:-1]) + lines[-1] + end)


def as_bytes(value):
    return value.encode() if isinstance(value, str) else bytes(value)


def comparable(row):
    return tuple(("nan" if math.isnan(value) else float(f"{value:.9e}")) if isinstance(value, float) else value for value in row)
