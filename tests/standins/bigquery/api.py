"""The REST API: which request is which operation, and what it answers."""

import re

from problem import Problem
from uploads import multipart
import values

LARGEST_PAGE = 10_000
PREFIX = re.compile(r"^(?:/resumable)?(/upload)?(?:/bigquery/v2)?/projects/([^/]+)(/.*)?$")
NAME = r"([^/]+)"
ROUTES = [(method, re.compile(path), operation) for method, path, operation in [
    ("GET", r"/datasets", "datasets.list"),
    ("POST", r"/datasets", "datasets.insert"),
    ("GET", rf"/datasets/{NAME}", "datasets.get"),
    ("PATCH", rf"/datasets/{NAME}", "datasets.patch"),
    ("DELETE", rf"/datasets/{NAME}", "datasets.delete"),
    ("GET", rf"/datasets/{NAME}/tables", "tables.list"),
    ("POST", rf"/datasets/{NAME}/tables", "tables.insert"),
    ("GET", rf"/datasets/{NAME}/tables/{NAME}", "tables.get"),
    ("PATCH", rf"/datasets/{NAME}/tables/{NAME}", "tables.patch"),
    ("DELETE", rf"/datasets/{NAME}/tables/{NAME}", "tables.delete"),
    ("GET", rf"/datasets/{NAME}/tables/{NAME}/data", "tabledata.list"),
    ("POST", rf"/datasets/{NAME}/tables/{NAME}/insertAll", "tabledata.insertAll"),
    ("GET", r"/jobs", "jobs.list"),
    ("POST", r"/jobs", "jobs.insert"),
    ("GET", rf"/jobs/{NAME}", "jobs.get"),
    ("POST", rf"/jobs/{NAME}/cancel", "jobs.cancel"),
    ("POST", r"/queries", "jobs.query"),
    ("GET", rf"/queries/{NAME}", "jobs.getQueryResults"),
]]


def route(request):
    """(operation, names in the path, project); (None, …): there is no such thing."""
    found = PREFIX.match(request.path)
    if not found:
        return None, (), None
    upload, project, rest = found.groups()
    if upload:
        if rest == "/jobs" and request.params.get("uploadType") == "multipart":
            return "upload.multipart", (), project
        if rest == "/jobs" and "upload_id" in request.params:
            return ("upload.query" if (request.header("content-range") or "").startswith("bytes */") else "upload.put"), (), project
        if rest == "/jobs" and request.params.get("uploadType") == "resumable":
            return "upload.start", (), project
        return None, (), project
    for method, path, operation in ROUTES:
        if method == request.method and (names := path.fullmatch(rest or "/")):
            return operation, names.groups(), project
    return None, (), project


