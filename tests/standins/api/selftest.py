#!/usr/bin/env python3
"""The stand-in against a small client of its own: each kind of paging and login is walked, each fault is seen."""

import base64
import gzip
import http.client
import json
import re
import sys
import threading
import urllib.parse
import xml.etree.ElementTree
import zlib

import faults
from records import seconds_of
from scenario import SECRETS, CHOICES
from standin import Api, OwnApi

PROBLEMS = []


def expect(truth, text):
    if not truth:
        PROBLEMS.append(text)
        print(f"selftest.py:{sys._getframe(1).f_lineno}: {text}", file=sys.stderr)


class Got:
    def __init__(self, answer):
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()
        encoding = answer.headers.get("Content-Encoding")
        self.plain = gzip.decompress(self.body) if encoding == "gzip" else zlib.decompress(self.body) if encoding else self.body


def get(api, target, headers=None, method="GET", body=None, seconds=20):
    if target.startswith("http"):
        parts = urllib.parse.urlsplit(target)
        address, target = parts.netloc, parts.path + "?" + parts.query
    else:
        address = api.address
    connection = http.client.HTTPConnection(address, timeout=seconds)
    try:
        connection.request(method, target, body, {"X-Requested-With": "selftest", **(headers or {})})
        return Got(connection.getresponse())
    finally:
        connection.close()


def ids_of(got):
    text = got.plain.decode("utf-8", "replace")
    return [int(id) for id in re.findall(r'(?:"id": |<ID>|<UNIQUE_VULN_ID>|^)(\d+)(?:,|</ID><UPD|</UNIQUE)', text, re.M)]


def next_of(api, got, scenario, target, page):
    """The target that comes next; none: that was all."""
    paging, ids = scenario["paging"], ids_of(got)

    def with_param(name, value):
        path, _, query = target.partition("?")
        return path + "?" + urllib.parse.urlencode({**dict(urllib.parse.parse_qsl(query)), name: value})

    match paging:
        case "none":
            return None
        case "next_url" if scenario["format"] in ("xml", "qualys"):
            warning = xml.etree.ElementTree.fromstring(got.plain).find("RESPONSE/WARNING/URL")
            return None if warning is None else warning.text
        case "next_url":
            return json.loads(got.plain)["meta"]["next"]
        case "next_header":
            return got.headers.get("X-Next")
        case "link_header":
            found = re.search(r'<([^>]*)>; title="a, b"; rel="next"', got.headers.get("Link", ""))
            return found and found[1]
        case "cursor" if scenario["format"] == "xml":
            found = xml.etree.ElementTree.fromstring(got.plain).find("RESPONSE/CURSOR")
            return None if found is None else with_param("cursor", found.text)
        case "cursor":
            cursor = json.loads(got.plain)["meta"]["cursor"]
            return cursor and with_param("cursor", cursor)
        case "cursor_header":
            cursor = got.headers.get("X-Cursor")
            return cursor and with_param("cursor", cursor)
        case "page":
            return with_param("page", page + 1) if ids else None
        case "offset":
            return with_param("offset", page * scenario["size"]) if ids else None


def walk(api, scenario, target="/records", headers=None, most=100):
    ids, page = [], 0
    while target and page < most:
        got = get(api, target, headers)
        if got.status != 200:
            return ids
        page += 1
        ids += ids_of(got)
        target = next_of(api, got, scenario, target, page)
    return ids


def pagings():
    for format in CHOICES["format"]:
        for paging in CHOICES["paging"]:
            if paging in ("next_url", "cursor") and format in ("ndjson", "csv") or format == "qualys" and paging != "next_url":
                continue
            for more in ({}, {"encoding": "gzip", "framing": "length", "next_as": "escaped", "meta": "first"},
                         {"encoding": "deflate", "framing": "close", "piece": 7}, {"http": "1.0", "order": "updated"}):
                scenario = {"format": format, "paging": paging, "records": 47, "size": 10, **more}
                if format == "qualys":
                    scenario.pop("order", None)
                with OwnApi(scenario) as api:
                    found = walk(api, scenario)
                    expect(found == list(range(1, 48)), f"{scenario}: {found}")
                    expect(api.pages_fetched_twice() == 0, f"{scenario}: {api.ask('pages')}")
                    state = api.ask("state")
                    expect([record["id"] for record in state] == found, f"{scenario}: the state has other records")


