"""Datasets, tables and their rows, in SQLite. Everything is called under one lock, by Service."""

import datetime
import gzip
import json
import sqlite3
import time
import uuid

from problem import Problem, not_done
import sql
from sql_expressions import name_sql, text_sql
import values

PARTITION_TEXT = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}
PARTITION_DIGITS = {"HOUR": 10, "DAY": 8, "MONTH": 6, "YEAR": 4}
MODES = ("NULLABLE", "REQUIRED", "REPEATED")
WRITABLE = ("description", "friendlyName", "labels", "schema", "expirationTime", "timePartitioning", "clustering", "view")
ERRORS_SAID = 5  # of those that a load job found


def now_ms():
    return str(int(time.time() * 1000))


def clean_fields(given):
    fields = []
    for field in given:
        name, type = field.get("name", ""), values.ALIASES.get(field.get("type", "").upper(), field.get("type", "").upper())
        mode = (field.get("mode") or "NULLABLE").upper()
        if not name or not (name[0].isalpha() or name[0] == "_") or not name.replace("_", "a").isalnum() or not name.isascii() or len(name) > 300:
            raise Problem("invalid", f'Invalid field name "{name}". Fields must contain only letters, numbers, and underscores, start with '
                          "a letter or underscore, and be at most 300 characters long.")
        if any(name.upper().startswith(prefix) for prefix in ("_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER")):
            raise Problem("invalid", f'Invalid field name "{name}": the prefix is reserved')
        if type not in values.TYPES:
            raise not_done(f"the type {field.get('type')!r} of field {name}")
        if mode not in MODES:
            raise Problem("invalid", f"Invalid mode {mode!r} of field {name}")
        clean = {**field, "name": name, "type": type, "mode": mode}
        if type == "RECORD":
            clean["fields"] = clean_fields(field.get("fields", []))
        fields.append(clean)
    if len({field["name"].lower() for field in fields}) != len(fields):
        raise Problem("invalid", "Duplicate field names: they differ in case at most")
    return fields


class Table:
    def __init__(self, project, dataset, name, resource):
        self.dataset, self.name = dataset, name
        self.sql_name = name_sql(f"{dataset}.{name}")
        self.fields = clean_fields(resource.get("schema", {}).get("fields", []))
        self.resource = {key: resource[key] for key in WRITABLE if key in resource and key != "schema"}
        self.resource |= {
            "kind": "bigquery#table", "id": f"{project}:{dataset}.{name}", "type": "VIEW" if "view" in resource else "TABLE",
            "tableReference": {"projectId": project, "datasetId": dataset, "tableId": name}, "creationTime": now_ms()}
        self.no_doubles = None  # a column, when a test has forbidden them
        self.partitioning = resource.get("timePartitioning")
        if self.partitioning:
            self.check_partitioning()
        for column in resource.get("clustering", {}).get("fields", []):
            if not self.field(column):
                raise Problem("invalid", f"The field specified for clustering cannot be found in the schema: {column}")
        if len(resource.get("clustering", {}).get("fields", [])) > 4:
            raise Problem("invalid", "Too many clustering fields: at most 4")
        self.touch()

    def check_partitioning(self):
        field = self.field(self.partitioning.get("field", ""))
        if self.partitioning.get("type") not in PARTITION_TEXT:
            raise Problem("invalid", f"Unknown partitioning type {self.partitioning.get('type')!r}")
        if "field" not in self.partitioning:
            raise not_done("partitioning by the time of loading (timePartitioning without field)")
        if not field:
            raise Problem("invalid", f"The field specified for partitioning cannot be found in the schema: {self.partitioning['field']}")
        if field["type"] not in ("TIMESTAMP", "DATE", "DATETIME"):
            raise Problem("invalid", f"The field specified for time partitioning can only be of type TIMESTAMP, DATE or DATETIME: {field['type']}")

    def field(self, name):
        return next((field for field in self.fields if field["name"].lower() == name.lower()), None)

    def touch(self):
        self.resource["etag"] = uuid.uuid4().hex
        self.resource["lastModifiedTime"] = now_ms()

    def partition_of(self, stored):
        """Of one row's value: its partition as in `table$20260101`."""
        if stored is None:
            return "__NULL__"
        if isinstance(stored, int):
            return (values.EPOCH + datetime.timedelta(microseconds=stored)).strftime(PARTITION_TEXT[self.partitioning["type"]])
        return stored.replace("-", "").replace("T", "").replace(":", "")[:PARTITION_DIGITS[self.partitioning["type"]]]


