"""Pages as bytes, in each format: an iterable of pieces, so that a body of 5 GB needs no memory."""

import csv
import io
import itertools
import json
import zlib
from xml.sax.saxutils import escape

from records import time_of

SERVED = itertools.count(1)
BLOCK = 2000  # records that are put into bytes at a time
CONTENT_TYPES = {"json": "application/json", "ndjson": "application/x-ndjson", "xml": "text/xml; charset=UTF-8",
                 "csv": "text/csv", "qualys": "text/xml;charset=UTF-8"}
HTML = b"""<!DOCTYPE html>
<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr>nginx</body></html>
"""


def simple_return(code, text, items=()):
    """What Qualys says in place of data."""
    listed = "".join(f"<ITEM><KEY>{key}</KEY><VALUE>{value}</VALUE></ITEM>" for key, value in items)
    return (f'<?xml version="1.0" encoding="UTF-8" ?>\n<SIMPLE_RETURN><RESPONSE><DATETIME>2026-03-01T00:00:00Z</DATETIME>'
            f"<CODE>{code}</CODE><TEXT>{escape(text)}</TEXT>{f'<ITEM_LIST>{listed}</ITEM_LIST>' if listed else ''}"
            "</RESPONSE></SIMPLE_RETURN>\n").encode()


def cdata(text):
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


class Json:
    def __init__(self, scenario, page):
        meta = {"count": len(page.records)}
        if scenario.total:
            meta["total"] = page.total
        if scenario.stamp:
            meta["served"] = next(SERVED)
        if scenario.paging == "next_url":
            meta["next"] = page.next_url or None
        elif scenario.paging == "cursor":
            meta["cursor"] = page.next
        meta = json.dumps({"meta": meta})[1:-1]
        self.head = ("{" + (meta + "," if scenario.meta == "first" else "") + '"items":[' if not page.no_list else "{" + meta).encode()
        self.foot = b"}\n" if page.no_list else ("]" + ("," + meta if scenario.meta == "last" else "") + "}\n").encode()
        self.between = b",\n"

    @staticmethod
    def record(record):
        return json.dumps(record.values(), ensure_ascii=record.id % 2 == 0).encode()


class Ndjson:
    head = b""
    between = b"\n"

    def __init__(self, scenario, page):
        self.foot = b"\n" if page.records else b""

    record = staticmethod(Json.record)


class Csv:
    between = b"\n"

    def __init__(self, scenario, page):
        self.head = b"id,updated,name,amount,text\n"
        self.foot = b"\n" if page.records else b""

    @staticmethod
    def record(record):
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow(record.values().values())
        return out.getvalue()[:-1].encode()


class Xml:
    between = b"\n"

    def __init__(self, scenario, page):
        comment = "".join(f"<!-- {text} -->\n" for text in page.comments)
        url = cdata(page.next_url) if scenario.next_as == "cdata" else escape(page.next_url)
        warning = "<WARNING><CODE>1980</CODE><TEXT>record limit exceeded. Use URL to get next batch of results.</TEXT>" \
                  f"<URL>{url}</URL></WARNING>" if page.next_url and scenario.paging == "next_url" else ""
        cursor = f"<CURSOR>{page.next}</CURSOR>" if page.next and scenario.paging == "cursor" else ""
        total = f"<TOTAL>{page.total}</TOTAL>" if scenario.total else ""
        meta = warning + cursor + total
        first, last = (meta, "") if scenario.meta == "first" else ("", meta)
        self.head = (f'<?xml version="1.0" encoding="UTF-8" ?>\n{comment}<OUTPUT><RESPONSE>{first}' +
                     ("" if page.no_list else "<ITEMS>\n")).encode()
        self.foot = (("" if page.no_list else f"\n{comment}</ITEMS>") + f"{last}</RESPONSE></OUTPUT>\n{comment}").encode()

    @staticmethod
    def record(record):
        text = cdata(record.text) if record.id % 2 else escape(record.text)
        return (f"<ITEM><ID>{record.id}</ID><UPDATED>{time_of(record.updated)}</UPDATED><NAME>{record.name}</NAME>"
                f"<AMOUNT>{record.amount}</AMOUNT><TEXT>{text}</TEXT></ITEM>").encode()


