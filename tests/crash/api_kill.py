#!/usr/bin/env python3
"""Kills leat again and again while it dumps an API in 200 windows, and judges what it has stored.

  api_kill.py [--leat build/release/leat] [--kills 12] [--seed N] [--keep]

The API (tests/standins/api) fails at random meanwhile, and wants a login. A life is killed at a random moment; when the
dump is complete it is judged and the next round begins, JSON with `append`, Qualys-like XML with `merge`, gzip in turn. In
one kind of round records vanish then, and a full pull follows, which must leave what the API still has. One has a second
pipeline, which asks for the children of each record of the first one.
Judged are: every record is there once, as the API has it; `leat verify`; a page is asked for again only because of a
kill or a fault; no secret is left in the database, its log, or what leat has said.

Exit status: 0 all is well, 1 not, 2 the loop itself could not work.
"""

import base64
import subprocess
import sys

from killing import ROOT, KillLoop, main

sys.path.insert(0, str(ROOT / "tests/standins/api"))

from scenario import SECRETS
from standin import Api

WINDOWS = 200
CONCURRENCY = 3
CHILDREN_CONCURRENCY = 2
FAULTS = ("error_500", "error_503", "reset", "close_silently", "cut_chunked", "unclosed")
ROUNDS = (
    {"format": "json", "encoding": "", "write": 'write = "append"'},
    {"format": "json", "encoding": "gzip", "moment": "vanish=300&change=50&add=50",
     "write": 'write = "merge"\nkey = ["id"]\nnewest = "updated"\nreconcile = "full every 1ms"'},
    {"format": "json", "encoding": "", "write": 'write = "append"', "records": 500, "children": True},
    {"format": "qualys", "encoding": "gzip", "write": 'write = "merge"\nkey = ["id"]\nnewest = "updated"'},
    {"format": "json", "encoding": "gzip", "write": 'write = "ignore"\nkey = ["id"]'},
    {"format": "qualys", "encoding": "", "write": 'write = "append"'},
)
FORMATS = {
    "json": ("after", "before", '{ type = "next_url", path = "/meta/next" }',
             'type = "json", records = "/items", columns = { id = { path = "/id", type = "integer" }, '
             'updated = { path = "/updated", type = "time" }, name = "/name", text = "/text" }'),
    "qualys": ("detection_updated_since", "detection_updated_before",
               '{ type = "next_url", path = "/HOST_LIST_VM_DETECTION_OUTPUT/RESPONSE/WARNING/URL" }',
               'type = "xml", record = "/HOST_LIST_VM_DETECTION_OUTPUT/RESPONSE/HOST_LIST/HOST/DETECTION_LIST/DETECTION", '
               'columns = { id = { path = "UNIQUE_VULN_ID", type = "integer" }, '
               'updated = { path = "LAST_UPDATE_DATETIME", type = "time" }, name = "STATUS", text = "RESULTS" }'),
}
PIPELINE = """[sources.api]
type        = "http"
url         = "{url}/records"
headers     = {{ X-Requested-With = "leat" }}
auth        = {{ type = "basic", username = "${{env:API_USER}}", password = "${{env:API_PASSWORD}}" }}
pagination  = {pagination}
incremental = {{ after = "{after}", before = "{before}", start = "2026-01-01T00:00:00Z", window = "1h", settle = "0s" }}
limits      = {{ concurrency = {concurrency} }}
format      = {{ {format} }}

[sinks.db]
type = "sqlite"
path = "api.db"

[pipelines.p]
from   = "api"
to     = "db.items"
commit = {{ rows = {rows}, every = "20ms" }}
{write}
"""

CHILDREN = """
[sources.children]
type    = "http"
url     = "{url}/children/{{p.id}}"
parent  = {{ parent = "id" }}
auth    = {{ type = "basic", username = "${{env:API_USER}}", password = "${{env:API_PASSWORD}}" }}
limits  = {{ concurrency = {concurrency} }}
format  = {{ type = "json", records = "/items", columns = {{ id = {{ path = "/id", type = "integer" }}, name = "/name" }} }}

[pipelines.children]
from   = "children"
to     = "db.children"
commit = {{ rows = 50, every = "20ms" }}
"""


