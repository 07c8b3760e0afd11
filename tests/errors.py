#!/usr/bin/env python3
"""Holds the text of every message that a user can cause: runs the cases of tests/errors/ and compares.

  errors.py LEAT [CASE...]              runs all cases, or those named
  errors.py --rewrite LEAT [CASE...]    writes what was found as what is expected; look at the difference before you commit

A case is a folder. Its files are copied to an empty folder, where each line of `args` is given to leat. A line may begin
with [until TEXT]: leat is stopped with SIGINT once TEXT was said on stderr. `setup.py`, if there is one, runs there first;
its function before(n) is called before the n-th line, from 0, after() at the end; LEAT is the program.
A file `unprivileged` makes leat run without root's rights. Expected are `stdout`, `stderr` and `status` (a line each).
"""

import argparse
import difflib
import os
import pathlib
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent / "errors"
EXPECTED = ("stdout", "stderr", "status")
LONGEST_SECONDS = 60
NOBODY = 65534

# What differs from run to run and from machine to machine.
NORMAL = [
    (re.compile(r"pid \d+ on [\w.-]+( \(started \d+ boot [0-9a-f]*\))?"), "PID"),
    (re.compile(r"time=\S+Z"), "time=T"),
    (re.compile(r"(listening on \S+:)\d+"), r"\1PORT"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? UTC \([^)]*\)"), "TIME UTC (AGO)"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$", re.M), "TIME UTC"),
    (re.compile(r" +(just now|\d+s ago)$", re.M), "  AGO"),
    (re.compile(r'"at":"[^"]*"'), '"at":TIME'),
    (re.compile(r"\b\d+\.\d s$", re.M), "N s"),
    (re.compile(r"[\d,.kM]+ rows/s"), "N rows/s"),
    (re.compile(r'(rows_per_second"?[=:])[\d.e+]+'), r"\1N"),
    (re.compile(r'"(last_commit|started|ended|next_run)":"[^"]*"'), r'"\1":TIME'),
    (re.compile(r"next_run=\S+Z"), "next_run=T"),
]


def normal(text, folder):
    text = text.replace(folder, "DIR")
    for pattern, instead in NORMAL:
        text = pattern.sub(instead, text)
    return text


class Case:
    def __init__(self, leat, path):
        self.path = path
        self.leat = leat
        self.env = {"PATH": os.environ["PATH"], "TZ": "UTC", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
        self.user = {}
        if (path / "unprivileged").exists() and os.geteuid() == 0:
            self.user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}

    def run(self):
        with tempfile.TemporaryDirectory(prefix="leat-errors-") as folder:
            return self.run_in(pathlib.Path(folder))

    def run_in(self, folder):
        for entry in self.path.iterdir():
            if entry.name in EXPECTED + ("args", "setup.py", "unprivileged"):
                continue
            (shutil.copytree if entry.is_dir() else shutil.copyfile)(entry, folder / entry.name)
        for entry in [folder, *folder.rglob("*")]:
            os.chmod(entry, 0o777 if entry.is_dir() else 0o666)
        before = os.getcwd()
        os.chdir(folder)
        held = {}
        try:
            if (self.path / "setup.py").exists():
                held = runpy.run_path(str(self.path / "setup.py"), init_globals={"LEAT": self.leat})
            found = {"stdout": "", "stderr": "", "status": ""}
            for number, line in enumerate((self.path / "args").read_text().splitlines()):
                if "before" in held:
                    held["before"](number)
                status, out, err = self.call(line)
                found["stdout"] += normal(out, str(folder))
                found["stderr"] += normal(err, str(folder))
                found["status"] += f"{status}\n"
            return found
        finally:
            if "after" in held:
                held["after"]()
            os.chdir(before)

    def call(self, line):
        match = re.match(r"\[until ([^]]*)\] (.*)", line)
        arguments = shlex.split(match.group(2) if match else line)
        child = subprocess.Popen([self.leat, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=self.env, **self.user)
        timer = threading.Timer(LONGEST_SECONDS, child.kill)
        timer.start()
        try:
            if match is None:
                out, err = child.communicate()
            else:
                err = b""
                for said in child.stderr:
                    err += said
                    if match.group(1).encode() in said:
                        child.send_signal(signal.SIGINT)
                out = child.stdout.read()
                child.wait()
        finally:
            timer.cancel()
        return child.returncode, out.decode(errors="backslashreplace"), err.decode(errors="backslashreplace")

    def expected(self):
        return {name: (self.path / name).read_text() for name in EXPECTED if (self.path / name).exists()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rewrite", action="store_true")
    parser.add_argument("leat")
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    paths = sorted(path for path in HERE.iterdir() if path.is_dir() and (not options.cases or path.name in options.cases))
    failures = 0
    # Where everybody may run it from, whatever the rights of the build folder are.
    with tempfile.TemporaryDirectory(prefix="leat-program-") as program:
        os.chmod(program, 0o755)
        leat = shutil.copy(options.leat, program)
        dynamic = subprocess.run(["readelf", "-d", options.leat], capture_output=True, text=True, check=True).stdout
        for folder in "".join(re.findall(r"rpath: \[(.*)\]", dynamic)).split(":"):
            library = pathlib.Path(folder, "libduckdb.so")  # it looks beside itself first
            if library.is_absolute() and library.exists():
                os.chmod(shutil.copy(library, program), 0o755)
        for path in paths:
            case = Case(leat, path)
            found = case.run()
            if options.rewrite:
                for name in EXPECTED:
                    (path / name).write_text(found[name])
                continue
            expected = case.expected()
            for name in EXPECTED:
                if expected.get(name) == found[name]:
                    continue
                failures += 1
                print(f"{path.name}/{name}: {'is missing' if name not in expected else 'differs'}", file=sys.stderr)
                sys.stderr.writelines(difflib.unified_diff(expected.get(name, "").splitlines(True),
                                                           found[name].splitlines(True), "expected", "found"))
    print(f"{len(paths)} cases, {failures} differences")
    return 1 if failures or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