def windows():
    scenario = {"paging": "next_url", "format": "json", "records": 47, "size": 10, "window": "time"}
    with OwnApi(scenario) as api:
        state = api.ask("state")
        middle = state[20]["updated"]
        before = walk(api, scenario, f"/records?before={middle}")
        after = walk(api, scenario, f"/records?after={middle}")
        expect(sorted(before + after) == list(range(1, 48)), f"two windows have {before} and {after}")
        expect(len(before) in (18, 19, 20), "records share their time")
        now = api.ask("moment?seconds=3600&add=2&change=1&vanish=1")["now"]
        state = api.ask("state")
        expect(len(state) == 48, f"{len(state)} records after a moment")
        new = walk(api, scenario, "/records?after=2026-03-01T00:00:00Z")
        expect(len(new) == 3 and all(r["updated"] == now for r in state if r["id"] in new), f"new are {new}")
        expect([entry[1] for entry in api.ask("journal")] == ["vanish", "change", "add", "add"], "the journal")
        expect(seconds_of(now) - seconds_of("2026-03-01") == 3600, now)
    with OwnApi({**scenario, "window": "id", "after_inclusive": False}) as api:
        expect(walk(api, scenario, "/records?after=40") == list(range(41, 48)), "by id")
    with OwnApi({**scenario, "moments": [{"after": 2, "add": 5, "seconds": 60}]}) as api:
        expect(len(walk(api, scenario)) == 52, "a moment after two requests")


def logins():
    s = SECRETS
    basic = "Basic " + base64.b64encode(f"{s['username']}:{s['password']}".encode()).decode()
    for auth, headers in (("basic", {"Authorization": basic}), ("bearer", {"Authorization": f"Bearer {s['token']}"}),
                          ("api_key_header", {"X-Api-Key": s["api_key"]})):
        with OwnApi({"auth": auth}) as api:
            expect(get(api, "/records").status == 401 and get(api, "/records", headers).status == 200, auth)
    with OwnApi({"auth": "api_key_query", "echo_secret": True}) as api:
        got = get(api, f"/records?api_key={s['api_key']}")
        expect(got.status == 200 and s["api_key"] in json.loads(got.plain)["meta"]["next"], "api_key_query")
        expect(get(api, "/records?api_key=x").status == 401, "a wrong key")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with OwnApi({"auth": "oauth2", "lifetime": 2}) as api:
        body = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": s["client_id"],
                                       "client_secret": s["client_secret"]})
        token = json.loads(get(api, "/oauth/token", form, "POST", body).plain)["access_token"]
        found = [get(api, "/records", {"Authorization": f"Bearer {token}"}).status for _ in range(3)]
        expect(found == [200, 200, 401], f"oauth2: {found}")
        expect(get(api, "/oauth/token", form, "POST", body.replace("hush", "x")).status == 401, "a wrong client")
    body = urllib.parse.urlencode({"action": "login", "username": s["username"], "password": s["password"]})
    with OwnApi({"auth": "session_cookie"}) as api:
        cookie = get(api, "/session/login", form, "POST", body).headers["Set-Cookie"].split(";")[0]
        expect(get(api, "/records", {"Cookie": f"a=b; {cookie}"}).status == 200, "session_cookie")
        get(api, "/session/logout", {**form, "Cookie": cookie}, "POST", "action=logout")
        expect(get(api, "/records", {"Cookie": cookie}).status == 401, "a session after its logout")
    with OwnApi({"auth": "session_token"}) as api:
        said = get(api, "/session/login", {"Content-Type": "application/json"}, "POST",
                   json.dumps({"username": s["username"], "password": s["password"]}))
        token = json.loads(said.plain)["data"]["token"]
        expect(get(api, "/records", {"Authorization": f"Bearer {token}"}).status == 200, "session_token")


