"""What a sink must keep right while it writes: write modes, kills, calls that fail, a second writer, rows that are refused."""

import shutil
import signal
import threading
import time

import model
from bench import Wrong
from proxy import Proxy

KILLS = 4  # of a round, at most


class Modes:
    """Rounds of append, ignore and merge add lines to a file, the last one often without its end; each round of replace writes a new
    file in place of the old one. leat is killed at random moments, then started until it ends well."""

    def __init__(self, bench, mode):
        self.bench, self.mode, self.random = bench, mode, bench.random
        self.content = ""
        self.complete = None
        self.kills, self.longest = 0, 0.1  # how long a life may last, in seconds, is found on the way

    def write(self):
        most = self.bench.sink.lines
        lines = "".join(line + "\n" for line in self.bench.lines(self.random.randrange(most // 2, most), pad=700))
        self.content = lines if self.mode == "replace" else self.content + lines
        text = self.content
        if self.random.random() < 0.6 and "provisional" not in self.bench.sink.cannot:
            text = text[: self.random.choice([-1, -3, -20])]
        path = self.bench.folder / "in.ndjson"
        if self.mode == "replace":
            path.unlink(missing_ok=True)
        with open(path, "ab") as file:
            file.write(text.encode()[file.tell():])
        self.visible = text

    def expected(self):
        return model.Expected(self.mode, self.visible.rstrip("\n").split("\n"))

    def look(self, expected):
        """Readers of a table that is replaced never see a mix."""
        if self.mode == "replace" and self.complete is not None:
            found = model.order(self.bench.sink.rows("records", model.COLUMNS))
            if found not in (self.complete, expected.rows):
                raise Wrong(f"after a kill the table is neither the last complete pull nor the new one: {len(found)} rows")

    def round(self, kills):
        """At most so many kills."""
        self.write()
        expected = self.expected()
        for _ in range(kills):
            child = self.bench.start("run", "p.toml", "--once", "--quiet")
            time.sleep(self.random.random() * self.longest)
            busy = child.poll() is None
            child.kill()
            child.communicate()
            self.kills += busy
            self.longest = min(self.longest * 1.3, 5) if busy else self.longest * 0.7
            self.look(expected)
        self.bench.run()
        self.bench.matches(expected)
        self.bench.verify()
        self.complete = expected.rows

    def run(self):
        for name in (self.mode, "merge") if self.mode == "newest" else (self.mode,):
            if name in self.bench.sink.cannot:
                return refused(self.bench, name)
        self.bench.pipeline(self.mode, pipeline=f"raw = false\ncommit = {{ rows = {self.bench.sink.commit_rows} }}")
        self.round(0)
        wanted = self.bench.options.kills or self.bench.sink.kills
        while self.kills < wanted:
            self.round(min(KILLS, wanted - self.kills))
        self.round(0)
        self.bench.facts.append(f"{self.kills} kills while it ran, {len(self.complete)} rows")


def refused(bench, what, pipeline_of=None):
    """A pipeline that asks for what the sink cannot do: `check` says so, and a run writes nothing."""
    (pipeline_of or (lambda: bench.pipeline(what)))()
    bench.write(bench.lines(10))
    out, err = bench.leat("check", "p.toml", status=2)
    if bench.sink.cannot[what] not in out + err:
        raise Wrong(f"check says {out + err!r}, without {bench.sink.cannot[what]!r}")
    bench.run(status=2)
    if bench.sink.rows("records", model.COLUMNS):
        raise Wrong("a run that was refused has written rows")
    bench.facts.append(f"refused: {bench.sink.cannot[what]}")


def calls(bench):
    """The k-th write, sync, rename … under the sink's folder fails, or the process dies at it or in the middle of it."""
    if not bench.sink.files:
        bench.facts.append("not in files of this machine: see cuts")
        return
    lines = bench.lines(60, keys=20, pad=14000)  # three chunks, three commits
    bench.write(lines)
    before = bench.folder.parent / (bench.folder.name + "-before")
    shutil.copytree(bench.folder, before)
    fired = 0
    try:
        for how in ("error", "full", "kill", "tear"):
            mode = "newest" if how in ("error", "tear") and not {"merge", "newest"} & set(bench.sink.cannot) else "append"
            expected = model.Expected(mode, lines)
            step, k = 1, 1
            while True:
                empty(bench.folder)
                bench.sink.begin_again()
                shutil.copytree(before, bench.folder, dirs_exist_ok=True)
                bench.pipeline(mode, pipeline="raw = false\ncommit = { rows = 20 }")
                mark = bench.folder.parent / (bench.folder.name + "-mark")
                mark.unlink(missing_ok=True)
                status, _, err = bench.wait(bench.start("run", "p.toml", "--once", "--quiet", env={
                    "LD_PRELOAD": str(bench.options.shim), "FAIL_UNDER": str(bench.folder), "FAIL_AT": str(k), "FAIL_HOW": how,
                    "FAIL_MARK": str(mark)}))
                if not mark.exists():
                    break
                call = mark.read_text()
                mark.unlink()
                when = f"call {k} ({call}), {how}: "
                fired += 1
                if status != 0 and how in ("error", "full") and not err.strip():
                    raise Wrong(f"{when}status {status}, and nothing was said")
                if how in ("kill", "tear") and status != -signal.SIGKILL:
                    raise Wrong(f"{when}the process was not killed: {status} {err}")
                if status == 0:
                    bench.matches(expected, when)
                bench.run()
                bench.matches(expected, when)
                bench.verify()
                # Of a long sweep only some points: more of them at the beginning, where files are made.
                step = max(1, k * 2 * bench.sink.slowness // bench.options.points)
                k += bench.random.randrange(1, 2 * step) if step > 1 else 1
    finally:
        shutil.rmtree(before)
    if fired < 20:
        raise Wrong(f"only {fired} calls were seen: does the shim still fit?")
    bench.facts.append(f"{fired} calls of {k - 1} and of four kinds failed")


def cuts(bench):
    """The connection to the server is cut at the k-th message: before it, in the middle of it, or behind it, so that its answer is lost."""
    if bench.sink.server() is None:
        bench.facts.append("no server: see calls")
        return
    lines = bench.lines(60, keys=20, pad=14000)  # three chunks, three commits
    expected = model.Expected("append", lines)
    fired = 0
    for how in ("before", "half", "behind"):
        k = 1
        while True:
            bench.fresh(f"{how}-{k}")
            bench.write(lines)
            proxy = Proxy(bench.sink.server(), k, how)
            try:
                bench.pipeline(sink=bench.sink.through(proxy.port), pipeline="raw = false\ncommit = { rows = 20 }")
                status, _, err = bench.wait(bench.start("run", "p.toml", "--once", "--quiet"))
            finally:
                proxy.close()
            if not proxy.happened:
                break
            fired += 1
            when = f"message {k}, cut {how}: "
            if status == 0:
                bench.matches(expected, when)
            elif not err.strip():
                raise Wrong(f"{when}status {status}, and nothing was said")
            bench.pipeline(pipeline="raw = false\ncommit = { rows = 20 }")
            bench.run()
            bench.matches(expected, when)
            bench.verify()
            step = max(1, k * 12 // bench.options.points)
            k += bench.random.randrange(1, 2 * step) if step > 1 else 1
    if fired < 20:
        raise Wrong(f"only {fired} messages were seen")
    bench.facts.append(f"{fired} cuts, of {k - 1} messages in three ways")


def server_dies(bench):
    """The server crashes while leat works, and comes back: leat waits, asks where it is, and goes on."""
    if bench.sink.server() is None:
        bench.facts.append("no server")
        return
    bench.pipeline(pipeline=f"raw = false\ncommit = {{ rows = {bench.sink.commit_rows} }}")
    lines = []
    for number in range(3):
        lines += bench.lines(bench.sink.lines, pad=700)
        bench.write(lines)
        child = bench.start("run", "p.toml", "--once", "--quiet")
        time.sleep(0.05 + 0.1 * number * bench.random.random())
        bench.sink.crash()
        status, _, err = bench.wait(child)
        if status != 0:
            raise Wrong(f"leat did not wait for the server: {status} {err}")
        bench.matches(model.Expected("append", lines), f"crash {number}: ")
    bench.verify()


def empty(folder):
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def started(bench):
    """leat that follows its source, and has committed."""
    child = bench.start("run", "p.toml")
    patience = threading.Timer(bench.sink.timeout, child.kill)
    patience.start()
    said = ""
    while "event=commit" not in said:
        line = child.stderr.readline().decode()
        if not line:
            raise Wrong(f"leat has ended, or did not commit in {bench.sink.timeout} s: {said}")
        said += line
    patience.cancel()
    return child


def two_writers(bench):
    """A second process that runs the pipeline is refused, whether the first is at work or stopped; when the first has ended, or was
    killed, the next one goes on in its place."""
    bench.pipeline()
    lines = bench.lines(100)
    bench.write(lines)
    first = started(bench)
    if not bench.status()["running"]:
        raise Wrong("status does not say that it runs")
    for signal_ in (None, signal.SIGSTOP):
        if signal_:
            first.send_signal(signal_)
        _, err = bench.leat("run", "p.toml", "--once", "--quiet", status=1)
        if "records" not in err or str(first.pid) not in err:
            raise Wrong(f"the second one is refused without the pipeline and the process that runs it: {err}")
    first.send_signal(signal.SIGCONT)
    first.terminate()
    if (status := bench.wait(first)[0]) != 0:
        raise Wrong(f"the first one does not end well: {status}")
    bench.matches(model.Expected("append", lines))
    lines += bench.lines(100)
    bench.write(lines)
    second = started(bench)
    second.kill()
    second.communicate()
    lines += bench.lines(50)
    bench.write(lines)
    bench.run()
    bench.matches(model.Expected("append", lines))
    bench.verify()


def refused_rows(bench):
    """A row that the target itself refuses becomes a reject, and only that one. A sink that cannot take a batch back stops, and says so."""
    if bench.sink.cannot.get("refused", "") is None:
        bench.facts.append("the target refuses no row")
        return
    bench.pipeline(aggregates="", pipeline="" if bench.sink.knows_lines else "raw = true")
    line = lambda n: f'{{"id": "a", "n": {n}, "x": null, "at": null, "t": "ä"}}'
    bench.write([line(1)])
    bench.run()
    bench.sink.forbid_doubles("records", "n")
    numbers = [2, 3, 1, 4, 2, *range(5, 300), 3, 300]
    bench.write([line(n) for n in [1, *numbers]])
    if "refused" in bench.sink.cannot:
        _, err = bench.run(status=1)
        if bench.sink.cannot["refused"] not in err:
            raise Wrong(f"what is refused is said without {bench.sink.cannot['refused']!r}: {err}")
        bench.same("rows", bench.sink.rows("records", ("n",)), [(1,)])
        bench.verify()
        bench.sink.allow_doubles()
        bench.run()  # goes on where it stood
        bench.same("rows", bench.sink.rows("records", ("n",)), [(n,) for n in [1, *numbers]])
        bench.verify()
        bench.facts.append(f"stops: {bench.sink.cannot['refused']}")
        return
    bench.run()
    bench.same("rows", bench.sink.rows("records", ("n",)), [(n,) for n in range(1, 301)])
    bench.same("rejects", [(row[0], row[3]) for row in bench.sink.rejects("records")], 
               [(number if bench.sink.knows_lines else 0, line(n)) for number, n in ((4, 1), (6, 2), (302, 3))])
    if not all(row[2] for row in bench.sink.rejects("records")):
        raise Wrong("a reject without a reason")
    bench.verify()


def schema(bench):
    """A column that is declared later is added behind the others, NULL in the rows that are there; another type is refused."""
    columns = lambda more: f'format = {{ type = "json", columns = {{ id = "/id", n = {{ path = "/n", type = "integer" }}{more} }} }}'
    bench.pipeline(format_=columns(""), aggregates="")
    bench.write(['{"id": "a", "n": 1}'])
    bench.run()
    bench.pipeline(format_=columns(', extra = { path = "/e", type = "real" }, "Straße \\"1\\"" = "/s"'), aggregates="")
    bench.write(['{"id": "a", "n": 1}', '{"id": "b", "n": 2, "e": 0.5, "s": "x"}', '{"id": "c", "n": 3}'])
    bench.run()
    wanted = [("a", 1, None, None), ("b", 2, 0.5, "x"), ("c", 3, None, None)]
    bench.same("rows", bench.sink.rows("records", ("id", "n", "extra", 'Straße "1"'), {"extra": "real"}), wanted)
    bench.verify()
    bench.pipeline(format_=columns("").replace("integer", "text"), aggregates="")
    _, err = bench.leat("run", "p.toml", "--once", "--quiet", status=2)
    if "'n'" not in err:
        raise Wrong(f"another type is refused without the column: {err}")
    bench.same("rows", bench.sink.rows("records", ("id", "n", "extra", 'Straße "1"'), {"extra": "real"}), wanted)


def aggregates(bench):
    """Made with the rows, built later from rows that are there, built anew when their definition changes, dropped when they go."""
    if "aggregates" in bench.sink.cannot:
        return refused(bench, "aggregates", lambda: bench.pipeline(aggregates="\n" + model.AGGREGATE))
    for mode in ("append", "merge"):
        if mode in bench.sink.cannot:
            continue
        name = f"rows_{mode}"
        path = bench.folder / "in.ndjson"
        path.unlink(missing_ok=True)
        own = lambda text: text.replace("per_hour", f"hours_{mode}").replace('"records"', f'"{name}"')
        make = lambda text: bench.pipeline(mode, name=name, aggregates=own(text))
        lines = bench.lines(400, keys=60)
        check = lambda: bench.same(f"{mode}: per_hour", bench.sink.rows(f"hours_{mode}", model.AGGREGATE_COLUMNS),
                                   model.aggregate(model.Expected(mode, lines).rows))
        make("")
        bench.write(lines)
        bench.run()
        make(model.AGGREGATE)
        bench.run()
        check()  # from the rows that are there
        lines += bench.lines(400, keys=60)
        bench.write(lines)
        bench.run()
        check()
        bench.verify()
        make(model.AGGREGATE.replace('"sum(n)"', '"max(n)"'))
        bench.run()
        rows = model.Expected(mode, lines).rows
        bench.same(f"{mode}: changed", bench.sink.rows(f"hours_{mode}", ("hits", "total")),
                   [(bucket[1], max((row[1] for row in rows if row[1] is not None and (row[3] and row[3][:13]) == bucket[0]), default=None))
                    for bucket in model.aggregate(rows)])
        make("")
        bench.run()
        if bench.sink.rows(f"hours_{mode}", ("hits",)):
            raise Wrong(f"{mode}: an aggregate that is declared no more is still there")
        bench.verify()


CHECKS = {
    **{mode: (lambda bench, mode=mode: Modes(bench, mode).run()) for mode in model.WRITE},
    "calls": calls,
    "cuts": cuts,
    "server_dies": server_dies,
    "two_writers": two_writers,
    "refused_rows": refused_rows,
    "schema": schema,
    "aggregates": aggregates,
}
