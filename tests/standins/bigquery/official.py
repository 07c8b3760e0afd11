#!/usr/bin/env python3
"""The stand-in against the official Node client (client/package-lock.json): what that one takes for BigQuery is as good as it.

  official.py FOLDER    FOLDER is where the client is installed, once for each lock file

Status 77: there is no npm, or it cannot be installed here.
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys

from standin import BigQuery

CLIENT = pathlib.Path(__file__).resolve().parent / "client"


def installed(folder):
    """Where the client is; None: it cannot be had."""
    lock = (CLIENT / "package-lock.json").read_bytes()
    place = folder / hashlib.sha256(lock).hexdigest()[:16]
    if not (place / "ready").exists():
        if not shutil.which("npm"):
            return None
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(CLIENT / name, place)
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=place, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stderr[-2000:], file=sys.stderr)
            return None
        (place / "ready").touch()
    for name in ("official.js", "read_back.js"):
        shutil.copy(CLIENT / name, place)
    return place


def main():
    place = installed(pathlib.Path(sys.argv[1]).resolve())
    if place is None:
        print("official.py: skipped: the official client cannot be installed here", file=sys.stderr)
        return 77
    with BigQuery() as server:
        return subprocess.run(["node", "official.js", server.url], cwd=place, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
