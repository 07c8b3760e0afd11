#!/usr/bin/env python3
"""The HTTP source against a hostile API (tests/standins/api): each file of tests/http is a case.

  http_source.py [--jobs N] [--keep] LEAT [CASE...]   runs all cases, or those named
  http_source.py --rewrite LEAT [CASE...]             writes what leat said as CASE.stderr; look at the difference

A case (CASE.toml) is what the API is like, what a user would have written for it, and what must be in the table:

  [scenario]      of the stand-in
  source          further lines of the source; `pagination`, `auth` and `format` are as the scenario has them unless they are here.
                  API is the address of the stand-in, OTHER that of its other origin, ${env:PASSWORD} … are its secrets
  url, pipeline   "http://API/records"; lines of the pipeline
  steps           [{ run = STATUS } or { moment = "add=1&seconds=3600" } or { faults = [ … ] }, …]; one run, status 0
  rows            "all": those of the API at the end; "kept": and those that vanished; "part": some of them; "ever": some
                  that it has or had; "none"
  values          { ID = { COLUMN = VALUE } }: what else a row must have
  except          ids that cannot become rows; as many rejects there must be, or `rejects`
  rejects         so many; each of them must have what was asked and why in it
  requests        at most so many for data; twice: so many pages may be asked for twice (the faults that happened, without it)
  vanished        so many rows were deleted because a full pull did not have them
  refused         so many requests may be refused by the API's limits (0)
  says            "any": what leat says depends on who comes first
  children        a table that must have what /_children says, each with the `parent` it is of; `extra`: further sections
  env             for leat, in place of the scenario's secrets
  logins, logouts, elsewhere: so many there must have been, elsewhere: requests to the other origin

What leat said on stderr must be CASE.stderr. Rows are compared with what the API says that it has. After every case `leat
verify` must say ok, windows must touch, and no secret of any case may be in what leat has said or written, nor have gone to the other origin.
"""

import argparse
import base64
import concurrent.futures
import difflib
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "standins" / "api"))

from errors import normal
from scenario import SECRETS, Scenario
from standin import OwnApi

CASES = ROOT / "http"
KNOWN = {"scenario", "source", "url", "pipeline", "steps", "rows", "except", "requests", "twice", "refused", "logins",
         "logouts", "rejects", "elsewhere", "env", "values", "says", "vanished",
         "extra", "children"}
LONGEST_SECONDS = 60

SIMPLE = 'columns = {{ id = {{ path = "{0}", type = "integer" }}, updated = {{ path = "{1}", type = "time" }}, name = "{2}", ' \
         'amount = {{ path = "{3}", type = "real" }}, text = "{4}" }}'
FORMATS = {
    "json": 'type = "json", records = "/items", ' + SIMPLE.format("/id", "/updated", "/name", "/amount", "/text"),
    "ndjson": 'type = "json", ' + SIMPLE.format("/id", "/updated", "/name", "/amount", "/text"),
    "xml": 'type = "xml", record = "/OUTPUT/RESPONSE/ITEMS/ITEM", ' + SIMPLE.format("ID", "UPDATED", "NAME", "AMOUNT", "TEXT"),
    "csv": 'type = "csv", header = true, columns = ["id:integer", "updated:time", "name", "amount:real", "text"]',
    "qualys": 'type = "xml", record = "/HOST_LIST_VM_DETECTION_OUTPUT/RESPONSE/HOST_LIST/HOST/DETECTION_LIST/DETECTION", '
              'columns = { id = { path = "UNIQUE_VULN_ID", type = "integer" }, qid = { path = "QID", type = "integer" }, host = { path = "../../ID", type = "integer" }, '
              'updated = { path = "LAST_UPDATE_DATETIME", type = "time" }, name = "STATUS", text = "RESULTS" }',
}
NEXT_URL = {"xml": "/OUTPUT/RESPONSE/WARNING/URL", "qualys": "/HOST_LIST_VM_DETECTION_OUTPUT/RESPONSE/WARNING/URL", "json": "/meta/next"}
CURSOR = {"xml": "/OUTPUT/RESPONSE/CURSOR", "json": "/meta/cursor"}
TOTAL = {"xml": "/OUTPUT/RESPONSE/TOTAL", "json": "/meta/total"}
PAGINATION = {
    "none": 'type = "none"',
    "next_url": 'type = "next_url", path = "{next}"',
    "next_header": 'type = "next_url", header = "X-Next"',
    "link_header": 'type = "link_header"',
    "cursor": 'type = "cursor", param = "cursor", path = "{cursor}"',
    "cursor_header": 'type = "cursor", param = "cursor", header = "X-Cursor"',
    "page": 'type = "page", param = "page", size_param = "limit", size = {size}',
    "offset": 'type = "offset", param = "offset", size_param = "limit", size = {size}',
}
AUTH = {
    "basic": 'type = "basic", username = "${env:USERNAME}", password = "${env:PASSWORD}"',
    "bearer": 'type = "bearer", token = "${env:TOKEN}"',
    "api_key_header": 'type = "api_key", header = "X-Api-Key", key = "${env:API_KEY}"',
    "api_key_query": 'type = "api_key", param = "api_key", key = "${env:API_KEY}"',
    "oauth2": 'type = "oauth2_client_credentials", token_url = "http://API/oauth/token", client_id = "${env:CLIENT_ID}", '
              'client_secret = "${env:CLIENT_SECRET}"',
    "session_cookie": 'type = "session", login = { url = "http://API/session/login", params = { action = "login", '
                      'username = "${env:USERNAME}", password = "${env:PASSWORD}" } }, logout = { url = "http://API/session/logout" }',
    "session_token": 'type = "session", token_path = "/data/token", login = { url = "http://API/session/login", '
                     'params = { username = "${env:USERNAME}", password = "${env:PASSWORD}" } }',
}
PIPELINE = """[sources.api]
type = "http"
url  = "{url}"
{source}

[sinks.db]
{sink}

[pipelines.items]
from = "api"
to   = "db.items"
{pipeline}
"""


