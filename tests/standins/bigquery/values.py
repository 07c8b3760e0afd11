"""The types: what a load job, insertAll or a literal may say, how it is stored in SQLite, how a row of the API says it.

Stored: INTEGER as integer, FLOAT as real ('NaN' as text, which SQLite would make NULL), BOOLEAN 0 or 1, TIMESTAMP as
microseconds since 1970, the others as text; RECORD and REPEATED as JSON of stored values, a record as the list of its fields.
"""

import base64
import datetime
import decimal
import json
import math
import re

ALIASES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
TYPES = {"STRING", "INTEGER", "FLOAT", "BOOLEAN", "TIMESTAMP", "DATE", "DATETIME", "TIME", "NUMERIC", "BIGNUMERIC", "BYTES", "JSON", "RECORD"}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)
TIME = r"(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?"
TIMESTAMP_TEXT = re.compile(rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}})(?:[ Tt]{TIME})? ?(Z|z|UTC|[+-]\d{{1,2}}(?::?\d{{2}})?)?")


class Misfit(ValueError):
    pass


def timestamp(text):
    """Microseconds; Misfit."""
    found = TIMESTAMP_TEXT.fullmatch(text.strip())
    if not found:
        raise Misfit(f"Couldn't convert value to timestamp: Could not parse '{text}' as a timestamp")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        at = datetime.datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
                               int((fraction or "0").ljust(6, "0")), datetime.timezone.utc)
    except ValueError as problem:
        raise Misfit(f"Couldn't convert value to timestamp: '{text}': {problem}") from None
    micros = (at - EPOCH) // MICROSECOND
    if zone and zone[0] in "+-":
        digits = zone[1:].replace(":", "")
        hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, 0)
        micros -= (1 if zone[0] == "+" else -1) * (int(hours) * 3600 + int(minutes) * 60) * 1_000_000
    return micros


def integer(value):
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not re.fullmatch(r"-?\d+", str(value)):
        raise Misfit("Could not convert value to integer")
    if not -2**63 <= int(value) < 2**63:
        raise Misfit("Integer value is out of range")
    return int(value)


def floating(value):
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Misfit("Could not convert value to double")
    try:
        number = float(value)
    except ValueError:
        raise Misfit("Could not convert value to double") from None
    return "NaN" if math.isnan(number) else number


def boolean(value):
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise Misfit("Could not convert value to boolean")
    return int(value)


def numeric(whole, scale):
    def convert(value):
        try:
            number = decimal.Decimal(str(value))
        except decimal.InvalidOperation:
            raise Misfit("Invalid NUMERIC value") from None
        if not number.is_finite() or -number.as_tuple().exponent > scale or number.adjusted() >= whole:
            raise Misfit("Invalid NUMERIC value")
        return format(number.normalize(), "f")
    return convert


def text(value):
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return json.dumps(value)
    raise Misfit("Could not convert value to string")


def base64_text(value):
    try:
        return base64.b64encode(base64.b64decode(value, validate=True)).decode()
    except (ValueError, TypeError):
        raise Misfit("Could not decode base64 string to bytes") from None


def civil(read, what):
    def convert(value):
        try:
            return read(value)
        except (ValueError, TypeError):
            raise Misfit(f"Could not parse '{value}' as {what}") from None
    return convert


def timestamp_value(value):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return round(value * 1_000_000)
    if not isinstance(value, str):
        raise Misfit("Could not convert value to timestamp")
    return timestamp(value)


FROM_JSON = {
    "STRING": text,
    "INTEGER": integer,
    "FLOAT": floating,
    "BOOLEAN": boolean,
    "TIMESTAMP": timestamp_value,
    "DATE": civil(lambda value: datetime.date.fromisoformat(value).isoformat(), "a date"),
    "DATETIME": civil(lambda value: datetime.datetime.fromisoformat(value.replace(" ", "T")).replace(tzinfo=None).isoformat(), "a datetime"),
    "TIME": civil(lambda value: datetime.time.fromisoformat(value).isoformat(), "a time"),
    "NUMERIC": numeric(29, 9),
    "BIGNUMERIC": numeric(38, 38),
    "BYTES": base64_text,
    "JSON": lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
}


def is_repeated(field):
    return field.get("mode") == "REPEATED"


def to_stored(field, value, ignore_unknown=False):
    """A value of JSON; Misfit."""
    if is_repeated(field):
        if not isinstance(value, list):
            raise Misfit(f"Only optional fields can be set to NULL or a single value. Field: {field['name']}")
        return json.dumps([inner(field, one, ignore_unknown) for one in value])
    if value is None and field["type"] != "JSON":
        if field.get("mode") == "REQUIRED":
            raise Misfit(f"Only optional fields can be set to NULL. Field: {field['name']}; Value: NULL")
        return None
    if field["type"] == "RECORD":
        return json.dumps(inner(field, value, ignore_unknown))
    return inner(field, value, ignore_unknown)


def inner(field, value, ignore_unknown):
    if field["type"] == "RECORD":
        return row_to_stored(field["fields"], value, ignore_unknown)
    try:
        return FROM_JSON[field["type"]](value)
    except Misfit as misfit:
        raise Misfit(f"{misfit}. Field: {field['name']}; Value: {str(value)[:100]}") from None


def row_to_stored(fields, row, ignore_unknown=False):
    """A list in the order of the fields; Misfit."""
    if not isinstance(row, dict):
        raise Misfit("JSON object expected")
    known = {field["name"].lower(): field for field in fields}
    given = {}
    for name, value in row.items():
        if name.lower() not in known:
            if ignore_unknown:
                continue
            raise Misfit(f"No such field: {name}.")
        if name.lower() in given:
            raise Misfit(f"Repeated field must be an array: {name} is given twice")
        given[name.lower()] = value
    stored = []
    for field in fields:
        name = field["name"].lower()
        if name not in given:
            if field.get("mode") == "REQUIRED":
                raise Misfit(f"Missing required field: {field['name']}.")
            stored.append("[]" if is_repeated(field) else None)
        else:
            stored.append(to_stored(field, given[name], ignore_unknown))
    return stored


def to_cell(field, value, int64_timestamp):
    """What stands behind "v"."""
    if is_repeated(field):
        return [{"v": scalar(field, one, int64_timestamp)} for one in json.loads(value or "[]")]
    if value is None:
        return None
    if field["type"] == "RECORD":
        value = json.loads(value)
    return scalar(field, value, int64_timestamp)


def scalar(field, value, int64_timestamp):
    match field["type"]:
        case "RECORD":
            return {"f": [{"v": to_cell(part, one, int64_timestamp)} for part, one in zip(field["fields"], value)]}
        case "BOOLEAN":
            return "true" if value else "false"
        case "FLOAT":
            return str(value).replace("inf", "Infinity")
        case "TIMESTAMP":
            return str(value) if int64_timestamp else f"{value // 1_000_000}.{value % 1_000_000:06d}"
        case _:
            return str(value)


def to_rows(fields, stored, int64_timestamp):
    return [{"f": [{"v": to_cell(field, value, int64_timestamp)} for field, value in zip(fields, row)]} for row in stored]
