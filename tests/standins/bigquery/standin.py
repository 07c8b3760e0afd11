"""Starts the stand-in for a test, asks it, ends it."""

import json
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

SERVER = pathlib.Path(__file__).resolve().parent / "server.py"


class BigQuery:
    """A context manager; `options` are those of server.py."""

    def __init__(self, *options):
        self.options = [str(option) for option in options]

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, SERVER, *self.options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.__exit__()
            raise RuntimeError(f"the stand-in said {line!r}")
        self.address = line.removeprefix("listening on ").strip()
        self.url = f"http://{self.address}"
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def request(self, method, target, body=None, headers=None):
        """(status, headers, body as bytes)"""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
        request = urllib.request.Request(target if target.startswith("http") else self.url + target, body, headers or {}, method=method)
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.headers, answer.read()

    def ask(self, what, body=None):
        """_log, _jobs, _rows?table=d.t, _counts, _faults (body: the list), …"""
        data = None if body is None else json.dumps(body).encode()
        status, _, said = self.request("GET" if data is None else "POST", f"/_{what}", data)
        if status != 200:
            raise RuntimeError(f"the stand-in says {status} to {what}: {said[:500]!r}")
        return json.loads(said)

    def api(self, method, path, body=None, headers=None):
        """(status, body) of a request below /bigquery/v2/projects/test."""
        data = None if body is None else json.dumps(body).encode()
        status, _, said = self.request(method, "/bigquery/v2/projects/test" + path, data, {"Content-Type": "application/json", **(headers or {})})
        return status, json.loads(said) if said else None


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
