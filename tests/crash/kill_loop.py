#!/usr/bin/env python3
"""Kills leat again and again while it reads a log that grows and is rotated, then judges what it has stored.

  kill_loop.py [--leat build/release/leat] [--kills 120] [--rounds 1] [--seed N] [--keep]

Producer: writer.py, a process of its own. Under test: `leat logs DIR/access.log --to DIR/web.db`, and in two of three
lives `leat run` of a file that says the same but commits more often. Judge: judge.py.

The first life is left until it has committed something: a log of which leat has no position yet is read from the file
that is named, not from its older siblings.

A life: the writer puts a backlog in place (and often rotates while nobody reads), leat starts, and a random moment after
its first write it is killed; one life in twenty is killed at a random moment from its start. A kill counts as *busy*
when it falls between the first write and the last commit: leat had written, and of the lines that stood in the log
before it started some were not yet committed. At least 80 % have to be: how long a life may last is found on the way.
One life in ten is calm: leat has read everything when the log is renamed and the old file written on; there the lines
that stood in the log before the last moment count. Between the lives nobody else opens the database, so that recovery
is leat's own.

Exit status: 0 every line is there once, 1 not, 2 the loop itself could not work.
"""

import argparse
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import judge  # noqa: E402
from reader import ZONE, Ended, Reader, Trouble  # noqa: E402

BACKLOG = 12000  # lines

class Writer:
    def __init__(self, directory, seed):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", HERE / "writer.py", directory, "--journal", directory / "journal", "--seed", str(seed),
             "--rate", "1500", "--rotate-every", "6000", "--control"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.written = 0
        self.rotations = 0

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            raise Trouble("the writer has ended")
        self.written, self.rotations = int(answer[1]), int(answer[2])

    def stop(self, cut):
        self.tell("stop cut" if cut else "stop")
        self.process.wait(30)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Round:
    def __init__(self, options, directory, seed):
        self.random = random.Random(seed)
        self.reader = Reader(options.leat, directory, [directory / "access.log"], self.random)
        self.writer = Writer(directory, seed)
        self.lives = []  # (milliseconds from start to kill, … to first write or None, commits seen, busy)
        self.down_rotations = 0
        self.longest = {True: 0.05, False: 0.05}  # seconds from first write to kill, at most; by how often it commits

    def first_life(self):
        self.writer.tell("fill 100")
        self.reader.start(self.reader.logs())
        self.reader.wait_for_first_commit()
        self.reader.kill()

    def life(self, number):
        early = number % 20 == 19
        often = number % 3 != 0
        rotations = self.writer.rotations
        self.writer.tell(f"fill {max(0, BACKLOG - (self.writer.written - self.reader.committed)) + 200}")
        if self.random.random() < 0.3:
            for _ in range(self.random.choice((1, 1, 1, 2))):
                self.writer.tell("rotate")
        self.down_rotations += self.writer.rotations - rotations
        there = self.writer.written
        before, sequence_before = self.reader.wal_state(), None

        child = self.reader.start(self.reader.run_often() if often else self.reader.logs())
        begun = time.monotonic()
        first_write = None
        has_written = not early
        if early:
            time.sleep(self.random.random() * 0.05)
        elif number % 10 == 5:
            there = self.calm(there)
        else:
            while child.poll() is None:
                if self.reader.wal_state() not in (None, before):
                    first_write = time.monotonic() - begun
                    break
                if time.monotonic() - begun > 20:
                    raise Trouble(f"life {number}: no write in 20 seconds, see {self.reader.err.name}")
                time.sleep(0.0005)
            self.reader.look()
            sequence_before = self.reader.sequence
            if self.random.random() < 0.3:
                self.writer.tell("rotate")
            kill_at = time.monotonic() + self.random.random() * self.longest[often]
            while time.monotonic() < kill_at and child.poll() is None:
                time.sleep(0.001)
            self.reader.look()
        killed = time.monotonic() - begun
        self.reader.kill()
        commits = self.reader.sequence - sequence_before if sequence_before is not None else 0
        busy = has_written and self.reader.committed < there
        if sequence_before is not None:
            self.longest[often] = min(1.0, max(0.01, self.longest[often] * (1.04 if busy else 0.6)))
        self.lives.append((killed * 1000, None if first_write is None else first_write * 1000, commits, busy))

    def calm(self, there):
        """leat has read all there is; the log is renamed, and the writer lets go of the old file late."""
        self.reader.wait_for(there)
        late = self.random.choice((50, 300, 900))
        self.writer.tell(f"rotate {late}")
        time.sleep(self.random.random() * 1.3)
        self.writer.tell(f"fill {self.random.randint(1, late + 100)}")
        there = self.writer.written
        time.sleep(self.random.random() * 0.2)
        self.reader.look()
        return there

    def drain(self):
        """Reads the rest and is stopped the way a user does it."""
        self.reader.start(self.reader.logs())
        for _ in range(3):
            self.calm(self.writer.written)
        self.writer.stop(cut=self.random.random() < 0.5)
        self.reader.wait_for(self.writer.written - 1)  # a last line without newline is held
        self.reader.stop()
        for _ in range(2):  # the second one finds nothing
            self.reader.once()

    def end(self):
        self.reader.end()
        self.writer.end()


