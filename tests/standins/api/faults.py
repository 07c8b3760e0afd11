"""Everything that goes wrong, one function each, in the table at the end.

A fault of a page changes what the page says; a fault of an answer changes how it is sent, or what is sent in its place.
`fault` is its entry in the scenario; README.md says what each one may be told.
"""

import bodies

HOUR = 3600


# Of a page: f(pages, params, page, fault).

def total_more(pages, params, page, fault):
    page.total += fault.get("by", 7)


def total_fewer(pages, params, page, fault):
    page.total -= fault.get("by", 7)


def repeat_page(pages, params, page, fault):
    """The records of the page before, with the way on of this one."""
    if page.number > 1:
        earlier = pages.page({**params, pages.param(): pages.earlier(params, page, 1)})
        page.records = earlier.records


def cursor_cycle(pages, params, page, fault):
    """The next page is one that was asked for before: `length` pages back, 1: this one."""
    page.next = pages.earlier(params, page, fault.get("length", 1) - 1)


def empty_page(pages, params, page, fault):
    """No records, and the way on leads to what this page should have been."""
    page.next = pages.same_otherwise(params, page)
    page.records = []


def duplicates(pages, params, page, fault):
    """The last records of the page before come again."""
    if page.number > 1:
        earlier = pages.page({**params, pages.param(): pages.earlier(params, page, 1)})
        page.records = earlier.records[-fault.get("count", 5):] + page.records


def keep_alive(pages, params, page, fault):
    page.comments = ["keep-alive for KNOWLEDGE_BASE_VULN_LIST_OUTPUT", "a < b & c - d"]


def warning_first(pages, params, page, fault):
    page.prolog = b"<!-- WARNING: this API version will be retired on 2027-01-01 -->\n"


def byte_order_mark(pages, params, page, fault):
    page.prolog = b"\xef\xbb\xbf"


def at(page, fault):
    return page.records[min(fault.get("record", 3), len(page.records) - 1)] if page.records else None


POISON = {
    "json": b'{"id":%d,"name":"broken" "text":1}',
    "ndjson": b'{"id":%d,"name":"broken" "text":1}',
    "csv": b"%d,one,too,many,columns,here,and,more",
    "xml": b"<ITEM><ID>%d</ID><TEXT>a & b < c</WRONG></ITEM>",
    "qualys": b"<DETECTION><UNIQUE_VULN_ID>%d</UNIQUE_VULN_ID><QID>a & b < c</WRONG></DETECTION>",
}
MISFIT = {
    "json": b'{"id":%d,"updated":"not a time","name":null,"amount":"many","text":"t"}',
    "ndjson": b'{"id":%d,"updated":"not a time","name":null,"amount":"many","text":"t"}',
    "csv": b"%d,not a time,x,many,t",
    "xml": b"<ITEM><ID>%d</ID><UPDATED>not a time</UPDATED><AMOUNT>many</AMOUNT></ITEM>",
    "qualys": b"<DETECTION><UNIQUE_VULN_ID>%d</UNIQUE_VULN_ID><QID>\x01\x80\xff</QID></DETECTION>",
}


def poison_record(pages, params, page, fault):
    """One that no decoder can read, in the middle of good ones."""
    if record := at(page, fault):
        page.odd = {record.id: POISON[pages.scenario.format] % record.id}


def misfit(pages, params, page, fault):
    """Well formed, with values that are not of their columns' types."""
    if record := at(page, fault):
        page.odd = {record.id: MISFIT[pages.scenario.format] % record.id}


def bad_bytes(pages, params, page, fault):
    """Latin-1 where UTF-8 was declared."""
    if record := at(page, fault):
        made = bodies.FORMATS[pages.scenario.format](pages.scenario, page).record(record)
        page.odd = {record.id: made.replace(record.name.encode(), b"caf\xe9")}


def huge_record(pages, params, page, fault):
    if record := at(page, fault):
        record_bytes = bodies.FORMATS[pages.scenario.format](pages.scenario, page).record(record)
        page.odd = {record.id: record_bytes.replace(record.name.encode(), b"x" * fault.get("bytes", 20_000_000), 1)}


def unclosed(pages, params, page, fault):
    """The framing says that all has come, the document is not closed."""
    page.open_end = True


def no_list(pages, params, page, fault):
    """Nothing matches, and there is not even an empty list."""
    page.records, page.next, page.no_list = [], None, True


def next_elsewhere(pages, params, page, fault):
    page.elsewhere = True  # its URL has another origin


