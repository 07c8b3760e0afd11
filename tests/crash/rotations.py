#!/usr/bin/env python3
"""Kills leat again and again while `leat generate web-log` writes and rotates a log, then judges what it has stored.

  rotations.py [--leat build/release/leat] [--kills 112] [--seed N] [--keep] [MODE...]

Producer: the generator, a process of its own, with each of its rotations (MODES). Under test: `leat logs` and `leat run`
in turns. Judge: truncations.py and judge.py. The kills are shared out among the modes.

A life of leat ends at a random moment with SIGKILL; then nobody reads for a random time, in which the log is sometimes
rotated several times. At the end leat reads the rest and is stopped as a user stops it.

Exit status: 0 every line is there once (but for what a truncation took before it could be read), 1 not, 2 the test itself
could not work.
"""

import argparse
import dataclasses
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import judge  # noqa: E402
import truncations  # noqa: E402
from reader import ZONE, Ended, Reader, Trouble  # noqa: E402


@dataclasses.dataclass
class Mode:
    rotation: list
    rate: int = 3000  # lines a second
    every: int = 3000  # lines from rotation to rotation
    files: tuple = ("access.log",)
    may_lose: bool = False
    longest_down: float = 0.6  # seconds; now and then much longer
    quick: bool = False  # commits at once


MODES = {
    "rename": Mode(["rename"]),
    "dateext": Mode(["rename", "--dateext"], files=("access.log*",)),
    "delaycompress": Mode(["rename", "--delaycompress"]),
    "compress": Mode(["rename", "--dateext", "--compress"], files=("access.log*",)),
    "alternate": Mode(["alternate"], rate=200, every=100, files=("log_a.txt", "log_b.txt"), longest_down=0.15, quick=True),
    "copytruncate": Mode(["copytruncate"], may_lose=True),
    "copytruncate-compress": Mode(["copytruncate", "--delaycompress"], files=("access.log*",), may_lose=True),
    "truncate": Mode(["truncate"], may_lose=True),
    # Truncated and longer than before between two looks.
    "truncate-fast": Mode(["truncate"], rate=6000, every=500, may_lose=True),
}


class Generator:
    def __init__(self, leat, folder, mode, seed):
        self.copy = folder / "all.txt"
        self.out = folder / "logs"
        self.out.mkdir()
        for name in ("log_a.txt", "log_b.txt") if mode.rotation[0] == "alternate" else ("access.log",):
            (self.out / name).touch()
        self.process = None
        self.command = [leat, "generate", "web-log", "--out", self.out, "--copy", self.copy, "--lines", "0", "--rate",
                        f"{mode.rate}/s", "--rotate-every", str(mode.every), "--rotation", *mode.rotation, "--seed",
                        str(seed), "--clock", "2026-10-24T20:00:00Z"]
        if mode.rotation[0] in ("rename", "copytruncate") and "--dateext" not in mode.rotation:
            self.command += ["--keep", "900"]

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            raise Trouble(f"the generator ended with status {self.process.returncode}")
        return self.copy.read_bytes().count(b"\n")

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Round:
    def __init__(self, options, folder, name, seed):
        self.mode = MODES[name]
        self.random = random.Random(f"{name} {seed}")
        self.generator = Generator(options.leat, folder, self.mode, seed)
        files = [self.generator.out / file for file in self.mode.files]
        self.reader = Reader(options.leat, folder, files, self.random)
        self.down = 0.0

    def start(self, number):
        if self.mode.quick:
            self.reader.start(self.reader.run_often((1, 40), ("5ms", "20ms")))
        else:
            self.reader.start(self.reader.logs() if number % 3 == 0 else self.reader.run_often())

    def first_life(self):
        """Until it has a position: a log of which leat has none yet is read from the file that is named."""
        self.start(0)
        time.sleep(0.3)
        self.generator.start()
        self.reader.wait_for_first_commit()

    def life(self, number):
        if number > 0:
            self.start(number)
        early = self.random.random() < 0.1
        time.sleep(self.random.random() * (0.06 if early else 1.2))
        self.reader.kill()
        if self.generator.process.poll() is not None:
            raise Trouble("the generator has ended")
        down = self.random.random() * self.mode.longest_down
        if not self.mode.quick and self.random.random() < 0.1:
            down += 2.5
        time.sleep(down)
        self.down += down

    def drain(self):
        self.start(0)
        time.sleep(1)
        written = self.generator.stop()
        self.reader.wait_for(written, still=5 if self.mode.may_lose else 20)
        self.reader.stop()
        for _ in range(2):  # the second one finds nothing
            self.reader.once()

    def end(self):
        self.reader.end()
        self.generator.end()


def one_round(options, name, seed, kills):
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"leat-{name}-", dir=options.dir))
    begun = time.monotonic()
    good, missing = False, 0
    round_ = Round(options, folder, name, seed)
    try:
        round_.first_life()
        for number in range(kills):
            round_.life(number)
        round_.drain()
        judge.say(f"{name}, seed {seed}: {kills} kills, nobody read for {round_.down:.1f} of "
                  f"{time.monotonic() - begun:.1f} seconds", options.report)
        findings, missing = truncations.judge_generated(options.leat, round_.reader.database, round_.generator.out,
                                                        round_.generator.copy, round_.reader.lives, ZONE)
        if missing and not round_.mode.may_lose:
            findings.problem(f"{missing} lines lost, but each file lived longer than nobody read")
        findings.say(options.report)
        good = not findings.problems
    except Ended as ended:
        print(f"{name}, seed {seed}\n  WRONG: {ended}", flush=True)
    finally:
        round_.end()
        if good and not options.keep:
            shutil.rmtree(folder)
        else:
            print(f"  kept: {folder}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leat", default=str(ROOT / "build/release/leat"))
    parser.add_argument("--kills", type=int, default=112, help="of all modes together")
    parser.add_argument("--round", type=int, default=50, help="kills of a mode before it begins anew")
    parser.add_argument("--seed", type=int, default=None, help="the default is the time")
    parser.add_argument("--dir", default=None, help="where the folders of the rounds are made")
    parser.add_argument("--report", default=None, help="a file that gets the figures too")
    parser.add_argument("--keep", action="store_true", help="keep the folders also of good rounds")
    parser.add_argument("mode", nargs="*")
    options = parser.parse_args()
    for name in options.mode:
        if name not in MODES:
            parser.error(f"the modes are: {', '.join(MODES)}")

    names = options.mode or list(MODES)
    seed = options.seed if options.seed is not None else int(time.time())
    left = {name: (options.kills + len(names) - 1) // len(names) for name in names}
    kills = rounds = bad = 0
    if options.report:
        pathlib.Path(options.report).unlink(missing_ok=True)
    try:
        while any(left.values()):
            for name in names:
                count = min(left[name], options.round)
                if count == 0:
                    continue
                left[name] -= count
                bad += not one_round(options, name, seed + rounds, count)
                kills += count
                rounds += 1
    except Trouble as trouble:
        print(f"rotations: {trouble}", file=sys.stderr)
        return 2
    judge.say(f"{kills} kills in {rounds} rounds: " +
              ("every line is there once" if not bad else f"{bad} rounds went wrong"), options.report)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