def histogram(title, values, bounds, unit):
    lines = [f"  {title}:"]
    low = 0
    for high in [*bounds, None]:
        count = sum(1 for v in values if v >= low and (high is None or v < high))
        if count:
            name = f"{low}–{high}" if high is not None else f"{low} and more"
            lines.append(f"    {name + unit:>18} {count:5} {'#' * (count * 60 // max(1, len(values)))}")
        low = high
    return lines


def report(lives, file):
    lines = [f"{len(lives)} kills"]
    lines += histogram("kills, from the start of the process", [life[0] for life in lives],
                       [5, 10, 20, 30, 40, 60, 80, 100, 150, 200, 300, 500, 1000], " ms")
    after = [life[0] - life[1] for life in lives if life[1] is not None]
    lines += histogram("kills, from its first write", after, [1, 2, 5, 10, 20, 30, 40, 60, 80, 100, 150, 200, 300], " ms")
    lines += histogram("commits of the life", [life[2] for life in lives], [1, 2, 3, 5, 10, 20, 50, 100], "")
    busy = sum(1 for life in lives if life[3])
    lines.append(f"  between first write and last commit: {busy} of {len(lives)} ({100 * busy / len(lives):.0f} %)")
    judge.say("\n".join(lines), file)
    return busy / len(lives)


def one_round(options, seed, kills, all_lives):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="leat-kill-", dir=options.dir)).resolve()
    good = False
    round_ = Round(options, directory, seed)
    try:
        round_.first_life()
        for number in range(kills):
            round_.life(number)
        round_.drain()
        all_lives += round_.lives
        judge.say(f"seed {seed}: {kills} kills, {round_.writer.written} lines, {round_.writer.rotations} rotations, "
                  f"{round_.down_rotations} of them while nobody read", options.report)
        findings = judge.judge(options.leat, round_.reader.database, directory / "journal", ZONE)
        findings.say(options.report)
        good = not findings.problems
    except Ended as ended:
        print(f"seed {seed}\n  WRONG: {ended}", flush=True)
    finally:
        round_.end()
        if good and not options.keep:
            shutil.rmtree(directory)
        else:
            print(f"  kept: {directory}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leat", default=str(ROOT / "build/release/leat"))
    parser.add_argument("--kills", type=int, default=120, help="in each round")
    parser.add_argument("--rounds", type=int, default=1, help="each with a new log and a new database")
    parser.add_argument("--seed", type=int, default=None, help="of the first round; the default is the time")
    parser.add_argument("--dir", default=None, help="where the folder of a round is made")
    parser.add_argument("--report", default=None, help="a file that gets the figures too")
    parser.add_argument("--keep", action="store_true", help="keep the folders also of good rounds")
    options = parser.parse_args()

    seed = options.seed if options.seed is not None else int(time.time())
    lives, bad = [], 0
    if options.report:
        pathlib.Path(options.report).unlink(missing_ok=True)
    try:
        for number in range(options.rounds):
            bad += not one_round(options, seed + number, options.kills, lives)
    except Trouble as trouble:
        print(f"kill_loop: {trouble}", file=sys.stderr)
        return 2
    share = report(lives, options.report)
    if share < 0.8:
        print("kill_loop: fewer than 80 % of the kills found it busy: this proves too little", file=sys.stderr)
        return 2
    print("every line is there once" if not bad else f"{bad} of {options.rounds} rounds went wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