def next_is_file(pages, params, page, fault):
    page.next_url = fault.get("url", "file:///etc/passwd")


# Of an answer: f(answer, fault, service).

def status(code, body=b"", content_type="application/json", headers=()):
    def become(answer, fault, service):
        answer.become(fault.get("status", code), body, content_type, headers)
    return become


def retry_after_seconds(answer, fault, service):
    answer.become(fault.get("status", 429), b'{"error":"too many requests"}', headers=[("Retry-After", str(fault.get("seconds", 1)))])


def retry_after_date(answer, fault, service):
    when = service.http_date(fault.get("seconds", 1))
    answer.become(fault.get("status", 429), b'{"error":"too many requests"}', headers=[("Retry-After", when)])


def concurrency_1960(answer, fault, service):
    body = bodies.simple_return(1960, "This API cannot be run again until 1 currently running API instance has finished.",
                                [("CALLS_TO_FINISH", 1), ("CONCURRENCY_LIMIT", 2)])
    answer.become(409, body, "text/xml", [("X-RateLimit-ToWait-Sec", "0"), ("X-Concurrency-Limit-Running", "2")])


def rate_1965(answer, fault, service):
    seconds = fault.get("seconds", 1)
    body = bodies.simple_return(1965, f"This API cannot be run again for another {seconds // HOUR} hours, {seconds // 60 % 60} minutes "
                                f"and {seconds % 60} seconds.", [("SECONDS_TO_WAIT", seconds)])
    answer.become(409, body, "text/xml", [("X-RateLimit-Remaining", "0"), ("X-RateLimit-ToWait-Sec", str(seconds))])


def html_200(answer, fault, service):
    answer.become(200, bodies.HTML, fault.get("content_type", "text/html"))


def error_in_200(answer, fault, service):
    answer.become(200, bodies.simple_return(2001, "This account has expired."), "text/xml")


def error_object_200(answer, fault, service):
    answer.become(200, b'{"error":{"code":500,"message":"the backend is gone"}}')


def another_document(answer, fault, service):
    answer.become(200, b'<?xml version="1.0"?>\n<!DOCTYPE GENERIC_RETURN>\n<GENERIC_RETURN><API/><RETURN status="FAILED" number="999">'
                  b"Internal error</RETURN></GENERIC_RETURN>\n", "text/xml")


def expired(answer, fault, service):
    """The token or the session is not valid any more; the next login gives a good one."""
    service.access.forget()
    answer.become(401, b'{"error":"invalid_token"}', headers=[("WWW-Authenticate", 'Bearer error="invalid_token"')])


def redirect_here(answer, fault, service):
    answer.become(fault.get("status", 302), b"moved", "text/plain", [("Location", service.moved(answer.request))])


def redirect_relative(answer, fault, service):
    answer.become(fault.get("status", 307), b"", "text/plain", [("Location", "/moved" + answer.request.target)])


def redirect_elsewhere(answer, fault, service):
    answer.become(fault.get("status", 302), b"moved", "text/plain", [("Location", service.other_origin + answer.request.target)])


def redirect_loop(answer, fault, service):
    answer.become(302, b"", "text/plain", [("Location", answer.request.target)])


def redirect_nowhere(answer, fault, service):
    answer.become(302, b"", "text/plain", [])


def redirect_scheme(answer, fault, service):
    answer.become(302, b"", "text/plain", [("Location", fault.get("location", "file:///etc/passwd"))])


def slow(answer, fault, service):
    answer.bytes_per_second = fault.get("rate", 20_000)


def stall(answer, fault, service):
    """No byte more after `byte` of the body; without `byte` none at all, not even a status."""
    answer.stall_at = fault.get("byte", -1)
    answer.stall_seconds = fault.get("seconds", 600)


def large_page_stalls(answer, fault, service):
    if answer.page and len(answer.page.records) > fault.get("most", 50):
        stall(answer, fault, service)


def reset(answer, fault, service):
    answer.cut_at, answer.cut_how = fault.get("byte", 0), "reset"


def close_silently(answer, fault, service):
    """Before any byte: what a server does with a kept connection that has become too old."""
    answer.cut_at, answer.cut_how = -1, "close"


def refuse(answer, fault, service):
    """This connection is reset, and for a while nobody listens."""
    answer.cut_at, answer.cut_how = -1, "reset"
    service.refuse(fault.get("seconds", 1))


