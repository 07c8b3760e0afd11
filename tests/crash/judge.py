#!/usr/bin/env python3
"""Says whether a database holds exactly what a journal of an access log says, and counts it as the journal does.

  judge.py LEAT DATABASE JOURNAL [ZONE]

It shares nothing with leat but the table names: the lines are taken apart with Python's own means.
"""

import collections
import contextlib
import datetime
import re
import sqlite3
import subprocess
import sys
import zoneinfo

LINE = re.compile(rb'(\S+) - (.+?) \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "([^"]*)" (\d{3}) (\d+) "[^"]*" "[^"]*"')
REQUEST = re.compile(r"[A-Z]+ (/.*?)(?: HTTP/\S+)?")


def recount(lines, zone):
    """Of lines without their newlines: a counter of them, the number of those that are no log lines, and the aggregates by
    name, each a dictionary from key to values."""
    zone = zoneinfo.ZoneInfo(zone)
    counted = collections.Counter()
    rejects = 0
    addresses, hits, sent = collections.defaultdict(set), collections.Counter(), collections.Counter()
    pages, statuses = collections.Counter(), collections.Counter()
    days = {}
    for line in lines:
        counted[line] += 1
        match = LINE.fullmatch(line)
        if not match:
            rejects += 1
            continue
        address, _, stamp, request, status, size = match.groups()
        day = days.get(stamp)
        if day is None:
            when = datetime.datetime.strptime(stamp.decode(), "%d/%b/%Y:%H:%M:%S %z")
            day = days[stamp] = when.astimezone(zone).strftime("%Y-%m-%d")
        split = REQUEST.fullmatch(request.decode())
        addresses[day].add(address)
        hits[day] += 1
        sent[day] += int(size)
        pages[day, split.group(1).split("?")[0] if split else None] += 1
        statuses[day, int(status)] += 1
    return counted, rejects, {
        "visitors_per_day": {(day,): (len(addresses[day]), hits[day], sent[day]) for day in hits},
        "pages_per_day": {key: (n,) for key, n in pages.items()},
        "statuses_per_day": {key: (n,) for key, n in statuses.items()},
    }


def lines_of(path):
    with open(path, "rb") as file:
        return file.read().split(b"\n")[:-1]


AGGREGATES = {
    "visitors_per_day": ("day", "visitors, hits, bytes"),
    "pages_per_day": ("day, page", "hits"),
    "statuses_per_day": ("day, status", "hits"),
}


def as_bytes(value):
    return value.encode() if isinstance(value, str) else bytes(value)


def say(text, file=None):
    """On stdout, and at the end of a file."""
    print(text, flush=True)
    if file:
        with open(file, "a", encoding="utf-8") as out:
            out.write(text + "\n")


class Findings:
    """Of one database: what was looked at, and what is wrong, each a sentence."""

    def __init__(self):
        self.facts = []
        self.problems = []

    def fact(self, text):
        self.facts.append(text)

    def problem(self, text):
        self.problems.append(text)

    def say(self, file=None):
        say("\n".join([f"  {fact}" for fact in self.facts] + [f"  WRONG: {problem}" for problem in self.problems]), file)


def open_database(path):
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def verify(findings, leat, path):
    """What leat and SQLite themselves say."""
    done = subprocess.run([leat, "verify", str(path)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    last = (done.stdout.strip().split("\n") or [""])[-1]
    findings.fact(f"verify: {last}")
    if done.returncode != 0 or not last.startswith("ok: "):
        findings.problem(f"leat verify: status {done.returncode}, {last!r} {done.stderr.strip()[-300:]!r}")
    with contextlib.closing(open_database(path)) as database:
        check = database.execute("PRAGMA quick_check").fetchone()[0]
    if check != "ok":
        findings.problem(f"SQLite's check of the file: {check}")


def stored_lines(database):
    return collections.Counter(as_bytes(raw) for (raw,) in database.execute(
        "SELECT raw_log FROM access_log UNION ALL SELECT raw FROM _leat_rejects"))


def compare(findings, database, lines, expected_rejects, aggregates):
    """With a recount of the lines that should be there."""
    written = sum(lines.values())
    rows = database.execute("SELECT count(*) FROM access_log").fetchone()[0]
    rejects = database.execute("SELECT count(*) FROM _leat_rejects").fetchone()[0]
    findings.fact(f"{written} lines, {rows} rows, {rejects} rejects")
    if rows + rejects != written:
        findings.problem(f"{rows} rows + {rejects} rejects are not the {written} lines written")
    if rejects != expected_rejects:
        findings.problem(f"{rejects} rejects, but {expected_rejects} lines are no log lines")

    stored = stored_lines(database)
    lost, doubled = lines - stored, stored - lines
    findings.fact(f"{sum(lost.values())} lost, {sum(doubled.values())} doubled")
    for name, found in (("lost", lost), ("doubled or never written", doubled)):
        if found:
            line, times = next(iter(found.items()))
            findings.problem(f"{sum(found.values())} lines {name}, for example {times} times {line[:120]!r}")

    for name, (keys, values) in AGGREGATES.items():
        width = keys.count(",") + 1
        found = {}
        for row in database.execute(f"SELECT {keys}, {values} FROM {name}"):
            if row[:width] in found:
                findings.problem(f"{name}: two rows for {row[:width]}")
            found[row[:width]] = row[width:]
        wrong = sorted((key for key in found.keys() | aggregates[name].keys()
                        if found.get(key) != aggregates[name].get(key)), key=str)
        if wrong:
            key = wrong[0]
            findings.problem(f"{name}: {len(wrong)} of {len(aggregates[name])} buckets differ, for example {key}: "
                             f"{found.get(key)} stored, {aggregates[name].get(key)} counted")
        else:
            findings.fact(f"{name}: {len(found)} buckets as counted in Python")


def judge(leat, path, journal, zone):
    """`journal`: the file with all lines that were written."""
    findings = Findings()
    verify(findings, leat, path)
    with contextlib.closing(open_database(path)) as database:
        compare(findings, database, *recount(lines_of(journal), zone))
    return findings


def main():
    if len(sys.argv) not in (4, 5):
        print(__doc__, file=sys.stderr)
        return 2
    findings = judge(*sys.argv[1:4], sys.argv[4] if len(sys.argv) == 5 else "UTC")
    findings.say()
    return 1 if findings.problems else 0


if __name__ == "__main__":
    sys.exit(main())
