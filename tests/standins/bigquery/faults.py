"""What goes wrong, by script: a list of { fault, on, after, every, chance, times, … }; README.md has the table.

A fault of a request happens before the request has done anything, instead of it, or after it has done all, instead of its
answer. A fault of a job happens when the job runs.
"""

import fnmatch
import random

# (status, reason, message) of an answer of the API; the name with `_after` says it when all is done.
ANSWERS = {
    "rateLimitExceeded": (403, "rateLimitExceeded", "Exceeded rate limits: too many api requests per user per method for this user_method."),
    "quotaExceeded": (403, "quotaExceeded", "Quota exceeded: Your table exceeded quota for imports or query appends per table."),
    "accessDenied": (403, "accessDenied", "Access Denied: Table: User does not have permission."),
    "too_many": (429, "rateLimitExceeded", "Too many requests"),
    "internalError": (500, "internalError", "An internal error occurred and the request could not be completed."),
    "bad_gateway": (502, "backendError", "Bad gateway"),
    "backendError": (503, "backendError", "Error encountered during execution. Retrying may solve the problem."),
    "timeout": (504, "backendError", "Gateway timeout"),
    "unauthorized": (401, "authError", "Request had invalid authentication credentials."),
    "not_found": (404, "notFound", "Not found"),
    "gone": (410, "gone", "The upload session is gone"),
    "duplicate": (409, "duplicate", "Already Exists: Job"),
    "conditionNotMet": (412, "conditionNotMet", "Precondition check failed."),
}
# Of a connection: it is reset before anything is done; all is done and no answer comes; half of the answer comes; an HTML
# page as a proxy sends it; the answer comes after `seconds`.
CONNECTION = {"reset", "lost", "cut", "html", "slow"}
UPLOAD = {"keep_less"}           # of a PUT only `bytes` are kept, and the answer is 308
JOB = {"job_fails", "job_slow"}  # `reason`, `message` | `seconds`
NAMES = set(ANSWERS) | {f"{name}_after" for name in ANSWERS} | CONNECTION | UPLOAD | JOB
NEEDED = {"slow": "seconds", "job_slow": "seconds", "keep_less": "bytes"}
KEYS = {"fault", "on", "after", "every", "chance", "times", "seconds", "bytes", "reason", "message", "retry_after"}


class Faults:
    def __init__(self, given=(), seed=1):
        self.random = random.Random(seed)
        self.happened = {}
        self.give(given)

    def give(self, given):
        for fault in given:
            if fault.get("fault") not in NAMES:
                raise ValueError(f"there is no fault {fault.get('fault')!r} (there are: {', '.join(sorted(NAMES))})")
            if NEEDED.get(fault["fault"], "fault") not in fault:
                raise ValueError(f"fault {fault['fault']} needs {NEEDED[fault['fault']]}")
            if unknown := set(fault) - KEYS:
                raise ValueError(f"fault {fault['fault']}: unknown {', '.join(sorted(unknown))}")
        self.list = [{**fault, "left": fault.get("times", 1) or -1, "seen": 0} for fault in given]

    def due(self, names, operation):
        """The first of these faults that happens to the operation; None."""
        for fault in self.list:
            if fault["fault"] not in names or fault["left"] == 0 or not fnmatch.fnmatch(operation, fault.get("on", "*")):
                continue
            fault["seen"] += 1
            if fault["seen"] <= fault.get("after", 0) or fault["seen"] % fault.get("every", 1) or self.random.random() >= fault.get("chance", 1):
                continue
            fault["left"] -= 1
            name = f"{operation}:{fault['fault']}"
            self.happened[name] = self.happened.get(name, 0) + 1
            return fault
        return None
