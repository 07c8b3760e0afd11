#!/usr/bin/env python3
"""The stand-in by itself: resumable uploads, job ids, quotas, logins, every fault. What its tables and queries say is checked by
the official clients: official.py (Node), and here `bq` when it is installed.
"""

import base64
import gzip
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

import faults
from standin import BigQuery

PROBLEMS = []
CHUNK = 262_144
SCHEMA = {"fields": [{"name": "id", "type": "INT64"}, {"name": "text", "type": "STRING"}]}
BQ_DISCOVERY = "platform/bq/discovery_next/bigquery.json"


def expect(truth, text):
    if not truth:
        PROBLEMS.append(text)
        print(f"selftest.py:{sys._getframe(1).f_lineno}: {text}", file=sys.stderr)


def same(found, wanted, what):
    if found != wanted:
        PROBLEMS.append(what)
        print(f"selftest.py:{sys._getframe(1).f_lineno}: {what}: {found!r}, not {wanted!r}", file=sys.stderr)


def load_job(id, **more):
    return {"jobReference": {"projectId": "test", "jobId": id, "location": "US"}, "configuration": {"load": {
        "destinationTable": {"projectId": "test", "datasetId": "d", "tableId": "t"}, "sourceFormat": "NEWLINE_DELIMITED_JSON", "schema": SCHEMA, **more}}}


def with_table(server):
    same(server.api("POST", "/datasets", {"datasetReference": {"datasetId": "d"}})[0], 200, "a dataset")
    same(server.api("POST", "/datasets/d/tables", {"tableReference": {"tableId": "t"}, "schema": SCHEMA})[0], 200, "a table")


def start(server, job):
    return server.request("POST", "/upload/bigquery/v2/projects/test/jobs?uploadType=resumable", json.dumps(job).encode(),
                          {"Content-Type": "application/json", "X-Upload-Content-Type": "application/octet-stream"})


def put(server, session, body, content_range):
    return server.request("PUT", session, body, {"Content-Range": content_range})


def wait(server, id):
    for _ in range(600):
        status, job = server.api("GET", f"/jobs/{id}?location=US")
        if status == 200 and job["status"]["state"] == "DONE":
            return job
        time.sleep(0.02)
    raise RuntimeError(f"job {id} does not end: {status} {job}")


def load(server, id, lines):
    """(status, reason) of one upload in one request."""
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    status, headers, said = start(server, load_job(id))
    if status != 200:
        return status, json.loads(said)["error"]["errors"][0]["reason"]
    status, _, said = put(server, headers["Location"], body, f"bytes 0-{len(body) - 1}/{len(body)}")
    return status, None if status == 200 else json.loads(said)["error"]["errors"][0]["reason"]


def ids(server):
    return sorted(row["id"] for row in server.ask("rows?table=d.t"))


def resumable():
    lines = [{"id": n, "text": "x" * 100} for n in range(6000)]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    with BigQuery() as server:
        with_table(server)
        status, headers, _ = start(server, load_job("one"))
        session = headers["Location"]
        same(put(server, session, b"", "bytes */*")[0], 308, "nothing has come")
        status, headers, _ = put(server, session, body[:CHUNK], f"bytes 0-{CHUNK - 1}/*")
        same((status, headers["Range"]), (308, f"bytes=0-{CHUNK - 1}"), "a first chunk, no length known")
        same(put(server, session, body[CHUNK:CHUNK + 1000], f"bytes {CHUNK}-{CHUNK + 999}/*")[0], 400, "a chunk of an odd size")
        same(put(server, session, body[2 * CHUNK:], f"bytes {2 * CHUNK}-{len(body) - 1}/{len(body)}")[0], 400, "a hole")
        server.ask("faults", [{"fault": "keep_less", "bytes": 1000}])
        status, headers, _ = put(server, session, body[CHUNK:2 * CHUNK], f"bytes {CHUNK}-{2 * CHUNK - 1}/*")
        same((status, headers["Range"]), (308, f"bytes=0-{CHUNK + 999}"), "part of a chunk is kept")
        same(server.api("GET", "/jobs/one?location=US")[0], 404, "no job before the last byte")
        status, _, said = put(server, session, body[CHUNK + 1000:], f"bytes {CHUNK + 1000}-{len(body) - 1}/{len(body)}")
        same((status, json.loads(said)["jobReference"]["jobId"]), (200, "one"), "the last byte makes the job")
        same(put(server, session, b"", f"bytes */{len(body)}")[0], 200, "the session says the job again")
        job = wait(server, "one")
        same(job["statistics"]["load"]["outputRows"], "6000", "rows of the upload")
        same(ids(server), list(range(6000)), "each row once")
        same(start(server, load_job("one"))[0], 409, "a used id at the start of a session")
        same(put(server, session.replace("upload_id=", "upload_id=0"), b"", "bytes */*")[0], 404, "no such session")
    with BigQuery("--late-duplicate") as server:
        with_table(server)
        same(load(server, "one", [{"id": 1}]), (200, None), "a first load")
        same(load(server, "one", [{"id": 2}]), (409, "duplicate"), "a used id at the last byte")
        wait(server, "one")
        same(ids(server), [1], "the second one did not land")