def source_of(case, scenario):
    lines = case.get("source", "").strip().splitlines()

    def absent(option):
        return not any(re.match(rf"{option}\b|\[sources\.api\.{option}\]", line) for line in lines)

    standard = []
    if absent("pagination"):
        paging = PAGINATION[scenario.paging].format(next=NEXT_URL.get(scenario.format), cursor=CURSOR.get(scenario.format),
                                                    size=scenario.size)
        total = f', total = "{TOTAL[scenario.format]}"' if scenario.total else ""
        standard.append(f"pagination = {{ {paging}{total} }}")
    if absent("auth") and scenario.auth != "none":
        standard.append(f"auth = {{ {AUTH[scenario.auth]} }}")
    if absent("format"):
        standard.append(f"format = {{ {FORMATS[scenario.format]} }}")
    if absent("headers") and scenario.require:
        standard.append(f'headers = {{ {", ".join(name + " = " + json.dumps("leat") for name in scenario.require)} }}')
    return "\n".join(standard + lines)


class Run:
    """One case in a folder of its own. `problems` says what was wrong."""

    def __init__(self, leat, path, folder):
        self.leat, self.folder = leat, folder
        self.case = tomllib.loads(path.read_text())
        self.scenario = Scenario(self.case["scenario"])
        self.problems = []
        self.said = {"stdout": "", "stderr": ""}
        for key in set(self.case) - KNOWN:
            self.problem(f"unknown key '{key}'")
        self.env = {"PATH": os.environ["PATH"], "TZ": "UTC", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8",
                    **{name.upper(): value for name, value in self.scenario.secrets.items()}, **self.case.get("env", {})}

    def problem(self, text):
        self.problems.append(text)

    def run(self):
        with OwnApi(self.case["scenario"]) as api:
            self.api = api
            text = PIPELINE.format(url=self.case.get("url", "http://API/records"), source=source_of(self.case, self.scenario), sink=self.sink(),
                                   pipeline=self.case.get("pipeline", "")) + self.case.get("extra", "")
            (self.folder / "p.toml").write_text(text.replace("API/", api.address + "/").replace("OTHER", api.other))
            self.ever = {}
            self.note_state()
            for step in self.case.get("steps", [{"run": 0}]):
                if "moment" in step:
                    api.ask(f"moment?{step['moment']}")
                elif "faults" in step:
                    api.ask("faults", step["faults"])
                else:
                    self.leat_run(step["run"])
                self.note_state()
            self.judge()
        return self

    def note_state(self):
        self.state = self.api.ask("state")
        for record in self.state:
            self.ever[json.dumps(record)] = record

    def leat_run(self, status):
        child = subprocess.Popen([self.leat, "run", "p.toml", "--once", "--quiet"], cwd=self.folder, env=self.env,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = child.communicate(timeout=LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            self.problem(f"leat did not end in {LONGEST_SECONDS} s")
        for name, text in (("stdout", out), ("stderr", err)):
            self.said[name] += text.decode(errors="backslashreplace")
        if child.returncode != status:
            self.problem(f"exit status {child.returncode}, not {status}")

    def stderr(self):
        text = self.said["stderr"].replace(self.api.address, "API").replace(self.api.other, "OTHER")
        # How much of a cut gzip stream comes out depends on the pieces in which it came.
        text = re.sub(r":\d+: byte \d+: the document ends", ":L: byte N: the document ends", text)
        text = re.sub(r"cut off after [\d,]+ plain bytes", "cut off after N plain bytes", text)
        text = re.sub(r"clock shows \S+ \S+ UTC", "clock shows TIME UTC", text)
        return normal(text, str(self.folder))

    # What another sink does in its own way: tests/sinks runs some of the cases too.
    def sink(self):
        return 'type = "sqlite"\npath = "api.db"'

    def is_there(self):
        return (self.folder / "api.db").exists()

    def found_rows(self):
        return self.query("SELECT * FROM items")

    def found_rejects(self):
        """Their reasons."""
        return [row["reason"] for row in self.query("SELECT * FROM _leat_rejects")]

    def found_vanished(self):
        return sum(row["vanished"] for row in self.query("SELECT vanished FROM _leat_full_pulls"))

    def query(self, sql):
        if not (self.folder / "api.db").exists():
            return []
        connection = sqlite3.connect(self.folder / "api.db")
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(sql)]
        except sqlite3.OperationalError as problem:
            if "no such table" not in str(problem):
                raise
            return []
        finally:
            connection.close()

    def judge(self):
        self.judge_rows()
        self.judge_windows()
        if "children" in self.case:
            self.judge_children(self.case["children"])
        self.judge_requests()
        self.judge_secrets()
        if self.is_there():
            verified = subprocess.run([self.leat, "verify", "p.toml"], cwd=self.folder, env=self.env, capture_output=True, text=True)
            if verified.returncode != 0:
                self.problem(f"verify: {verified.stdout[-600:]}{verified.stderr[-300:]}")

    def row_of(self, record):
        """What must be in the table."""
        row = {"id": record["id"], "updated": record["updated"].replace("T", " ").rstrip("Z"), "name": record["name"],
               "text": record["text"]}
        if self.scenario.format == "qualys":
            row |= {"host": (record["id"] - 1) // self.scenario.detections + 1, "qid": 38000 + record["id"] % 97}
        else:
            row["amount"] = record["amount"]
        return row | self.case.get("values", {}).get(str(record["id"]), {})

    def judge_rows(self):
        case, without = self.case, set(self.case.get("except", []))
        rows = case.get("rows", "all")
        found = [{name: value for name, value in row.items() if not name.startswith("_")} for row in self.found_rows()]
        known = {"kept": {record["id"]: record for record in self.ever.values()}.values(), "ever": self.ever.values()}
        wanted = [self.row_of(record) for record in known.get(rows, self.state) if record["id"] not in without]
        key = lambda row: tuple(sorted(row.items(), key=lambda item: item[0]))
        keys_found, keys_wanted = {key(row) for row in found}, {key(row) for row in wanted}
        missing = [row["id"] for row in wanted if key(row) not in keys_found] if rows in ("all", "kept") else []
        wrong = [row for row in found if key(row) not in keys_wanted]
        twice = len(found) - len({row["id"] for row in found})
        if missing or wrong or twice or bool(found) != bool(wanted) and rows != "none" or rows == "none" and found:
            self.problem(f"{len(found)} rows of {len(wanted)}: missing {missing[:20]}, twice {twice}, not true or not now {str(wrong[:3])[:400]}")
        rejects = self.found_rejects()
        vanished = self.found_vanished()
        if vanished != case.get("vanished", vanished):
            self.problem(f"{vanished} rows were taken for vanished, not {case['vanished']}")
        if len(rejects) != case.get("rejects", len(without)):
            self.problem(f"{len(rejects)} rejects, not {case.get('rejects', len(without))}: {rejects[:3]}")
        if not all(rejects):
            self.problem("a reject without its reason")

    def judge_windows(self):
        """None is skipped and none repeated: each begins where the one before ends, or with it a full pull."""
        parts = self.query("SELECT name, token FROM _leat_parts JOIN _leat_positions USING(part) WHERE pipeline = 'items'")
        before = {}
        for part in sorted(parts, key=lambda part: int(part["name"].rsplit("#", 1)[1])):
            token = dict(piece.split("=", 1) for piece in part["token"].split())
            if before and token.get("full") == before.get("full") and token.get("after") != before.get("before", token.get("after")):
                self.problem(f"{part['name']} begins at {token['after']}, the one before ended at {before['before']}")
            before = token

    def judge_children(self, table):
        without = set(self.case.get("except", []))
        wanted = sorted((child["id"], child["name"], child["id"] // 10) for child in self.api.ask("children")
                        if child["id"] // 10 not in without)
        found = [(row["id"], row["name"], row["parent"]) for row in self.query(f"SELECT * FROM {table} ORDER BY id")]
        if found != wanted:
            self.problem(f"{len(found)} children of {len(wanted)}: missing {sorted(set(wanted) - set(found))[:5]}, "
                         f"too many {sorted(set(found) - set(wanted))[:5]}")

    def judge_requests(self):
        case, counts = self.case, self.api.ask("counts")
        log = self.api.ask("log")
        told = {fault["fault"] for fault in case["scenario"].get("faults", []) if "request" not in fault and "chance" not in fault}
        if missed := told - set(counts["faults"]):
            self.problem(f"never happened: {', '.join(sorted(missed))}")
        if counts["requests"] > case.get("requests", 10**9):
            self.problem(f"{counts['requests']} requests, at most {case['requests']}")
        twice, most = self.api.pages_fetched_twice(), case.get("twice", sum(counts["faults"].values()))
        if twice > most:
            self.problem(f"{twice} pages were fetched twice, at most {most}: {self.api.ask('pages')}")
        if counts["refused"] > case.get("refused", 0):
            self.problem(f"{counts['refused']} requests refused by the limits")
        for name in ("logins", "logouts"):
            if counts[name] != case.get(name, counts[name]):
                self.problem(f"{counts[name]} {name}, not {case[name]}")
        elsewhere = [entry for entry in log if entry["origin"] == "other"]
        if len(elsewhere) != case.get("elsewhere", 0):
            self.problem(f"{len(elsewhere)} requests to the other origin, not {case.get('elsewhere', 0)}")
        self.secrets = [value for name, value in self.scenario.secrets.items() if name not in ("username", "client_id")] + counts["given"]
        pair = f"{self.scenario.secrets['username']}:{self.scenario.secrets['password']}"
        self.secrets.append(base64.b64encode(pair.encode()).decode())
        for secret in self.secrets:
            if secret in json.dumps(elsewhere):
                self.problem("a secret went to the other origin")

    def judge_secrets(self):
        """In all that leat has said and written."""
        for secret in {*self.secrets, *(SECRETS[name] for name in ("password", "token", "api_key", "client_secret"))}:
            for name, text in self.said.items():
                if secret in text:
                    self.problem(f"a secret is on {name}")
            for file in self.folder.rglob("*"):
                if file.is_file() and secret.encode() in file.read_bytes():
                    self.problem(f"a secret is in {file.name}")


def run_case(leat, path, options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"leat-http-{path.stem}-", dir=options.dir))
    run = Run(leat, path, folder)
    try:
        run.run()
        expected = path.with_suffix(".stderr")
        found = run.stderr()
        if run.case.get("says") == "any":
            pass
        elif options.rewrite:
            expected.write_text(found) if found else expected.unlink(missing_ok=True)
        else:
            said = expected.read_text() if expected.exists() else ""
            if said != found:
                run.problem("stderr differs:\n" + "".join(difflib.unified_diff(said.splitlines(True), found.splitlines(True), "expected", "found")))
    except Exception as problem:  # the others go on
        run.problem(f"{type(problem).__name__}: {problem}")
    return path.stem, run.problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rewrite", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("leat")
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    paths = sorted(path for path in CASES.glob("*.toml") if not options.cases or path.stem in options.cases)
    leat = os.path.abspath(options.leat)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="leat-http-") as folder:
        options.dir = tempfile.mkdtemp(prefix="leat-http-") if options.keep else folder
        if options.keep:
            print(f"kept: {options.dir}", file=sys.stderr)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            running = [pool.submit(run_case, leat, path, options) for path in paths]
            for case in concurrent.futures.as_completed(running):
                name, problems = case.result()
                wrong += bool(problems)
                for problem in problems:
                    print(f"{name}: {problem}", file=sys.stderr, flush=True)
    print(f"{len(paths)} cases, {wrong} wrong")
    return 1 if wrong or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
