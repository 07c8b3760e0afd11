#!/usr/bin/env python3
"""Fails on any C++ file that clang-format would change. `script/format` changes them."""

import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    if not shutil.which("clang-format"):
        print("no clang-format here (script/setup --tests installs it)")
        return 77  # skipped
    files = sorted(p for top in ("src", "tests", "bench") for p in (ROOT / top).rglob("*")
                   if p.suffix in (".h", ".cpp") and p.is_file())
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], cwd=ROOT, check=False)
    print(f"{len(files)} files looked at")
    return 1 if done.returncode or not files else 0


if __name__ == "__main__":
    sys.exit(main())