def jobs():
    with BigQuery("--quota", 3) as server:
        with_table(server)
        server.ask("faults", [{"fault": "job_slow", "on": "job.load", "seconds": 0.3}, {"fault": "job_fails", "on": "job.load", "after": 1, "reason": "backendError"}])
        same(load(server, "slow", [{"id": 1}]), (200, None), "a slow job")
        same(ids(server), [], "which has not landed")
        expect("errorResult" not in wait(server, "slow")["status"], "the slow job is well")
        load(server, "fails", [{"id": 2}])
        same(wait(server, "fails")["status"]["errorResult"]["reason"], "backendError", "a job that fails by script")
        same(load(server, "bad", [{"id": "x"}]), (200, None), "a job with a bad row is taken")
        job = wait(server, "bad")
        same((job["status"]["errorResult"]["reason"], len(job["status"]["errors"])), ("invalid", 2), "and fails")
        same(load(server, "fourth", [{"id": 3}]), (403, "quotaExceeded"), "the quota counts failed ones")
        server.ask("next_day")
        same(load(server, "fifth", [{"id": 3}]), (200, None), "another day")
        wait(server, "fifth")
        same(ids(server), [1, 3], "what landed")
        same(server.api("GET", "/jobs/fifth?location=EU")[0], 404, "a job is found at its location")
        same(server.api("PATCH", "/datasets/d/tables/t", {"description": "x"}, {"If-Match": "other"})[0], 412, "a patch of another state")
        etag = server.api("GET", "/datasets/d/tables/t")[1]["etag"]
        same(server.api("PATCH", "/datasets/d/tables/t", {"description": "x"}, {"If-Match": etag})[0], 200, "a patch of this state")


