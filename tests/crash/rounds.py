"""Rounds of kills: their options, their folders, and their sum. Used by rotations.py and real_nginx.py."""

import argparse
import contextlib
import pathlib
import shutil
import sys
import tempfile
import time

import judge
from reader import Ended, Trouble

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def options_of(about, modes, kills):
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leat", default=str(ROOT / "build/release/leat"))
    parser.add_argument("--kills", type=int, default=kills, help="of all modes together")
    parser.add_argument("--round", type=int, default=50, help="kills of a mode before it begins anew")
    parser.add_argument("--seed", type=int, default=None, help="the default is the time")
    parser.add_argument("--dir", default=None, help="where the folders of the rounds are made")
    parser.add_argument("--report", default=None, help="a file that gets the figures too")
    parser.add_argument("--keep", action="store_true", help="keep the folders also of good rounds")
    parser.add_argument("mode", nargs="*")
    options = parser.parse_args()
    for name in options.mode:
        if name not in modes:
            parser.error(f"the modes are: {', '.join(modes)}")
    options.mode = options.mode or list(modes)
    return options


class Folder:
    """Of one round."""

    def __init__(self, options, mode):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f"leat-{mode}-", dir=options.dir)).resolve()
        self.good = False
        self.report = options.report

    def judged(self, findings):
        findings.say(self.report)
        self.good = not findings.problems


@contextlib.contextmanager
def folder_of(options, mode, seed):
    """It goes when the round was good. That leat ended by itself is what the round has found."""
    folder = Folder(options, mode)
    try:
        yield folder
    except Ended as ended:
        print(f"{mode}, seed {seed}\n  WRONG: {ended}", flush=True)
    finally:
        if folder.good and not options.keep:
            shutil.rmtree(folder.path)
        else:
            print(f"  kept: {folder.path}", flush=True)


def run(program, options, one_round):
    """The kills shared out among the modes. `one_round(options, mode, seed, kills)` says whether all was well. Returns the
    exit status."""
    seed = options.seed if options.seed is not None else int(time.time())
    left = {mode: (options.kills + len(options.mode) - 1) // len(options.mode) for mode in options.mode}
    kills = rounds = bad = 0
    if options.report:
        pathlib.Path(options.report).unlink(missing_ok=True)
    try:
        while any(left.values()):
            for mode in options.mode:
                count = min(left[mode], options.round)
                if count == 0:
                    continue
                left[mode] -= count
                bad += not one_round(options, mode, seed + rounds, count)
                kills += count
                rounds += 1
    except Trouble as trouble:
        print(f"{program}: {trouble}", file=sys.stderr)
        return 2
    judge.say(f"{kills} kills in {rounds} rounds: " +
              ("every line is there once" if not bad else f"{bad} rounds went wrong"), options.report)
    return 1 if bad else 0
