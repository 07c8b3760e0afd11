#!/usr/bin/env python3
"""docs_check.py LEAT: the reference says what the program says.

Every option, default, choice and function of `leat list --json` stands in docs/configuration.md, every option of
`leat COMMAND --help` in that command's section of docs/commands.md, and neither page names one that is not there.
examples/*.toml and the first example of docs/configuration.md pass `leat check`. Links in docs/*.md lead somewhere.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROBLEMS = []


def problem(text):
    PROBLEMS.append(text)
    print(text, file=sys.stderr)


def leat(*arguments):
    return subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, check=False,
                          env={**os.environ, "HOME": "/nonexistent", "API_USER": "user", "API_PASSWORD": "secret"})


def section(text, heading):
    """What stands below a heading, up to the next one of its level or above."""
    match = re.search(rf"^(#+) {re.escape(heading)}$(.*?)(?=^#{{1,6}} |\Z)", text, re.M | re.S)
    if match is None:
        problem(f"there is no heading '{heading}'")
        return ""
    level = len(match.group(1))
    start = match.start(2)
    end = re.compile(rf"^#{{1,{level}}} ", re.M).search(text, start)
    return text[start:end.start() if end else len(text)]


def flat(options, prefix=""):
    for option in options:
        yield prefix + option["name"], option
        yield from flat(option["options"], prefix + option["name"] + ".")


def check_options(text, heading, options, first_only=True):
    body = section(text, heading)
    if first_only:
        body = re.split(r"^#", body, flags=re.M)[0]
    rows = {m.group(1): m.group(0) for m in re.finditer(r"^\| `([a-z_.]+)` \|.*$", body, re.M)}
    known = dict(flat(options))
    for name, option in known.items():
        row = rows.get(name)
        if row is None:
            problem(f"configuration.md, '{heading}': option '{name}' is missing")
            continue
        cells = [cell.strip() for cell in row.split("|")]
        if option["required"] != (cells[3] == "required"):
            problem(f"configuration.md, '{heading}': '{name}' is required: {option['required']}")
        if option["default"] is not None and option["default"] not in cells[3]:
            problem(f"configuration.md, '{heading}': the default of '{name}' is {option['default']}")
        for choice in option["choices"]:
            if f"`{choice}`" not in cells[2]:
                problem(f"configuration.md, '{heading}': the choice '{choice}' of '{name}' is missing")
    for name in rows:
        if name not in known:
            problem(f"configuration.md, '{heading}': there is no option '{name}'")


def check_configuration():
    text = (ROOT / "docs/configuration.md").read_text()
    known = json.loads(leat("list", "--json").stdout)
    for kinds in ("sources", "decoders", "transforms", "sinks"):
        for kind in known[kinds]:
            check_options(text, f'`type = "{kind["name"]}"`', kind["options"])
    check_options(text, "Pipelines", known["pipeline"])
    check_options(text, "Aggregates", known["aggregate"])
    check_options(text, "Serve", known["serve"])
    check_options(text, "Served tables", known["served_table"])
    expressions = section(text, "Expressions")
    measures = section(text, "Aggregates")
    for function in known["functions"]:
        signature, help_text = function["help"].split("): ", 1)
        if function["measure"]:
            if f"`{signature})`" not in measures:
                problem(f"configuration.md: the measure {signature}) is missing")
        elif f"| `{signature})` | {help_text} |" not in expressions:
            problem(f"configuration.md: the function is missing or another: | `{signature})` | {help_text} |")
    names = {function["name"] for function in known["functions"]}
    for name in re.findall(r"`([a-z_]+)\(", expressions + measures):
        if name not in names:
            problem(f"configuration.md: there is no function {name}()")
    example = re.search(r"```toml\n(.*?)```", text, re.S).group(1)
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(example)
        file.flush()
        check_file(file.name)


def check_file(path):
    done = leat("check", str(path))
    if done.returncode != 0:
        problem(f"{path} does not pass `leat check`:\n{done.stderr}")


def check_commands():
    text = (ROOT / "docs/commands.md").read_text()
    commands = re.findall(r"^  ([a-z]+) ", leat("--help").stdout.split("commands:")[1].split("\n\n")[0], re.M)
    if len(commands) < 6:
        problem(f"leat --help names only {commands}")
    for command in commands:
        body = section(text, f"leat {command}")
        said = set(re.findall(r"^  (--[a-z-]+)", leat(command, "--help").stdout, re.M)) - {"--help"}
        written = set(re.findall(r"(?<!-)--[a-z][a-z-]*", body))
        for option in sorted(said - written):
            problem(f"commands.md: {option} of leat {command} is missing")
        for option in sorted(written - said):
            problem(f"commands.md: leat {command} has no {option}")
    for command in re.findall(r"^## leat ([a-z]+)", text, re.M):
        if command not in commands:
            problem(f"commands.md: there is no command '{command}'")


def check_links():
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                problem(f"{page.relative_to(ROOT)}: the link to {target} leads nowhere")


def main():
    check_configuration()
    check_commands()
    check_links()
    examples = sorted((ROOT / "examples").glob("*.toml"))
    for path in examples:
        check_file(path)
    print(f"{len(examples)} examples, {len(PROBLEMS)} problems")
    return 1 if PROBLEMS or not examples else 0


if __name__ == "__main__":
    sys.exit(main())