class Loop(KillLoop):
    def __init__(self, options, folder):
        super().__init__(options, folder, "api.db")

    def life(self, api, round, kill):
        """True when the dump was complete."""
        after, before, pagination, format = FORMATS[round["format"]]
        (self.folder / "p.toml").write_text(PIPELINE.format(
            url=api.url, after=after, before=before, pagination=pagination, format=format, concurrency=CONCURRENCY,
            rows=self.random.choice((100, 1000, 32768)), write=round["write"]) + self.children(api, round))
        with self.error.open("ab") as error:
            child = subprocess.Popen([self.options.leat, "run", "p.toml", "--once", "--quiet"], cwd=self.folder, stdout=error,
                                     stderr=error, env={"API_USER": SECRETS["username"], "API_PASSWORD": SECRETS["password"]})
            try:
                child.wait(self.random.uniform(0.02, self.longest) if kill else 300)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                if not kill:
                    self.problem("a life that nobody killed did not end in 300 s")
                    return True
                self.kills += 1
                self.killed += 1
                self.longest = min(3.0, self.longest * 1.1)
                return False
        if child.returncode == 0:
            return True
        if child.returncode != 1:
            self.problem(f"leat ended with {child.returncode}: {self.said()}")
            return True
        self.gave_up += 1
        if self.gave_up > 30:
            self.problem(f"leat gave up {self.gave_up} times: {self.said()}")
            return True
        return False

    def children(self, api, round):
        return CHILDREN.format(url=api.url, concurrency=CHILDREN_CONCURRENCY) if round.get("children") else ""

    def judge_children(self, api):
        truth = sorted((child["id"], child["name"], child["id"] // 10) for child in api.ask("children"))
        found = self.query("SELECT id, name, parent FROM children ORDER BY id")
        if found != truth:
            self.problem(f"{len(found)} children of {len(truth)}: missing {sorted(set(truth) - set(found))[:5]}, "
                         f"too many {sorted(set(found) - set(truth))[:5]}, {len(found) - len(set(found))} twice")

    def judge(self, api, round):
        what = f"{round['format']}, {round['encoding'] or 'plain'}, {round['write'].splitlines()[0]}"
        truth = [(r["id"], r["updated"].replace("T", " ").rstrip("Z"), r["name"], r["text"]) for r in api.ask("state")]
        found = self.query("SELECT id, updated, name, text FROM items ORDER BY id")
        if found != truth:
            ids = [row[0] for row in found]
            self.problem(f"{what}: {len(found)} rows of {len(truth)}; {len(ids) - len(set(ids))} twice, missing "
                         f"{sorted({row[0] for row in truth} - set(ids))[:10]}, wrong {[row for row in found if row not in truth][:3]}")
        if round.get("children"):
            self.judge_children(api)
        self.verify(what)
        happened = sum(api.ask("counts")["faults"].values())
        # A kill hits every window that is being read: its page is asked for again, and the one before it where that was
        # not committed yet.
        read = CONCURRENCY + (CHILDREN_CONCURRENCY if round.get("children") else 0)
        most = (self.killed + self.gave_up) * 2 * read + happened
        twice = api.pages_fetched_twice()
        if twice > most and "moment" not in round:  # whose second dump asks for the same windows
            self.problem(f"{what}: {twice} pages were fetched again, after {self.killed} kills and {happened} faults")
        self.look_for_secrets(what)
        print(f"{what}: {len(found)} rows, {self.killed} kills, {happened} faults, {twice} pages again of "
              f"{len(api.ask('pages'))}, {api.ask('counts')['requests']} requests", flush=True)

    def look_for_secrets(self, what):
        pair = base64.b64encode(f"{SECRETS['username']}:{SECRETS['password']}".encode())
        for file in self.folder.iterdir():
            if any(secret in file.read_bytes() for secret in (pair, SECRETS["password"].encode())):
                self.problem(f"{what}: a secret is in {file.name}")

    def dump(self, api, round):
        # So many lives are enough for the kills to fall everywhere; then it may come to its end.
        enough = self.killed + min(25, max(3, self.options.kills // 4))
        while not self.life(api, round, self.killed < enough and self.kills < self.options.kills):
            self.look_for_secrets("after a kill")

    def round(self, round):
        scenario = {"format": round["format"], "encoding": round["encoding"], "records": round.get("records", 3000), "size": 6 if round["format"] == "json" else 2,
                    "window": "time", "auth": "basic", "start": "2026-01-01T00:00:00Z", "now": "2026-01-09T08:00:00Z",
                    "seed": self.options.seed,
                    "faults": [{"fault": fault, "chance": 0.01, "times": 0, "byte": 300} for fault in FAULTS]}
        self.killed = self.gave_up = 0
        self.longest = 0.5
        for old in [*self.folder.glob("api.db*"), self.error]:
            old.unlink(missing_ok=True)
        with Api(scenario) as api:
            self.dump(api, round)
            if "moment" in round:
                api.ask(f"moment?seconds=60&{round['moment']}")
                api.ask("moment?seconds=60")
                self.dump(api, round)
            if not self.problems:
                self.judge(api, round)

    def run(self):
        rounds = 0
        while (self.kills < self.options.kills or rounds < 3) and not self.problems:
            before = self.kills
            self.round(ROUNDS[rounds % len(ROUNDS)])
            rounds += 1
            if rounds > 3 + self.options.kills and self.kills == before:
                self.problem("no kill has hit a dump: this has shown nothing")
        print(f"seed {self.options.seed}: {self.kills} kills in {rounds} dumps of {WINDOWS} windows")
        return 1 if self.problems else 0


if __name__ == "__main__":
    sys.exit(main(__doc__, Loop, "api-kill", 12))
