"""What an API is like, and what goes wrong in it: one table of options, read from a TOML or JSON file."""

import json
import pathlib
import tomllib

# Option: what it is when it is not there. README.md says what each one means.
OPTIONS = {
    "seed": 1,
    "records": 250,
    "start": "2026-01-01T00:00:00Z",
    "now": "2026-03-01T00:00:00Z",
    "skew": 0,
    "format": "json",
    "size": 100,
    "max_size": 0,
    "order": "id",
    "paging": "next_url",
    "params": {},
    "first": 1,
    "next_as": "cdata",
    "meta": "last",
    "total": False,
    "stamp": False,
    "window": "",
    "after_inclusive": True,
    "before_inclusive": False,
    "auth": "none",
    "secrets": {},
    "lifetime": 0,
    "echo_secret": False,
    "require": {},
    "encoding": "",
    "framing": "chunked",
    "piece": 65536,
    "http": "1.1",
    "limits": {},
    "moments": [],
    "faults": [],
    "body_bytes": 0,
    "pieces": {},
    "detections": 3,
}
PARAMS = {"after": "after", "before": "before", "cursor": "cursor", "page": "page", "offset": "offset", "size": "limit"}
SECRETS = {"username": "reader-Zx81", "password": "pw-hush-Qq29", "token": "tok-hush-Vv54", "api_key": "key-hush-Ww67",
           "client_id": "client-Jj18", "client_secret": "cs-hush-Rr33"}
LIMITS = {"requests": 0, "seconds": 1.0, "concurrency": 0, "status": 409}
QUALYS = {"paging": "next_url", "window": "time", "require": {"X-Requested-With": ""}, "size": 1000}
QUALYS_PARAMS = {"after": "detection_updated_since", "before": "detection_updated_before", "cursor": "id_min",
                 "size": "truncation_limit"}
CHOICES = {
    "format": ("json", "ndjson", "xml", "csv", "qualys"),
    "order": ("id", "updated"),
    "paging": ("none", "next_url", "next_header", "link_header", "cursor", "cursor_header", "page", "offset"),
    "next_as": ("cdata", "escaped"),
    "meta": ("first", "last"),
    "window": ("", "time", "id"),
    "auth": ("none", "basic", "bearer", "api_key_header", "api_key_query", "oauth2", "session_cookie", "session_token"),
    "encoding": ("", "gzip", "deflate"),
    "framing": ("chunked", "length", "close"),
    "http": ("1.0", "1.1"),
}


class Scenario:
    """Each option is an attribute."""

    def __init__(self, given):
        qualys = given.get("format") == "qualys"
        for name in given:
            if name not in OPTIONS:
                raise ValueError(f"unknown option '{name}' (there are: {', '.join(OPTIONS)})")
        for name, value in {**OPTIONS, **(QUALYS if qualys else {}), **given}.items():
            if name in CHOICES and value not in CHOICES[name]:
                raise ValueError(f"'{name}' cannot be '{value}' (there are: {', '.join(CHOICES[name])})")
            setattr(self, name, value)
        self.params = {**PARAMS, **(QUALYS_PARAMS if qualys else {}), **self.params}
        self.secrets = {**SECRETS, **self.secrets}
        self.limits = {**LIMITS, **self.limits}


def read(path):
    path = pathlib.Path(path)
    text = path.read_text()
    return Scenario(json.loads(text) if path.suffix == ".json" else tomllib.loads(text))
