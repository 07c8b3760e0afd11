"""Which records a request asks for, and what is asked next."""

import base64
import bisect
import itertools
import urllib.parse

from records import Record, seconds_of


CHILDREN = "/children"


class BadRequest(Exception):
    pass


class NotFound(Exception):
    pass


class Page:
    def __init__(self):
        self.records = []
        self.number = 1     # in its window, from 1
        self.window = ""    # "after..before", as it was asked for
        self.next = None    # the value of the parameter that asks for the next page; None: this is the last one
        self.next_url = ""  # the whole URL of it
        self.total = 0      # records of the window
        self.size = 0       # records a page, as asked
        self.comments = []  # before, between and behind the records, where the format has comments
        self.prolog = b""   # before everything
        self.odd = {}       # a record's id: bytes in its place
        self.open_end = False  # the document is not closed
        self.no_list = False   # not even an empty list
        self.elsewhere = False  # the next URL has another origin


def number_of(params, name, default):
    text = params.get(name, str(default))
    if not text.lstrip("-").isdigit():
        raise BadRequest(f"{name}={text} is no number")
    return int(text)


def cursor_of(id, also=""):
    """Opaque, and with every character that must be encoded in a URL. `also`: the same place under another name."""
    return base64.b64encode(f"{id}>?~{id:b}{also}".encode()).decode()


def id_of(cursor):
    try:
        return int(base64.b64decode(cursor, validate=True).decode().split(">")[0])
    except ValueError:
        raise BadRequest(f"'{cursor}' is no cursor of mine") from None


class Pages:
    def __init__(self, scenario, data):
        self.scenario = scenario
        self.data = data

    def window(self, params):
        """The records between the bounds that were asked for, in order."""
        s = self.scenario
        found = self.data.sorted(s.order)
        if not s.window:
            return found, ".."
        value = (lambda r: r.updated) if s.window == "time" else (lambda r: r.id)
        read = seconds_of if s.window == "time" else int
        after, before = params.get(s.params["after"], ""), params.get(s.params["before"], "")
        try:
            if after:
                least = read(after) + (0 if s.after_inclusive else 1)
                found = [r for r in found if value(r) >= least]
            if before:
                most = read(before) - (0 if s.before_inclusive else 1)
                found = [r for r in found if value(r) <= most]
        except ValueError:
            raise BadRequest(f"'{after}' or '{before}' cannot be a bound") from None
        return found, f"{after}..{before}"

    def page(self, params, path="/records"):
        s = self.scenario
        page = Page()
        if path.startswith(CHILDREN):
            records, page.window = self.children(path.removeprefix(CHILDREN).strip("/") or params.get("ids", ""))
        else:
            records, page.window = self.window(params)
        page.total = len(records)
        page.size = number_of(params, s.params["size"], s.size)
        if s.max_size:
            page.size = min(page.size, s.max_size)
        if s.paging == "none" or page.size == 0:
            page.records = records
            return page
        if page.size < 1:
            raise BadRequest(f"{s.params['size']}={page.size}: a page has records")
        units = self.units(records)
        start = self.start_of(params, page.size, units)
        page.number = -(-start // page.size) + 1
        page.records = [record for unit in units[start:start + page.size] for record in unit]
        if start + page.size < len(units):
            page.next = self.asks_for(units, start + page.size, page.size)
        return page

    def units(self, records):
        """What the size of a page counts: records, at Qualys hosts."""
        if self.scenario.format != "qualys":
            return [[record] for record in records]
        return [list(unit) for _, unit in itertools.groupby(records, self.host_of)]

    def host_of(self, record):
        return (record.id - 1) // self.scenario.detections + 1

    def children(self, parents):
        """Of the records with these ids, commas between: 0 to 3 each."""
        ids = [int(id) for id in parents.split(",") if id.isdigit()]
        unknown = [id for id in ids if id not in self.data.records]
        if unknown or not ids:
            raise NotFound(f"there is no record {unknown[0] if unknown else parents}")
        return [Record(self.scenario.seed, id * 10 + number, 0, self.data.records[id].updated)
                for id in ids for number in range(id % 4)], parents

    def start_of(self, params, size, units):
        """The index of the first one."""
        s = self.scenario
        if s.paging == "page":
            return (number_of(params, s.params["page"], s.first) - s.first) * size
        if s.paging == "offset":
            return number_of(params, s.params["offset"], 0)
        text = params.get(s.params["cursor"], "")
        if not text:
            return 0
        if s.format == "qualys":
            least = number_of(params, s.params["cursor"], 0)
            return bisect.bisect_left(units, least, key=lambda unit: self.host_of(unit[0]))
        if s.order == "id":
            return bisect.bisect_right(units, id_of(text), key=lambda unit: unit[0].id)
        last = self.data.records.get(id_of(text))
        if last is None:
            return len(units) if id_of(text) else 0
        return bisect.bisect_right(units, (last.updated, last.id), key=lambda unit: (unit[0].updated, unit[0].id))

    def asks_for(self, units, start, size):
        """The value of the parameter by which the page is asked for that begins at this index."""
        s = self.scenario
        if s.paging == "page":
            return str(start // size + s.first)
        if s.paging == "offset":
            return str(start)
        if s.format == "qualys":
            return str(self.host_of(units[start][0]))
        return cursor_of(units[start - 1][0].id if start else 0)

    def earlier(self, params, page, pages):
        """What asks for the page so many before this one; the first one at the least."""
        units = self.units(self.window(params)[0])
        return self.asks_for(units, max(0, page.number - 1 - pages) * page.size, page.size)

    def same_otherwise(self, params, page):
        """What asks for this page under another name."""
        same = self.earlier(params, page, 0)
        return "0" + same if self.scenario.format == "qualys" else cursor_of(id_of(same), "again")

    def param(self):
        """Its name."""
        return self.scenario.params[self.scenario.paging if self.scenario.paging in ("page", "offset") else "cursor"]


def url_of(origin, path, params, more):
    return f"{origin}{path}?{urllib.parse.urlencode({**params, **more})}"