class Warehouse:
    def __init__(self, project):
        self.project = project
        self.datasets = {}
        self.tables = {}  # (dataset, table)
        self.db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self.db.create_function("floor_to", 2, lambda value, unit: None if value is None else value // unit * unit, deterministic=True)
        self.db.create_function("date_of", 1, lambda value: None if value is None else
                                (values.EPOCH + datetime.timedelta(microseconds=value)).date().isoformat(), deterministic=True)
        self.db.create_function("now_micros", 0, lambda: int(time.time() * 1_000_000))
        self.db.create_function("partition_of", 2, lambda table, value: self.tables[tuple(table.split(".", 1))].partition_of(value))
        self.db.execute("PRAGMA case_sensitive_like = ON")

    def run(self, text, given=()):
        try:
            return self.db.execute(text, given)
        except sqlite3.Error as problem:
            raise Problem("internalError", f"the stand-in's SQLite: {problem}: {text[:2000]}") from None

    def atomically(self, work):
        """All that `work` does, or nothing: rows, schemas, tables."""
        before = [(key, table, table.fields, dict(table.resource)) for key, table in self.tables.items()]
        self.db.execute("BEGIN")
        try:
            result = work()
            self.db.execute("COMMIT")
            return result
        except BaseException:
            self.db.execute("ROLLBACK")
            self.tables = {key: table for key, table, _, _ in before}
            for _, table, fields, resource in before:
                table.fields, table.resource = fields, resource
            raise

    # Datasets.

    def dataset(self, name):
        if name not in self.datasets:
            raise Problem("notFound", f"Not found: Dataset {self.project}:{name}")
        return self.datasets[name]

    def make_dataset(self, given):
        name = given["datasetReference"]["datasetId"]
        if not name or not name.replace("_", "a").isalnum() or not name.isascii():
            raise Problem("invalid", f'Invalid dataset ID "{name}". Dataset IDs must be alphanumeric (plus underscores) and at most 1024 characters.')
        if name in self.datasets:
            raise Problem("duplicate", f"Already Exists: Dataset {self.project}:{name}")
        self.datasets[name] = {
            **given, "kind": "bigquery#dataset", "id": f"{self.project}:{name}", "location": given.get("location", "US"),
            "datasetReference": {"projectId": self.project, "datasetId": name}, "etag": uuid.uuid4().hex, "creationTime": now_ms(), "lastModifiedTime": now_ms()}
        return self.datasets[name]

    def patch_dataset(self, name, given):
        self.dataset(name).update(given, etag=uuid.uuid4().hex, lastModifiedTime=now_ms())
        return self.dataset(name)

    def drop_dataset(self, name, contents):
        self.dataset(name)
        inside = [table for dataset, table in self.tables if dataset == name]
        if inside and not contents:
            raise Problem("invalid", f"Dataset {self.project}:{name} is still in use")
        for table in inside:
            self.drop_table(name, table)
        del self.datasets[name]

    # Tables.

    def table(self, dataset, name):
        self.dataset(dataset)
        found = self.tables.get((dataset, name))
        if found and int(found.resource.get("expirationTime", 2**62)) < time.time() * 1000:
            self.drop_table(dataset, name)
            found = None
        if not found:
            raise Problem("notFound", f"Not found: Table {self.project}:{dataset}.{name}")
        return found

    def table_of_query(self, parts):
        if len(parts) not in (2, 3) or len(parts) == 3 and parts[0] != self.project:
            raise Problem("invalidQuery", f'Table "{".".join(parts)}" must be qualified with a dataset (e.g. dataset.table).', "query")
        return self.table(*parts[-2:])

    def make_table(self, dataset, given):
        self.dataset(dataset)
        name = given["tableReference"]["tableId"]
        if not name or len(name.encode()) > 1024 or not name.replace("_", "a").replace("-", "a").isalnum():
            raise Problem("invalid", f'Invalid table ID "{name}".')
        if (dataset, name) in self.tables:
            raise Problem("duplicate", f"Already Exists: Table {self.project}:{dataset}.{name}")
        if "view" in given:
            view = sql.Statement(self, given["view"]["query"])
            query = view.query()
            view.ended()
            given = {**given, "schema": {"fields": query.fields}}
            table = Table(self.project, dataset, name, given)
            self.run(f"CREATE VIEW {table.sql_name} AS {query.sql}")
        else:
            table = Table(self.project, dataset, name, given)
            if not table.fields:
                raise not_done("a table without a schema")
            self.run(f"CREATE TABLE {table.sql_name} ({', '.join(name_sql(field['name']) for field in table.fields)})")
        self.tables[dataset, name] = table
        return table

    def drop_table(self, dataset, name):
        table = self.tables.pop((dataset, name), None)
        if not table:
            raise Problem("notFound", f"Not found: Table {self.project}:{dataset}.{name}")
        self.run(f"DROP {table.resource['type']} {table.sql_name}")

    def patch_table(self, table, given, if_match):
        if if_match and if_match != table.resource["etag"]:
            raise Problem("conditionNotMet", "Precondition check failed.")
        if "schema" in given:
            self.change_schema(table, clean_fields(given["schema"]["fields"]), additions=True, relaxations=True, whole=True)
        for key, value in given.items():
            if key in ("timePartitioning", "view") and value != table.resource.get(key):
                raise not_done(f"a patch of {key}")
            if key in WRITABLE and key != "schema":
                if value is None:
                    table.resource.pop(key, None)
                else:
                    table.resource[key] = value
        table.touch()
        return table

    def change_schema(self, table, fields, additions, relaxations, whole):
        """`whole`: a field may not be left out. Nothing has changed when it raises."""
        known = {field["name"].lower(): field for field in table.fields}
        given = {field["name"].lower(): field for field in fields}
        wrong = f"Provided Schema does not match Table {self.project}:{table.dataset}.{table.name}. "
        for name, field in known.items():
            new = given.get(name)
            if new is None:
                if whole:
                    raise Problem("invalid", wrong + f"Field {field['name']} is missing in new schema")
            elif new["type"] != field["type"]:
                raise Problem("invalid", wrong + f"Field {field['name']} has changed type from {field['type']} to {new['type']}")
            elif new["mode"] != field["mode"] and (not relaxations or (field["mode"], new["mode"]) != ("REQUIRED", "NULLABLE")):
                raise Problem("invalid", wrong + f"Field {field['name']} has changed mode from {field['mode']} to {new['mode']}")
        added = [field for field in fields if field["name"].lower() not in known]
        for field in added:
            if not additions:
                raise Problem("invalid", wrong + f"Cannot add fields (field: {field['name']})")
            if field["mode"] == "REQUIRED":
                raise Problem("invalid", wrong + f"Cannot add required fields to an existing schema. (field: {field['name']})")
        for field in added:
            self.run(f"ALTER TABLE {table.sql_name} ADD COLUMN {name_sql(field['name'])}")
        table.fields = [{**field, **given.get(field["name"].lower(), {}), "name": field["name"]} for field in table.fields] + added

    def add_fields(self, table, given):
        self.change_schema(table, clean_fields(given), additions=True, relaxations=False, whole=False)
        table.touch()

    def resource(self, table):
        rows = self.run(f"SELECT COUNT(*) FROM {table.sql_name}").fetchone()[0]
        counted = {} if table.resource["type"] == "VIEW" else {"numRows": str(rows), "numBytes": str(self.bytes_of(table, []))}
        return {**table.resource, "schema": {"fields": table.fields}, "location": self.dataset(table.dataset)["location"], **counted}

    def bytes_of(self, table, bounds):
        """Of the partitions that the bounds leave: 8 a value, texts their length."""
        where = "TRUE"
        if table.partitioning:
            for column, operator, constant in bounds:
                if column == table.partitioning["field"]:
                    name = text_sql(f"{table.dataset}.{table.name}")
                    least = operator.replace("<", "<=").replace(">", ">=").replace("==", "=")
                    where += f" AND partition_of({name}, {name_sql(column)}) {least} partition_of({name}, {constant})"
        size = " + ".join(f"CASE typeof({name_sql(field['name'])}) WHEN 'text' THEN 2 + LENGTH({name_sql(field['name'])}) WHEN 'null' THEN 0 ELSE 8 END"
                          for field in table.fields)
        return self.run(f"SELECT COALESCE(SUM({size}), 0) FROM {table.sql_name} WHERE {where}").fetchone()[0]

    def rows(self, table, start, limit):
        return self.run(f"SELECT * FROM {table.sql_name} ORDER BY rowid LIMIT ? OFFSET ?", (limit, start)).fetchall()

    def insert(self, table, rows):
        self.db.executemany(f"INSERT INTO {table.sql_name} VALUES ({', '.join('?' * len(table.fields))})", rows)

    # Jobs.

    def query(self, text, params=None, write=True):
        """The Statement, run; without `write` a plan only, nothing has changed."""
        statement = sql.Statement(self, text, params)
        scanned = 0

        def work():
            nonlocal scanned
            statement.run()
            scanned = sum(self.bytes_of(relation.table, relation.bounds) for relation in statement.scanned)
            if not write:
                raise Undo
        try:
            self.atomically(work)
        except Undo:
            pass
        return statement, scanned

    def load(self, config, media):
        """The `statistics.load` of a load job."""
        self.check_load(config)
        try:
            content = gzip.decompress(media) if media[:2] == b"\x1f\x8b" else media
        except (OSError, EOFError) as problem:
            raise Problem("invalid", f"Error while reading data, error message: {problem}") from None
        return self.atomically(lambda: self.load_rows(config, content)) | {"inputFiles": "1", "inputFileBytes": str(len(media))}

    def check_load(self, config):
        known = {"destinationTable", "schema", "sourceFormat", "writeDisposition", "createDisposition", "schemaUpdateOptions", "timePartitioning", "clustering",
                 "maxBadRecords", "ignoreUnknownValues", "autodetect", "encoding", "destinationTableProperties", "sourceUris", "decimalTargetTypes", "location", "jobId", "jobPrefix"}  # the last three: the Node client leaves them here
        for name, value in config.items():
            if value and name not in known:
                raise not_done(f"the option {name!r} of a load job")
        if config.get("sourceFormat", "CSV") != "NEWLINE_DELIMITED_JSON":
            raise not_done(f"sourceFormat {config.get('sourceFormat', 'CSV')} (it reads NEWLINE_DELIMITED_JSON)")
        if config.get("sourceUris"):
            raise not_done("sourceUris")

    def destination(self, config):
        """The Table, made when there is none, and the partition."""
        given = config["destinationTable"]
        name, _, partition = given["tableId"].partition("$")
        try:
            table = self.table(given["datasetId"], name)
        except Problem as problem:
            if config.get("createDisposition") == "CREATE_NEVER" or "Dataset" in problem.message:
                raise
            if "schema" not in config:
                raise Problem("invalid", "No schema specified on job or table.") from None
            made = {key: config[key] for key in ("schema", "timePartitioning", "clustering") if key in config}
            table = self.make_table(given["datasetId"], {**made, "tableReference": {"tableId": name}})
        if partition and (not table.partitioning or len(partition) != PARTITION_DIGITS[table.partitioning["type"]]):
            raise Problem("invalid", f"Invalid partition decorator ${partition} of table {name}")
        return table, partition

    def load_rows(self, config, content):
        table, partition = self.destination(config)
        disposition = config.get("writeDisposition", "WRITE_APPEND")
        fields = clean_fields(config["schema"]["fields"]) if "schema" in config else table.fields
        if disposition == "WRITE_EMPTY" and self.rows(table, 0, 1):
            raise Problem("duplicate", f"Already Exists: Table {self.project}:{table.dataset}.{table.name}")
        if disposition == "WRITE_TRUNCATE" and not partition:
            table = self.replaced(table, fields, config)
        else:
            options = config.get("schemaUpdateOptions", [])
            self.change_schema(table, fields, "ALLOW_FIELD_ADDITION" in options, "ALLOW_FIELD_RELAXATION" in options, whole=False)
            if disposition == "WRITE_TRUNCATE":
                self.run(f"DELETE FROM {table.sql_name} WHERE partition_of(?, {name_sql(table.partitioning['field'])}) = ?",
                         (f"{table.dataset}.{table.name}", partition))
        rows, errors = self.read_ndjson(table, content, config.get("ignoreUnknownValues", False))
        if table.no_doubles:
            errors += self.doubles(table, rows)
        if len(errors) > int(config.get("maxBadRecords", 0)):
            raise Problem("invalid", f"Error while reading data, error message: JSON table encountered too many errors, giving up. Rows: {len(rows) + len(errors)}; "
                          f"errors: {len(errors)}. Please look into the errors[] collection for more details.", errors=errors[:ERRORS_SAID])
        if partition:
            at = [field["name"] for field in table.fields].index(table.field(table.partitioning["field"])["name"])
            if any(table.partition_of(row[at]) != partition for row in rows):
                raise Problem("invalid", f"Some rows belong to different partitions rather than destination partition {partition}")
        self.insert(table, rows)
        table.touch()
        return {"outputRows": str(len(rows)), "badRecords": str(len(errors)), "outputBytes": str(len(content))}

    def doubles(self, table, rows):
        """What a test has forbidden: values of a column that are there, or come twice."""
        at = [field["name"] for field in table.fields].index(table.no_doubles)
        seen = {row[0] for row in self.run(f"SELECT {name_sql(table.no_doubles)} FROM {table.sql_name}")}
        errors = []
        for row in rows:
            if row[at] in seen:
                errors.append({"reason": "invalid", "message": f"Error while reading data, error message: a value is there already. Field: {table.no_doubles}; Value: {row[at]}"})
            seen.add(row[at])
        return errors

    def tamper(self, table, how):
        """One row is removed, is there twice, or stood elsewhere: behind everybody's back."""
        one = f"rowid = (SELECT min(rowid) FROM {table.sql_name})"
        self.run({"remove": f"DELETE FROM {table.sql_name} WHERE {one}", "double": f"INSERT INTO {table.sql_name} SELECT * FROM {table.sql_name} WHERE {one}",
                  "move": f"UPDATE {table.sql_name} SET _offset = _offset + 1 WHERE {one}"}[how])

    def replaced(self, table, fields, config):
        made = {**table.resource, "schema": {"fields": fields}, "tableReference": {"tableId": table.name}}
        made |= {key: config[key] for key in ("timePartitioning", "clustering") if key in config}
        self.drop_table(table.dataset, table.name)
        return self.make_table(table.dataset, made)

    def read_ndjson(self, table, content, ignore_unknown):
        rows, errors, at = [], [], 0
        for line in content.split(b"\n"):
            if line.strip():
                try:
                    rows.append(values.row_to_stored(table.fields, json.loads(line.decode("utf-8")), ignore_unknown))
                except (ValueError, RecursionError) as problem:
                    errors.append({"reason": "invalid", "message": "Error while reading data, error message: JSON processing encountered an error in the row "
                                   f"starting at position {at}: {problem}"})
            at += len(line) + 1
        return rows, errors

    def copy(self, config):
        sources = config.get("sourceTables") or [config["sourceTable"]]
        if len(sources) != 1:
            raise not_done("a copy of several tables")
        source_name, _, partition = sources[0]["tableId"].partition("$")
        source = self.table(sources[0]["datasetId"], source_name)
        given = config["destinationTable"]
        disposition = config.get("writeDisposition", "WRITE_EMPTY")
        if partition or "$" in given["tableId"]:
            return self.copy_partition(source, partition, given, disposition)

        def work():
            there = self.tables.get((given["datasetId"], given["tableId"]))
            if there and disposition == "WRITE_EMPTY" and self.rows(there, 0, 1):
                raise Problem("duplicate", f"Already Exists: Table {self.project}:{given['datasetId']}.{given['tableId']}")
            if there and disposition == "WRITE_APPEND":
                if there.fields != source.fields:
                    raise Problem("invalid", f"Provided Schema does not match Table {self.project}:{there.dataset}.{there.name}.")
            else:
                kept = there.resource if there else {}
                if there:
                    self.drop_table(there.dataset, there.name)
                made = {**{key: source.resource[key] for key in ("timePartitioning", "clustering", "description") if key in source.resource},
                        **{key: kept[key] for key in ("description", "labels") if key in kept}, "schema": {"fields": source.fields},
                        "tableReference": {"tableId": given["tableId"]}}
                there = self.make_table(given["datasetId"], made)
            done = self.run(f"INSERT INTO {there.sql_name} SELECT * FROM {source.sql_name} ORDER BY rowid")
            there.touch()
            return {"copiedRows": str(done.rowcount)}
        return self.atomically(work)


    def copy_partition(self, source, partition, given, disposition):
        """From a partition to that of the same name in a table that has the same columns."""
        name, _, to = given["tableId"].partition("$")
        if to != partition or disposition != "WRITE_TRUNCATE":
            raise not_done("a copy of a partition but to one of the same name with WRITE_TRUNCATE")

        def work():
            there = self.table(given["datasetId"], name)
            for table in source, there:
                if not table.partitioning:
                    raise Problem("invalid", f"Cannot use a partition decorator with table {table.name}, which is not partitioned")
            if source.partitioning != there.partitioning:
                raise Problem("invalid", "Incompatible table partitioning specification.")
            if [(field["name"], field["type"]) for field in source.fields] != [(field["name"], field["type"]) for field in there.fields]:
                raise Problem("invalid", f"Provided Schema does not match Table {self.project}:{there.dataset}.{there.name}.")
            if not partition.isdigit() or len(partition) != PARTITION_DIGITS[source.partitioning["type"]]:
                raise Problem("invalid", f"Invalid partition decorator ${partition} of table {name}")
            within = f"partition_of(?, {name_sql(source.partitioning['field'])}) = ?"
            self.run(f"DELETE FROM {there.sql_name} WHERE {within}", (f"{there.dataset}.{there.name}", partition))
            columns = ", ".join(name_sql(field["name"]) for field in there.fields)
            done = self.run(f"INSERT INTO {there.sql_name}({columns}) SELECT {columns} FROM {source.sql_name} WHERE {within} ORDER BY rowid",
                            (f"{source.dataset}.{source.name}", partition))
            there.touch()
            return {"copiedRows": str(done.rowcount)}
        return self.atomically(work)


class Undo(Exception):
    pass