class Api:
    def __init__(self, project, warehouse, jobs, uploads, faults):
        self.project, self.warehouse, self.jobs, self.uploads, self.faults = project, warehouse, jobs, uploads, faults

    def answer(self, operation, names, request):
        """What the body says, or (status, headers, body); Problem, uploads.Answer."""
        return getattr(self, operation.replace(".", "_").lower())(request, *names)

    # Datasets and tables.

    def page(self, request, name, all):
        start = int(request.params.get("pageToken", 0))
        size = min(int(request.params.get("maxResults", 1000) or 1000), LARGEST_PAGE)
        next = {"nextPageToken": str(start + size)} if start + size < len(all) else {}
        return {name: all[start:start + size], "totalItems": len(all), **next}

    def datasets_list(self, request):
        return self.page(request, "datasets", list(self.warehouse.datasets.values()))

    def datasets_insert(self, request):
        return self.warehouse.make_dataset(request.json())

    def datasets_get(self, request, dataset):
        return self.warehouse.dataset(dataset)

    def datasets_patch(self, request, dataset):
        return self.warehouse.patch_dataset(dataset, request.json())

    def datasets_delete(self, request, dataset):
        self.warehouse.drop_dataset(dataset, request.params.get("deleteContents") in ("true", "True"))

    def tables_list(self, request, dataset):
        self.warehouse.dataset(dataset)
        return self.page(request, "tables", [self.warehouse.resource(table) for (name, _), table in self.warehouse.tables.items() if name == dataset])

    def tables_insert(self, request, dataset):
        return self.warehouse.resource(self.warehouse.make_table(dataset, request.json()))

    def tables_get(self, request, dataset, table):
        return self.warehouse.resource(self.warehouse.table(dataset, table))

    def tables_patch(self, request, dataset, table):
        return self.warehouse.resource(self.warehouse.patch_table(self.warehouse.table(dataset, table), request.json(), request.header("if-match")))

    def tables_delete(self, request, dataset, table):
        self.warehouse.table(dataset, table)
        self.warehouse.drop_table(dataset, table)

    def tabledata_list(self, request, dataset, table):
        found = self.warehouse.table(dataset, table)
        total = self.warehouse.run(f"SELECT COUNT(*) FROM {found.sql_name}").fetchone()[0]
        start = int(request.params.get("pageToken") or request.params.get("startIndex") or 0)
        size = min(int(request.params.get("maxResults", LARGEST_PAGE)), LARGEST_PAGE)
        rows = self.warehouse.rows(found, start, size)
        return self.some_rows(request, found.fields, rows, start, total)

    def some_rows(self, request, fields, rows, start, total):
        options = request.json().get("formatOptions", {}) if request.method == "POST" else {}
        int64 = str(options.get("useInt64Timestamp", request.params.get("formatOptions.useInt64Timestamp", "false"))).lower() == "true"
        more = {"pageToken": str(start + len(rows))} if start + len(rows) < total else {}
        return {"kind": "bigquery#tableDataList", "totalRows": str(total), "rows": values.to_rows(fields, rows, int64), **more}

    def tabledata_insertall(self, request, dataset, table):
        found, given = self.warehouse.table(dataset, table), request.json()
        rows, errors = [], []
        for index, row in enumerate(given.get("rows", [])):
            try:
                rows.append(values.row_to_stored(found.fields, row["json"], given.get("ignoreUnknownValues", False)))
            except values.Misfit as misfit:
                errors.append({"index": index, "errors": [{"reason": "invalid", "location": "", "debugInfo": "", "message": str(misfit)}]})
        if not errors or given.get("skipInvalidRows"):
            self.warehouse.insert(found, rows)
        return {"kind": "bigquery#tableDataInsertAllResponse"} | ({"insertErrors": errors} if errors else {})

    # Jobs.

    def shown_first(self, job):
        return {**job.resource, "status": {"state": "RUNNING"}} if not job.config.get("dryRun") else job.resource

    def jobs_list(self, request):
        return self.page(request, "jobs", [{**self.jobs.show(job), "state": self.jobs.show(job)["status"]["state"]} for job in reversed(self.jobs.jobs.values())])

    def jobs_insert(self, request):
        given = request.json()
        if given.get("jobReference", {}).get("jobId"):
            self.jobs.check_new(given["jobReference"]["jobId"])
        return self.shown_first(self.jobs.make(given))

    def jobs_get(self, request, id):
        return self.jobs.show(self.jobs.find(id, request.params.get("location")))

    def jobs_cancel(self, request, id):
        return {"kind": "bigquery#jobCancelResponse", "job": self.jobs.show(self.jobs.find(id, request.params.get("location")))}

    def jobs_query(self, request):
        given = request.json()
        query = {key: given[key] for key in ("query", "useLegacySql", "queryParameters") if key in given}
        id = f"query_{given['requestId']}" if given.get("requestId") and not given.get("dryRun") else None
        made = {"configuration": {"query": query, "dryRun": given.get("dryRun", False)}, "jobReference": {"location": given.get("location")}}
        if id:
            made["jobReference"]["jobId"] = id
        job = self.jobs.jobs.get(id) or self.jobs.make(made)
        return self.results(request, job)

    def jobs_getqueryresults(self, request, id):
        return self.results(request, self.jobs.find(id, request.params.get("location")))

    def results(self, request, job):
        """Called with the lock, which a job needs to run: whoever asks too early asks again."""
        reference = {"kind": "bigquery#queryResponse", "jobReference": job.resource["jobReference"], "jobComplete": job.done}
        if not job.done:
            return reference
        job.polls += 1
        self.jobs.show(job)
        if error := job.resource["status"].get("errorResult"):
            raise Problem(error["reason"], error["message"])
        if job.kind != "query":
            raise Problem("invalid", "Cannot return query results of a job that is not a query")
        rows, fields = job.statement.rows, job.statement.fields
        start = int(request.params.get("pageToken") or request.params.get("startIndex") or 0)
        body = request.json() if request.method == "POST" else {}
        size = min(int(body.get("maxResults") or request.params.get("maxResults") or LARGEST_PAGE), LARGEST_PAGE)
        shown = self.some_rows(request, fields, rows[start:start + size], start, len(rows))
        numbers = {key: value for key, value in job.resource["statistics"].get("query", {}).items() if key in ("numDmlAffectedRows", "dmlStats")}
        return {**shown, **reference, "schema": {"fields": fields}, "cacheHit": False, **numbers,
                "totalBytesProcessed": job.resource["statistics"]["totalBytesProcessed"]}

    # Media.

    def upload_multipart(self, request):
        given, media = multipart(request.header("content-type"), request.body)
        if given.get("jobReference", {}).get("jobId"):
            self.jobs.check_new(given["jobReference"]["jobId"])
        return self.shown_first(self.jobs.make(given, media))

    def upload_start(self, request):
        name = self.uploads.start(request.json())
        return 200, [("Location", f"{request.origin}{request.path}?uploadType=resumable&upload_id={name}")], b""

    def upload_put(self, request):
        keep = self.faults.due({"keep_less"}, "upload.put")
        job = self.uploads.put(request.params["upload_id"], request.header("content-range"), request.body, keep and keep["bytes"])
        return self.shown_first(job)

    upload_query = upload_put
