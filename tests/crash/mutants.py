#!/usr/bin/env python3
"""Builds leat with each fault of mutants/*.patch put in, and runs on it the tests that have to find it: all have to fail.

  mutants.py [NAME...]

A test that never fails proves nothing. The first lines of a patch say what the fault is, and which tests find it with how
many kills. A patch that no longer fits the code is a failure here: bring it up to date. leat itself has to be built.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build/mutants"


def run(command, where):
    return subprocess.run(command, cwd=where, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          shell=isinstance(command, str))


def build(name, patch, built):
    """The path of the leat with the fault, or None with the reason told. Only the files of the patch are compiled."""
    out = BUILD / name
    shutil.rmtree(out, ignore_errors=True)
    files = re.findall(r"^\+\+\+ b/(src/\S+\.cpp)", patch.read_text(), re.MULTILINE)
    for file in files:
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / file).is_file():
            shutil.copy2(ROOT / file, out / file)
    done = run(["patch", "-p1", "--fuzz=2", "--no-backup-if-mismatch", "-i", str(patch)], out)
    if not files or done.returncode != 0:
        print(f"{patch.relative_to(ROOT)} no longer fits the code:\n{done.stdout}{done.stderr}", file=sys.stderr)
        return None
    commands = {entry["file"]: entry["command"] for entry in json.loads((built / "compile_commands.json").read_text())}
    # The archive's own copy of a file is not linked when an object before it defines the same.
    link = run(["ninja", "-t", "commands", "leat"], built).stdout.strip().split("\n")[-1]
    steps, objects = [], []
    for number, file in enumerate(files):
        objects.append(str(out / f"{number}.o"))
        command = commands[str(ROOT / file)].replace(str(ROOT / file), str(out / file))
        steps.append(re.sub(r" -o \S+", f" -o {objects[-1]}", command))
    steps.append(link.replace(" -o leat ", f" {' '.join(objects)} -o {out / 'leat'} "))
    for step in steps:
        done = run(step, built)
        if done.returncode != 0:
            print(f"mutant {name} cannot be built:\n{step}\n{done.stdout[-2000:]}{done.stderr[-2000:]}", file=sys.stderr)
            return None
    return out / "leat"


def finds(test, leat, options, folder):
    """True when this test fails as it should, with one seed of three: kills are random, and so is what they hit."""
    return any(finds_with(test, leat, options, folder, options.seed + i) for i in range(3))


def finds_with(test, leat, options, folder, seed):
    done = subprocess.run(["/usr/bin/python3", HERE / test[0], "--leat", leat, "--seed", str(seed), "--dir", folder,
                           *test[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    wrong = [line.strip() for line in done.stdout.split("\n") if "WRONG" in line]
    for kept in folder.glob("leat-*"):
        shutil.rmtree(kept)
    # Status 2 would say that the test could not work: that is not finding the fault.
    if done.returncode == 1 and any("lost" in line or "doubled" in line or "suite.py" in test[0] for line in wrong):
        print(f"  {' '.join(test)}: found, as it should be: {wrong[0]}" + (f" (and {len(wrong) - 1} more)" if wrong[1:] else ""),
              flush=True)
        return True
    print(f"  {' '.join(test)}: NOT FOUND, status {done.returncode}\n{done.stdout}{done.stderr}", flush=True)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="where leat is built")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("name", nargs="*")
    options = parser.parse_args()

    patches = {p.stem: p for p in sorted((HERE / "mutants").glob("*.patch"))}
    if not patches or any(name not in patches for name in options.name):
        parser.error(f"the mutants are: {', '.join(patches)}")
    bad = 0
    for name in options.name or patches:
        print(f"mutant {name}", flush=True)
        tests = re.search(r"^Found by: (.+)$", patches[name].read_text(), re.MULTILINE)
        leat = build(name, patches[name], options.build.resolve())
        if leat is None or tests is None:
            bad += 1
            continue
        found = [finds(test.split(), leat, options, BUILD / name) for test in tests.group(1).split("; ")]
        bad += not all(found)
    print(f"{len(options.name or patches) - bad} mutants found" + (f", {bad} not" if bad else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