# What a plain client sees of each fault: a function of the scenario's first answer, or the exception it raises.
SEEN = {
    "retry_after_seconds": lambda got: got.status == 429 and got.headers["Retry-After"] == "1",
    "retry_after_date": lambda got: "GMT" in got.headers["Retry-After"],
    "concurrency_1960": lambda got: got.status == 409 and b"<CODE>1960<" in got.plain,
    "rate_1965": lambda got: got.status == 409 and b"<CODE>1965<" in got.plain and got.headers["X-RateLimit-ToWait-Sec"] == "1",
    "html_200": lambda got: got.status == 200 and b"<html>" in got.plain,
    "error_in_200": lambda got: got.status == 200 and b"<CODE>2001<" in got.plain,
    "error_object_200": lambda got: got.status == 200 and b'"error"' in got.plain,
    "another_document": lambda got: b"GENERIC_RETURN" in got.plain,
    "expired": lambda got: got.status == 401,
    "redirect_here": lambda got: "/moved/records" in got.headers["Location"],
    "redirect_relative": lambda got: got.headers["Location"] == "/moved/records",
    "redirect_elsewhere": lambda got: got.status == 302,
    "redirect_loop": lambda got: got.headers["Location"] == "/records",
    "redirect_nowhere": lambda got: got.status == 302 and "Location" not in got.headers,
    "redirect_scheme": lambda got: got.headers["Location"].startswith("file:"),
    "slow": lambda got: len(ids_of(got)) == 10,
    "stall": TimeoutError,
    "large_page_stalls": TimeoutError,
    "reset": ConnectionResetError,
    "close_silently": http.client.RemoteDisconnected,
    "refuse": ConnectionError,
    "cut": http.client.IncompleteRead,
    "cut_chunked": http.client.IncompleteRead,
    "cut_unframed": lambda got: len(got.plain) == 500 and "Content-Length" not in got.headers,
    "cut_gzip": EOFError,
    "gzip_crc": gzip.BadGzipFile,
    "gzip_garbage": gzip.BadGzipFile,
    "bad_chunk_size": http.client.IncompleteRead,
    "short_document": lambda got: len(got.plain) == 500,
    "long_header": lambda got: len(got.headers["X-Long"]) == 60_000,
    "garbage": http.client.BadStatusLine,
    "error_400": lambda got: got.status == 400,
    "error_403": lambda got: got.status == 403,
    "error_404": lambda got: got.status == 404,
    "error_408": lambda got: got.status == 408,
    "error_500": lambda got: got.status == 500,
    "error_502": lambda got: got.status == 502 and b"<html>" in got.plain,
    "error_503": lambda got: got.status == 503,
    "error_504": lambda got: got.status == 504,
    "no_content": lambda got: got.status == 204 and not got.body,
    "total_more": lambda got: json.loads(got.plain)["meta"]["total"] == 54,
    "total_fewer": lambda got: json.loads(got.plain)["meta"]["total"] == 40,
    "empty_page": lambda got: ids_of(got) == [],
    "keep_alive": lambda got: got.plain.count(b"<!-- keep-alive") == 3,
    "warning_first": lambda got: got.plain.startswith(b"<!-- WARNING"),
    "byte_order_mark": lambda got: got.plain.startswith(b"\xef\xbb\xbf"),
    "poison_record": lambda got: b'"broken" "text"' in got.plain,
    "misfit": lambda got: b'"not a time"' in got.plain,
    "bad_bytes": lambda got: b"caf\xe9" in got.plain,
    "huge_record": lambda got: len(got.plain) > 20_000_000,
    "unclosed": lambda got: b"]" not in got.plain.splitlines()[-1],
    "no_list": lambda got: b"items" not in got.plain,
    "next_elsewhere": lambda got: json.loads(got.plain)["meta"]["next"].startswith("http://127.0.0.1:"),
    "next_is_file": lambda got: json.loads(got.plain)["meta"]["next"].startswith("file:"),
}
WALKED = {  # what a whole walk finds
    "repeat_page": lambda ids: ids == [*range(1, 21), *range(11, 21), *range(31, 48)],
    "duplicates": lambda ids: ids == [*range(1, 21), *range(16, 48)],
    "cursor_cycle": lambda ids: len(ids) == 1000 and 31 not in ids,
}


