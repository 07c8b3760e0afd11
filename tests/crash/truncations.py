"""Judges a database against what `leat generate web-log` wrote and truncated: its journal.json and its --copy.

Never a line twice, never a hole: what is missing of a file that was truncated is its end. And a line may only be missing
when no reader had the time to take it: from when it was written (or the reader was started) to when it was cut (or the
reader was killed) there never were more than PROMISED seconds at a stretch. So a missing line was written within that
time of the cut, or of the kill that took what was not yet committed, or while nobody read; in this last case a reader
that was started before the cut is given CATCHING_UP seconds. What the copy of a copytruncate holds is not missing.
"""

import bisect
import collections
import contextlib
import hashlib
import json

import judge

PROMISED = 1.2  # seconds until a line is in the database: `commit.every`, and the commit itself on a busy machine
CATCHING_UP = 4.0
STARTING = 0.5  # seconds that a reader needs before it reads: until then nobody does


def check_journal(findings, folder, truth):
    """The journal agrees with the lines. Returns it."""
    journal = json.loads((folder / "journal.json").read_text())
    text = truth.read_bytes()
    for name, found in (("lines", text.count(b"\n")), ("bytes", len(text)), ("sha256", hashlib.sha256(text).hexdigest()),
                        ("ended", True)):
        if journal[name] != found:
            findings.problem(f"journal.json says {name} = {journal[name]}, it is {found}")
    return journal


def parts_of(database):
    """The stored lines of each part, in the order of the file."""
    parts = collections.defaultdict(list)
    for part, _, raw in database.execute(
            "SELECT _part, _offset, raw_log FROM access_log UNION ALL SELECT part, byte_offset, raw FROM _leat_rejects "
            "ORDER BY 1, 2"):
        parts[part].append(judge.as_bytes(raw))
    return parts


def place(lines, truth, starts, numbers):
    """The number, from 0, of the first of these lines: they have to be the beginning of what stood in a file."""
    for start in numbers.get(lines[0], ()):
        if start in starts and truth[start:start + len(lines)] == lines:
            return start
    return None


def written_at(cut, number):
    """When line `number` was written, at the latest."""
    at = bisect.bisect([stretch[0] for stretch in cut["written"]], number) - 1
    return cut["written"][at][3] / 1e6


def time_to_take(lives, written, cut):
    """The longest time that one reader had for a line."""
    return max([0.0] + [min(end, cut) - max(start, written) for start, end in lives])


def judge_generated(leat, path, folder, copy, lives, zone, promised=PROMISED, catching_up=CATCHING_UP):
    """Returns what was found, and how many lines are missing. `lives`: when leat ran."""
    findings = judge.Findings()
    journal = check_journal(findings, folder, copy)
    judge.verify(findings, leat, path)
    truth = judge.lines_of(copy)
    cuts = journal["truncated"]

    numbers = collections.defaultdict(list)
    for number, line in enumerate(truth):
        numbers[line].append(number)
    starts = {life["first_line"] - 1 for life in cuts + journal["present"]}
    present = [False] * len(truth)
    with contextlib.closing(judge.open_database(path)) as database:
        for part, lines in sorted(parts_of(database).items()) if cuts else ():
            start = place(lines, truth, starts, numbers)
            if start is None:
                findings.problem(f"part {part} is not the beginning of what stood in a file: doubled, never written, or with "
                                f"a hole; {len(lines)} lines from {lines[0][:120]!r}")
                continue
            again = sum(present[start:start + len(lines)])
            if again:
                findings.problem(f"part {part}: {again} lines doubled, from {lines[0][:120]!r}")
            present[start:start + len(lines)] = [True] * len(lines)
        if not cuts:
            present = [True] * len(truth)

        missing, longest = 0, 0.0
        for cut in cuts:
            end = min(cut["last_line"], len(truth))
            gone = [n for n in range(cut["first_line"], end + 1) if not present[n - 1]]
            missing += len(gone)
            for number in gone:
                if number < cut["first_line"] + cut.get("copied_lines", 0):
                    findings.problem(f"line {number} is lost, but it is in the copy that copytruncate has made")
                    break
                written = written_at(cut, number)
                time = time_to_take(lives, written, cut["at_us"] / 1e6)
                longest = max(longest, time)
                down = not any(start + STARTING <= written <= end for start, end in lives)
                if time > (catching_up if down else promised):
                    findings.problem(f"line {number} is lost, but there was a reader for {time:.1f} seconds of the "
                                    f"{cut['at_us'] / 1e6 - written:.1f} until it was cut")
                    break
                present[number - 1] = None  # excused
        lost = sum(1 for each in present if each is False)
        if lost:
            findings.problem(f"{lost} lines lost that were never truncated, for example line {present.index(False) + 1}")
        there = [line for line, state in zip(truth, present) if state is not None]
        findings.fact(f"{len(truth)} lines written, {journal['rotations']} rotations, {len(cuts)} truncations; {missing} lines "
              f"missing, for which a reader had {longest:.2f} seconds at most")
        judge.compare(findings, database, *judge.recount(there, zone))
    return findings, missing
