"""Media of load jobs: multipart in one request, or resumable in as many as it takes."""

import json
import re
import uuid

from problem import Problem

CHUNK = 262_144  # every chunk but the last is a multiple of it


def multipart(content_type, body):
    """(job, media) of multipart/related with lines ended by CRLF or LF."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if not found:
        raise Problem("invalid", f"multipart without boundary: {content_type}")
    parts = re.split(rb"(?:^|\r?\n)--" + re.escape(found[1].encode()), body)
    if len(parts) != 4 or parts[3].strip() != b"--":
        raise Problem("invalid", "multipart: two parts and an end are needed")
    contents = [re.split(rb"\r?\n\r?\n", part, maxsplit=1) for part in parts[1:3]]
    if any(len(content) != 2 for content in contents):
        raise Problem("invalid", "multipart: a part without headers")
    return json.loads(contents[0][1]), contents[1][1]


class Session:
    def __init__(self, job):
        self.job = job
        self.kept = b""
        self.made = None  # the Job, once the last byte is there


class Answer(Exception):
    """Not a refusal: 308, with what is kept."""

    def __init__(self, kept):
        super().__init__()
        self.headers = [("Range", f"bytes=0-{kept - 1}")] if kept else []


class Uploads:
    """`late_duplicate`: a used job id is refused at the last byte only, else at the start of the session."""

    def __init__(self, jobs, late_duplicate):
        self.jobs, self.late_duplicate = jobs, late_duplicate
        self.sessions = {}

    def start(self, job):
        if not self.late_duplicate and (id := job.get("jobReference", {}).get("jobId")):
            self.jobs.check_new(id)
        name = uuid.uuid4().hex
        self.sessions[name] = Session(job)
        return name

    def drop(self, name):
        self.sessions.pop(name, None)

    def put(self, name, content_range, body, keep=None):
        """The Job; Answer: go on behind what is kept. `keep`: only so many bytes of the body are."""
        session = self.sessions.get(name)
        if not session:
            gone = Problem("gone", "The upload session is not known")
            gone.status = 404
            raise gone
        if session.made:
            return session.made
        found = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", content_range or f"bytes 0-{max(len(body), 1) - 1}/{len(body)}")
        if not found or found[1] and int(found[2]) - int(found[1]) + 1 != len(body) and body:
            raise Problem("invalid", f"Content-Range {content_range!r} does not fit {len(body)} bytes")
        total = None if found[3] == "*" else int(found[3])
        if found[1]:
            start = int(found[1])
            if start > len(session.kept):
                raise Problem("invalid", f"Content-Range {content_range!r}: only {len(session.kept)} bytes are kept")
            if total is None or start + len(body) < total:
                if len(body) % CHUNK:
                    raise Problem("invalid", f"a chunk of {len(body)} bytes, not a multiple of {CHUNK}")
            session.kept = session.kept[:start] + (body if keep is None else body[:keep])
        if total is None or len(session.kept) < total:
            raise Answer(len(session.kept))
        session.made = self.jobs.make(session.job, session.kept)
        session.kept = b""
        return session.made
