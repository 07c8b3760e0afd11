"""What the API answers when it refuses: a status, a reason, a message."""

STATUS = {"invalid": 400, "invalidQuery": 400, "required": 400, "notFound": 404, "duplicate": 409, "accessDenied": 403,
          "rateLimitExceeded": 403, "quotaExceeded": 403, "conditionNotMet": 412, "backendError": 503, "internalError": 500,
          "authError": 401, "notImplemented": 501}


class Problem(Exception):
    """Of a request; inside a job it becomes the job's errorResult."""

    def __init__(self, reason, message, location=None, errors=None):
        super().__init__(message)
        self.reason, self.message, self.location = reason, message, location
        self.status = STATUS.get(reason, 400)
        self.errors = errors  # of a job: all that is known, the first is the result

    def proto(self):
        """An ErrorProto, as in `status.errors` of a job."""
        return {"reason": self.reason, "message": self.message} | ({"location": self.location} if self.location else {})

    def body(self):
        return {"error": {"code": self.status, "message": self.message, "status": self.reason.upper(),
                          "errors": [{"message": self.message, "domain": "global", "reason": self.reason}]}}


def not_done(what):
    return Problem("notImplemented", f"the stand-in does not know {what}")