def each_fault():
    expect(set(SEEN) | set(WALKED) == set(faults.PAGE_FAULTS) | set(faults.ANSWER_FAULTS),
           f"not looked at: {(set(faults.PAGE_FAULTS) | set(faults.ANSWER_FAULTS)) ^ (set(SEEN) | set(WALKED))}")
    for name, seen in SEEN.items():
        fault = {"fault": name, "most": 5, "seconds": 1, **({"byte": 500} if "cut" in name or name == "short_document" else {})}
        if name in ("stall", "large_page_stalls"):
            fault.pop("seconds")
        scenario = {"records": 47, "size": 10, "total": True, "paging": "next_url", "faults": [fault],
                    "format": "xml" if name in ("keep_alive", "warning_first") else "json"}
        with OwnApi(scenario) as api:
            try:
                got = get(api, "/records", seconds=0.5 if seen is TimeoutError else 20)
                expect(not isinstance(seen, type) and seen(got), f"{name}: {got.status} {got.headers} {got.plain[:200]}")
            except Exception as problem:
                expect(isinstance(seen, type) and isinstance(problem, seen), f"{name}: {type(problem).__name__} {problem}")
            expect(api.ask("counts")["faults"] == {name: 1}, f"{name}: {api.ask('counts')}")
            if name != "refuse":
                expect(get(api, "/records").status == 200, f"{name}: it comes once")
    for name, right in WALKED.items():
        for length in (1, 2, 3) if name == "cursor_cycle" else (1,):
            scenario = {"records": 47, "size": 10, "paging": "cursor", "format": "json",
                        "faults": [{"fault": name, "page": 3, "length": length, "times": 0 if name == "cursor_cycle" else 1}]}
            with OwnApi(scenario) as api:
                found = walk(api, scenario)
                expect(right(found), f"{name}: {found}")


def children():
    with OwnApi({"records": 7}) as api:
        expect(ids_of(get(api, "/children/3")) == [30, 31, 32] and ids_of(get(api, "/children?ids=1,4,2")) == [10, 20, 21], "children")
        expect(get(api, "/children/8").status == 404 and len(api.ask("children")) == 12, f"all children: {api.ask('children')}")


def own_process():
    with Api({"records": 30}) as api:
        expect(walk(api, {"paging": "next_url", "format": "json"}) == list(range(1, 31)), "a process of its own")
        process = api.process
    expect(process.poll() is not None, "it has ended")


def more():
    with OwnApi({"records": 30, "size": 10, "limits": {"requests": 2, "seconds": 60, "concurrency": 2}, "format": "qualys"}) as api:
        found = [get(api, "/x") for _ in range(3)]
        expect([got.status for got in found] == [200, 200, 409] and found[0].headers["X-RateLimit-Remaining"] == "1"
               and int(found[2].headers["X-RateLimit-ToWait-Sec"]) > 50, f"rate: {[str(got.headers) for got in found]}")
    with OwnApi({"records": 30, "limits": {"concurrency": 1}, "faults": [{"fault": "stall", "byte": 5, "seconds": 2}]}) as api:
        slow = threading.Thread(target=lambda: get(api, "/x"))
        slow.start()
        while not api.ask("log"):
            pass
        expect(b"1960" in get(api, "/x").plain, "concurrency")
        slow.join()
    with OwnApi({"records": 10, "faults": [{"fault": "redirect_elsewhere"}]}) as api:
        where = get(api, "/records").headers["Location"]
        get(api, where, {"Authorization": "Basic x"})
        expect([entry["origin"] for entry in api.ask("log")] == ["own", "other"] and where.startswith(f"http://{api.other}/"), where)
        expect(["Authorization", "Basic x"] in api.ask("log")[1]["headers"], "the other one writes down what came")
    for format in ("json", "ndjson", "xml", "csv", "qualys"):
        for encoding in ("", "gzip"):
            with OwnApi({"format": format, "records": 100, "paging": "none", "window": "", "body_bytes": 300_000, "encoding": encoding,
                      "require": {}}) as api:
                got = get(api, "/records")
                expect(300_000 <= len(got.plain) < 400_000 and len(ids_of(got)) % 100 == 0, f"{format}: {len(got.plain)}")
                if format in ("xml", "qualys"):
                    xml.etree.ElementTree.fromstring(got.plain)
                if format == "json":
                    json.loads(got.plain)


if __name__ == "__main__":
    for part in (pagings, windows, logins, each_fault, children, own_process, more):
        part()
    print(f"{len(SEEN) + len(WALKED)} faults, {len(PROBLEMS)} problems")
    sys.exit(1 if PROBLEMS else 0)
