"""Starts the stand-in for a test, asks it, ends it: in a process of its own (Api), or in the test's (OwnApi, which starts
at once and shares the test's one core)."""

import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import scenario as scenarios
from server import Service

SERVER = pathlib.Path(__file__).resolve().parent / "server.py"


class Api:
    """`scenario`: a dict, or the path of a file. A context manager; also of a test that fails."""

    def __init__(self, scenario):
        self.scenario = scenario

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            path = self.scenario
            if isinstance(path, dict):
                file = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".json"))
                json.dump(self.scenario, file)
                file.flush()
                path = file.name
            self.process = subprocess.Popen([sys.executable, SERVER, "--scenario", path], stdout=subprocess.PIPE, text=True)
            try:
                self.address = self.said("listening on ")
                self.other = self.said("other origin on ")
            except BaseException:
                self.__exit__()
                raise
        self.url = f"http://{self.address}"
        return self

    def said(self, begin):
        line = self.process.stdout.readline()
        if not line.startswith(begin):
            raise RuntimeError(f"the stand-in said {line!r}")
        return line.removeprefix(begin).strip()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, what, body=None):
        """/_log, /_state, /_journal, /_pages, /_counts, /_moment?add=1, /_faults (body: the list)"""
        data = None if body is None else json.dumps(body).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(100):
            try:
                with opener.open(f"{self.url}/_{what}", data, timeout=60) as answer:
                    return json.load(answer)
            except urllib.error.URLError as problem:
                if not isinstance(problem.reason, ConnectionRefusedError):
                    raise
                time.sleep(0.1)  # fault `refuse`
        raise RuntimeError("the stand-in does not listen any more")

    def pages_fetched_twice(self):
        return sum(times - 1 for _, _, times in self.ask("pages"))


class OwnApi(Api):
    """`scenario`: a dict."""

    def __enter__(self):
        self.service = Service(scenarios.Scenario(self.scenario))
        self.service.start()
        self.url = self.service.origin
        self.address, self.other = (origin.removeprefix("http://") for origin in (self.url, self.service.other_origin))
        return self

    def __exit__(self, *_):
        self.service.closed = True
