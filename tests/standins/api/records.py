"""What the API has: records that are added, change and vanish. All of it follows from the seed and from what was told,
so that a judge can compute the truth."""

import datetime
import zlib

NAMES = ("alder", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine", "rowan", "willow")
TEXTS = (
    "record {0} of many",
    'quoted "{0}" and a back\\slash',
    "<b>{0}</b> & more, or &amp; less",
    "line one of {0}\nline two",
    "ünïcödé {0} ☃ 😀",
    "ends with ]]> or --> or */ {0}",
    "'; DROP TABLE items; -- {0}",
    "comma, semicolon; tab\there {0}",
)
SHARE_A_TIME = 3  # neighbours with the same time, as real ones have at the borders of windows


def seconds_of(text):
    """Since 1970. A date, a time in UTC, or seconds."""
    if text.isdigit():
        return int(text)
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(moment.replace(tzinfo=moment.tzinfo or datetime.timezone.utc).timestamp())


def time_of(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Record:
    __slots__ = ("id", "updated", "name", "amount", "text", "version")

    def __init__(self, seed, id, version, updated):
        chance = zlib.crc32(f"{seed}/{id}/{version}".encode())
        self.id = id
        self.version = version
        self.updated = updated
        self.name = NAMES[chance % len(NAMES)]
        self.amount = (chance % 2_000_001 - 1_000_000) / 100
        self.text = TEXTS[chance // 7 % len(TEXTS)].format(id) + (f", version {version}" if version else "")

    def values(self):
        return {"id": self.id, "updated": time_of(self.updated), "name": self.name, "amount": self.amount, "text": self.text}


class Data:
    def __init__(self, seed, count, start, end):
        """`count` records, their times spread evenly over [start, end): seconds since 1970."""
        self.seed = seed
        self.records = {}  # by id, ids ascending
        self.journal = []  # (seconds, what, id)
        for id in range(1, count + 1):
            together = (id - 1) // SHARE_A_TIME * SHARE_A_TIME
            self.records[id] = Record(seed, id, 0, start + together * (end - start) // count)
        self.last = count
        self.moments = 0

    def change(self, now, add=0, change=0, vanish=0, late=0):
        """Which ones follows from the seed. A record that changes has `now` as its time, like a new one, or so many seconds
        before, when it comes late."""
        self.moments += 1
        for number in range(vanish):
            id = self.some("vanish", number)
            self.note(now, "vanish", id)
            del self.records[id]
        for number in range(change):
            id = self.some("change", number)
            self.note(now, "change", id)
            self.records[id] = Record(self.seed, id, self.records[id].version + 1, now - late)
        for _ in range(add):
            self.last += 1
            self.note(now, "add", self.last)
            self.records[self.last] = Record(self.seed, self.last, 0, now - late)

    def some(self, what, number):
        ids = list(self.records)
        return ids[zlib.crc32(f"{self.seed}/{what}/{self.moments}/{number}".encode()) % len(ids)]

    def note(self, now, what, id):
        self.journal.append((now, what, id))

    def sorted(self, order):
        return sorted(self.records.values(), key=(lambda r: r.id) if order == "id" else (lambda r: (r.updated, r.id)))
