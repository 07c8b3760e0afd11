"""The cases of tests/golden, run over another sink: the tables must be what their .csv files say."""

import collections
import json
import pathlib
import re
import shutil
import tomllib

from bench import Wrong, as_bytes

CASES = pathlib.Path(__file__).resolve().parent.parent / "golden"
SINK = re.compile(r'type = "sqlite"\npath = "out.db"')
AGGREGATE = re.compile(r"^\[aggregates\.[^\n]*\n(?:(?!\[)[^\n]*\n?)*|^standard_aggregates[^\n]*\n", re.MULTILINE)


def parse(text):
    """Lines of a golden CSV: cells that are texts, or None for NULL (nothing; the empty text is "")."""
    rows, cells, at = [], [], 0
    pattern = re.compile(r'("(?:[^"]|"")*"|[^,\n]*)(,|\n)')
    while at < len(text):
        match = pattern.match(text, at)
        cell, at = match.group(1), match.end()
        cells.append(cell[1:-1].replace('""', '"') if cell.startswith('"') else cell or None)
        if match.group(2) == "\n":
            rows.append(cells)
            cells = []
    return rows


def visible(value):
    """As the files show it: what is not printable as \\xHH, and the first 200 bytes."""
    out, taken = [], 0
    for char in as_bytes(value).decode(errors="surrogateescape"):
        if taken >= 200:
            return "".join(out) + "…"
        encoded = char.encode(errors="surrogateescape")
        taken += len(encoded)
        printable = " " <= char < "\x7f" or char >= "\xa0" and len(encoded) > 1
        out.append({"\n": "\\n", "\t": "\\t"}.get(char) or (char if printable else "".join(f"\\x{byte:02X}" for byte in encoded)))
    return "".join(out)


def cell(value):
    """A value of the sink as the text of a golden file; reals with the 15 digits that these have."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return real(value)
    return str(value) if isinstance(value, int) else visible(value)


def real(value):
    text = f"{value:.15g}"
    return text if any(char in text for char in ".en") else text + ".0"


def spelled_anew(text):
    """JSON as a target writes it that does not keep its blanks."""
    try:
        return json.dumps(json.loads(text)) if text and text[0] in "[{" else text
    except ValueError:
        return text


def same(what, found, wanted):
    row = lambda cells: tuple(map(spelled_anew, cells))
    found, wanted = collections.Counter(map(row, found)), collections.Counter(map(row, wanted))
    if found != wanted:
        raise Wrong(f"golden {what}: lost {list((wanted - found).elements())[:2]}, not expected {list((found - wanted).elements())[:2]}")


def compare(case, sink, folder):
    config = tomllib.loads((folder / "pipeline.toml").read_text())
    inside = lambda name: name.replace(f"{folder}/in/", "")
    expected = collections.deque(parse((case / "rows.csv").read_text()))
    header = None
    for name in sorted(config["pipelines"]):
        pipeline = config["pipelines"][name]
        table = pipeline["to"].split(".", 1)[1] if "." in pipeline["to"] else name
        header = expected.popleft()
        wanted = []
        while expected and expected[0][-1] != "part":
            wanted.append(expected.popleft())
        if "offset" in sink.cannot and "_offset" in header:
            at = header.index("_offset")
            for row in (header, *wanted):
                del row[at]
        columns = ["_part" if column == "part" else column for column in header]
        found = [[*map(cell, row[:-1]), inside(row[-1])] for row in sink.rows(table, columns)]
        same(f"{case.name}: {table}", found, wanted)
        rejects = [[str(row[0]), row[1], visible(row[2]), visible(row[3])] for row in sink.rejects(name)]
        if len(config["pipelines"]) == 1:
            same(f"{case.name}: rejects", rejects, [row[1:5] for row in parse((case / "rejects.csv").read_text())[1:]])
    if "aggregates" in sink.cannot:
        return
    for path in case.glob("*.csv"):
        if path.stem not in ("rows", "rejects"):
            header, *wanted = parse(path.read_text())
            same(f"{case.name}: {path.stem}", [list(map(cell, row)) for row in sink.rows(path.stem, header)], wanted)


def usable(case, sink):
    """Cases of errors speak of SQLite, and so do those that read its file as a table; modes may be refused."""
    text = (case / "pipeline.toml").read_text()
    if (case / "error").exists() or not SINK.search(text) or sink.name != "sqlite" and 'path = "out.db"\ntable' in text:
        return False
    modes = {pipeline.get("write", "append") for pipeline in tomllib.loads(text)["pipelines"].values()}
    return not (modes & set(sink.cannot)) and not ("upstream" in sink.cannot and 'type = "table"' in text) and \
        not ("provisional" in sink.cannot and has_open_end(case))


def has_open_end(case):
    """A last line without its end, in any step."""
    return any(path.read_bytes()[-1:] not in (b"", b"\n") for path in case.glob("in*/**/*") if path.is_file() and path.suffix not in (".gz", ".zst"))


def check(bench):
    """Each case as it is, step by step; a second run changes nothing; `verify` agrees."""
    cases = [case for case in sorted(CASES.iterdir()) if case.is_dir() and usable(case, bench.sink)]
    for case in cases:
        bench.fresh(case.name)
        folder = bench.folder
        text = SINK.sub(lambda _: bench.sink.config(), (case / "pipeline.toml").read_text())
        if "aggregates" in bench.sink.cannot:
            text = AGGREGATE.sub("", text)
        (folder / "pipeline.toml").write_text(text)
        for step in ["in", *(f"in{number}" for number in range(2, 10))]:
            if not (case / step).is_dir():
                break
            lay_over(case / step, folder / "in")
            bench.run("pipeline.toml")
            bench.verify("pipeline.toml")
        compare(case, bench.sink, folder)
        bench.run("pipeline.toml")
        compare(case, bench.sink, folder)
        shutil.rmtree(folder)
    bench.facts.append(f"{len(cases)} cases")


def lay_over(source, target):
    """In place, so that a file keeps its inode."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            file = target / path.relative_to(source)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(path.read_bytes())
