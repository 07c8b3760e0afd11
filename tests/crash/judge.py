#!/usr/bin/env python3
"""Says whether a database holds exactly what a journal of an access log says, and counts it as the journal does.

  judge.py LEAT DATABASE JOURNAL [ZONE]

It shares nothing with leat but the table names: the lines are taken apart with Python's own means.
"""

import collections
import datetime
import re
import sqlite3
import subprocess
import sys
import zoneinfo

LINE = re.compile(rb'(\S+) - (.+?) \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "([^"]*)" (\d{3}) (\d+) "[^"]*" "[^"]*"')
REQUEST = re.compile(r"[A-Z]+ (/[^ ]*)(?: HTTP/\S+)?")


def recount(journal, zone):
    """Rows, rejects, and the aggregates by name, each a dictionary from key to values."""
    zone = zoneinfo.ZoneInfo(zone)
    lines = collections.Counter()
    rejects = 0
    addresses, hits, sent = collections.defaultdict(set), collections.Counter(), collections.Counter()
    pages, statuses = collections.Counter(), collections.Counter()
    days = {}
    with open(journal, "rb") as file:
        for line in file:
            line = line.rstrip(b"\n")
            lines[line] += 1
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
    return lines, rejects, {
        "visitors_per_day": {(day,): (len(addresses[day]), hits[day], sent[day]) for day in hits},
        "pages_per_day": {key: (n,) for key, n in pages.items()},
        "statuses_per_day": {key: (n,) for key, n in statuses.items()},
    }


AGGREGATES = {
    "visitors_per_day": ("day", "visitors, hits, bytes"),
    "pages_per_day": ("day, page", "hits"),
    "statuses_per_day": ("day, status", "hits"),
}


def as_bytes(value):
    return value.encode() if isinstance(value, str) else bytes(value)


def judge(leat, path, journal, zone):
    """What is wrong, as a list of sentences, and what was found, likewise."""
    problems, facts = [], []
    lines, expected_rejects, aggregates = recount(journal, zone)
    written = sum(lines.values())

    done = subprocess.run([leat, "verify", str(path)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    last = (done.stdout.strip().split("\n") or [""])[-1]
    facts.append(f"verify: {last}")
    if done.returncode != 0 or not last.startswith("ok: "):
        problems.append(f"leat verify: status {done.returncode}, {last!r} {done.stderr.strip()[-300:]!r}")

    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    check = database.execute("PRAGMA quick_check").fetchone()[0]
    if check != "ok":
        problems.append(f"SQLite's check of the file: {check}")
    rows = database.execute("SELECT count(*) FROM access_log").fetchone()[0]
    rejects = database.execute("SELECT count(*) FROM _leat_rejects").fetchone()[0]
    facts.append(f"{written} lines, {rows} rows, {rejects} rejects")
    if rows + rejects != written:
        problems.append(f"{rows} rows + {rejects} rejects are not the {written} lines written")
    if rejects != expected_rejects:
        problems.append(f"{rejects} rejects, but {expected_rejects} lines are no log lines")

    stored = collections.Counter()
    for (raw,) in database.execute("SELECT raw_log FROM access_log UNION ALL SELECT raw FROM _leat_rejects"):
        stored[as_bytes(raw)] += 1
    lost, doubled = lines - stored, stored - lines
    facts.append(f"{sum(lost.values())} lost, {sum(doubled.values())} doubled")
    for name, found in (("lost", lost), ("doubled or never written", doubled)):
        if found:
            line, times = next(iter(found.items()))
            problems.append(f"{sum(found.values())} lines {name}, for example {times} times {line[:120]!r}")

    for name, (keys, values) in AGGREGATES.items():
        width = keys.count(",") + 1
        found = {}
        for row in database.execute(f"SELECT {keys}, {values} FROM {name}"):
            if row[:width] in found:
                problems.append(f"{name}: two rows for {row[:width]}")
            found[row[:width]] = row[width:]
        wrong = sorted((key for key in found.keys() | aggregates[name].keys()
                        if found.get(key) != aggregates[name].get(key)), key=str)
        if wrong:
            key = wrong[0]
            problems.append(f"{name}: {len(wrong)} of {len(aggregates[name])} buckets differ, for example {key}: "
                            f"{found.get(key)} stored, {aggregates[name].get(key)} counted")
        else:
            facts.append(f"{name}: {len(found)} buckets as counted in Python")
    database.close()
    return problems, facts


def main():
    if len(sys.argv) not in (4, 5):
        print(__doc__, file=sys.stderr)
        return 2
    problems, facts = judge(*sys.argv[1:4], sys.argv[4] if len(sys.argv) == 5 else "UTC")
    print("\n".join(facts))
    for problem in problems:
        print(f"WRONG: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
