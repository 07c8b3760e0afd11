"""Jobs: one of each id, for ever; each runs once, by itself, whether anybody asks for it or not."""

import re
import threading
import time
import uuid

from problem import Problem, not_done
import values

KINDS = ("load", "query", "copy")
QUOTA_MESSAGE = "Quota exceeded: Your table exceeded quota for imports or query appends per table."


class Job:
    def __init__(self, resource, location, media):
        self.resource, self.location, self.media = resource, location, media
        self.config = resource["configuration"]
        self.kind = next((kind for kind in KINDS if kind in self.config), None)
        self.done = False
        self.polls = 0
        self.statement = None  # of a query
        self.ended = threading.Event()
        if not self.kind:
            raise not_done(f"a job of {', '.join(self.config)}")

    def say(self, state):
        self.resource["status"] = {**self.resource.get("status", {}), "state": state}


class Jobs:
    def __init__(self, project, warehouse, faults, lock, quota):
        self.project, self.warehouse, self.faults, self.lock, self.quota = project, warehouse, faults, lock, quota
        self.jobs = {}   # id: Job
        self.loads = {}  # "dataset.table": how many load jobs today, failed ones as well
        self.landed = [] # ids, in the order in which they took effect

    def location_of(self, config, given):
        kind = next((kind for kind in KINDS if kind in config), None)
        dataset = config.get(kind, {}).get("destinationTable", {}).get("datasetId") if kind in ("load", "copy") else None
        if not dataset:
            return given or "US"
        at = self.warehouse.dataset(dataset)["location"]
        if given and given.upper() != at.upper():
            raise Problem("notFound", f"Not found: Dataset {self.project}:{dataset} was not found in location {given}")
        return at

    def check_new(self, id):
        if id in self.jobs:
            raise Problem("duplicate", f"Already Exists: Job {self.project}:{self.jobs[id].location}.{id}")

    def make(self, given, media=None):
        """The Job, under way."""
        reference = given.get("jobReference", {})
        id = reference.get("jobId") or f"job_{uuid.uuid4().hex}"
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,1024}", id):
            raise Problem("invalid", f'Invalid job ID "{id}". Job IDs must be alphanumeric (plus underscores and dashes) and must be at most 1024 characters long.')
        config = given.get("configuration", {})
        for key, value in config.get("labels", {}).items():
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) or not re.fullmatch(r"[a-z0-9_-]{0,63}", value):
                raise Problem("invalid", f'Label "{key}": "{value}" has invalid characters or is too long.')
        location = self.location_of(config, reference.get("location"))
        self.check_new(id)
        resource = {
            "kind": "bigquery#job", "id": f"{self.project}:{location}.{id}", "etag": uuid.uuid4().hex, "selfLink": f"/projects/{self.project}/jobs/{id}",
            "user_email": "loader@test", "jobReference": {"projectId": self.project, "jobId": id, "location": location},
            "configuration": {**config, "jobType": next((kind.upper() for kind in KINDS if kind in config), "UNKNOWN")},
            "statistics": {"creationTime": str(int(time.time() * 1000))}, "status": {"state": "PENDING"}}
        job = Job(resource, location, media)
        if config.get("dryRun"):
            self.execute(job)
            return job
        if job.kind == "load":
            self.count_load(job)
        self.jobs[id] = job
        slow = self.faults.due({"job_slow"}, f"job.{job.kind}")
        threading.Thread(target=self.run, args=(job, slow["seconds"] if slow else 0), daemon=True).start()
        return job

    def count_load(self, job):
        given = job.config["load"]["destinationTable"]
        name = f"{given['datasetId']}.{given['tableId'].partition('$')[0]}"
        self.loads[name] = self.loads.get(name, 0) + 1
        if self.loads[name] > self.quota:
            raise Problem("quotaExceeded", QUOTA_MESSAGE)

    def run(self, job, seconds):
        job.ended.wait(seconds)  # nobody sets it before the job has run
        with self.lock:
            job.say("RUNNING")
            job.resource["statistics"]["startTime"] = str(int(time.time() * 1000))
            try:
                if fault := self.faults.due({"job_fails"}, f"job.{job.kind}"):
                    raise Problem(fault.get("reason", "backendError"), fault.get("message", "Error encountered during execution."))
                self.execute(job)
                self.landed.append(job.resource["jobReference"]["jobId"])
            except Problem as problem:
                job.resource["status"] |= {"errorResult": problem.proto(), "errors": [problem.proto(), *(problem.errors or [])]}
            job.resource["statistics"]["endTime"] = str(int(time.time() * 1000))
            job.media = None
            job.done = True
        job.ended.set()

    def execute(self, job):
        statistics = job.resource["statistics"]
        if job.kind == "load":
            if job.media is None:
                raise Problem("required", "Load configuration must specify at least one source URI")
            statistics["load"] = self.warehouse.load(job.config["load"], job.media)
        elif job.kind == "copy":
            statistics["copy"] = self.warehouse.copy(job.config["copy"])
        else:
            config = job.config["query"]
            if config.get("useLegacySql", True):
                raise not_done("legacy SQL (useLegacySql must be false)")
            params = {one["name"]: (values.ALIASES.get(one["parameterType"]["type"], one["parameterType"]["type"]), one["parameterValue"].get("value"))
                      for one in config.get("queryParameters", [])}
            dry = bool(job.config.get("dryRun"))
            statement, scanned = self.warehouse.query(config["query"], params, write=not dry)
            if dry:
                job.done = True
                job.say("DONE")
            job.statement = statement
            statistics["totalBytesProcessed"] = str(scanned)
            statistics["query"] = {"statementType": statement.kind, "totalBytesProcessed": str(scanned), "totalBytesBilled": str(scanned), "cacheHit": False,
                                   "schema": {"fields": statement.fields}}
            if statement.kind != "SELECT":
                statistics["query"]["dmlStats"] = {key: str(value) for key, value in statement.affected.items()}
                statistics["query"]["numDmlAffectedRows"] = str(sum(statement.affected.values()))

    def find(self, id, location=None):
        job = self.jobs.get(id)
        if not job or (location or "US").upper() not in (job.location.upper(), *(("US", "EU") if not location and job.location in ("US", "EU") else ())):
            raise Problem("notFound", f"Not found: Job {self.project}:{location + '.' if location else ''}{id}")
        return job

    def show(self, job):
        """Its resource; a job is seen RUNNING once at least."""
        if job.done and job.polls:
            job.say("DONE")
        elif job.resource["status"]["state"] != "DONE":
            job.polls += 1
            shown = {**job.resource, "status": {"state": "RUNNING"}}
            return {**shown, "statistics": {key: value for key, value in job.resource["statistics"].items() if key == "creationTime"}}
        return job.resource