def logins():
    with tempfile.TemporaryDirectory() as folder, BigQuery("--auth", "token", "--credentials", folder) as server:
        account = json.loads((pathlib.Path(folder) / "service_account.json").read_text())
        user = json.loads((pathlib.Path(folder) / "authorized_user.json").read_text())

        def encoded(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

        def token(form):
            return server.request("POST", account["token_uri"], urllib.parse.urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"})

        def jwt(spoil=False, **change):
            now = int(time.time())
            claims = {"iss": account["client_email"], "scope": "https://www.googleapis.com/auth/bigquery", "aud": account["token_uri"], "iat": now, "exp": now + 3600, **change}
            signed = encoded(json.dumps({"alg": "RS256", "typ": "JWT", "kid": account["private_key_id"]}).encode()) + "." + encoded(json.dumps(claims).encode())
            key = pathlib.Path(folder) / "key.pem"
            key.write_text(account["private_key"])
            signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=signed.encode(), capture_output=True, check=True).stdout
            return signed + "." + encoded(signature[:-1] + bytes([signature[-1] ^ 1]) if spoil else signature)

        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        same(server.api("GET", "/datasets")[0], 401, "nobody without a token")
        for assertion in (jwt(spoil=True), jwt(aud="https://elsewhere"), jwt(exp=int(time.time()) + 7200), jwt(iss="someone"), jwt(scope="none"), "a.b.c"):
            same(token({"grant_type": grant, "assertion": assertion})[0], 400, f"a JWT that is not good: {assertion[:20]}")
        same(token({"grant_type": "refresh_token", "client_id": user["client_id"], "client_secret": "x", "refresh_token": user["refresh_token"]})[0], 400, "a wrong secret")
        metadata = server.request("GET", "/computeMetadata/v1/instance/service-accounts/default/token", headers={"Metadata-Flavor": "Google"})
        same(metadata[1]["Metadata-Flavor"], "Google", "the metadata server says that it is one")
        for status, _, said in (token({"grant_type": grant, "assertion": jwt()}), metadata,
                                token({"grant_type": "refresh_token", **{key: user[key] for key in ("client_id", "client_secret", "refresh_token")}})):
            same(status, 200, "a token")
            bearer = {"Authorization": "Bearer " + json.loads(said)["access_token"]}
            same(server.api("GET", "/datasets", headers=bearer)[0], 200, "a token opens")
        server.ask("tokens_expire")
        same(server.api("GET", "/datasets", headers=bearer)[0], 401, "until it has expired")
        same(server.ask("counts")["tokens"], ["metadata", "jwt", "refresh"], "what was given")


def all_faults():
    with BigQuery() as server:
        with_table(server)
        for name, (status, reason, _) in faults.ANSWERS.items():
            server.ask("faults", [{"fault": name, "on": "tables.*", "retry_after": 1}])
            found = server.api("GET", "/datasets/d/tables/t")
            same((found[0], found[1]["error"]["errors"][0]["reason"]), (status, reason), name)
            same(server.api("GET", "/datasets/d/tables/t")[0], 200, f"after {name}")
        for id, fault, whole in (("reset", "reset", False), ("lost", "lost", True), ("after", "backendError_after", True), ("cut", "cut", True)):
            server.ask("faults", [{"fault": fault, "on": "jobs.insert"}])
            query = {"jobReference": {"jobId": id, "location": "US"}, "configuration": {"query": {"query": "SELECT 1", "useLegacySql": False}}}
            try:
                status = server.api("POST", "/jobs", query)[0]
            except (OSError, http.client.HTTPException, ValueError):
                status = 0
            same(status, 503 if fault == "backendError_after" else 0, fault)
            same(server.api("GET", f"/jobs/{id}?location=US")[0], 200 if whole else 404, f"after {fault} the job is {'' if whole else 'not '}there")
        server.ask("faults", [{"fault": "html", "on": "tables.get"}, {"fault": "slow", "on": "tables.get", "seconds": 0.2}])
        began = time.monotonic()
        same(server.request("GET", "/bigquery/v2/projects/test/datasets/d/tables/t")[0], 400, "a page of HTML")
        expect(time.monotonic() - began >= 0.2, "slow is slow")
        status, headers, _ = start(server, load_job("gone"))
        server.ask("faults", [{"fault": "gone", "on": "upload.*"}])
        same([put(server, headers["Location"], b"", "bytes */*")[0] for _ in range(2)], [410, 404], "a session that is gone stays so")
        server.ask("faults", [{"fault": "backendError", "chance": 0.5, "times": 0, "on": "datasets.get"}])
        answers = {server.api("GET", "/datasets/d")[0] for _ in range(60)}
        same(answers, {200, 503}, "by chance")
        same(server.request("POST", "/_faults", b'[{"fault": "nothing"}]')[0], 400, "a fault that is not known")


def queries():
    with BigQuery() as server:
        with_table(server)
        load(server, "rows", [{"id": n, "text": str(n % 3)} for n in range(10)])
        wait(server, "rows")

        def ask(text):
            for _ in range(100):
                status, said = server.api("POST", "/queries", {"query": text, "useLegacySql": False, "requestId": str(abs(hash(text)))})
                if status != 200:
                    return said["error"]["errors"][0]["reason"]
                if said["jobComplete"]:
                    return [[cell["v"] for cell in row["f"]] for row in said["rows"]]
                time.sleep(0.02)
            return "slow"

        for text, wanted in {
            "SELECT text, COUNT(*), MIN(id), SUM(id) FROM `test.d.t` GROUP BY text ORDER BY text": [["0", "4", "0", "18"], ["1", "3", "1", "12"], ["2", "3", "2", "15"]],
            "SELECT id FROM d.t WHERE id IN (1, 2) AND text IS NOT NULL OR id = 9 ORDER BY id DESC": [["9"], ["2"], ["1"]],
            "SELECT * EXCEPT (text) FROM d.t QUALIFY ROW_NUMBER() OVER (PARTITION BY text ORDER BY id DESC) = 1 ORDER BY id": [["7"], ["8"], ["9"]],
            "SELECT COUNTIF(id > 5), COALESCE(MAX(text), 'none') FROM (SELECT id, text FROM d.t WHERE id < 8)": [["2", "2"]],
            "SELECT CASE WHEN id > 8 THEN 'big' ELSE 'small' END AS size, COUNT(*) FROM d.t GROUP BY size ORDER BY size": [["big", "1"], ["small", "9"]],
            "SELECT 'it\\'s', 1 / 2, -3, TRUE, NULL": [["it's", "0.5", "-3", "true", None]],
            "SELECT id, COUNT(*) FROM d.t": "invalidQuery",
            "SELECT id FROM d.t WHERE id = 'x'": "invalidQuery",
            "SELECT id FROM d.t WHERE id": "invalidQuery",
            "SELECT id FROM t": "invalidQuery",
            "SELECT id FROM d.none": "notFound",
            "SELECT id FROM d.t; DROP TABLE d.t": "invalidQuery",
            "DELETE FROM d.t": "invalidQuery",
            "DROP TABLE d.t": "notImplemented",
            "SELECT UNIX_MICROS(TIMESTAMP '1970-01-01 00:00:01.000002+00:00')": [["1000002"]],
            "SELECT UNIX_MICROS(1)": "invalidQuery",
            "SELECT IS_NAN(id / 2), COUNT(*) FROM d.t GROUP BY 1": [["false", "10"]],
            "MERGE d.t AS t USING (SELECT 3 AS id, 'three' AS text) AS s ON t.id = s.id WHEN MATCHED AND s.text >= t.text THEN UPDATE SET text = s.text "
            "WHEN NOT MATCHED THEN INSERT (id, text) VALUES (s.id, s.text)": [],
            "SELECT text FROM d.t WHERE id = 3": [["three"]],
            "MERGE d.t AS t USING (SELECT 3 AS id, text FROM d.t WHERE id < 2) AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET text = s.text": "invalidQuery",
            "ALTER TABLE `test.d.t` ADD COLUMN IF NOT EXISTS `text` STRING, ADD COLUMN IF NOT EXISTS `more` FLOAT64": [],
            "SELECT more, COUNT(*) FROM d.t GROUP BY more": [[None, "10"]],
            "ALTER TABLE d.t ADD COLUMN more FLOAT64": "invalidQuery",
            "SELECT id FROM d.t JOIN d.t ON TRUE": "invalidQuery",
            "MERGE d.t T USING d.t S ON FALSE WHEN NOT MATCHED BY SOURCE THEN DELETE": [],
            "SELECT COUNT(*) FROM d.t": [["0"]],
        }.items():
            same(ask(text), wanted, text)


def bq():
    program = shutil.which("bq")
    discovery = program and pathlib.Path(program).resolve().parent.parent / BQ_DISCOVERY
    if not program or not discovery.exists():
        print("selftest.py: bq is not installed: its part is left out", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as home, BigQuery("--discovery", discovery) as server:
        env = {**os.environ, "HOME": home, "CLOUDSDK_CONFIG": home, "BIGQUERYRC": "/dev/null", "CLOUDSDK_AUTH_ACCESS_TOKEN": "any"}

        def run(*arguments):
            done = subprocess.run([program, "--api", server.url, "--project_id=test", "--headless", "--format=json", *arguments], env=env, capture_output=True, text=True,
                                  check=False)
            expect(done.returncode == 0, f"bq {' '.join(arguments)}: {done.stdout} {done.stderr}")
            return done.stdout

        rows = pathlib.Path(home) / "rows.ndjson.gz"
        rows.write_bytes(gzip.compress(b"".join(b'{"id":%d,"text":"t"}\n' % n for n in range(1000))))
        run("mk", "--dataset", "d")
        run("load", "--source_format=NEWLINE_DELIMITED_JSON", "--job_id=of_bq", "d.t", str(rows), "id:INTEGER,text:STRING")
        found = json.loads(run("query", "--nouse_legacy_sql", "SELECT COUNT(*) AS n, MAX(id) AS most FROM d.t"))
        same(found, [{"n": "1000", "most": "999"}], "what bq reads back")
        operations = server.ask("counts")["operations"]
        expect(operations.get("upload.start") == 1, f"bq uploads in a session: {operations}")


def main():
    for part in (resumable, jobs, logins, all_faults, queries, bq):
        part()
    print(f"selftest.py: {len(PROBLEMS)} problems")
    return 1 if PROBLEMS else 0


if __name__ == "__main__":
    sys.exit(main())