class Qualys:
    between = b"\n"

    def __init__(self, scenario, page):
        comment = "".join(f"<!-- {text} -->\n" for text in page.comments)
        self.detections = scenario.detections
        self.host = None
        url = cdata(page.next_url) if scenario.next_as == "cdata" else escape(page.next_url)
        warning = "" if not page.next_url else \
            f"<WARNING><CODE>1980</CODE><TEXT>{page.size} record limit exceeded. Use URL to get next batch of results.</TEXT>" \
            f"<URL>{url}</URL></WARNING>\n"
        has_list = page.records and not page.no_list
        self.head = ('<?xml version="1.0" encoding="UTF-8" ?>\n<!DOCTYPE HOST_LIST_VM_DETECTION_OUTPUT SYSTEM '
                     '"https://qualysapi.example/api/2.0/host_list_vm_detection_output.dtd">\n'
                     f"<!-- This report was generated with an evaluation version of Qualys //-->\n{comment}"
                     "<HOST_LIST_VM_DETECTION_OUTPUT><RESPONSE><DATETIME>2026-03-01T00:00:00Z</DATETIME>\n" +
                     ("<HOST_LIST>\n" if has_list else "")).encode()
        self.foot = (("</DETECTION_LIST></HOST>\n</HOST_LIST>\n" if has_list else "") + comment + warning +
                     "</RESPONSE></HOST_LIST_VM_DETECTION_OUTPUT>\n<!-- CONFIDENTIAL AND PROPRIETARY INFORMATION. //-->\n").encode()

    def record(self, record):
        host = (record.id - 1) // self.detections + 1
        open_host = ""
        if host != self.host:
            open_host = ("" if self.host is None else "</DETECTION_LIST></HOST>\n") + \
                f"<HOST><ID>{host}</ID><IP>10.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}</IP>" \
                f"<OS><![CDATA[Linux {record.name}]]></OS><NETBIOS/><DETECTION_LIST>\n"
            self.host = host
        return (f"{open_host}<DETECTION><UNIQUE_VULN_ID>{record.id}</UNIQUE_VULN_ID><QID>{38000 + record.id % 97}</QID>"
                f"<TYPE>Confirmed</TYPE><SEVERITY>{record.id % 5 + 1}</SEVERITY><PORT/><SSL>0</SSL>"
                f"<RESULTS>{cdata(record.text)}</RESULTS><STATUS>{record.name}</STATUS>"
                f"<LAST_UPDATE_DATETIME>{time_of(record.updated)}</LAST_UPDATE_DATETIME></DETECTION>").encode()


FORMATS = {"json": Json, "ndjson": Ndjson, "csv": Csv, "xml": Xml, "qualys": Qualys}


def body(scenario, page):
    """Pieces of the page. With body_bytes the records come again and again until it is as long."""
    made = FORMATS[scenario.format](scenario, page)
    yield page.prolog + made.head
    if not page.no_list:
        yield from records(scenario, page, made)
    if not page.open_end:
        yield made.foot


def records(scenario, page, made):
    if scenario.body_bytes:
        yield from again_and_again(scenario, page.records[:BLOCK], made)
        return
    between = b""
    for begin in range(0, len(page.records), BLOCK):
        yield between + made.between.join(page.odd.get(record.id) or made.record(record)
                                          for record in page.records[begin:begin + BLOCK])
        between = made.between


def again_and_again(scenario, records, made):
    block = made.between.join(made.record(record) for record in records)
    yield block
    length = len(block)
    # The first one began with no element to close.
    block = made.between + made.between.join(made.record(record) for record in records)
    while length < scenario.body_bytes:
        yield block
        length += len(block)


def pieces(scenario):
    """A body from files: `head`, `block` so many `times`, `foot`."""
    def read(name):
        if not scenario.pieces.get(name):
            return b""
        with open(scenario.pieces[name], "rb") as file:
            return file.read()
    block = read("block")
    yield read("head")
    for _ in range(scenario.pieces.get("times", 1)):
        yield block
    yield read("foot")


def encoded(plain, encoding):
    if not encoding:
        yield from plain
        return
    packer = zlib.compressobj(6, zlib.DEFLATED, 31 if encoding == "gzip" else 15)
    for piece in plain:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
