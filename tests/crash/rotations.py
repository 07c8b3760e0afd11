#!/usr/bin/env python3
"""Kills leat again and again while `leat generate web-log` writes and rotates a log, then judges what it has stored.

  rotations.py [--leat build/release/leat] [--kills 112] [--seed N] [--keep] [MODE...]

Producer: the generator, a process of its own, with each of its rotations (MODES). Under test: `leat logs` and `leat run`
in turns. Judge: truncations.py and judge.py. The kills are shared out among the modes.

A life of leat ends at a random moment with SIGKILL; then nobody reads for a random time, in which the log is sometimes
rotated several times. In some modes it is stopped and goes on now and then (SIGSTOP, SIGCONT), so that a log that was
truncated can be longer than before when it looks again. At the end leat reads the rest and is stopped as a user stops it.

Exit status: 0 every line is there once (but for what a truncation took before it could be read), 1 not, 2 the test itself
could not work.
"""

import dataclasses
import pathlib
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import judge  # noqa: E402
import rounds  # noqa: E402
import truncations  # noqa: E402
from reader import ZONE, Reader, Trouble  # noqa: E402

QUICK = 0.2  # seconds: what a reader that commits at once needs, on a busy machine


@dataclasses.dataclass
class Mode:
    rotation: list
    rate: int = 3000  # lines a second
    every: int = 3000  # lines from rotation to rotation
    files: tuple = ("access.log",)
    may_lose: bool = False
    longest_down: float = 0.6  # seconds; now and then much longer
    pauses: int = 0  # in a life, each longer than a file's life
    quick: bool = False  # commits at once, and is only killed when it has; nothing may be lost in less than a file's life


MODES = {
    "rename": Mode(["rename"]),
    "dateext": Mode(["rename", "--dateext"], files=("access.log*",)),
    "delaycompress": Mode(["rename", "--delaycompress"]),
    "compress": Mode(["rename", "--dateext", "--compress"], files=("access.log*",)),
    "alternate": Mode(["alternate"], rate=200, every=100, files=("log_a.txt", "log_b.txt"), longest_down=0.36, quick=True),
    "copytruncate": Mode(["copytruncate"], may_lose=True),
    "copytruncate-compress": Mode(["copytruncate", "--delaycompress"], files=("access.log*",), may_lose=True),
    "truncate": Mode(["truncate"], may_lose=True),
    # Truncated and longer than before between two looks.
    "truncate-fast": Mode(["truncate"], rate=6000, every=500, may_lose=True, pauses=2),
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
        self.down = self.longest_gap = 0.0
        self.killed_at = None

    def start(self, number):
        if self.mode.quick:
            self.reader.start(self.reader.run_often((1, 40), ("5ms", "20ms")))
            if self.killed_at is not None:  # what it was before it committed, it did for nobody
                self.reader.wait_for_next_commit()
                self.longest_gap = max(self.longest_gap, self.reader.begun - self.killed_at)
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
        stretch = self.random.random() * (0.06 if early else 1.2) / (self.mode.pauses + 1)
        time.sleep(stretch)
        for _ in range(self.mode.pauses):
            self.reader.pause((1 + self.random.random()) * self.mode.every / self.mode.rate)
            time.sleep(stretch)
        self.reader.look()
        self.reader.kill()
        self.killed_at = time.time()
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

    def judged(self):
        mode = self.mode
        findings, missing = truncations.judge_generated(
            self.generator.command[0], self.reader.database, self.generator.out, self.generator.copy, self.reader.lives, ZONE,
            *((QUICK, QUICK) if mode.quick else ()))
        if mode.quick:
            findings.fact(f"nobody read for {self.longest_gap:.2f} seconds at most")
        if missing and not mode.may_lose and self.longest_gap < mode.every / mode.rate - 0.1:
            findings.problem(f"{missing} lines lost, but each file lived {mode.every / mode.rate:.1f} seconds")
        return findings

    def end(self):
        self.reader.end()
        self.generator.end()


def one_round(options, name, seed, kills):
    begun = time.monotonic()
    with rounds.folder_of(options, name, seed) as folder:
        round_ = Round(options, folder.path, name, seed)
        try:
            round_.first_life()
            for number in range(kills):
                round_.life(number)
            round_.drain()
        finally:
            round_.end()
        judge.say(f"{name}, seed {seed}: {kills} kills, nobody read for {round_.down:.1f} of "
                  f"{time.monotonic() - begun:.1f} seconds", options.report)
        folder.judged(round_.judged())
    return folder.good


if __name__ == "__main__":
    sys.exit(rounds.run("rotations", rounds.options_of(__doc__, MODES, 112), one_round))