def cut(answer, fault, service):
    answer.cut_at, answer.cut_how = fault.get("byte", 1000), "close"
    answer.framing = fault.get("framing", "length")


def cut_chunked(answer, fault, service):
    answer.cut_at, answer.cut_how, answer.framing = fault.get("byte", 1000), "close", "chunked"


def cut_unframed(answer, fault, service):
    """Only the document can tell."""
    answer.cut_at, answer.cut_how, answer.framing = fault.get("byte", 1000), "close", "close"


def change_bytes(answer, change):
    whole = bytearray(b"".join(answer.encoded()))
    answer.replace(bytes(change(whole)))


def cut_gzip(answer, fault, service):
    """The framing is whole, the compression is not."""
    answer.encoding = answer.encoding or "gzip"
    change_bytes(answer, lambda whole: whole[:len(whole) * 2 // 3])


def gzip_crc(answer, fault, service):
    def change(whole):
        whole[-8] ^= 0xFF
        return whole
    answer.encoding = "gzip"
    change_bytes(answer, change)


def gzip_garbage(answer, fault, service):
    """Said to be gzip, and is not."""
    answer.replace(b"".join(answer.body))
    answer.encoding = "gzip"


def bad_chunk_size(answer, fault, service):
    answer.framing, answer.chunk_size_text = "chunked", b"xyz\r\n"


def short_document(answer, fault, service):
    """The framing is whole, the document ends at `byte`."""
    answer.replace(b"".join(answer.body)[:fault.get("byte", 1000)])


def long_header(answer, fault, service):
    answer.headers.append(("X-Long", "h" * fault.get("bytes", 60_000)))


def garbage(answer, fault, service):
    answer.raw = b"\x16\x03\x01\x02\x00\x01\x00 this is not HTTP\r\n\r\n"


PAGE_FAULTS = {f.__name__: f for f in (
    total_more, total_fewer, repeat_page, cursor_cycle, empty_page, duplicates, keep_alive, warning_first, byte_order_mark,
    poison_record, misfit, bad_bytes, huge_record, unclosed, no_list, next_elsewhere, next_is_file)}
ANSWER_FAULTS = {f.__name__: f for f in (
    retry_after_seconds, retry_after_date, concurrency_1960, rate_1965, html_200, error_in_200, error_object_200,
    another_document, expired, redirect_here, redirect_relative, redirect_elsewhere, redirect_loop, redirect_nowhere,
    redirect_scheme, slow, stall, large_page_stalls, reset, close_silently, refuse, cut, cut_chunked, cut_unframed,
    cut_gzip, gzip_crc, gzip_garbage, bad_chunk_size, short_document, long_header, garbage)}
ANSWER_FAULTS |= {
    "error_400": status(400, bodies.simple_return(1905, "parameter action has invalid value"), "text/xml"),
    "error_403": status(403, b'{"error":"forbidden"}'),
    "error_404": status(404, b'{"error":"no such endpoint"}'),
    "error_408": status(408, b""),
    "error_500": status(500, b'{"error":"internal"}'),
    "error_502": status(502, bodies.HTML, "text/html"),
    "error_503": status(503, b"try again later\n", "text/plain"),
    "error_504": status(504, bodies.HTML, "text/html"),
    "no_content": status(204, b""),
}
WHEN = ("fault", "request", "page", "window", "every", "chance", "times")


class Faults:
    """Which of the scenario's faults happen to a request."""

    def __init__(self, scenario, random):
        self.random = random
        self.list = []
        for fault in scenario.faults:
            if fault.get("fault") not in PAGE_FAULTS and fault.get("fault") not in ANSWER_FAULTS:
                raise ValueError(f"there is no fault '{fault.get('fault')}' (there are: "
                                 f"{', '.join(sorted(PAGE_FAULTS) + sorted(ANSWER_FAULTS))})")
            self.list.append({**fault, "left": fault.get("times", 1) or -1})
        self.happened = {}

    def due(self, request, page):
        """`request`: its number, from 1."""
        found = []
        for fault in self.list:
            fits = fault["left"] != 0 and fault.get("request", request) <= request and \
                (page is None or fault.get("page", page.number) == page.number and fault.get("window", "") in page.window) and \
                request % fault.get("every", 1) == 0 and self.random.random() < fault.get("chance", 1)
            if fits:
                fault["left"] -= 1
                self.happened[fault["fault"]] = self.happened.get(fault["fault"], 0) + 1
                found.append(fault)
        return found
