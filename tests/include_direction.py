#!/usr/bin/env python3
"""Fails on any #include in src/ that the direction of rooms does not allow (src/README.md has the same table)."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

ARROWS = {
    "app": "catalog server engine sources decoders sinks transforms aggregates expressions flow config db lookup os data base",
    "server": "engine flow os",
    "catalog": "sources decoders transforms sinks",
    "engine": "flow aggregates os",
    "sources": "flow os config db",
    "sinks": "flow os config db aggregates",
    "decoders": "flow config",
    "transforms": "flow expressions",
    "aggregates": "flow expressions",
    "expressions": "data config lookup",
    "db": "os data",
    "flow": "data",
    "config": "base",
    "lookup": "base",
    "os": "base",
    "data": "base",
    "base": "",
}

# Contracts only: these rooms may not name what the arrows would reach through another room.
HIDDEN = {
    "engine": {"config", "expressions", "lookup", "db"},
    "server": {"config", "expressions", "lookup", "db", "aggregates"},
}

# Headers of which each may be included by one file only, because they are slow to compile.
ALONE = [r"CLI/.*", r"toml\+\+/.*", r"toml.hpp", r"nlohmann/.*", r"boost/beast.*"]


def reach(room):
    seen, todo = set(), [room]
    while todo:
        for target in ARROWS[todo.pop()].split():
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen - HIDDEN.get(room, set())


def main():
    errors = []
    alone = {pattern: set() for pattern in ALONE}
    files = sorted(p for p in (ROOT / "src").rglob("*") if p.suffix in (".h", ".cpp"))
    for path in files:
        room = path.relative_to(ROOT / "src").parts[0]
        is_test = path.name.endswith("_test.cpp")
        if room not in ARROWS:
            errors.append(f"{path.relative_to(ROOT)}: room '{room}' is not in the table of tests/include_direction.py")
            continue
        allowed = reach(room) | {room}
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if not match:
                continue
            quote, target = match.groups()
            where = f"{path.relative_to(ROOT)}:{number}"
            if quote == "<":
                for pattern in ALONE:
                    if re.fullmatch(pattern, target):
                        alone[pattern].add(str(path.relative_to(ROOT)))
                continue
            first = target.split("/")[0]
            if is_test and first == "tests":
                continue
            if "/" not in target or not (ROOT / "src" / target).is_file():
                errors.append(f'{where}: "{target}" is not a file below src/')
            elif first not in allowed:
                errors.append(f"{where}: room '{room}' may not include \"{target}\" (src/README.md)")
    for pattern, users in alone.items():
        if len(users) > 1:
            errors.append(f"<{pattern}> is slow to compile and included by more than one file: {', '.join(sorted(users))}")
    for error in errors:
        print(error, file=sys.stderr)
    print(f"{len(files)} files, {len(errors)} forbidden includes")
    return 1 if errors or not files else 0


if __name__ == "__main__":
    sys.exit(main())
