"""Cases of tests/http over another sink: what an HTTP API asks of a sink that a file does not. A page comes again with other records after a
cut, rows are merged from windows that overlap, and rows that a full pull does not have any more go."""

import pathlib
import sys
import tomllib

from bench import Wrong

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import http_source  # noqa: E402

CASES = ("changed_after_cut", "changed_after_cut_xml", "changed_after_cut_merge", "lead_changed_after_cut", "cut_six_times", "duplicates_ignored",
         "duplicates_merged", "misfit_xml", "window_lookback", "snapshot_replace", "reconcile_windows", "reconcile_changed_meanwhile",
         "reconcile_failed", "reconcile_rejects")


class Case(http_source.Run):
    def __init__(self, bench, path):
        self.target = bench.sink
        super().__init__(bench.options.leat, path, bench.folder)
        self.env |= bench.sink.environment()

    def sink(self):
        return self.target.config()

    def is_there(self):
        return bool(self.found_rows())

    def found_rows(self):
        columns = list(self.row_of(next(iter(self.ever.values()))))
        return [dict(zip(columns, row)) for row in self.target.rows("items", columns)]

    def found_rejects(self):
        return [row[2] for row in self.target.rejects("items")]

    def found_vanished(self):
        return self.target.vanished()


def usable(path, sink):
    text = path.read_text()
    mode = tomllib.loads(tomllib.loads(text).get("pipeline", "")).get("write", "append")
    if "again" in sink.cannot and "changed" in path.name:
        return False
    return not {mode, "newest" if "newest" in text else mode, "reconcile" if "reconcile" in text else mode} & set(sink.cannot)


def check(bench):
    """Pages that change, duplicates, replaced and reconciled tables, from an API that fails."""
    paths = [path for path in (http_source.CASES / f"{name}.toml" for name in CASES) if usable(path, bench.sink)]
    for path in paths:
        bench.fresh(path.stem)
        case = Case(bench, path)
        case.run()
        if case.problems:
            raise Wrong(f"{path.stem}: {'; '.join(case.problems)}; {case.said['stderr'][-500:]}")
    bench.facts.append(f"{len(paths)} cases")
