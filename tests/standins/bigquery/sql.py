"""The SQL that leat sends, as SQLite understands it; all else is refused.

SELECT [* [EXCEPT (…)]] FROM table|(query) WHERE GROUP BY HAVING QUALIFY ORDER BY LIMIT · INSERT … SELECT · DELETE · MERGE.
Types are checked as BigQuery does: nothing is compared or assigned that needs a cast. A statement is parsed and run in one go.
"""

import re

from problem import Problem, not_done
import values

TOKEN = re.compile(r"""\s+|--[^\n]*|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<quoted>`[^`]+`)|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<text>'(?:[^'\\]|\\.)*')|(?P<param>@[A-Za-z_]\w*)|(?P<op><=|>=|!=|<>|[-+*/%=<>(),.;])""", re.X)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "`": "`"}
NUMBERS = {"INTEGER", "FLOAT"}
SQL_TYPES = {"STRING": "STRING", "INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "TIMESTAMP": "TIMESTAMP", "DATE": "DATE",
             "DATETIME": "DATETIME", "JSON": "JSON", "BYTES": "BYTES", "NUMERIC": "NUMERIC"}
UNITS = {"HOUR": 3_600_000_000, "DAY": 86_400_000_000}
RESERVED = {"AS", "FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "ORDER", "LIMIT", "ON", "USING", "WHEN", "THEN", "SET", "AND", "OR",
            "NOT", "UNION", "JOIN", "LEFT", "INNER", "CROSS", "WINDOW", "EXCEPT", "INTERSECT", "IN", "IS", "BETWEEN", "LIKE", "CASE",
            "END", "ELSE", "NULL", "TRUE", "FALSE", "SELECT", "OVER", "PARTITION", "BY", "VALUES"}


def name_sql(name):
    return '"' + name.replace('"', '""') + '"'


def text_sql(text):
    return "'" + text.replace("'", "''") + "'"


class Expr:
    """`columns`: those outside an aggregate function; `constant`: its SQL is a literal."""

    def __init__(self, sql, type, name=None, columns=(), aggregate=False, window=False, constant=False):
        self.sql, self.type, self.name, self.columns = sql, type, name, set(columns)
        self.aggregate, self.window, self.constant = aggregate, window, constant


class Relation:
    """What a FROM names: `sql` for SQLite, fields, the alias in use, the table if it is one."""

    def __init__(self, sql, fields, alias, table=None):
        self.sql, self.fields, self.alias, self.table = sql, fields, alias, table
        self.bounds = []  # [(column, operator, constant SQL)] that hold for every row of the result


class Query:
    def __init__(self, sql, fields):
        self.sql, self.fields = sql, fields


class Statement:
    """Parses one statement; `warehouse` says what tables there are and runs SQLite."""

    def __init__(self, warehouse, text, params=None):
        self.warehouse, self.params = warehouse, params or {}
        self.tokens = self.split(text)
        self.at = 0
        self.scope = []     # Relations
        self.scanned = []   # Relations that are tables
        self.kind = ""
        self.fields = []
        self.rows = []
        self.affected = {"insertedRowCount": 0, "updatedRowCount": 0, "deletedRowCount": 0}

    # Tokens.

    def split(self, text):
        tokens, at = [], 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise self.wrong(f"unexpected {text[at:at + 20]!r}")
            if found.lastgroup:
                tokens.append((found.lastgroup, found[0]))
            at = found.end()
        while tokens and tokens[-1] == ("op", ";"):
            tokens.pop()
        return tokens + [("end", "")]

    def wrong(self, what):
        return Problem("invalidQuery", f"Syntax error: {what}", "query")

    def peek(self, *words):
        kind, text = self.tokens[self.at]
        return kind in ("name", "op") and text.upper() in words

    def take(self, *words):
        if self.peek(*words):
            self.at += 1
            return self.tokens[self.at - 1][1].upper()
        return None

    def need(self, *words):
        if not (word := self.take(*words)):
            raise self.wrong(f"expected {' or '.join(words)} but got {self.tokens[self.at][1]!r}")
        return word

    def phrase(self, *words):
        for word in words:
            self.need(word)

    def identifier(self):
        kind, text = self.tokens[self.at]
        if kind == "quoted" or kind == "name" and text.upper() not in RESERVED:
            self.at += 1
            return text.strip("`")
        raise self.wrong(f"expected a name but got {text!r}")

    def alias(self):
        if self.take("AS"):
            return self.identifier()
        kind, text = self.tokens[self.at]
        return self.identifier() if kind == "quoted" or kind == "name" and text.upper() not in RESERVED else None

    def many(self, one):
        found = [one()]
        while self.take(","):
            found.append(one())
        return found

    # Statements.

    def run(self):
        for word, run in (("SELECT", self.run_select), ("DELETE", self.run_delete), ("INSERT", self.run_insert), ("MERGE", self.run_merge)):
            if self.peek(word):
                self.kind = word
                return run()
        raise not_done(f"the statement {self.tokens[self.at][1]!r} (there are SELECT, INSERT, DELETE, MERGE)")

    def ended(self):
        if self.tokens[self.at][0] != "end":
            raise self.wrong(f"unexpected {self.tokens[self.at][1]!r}")

    def run_select(self):
        query = self.query()
        self.ended()
        self.fields = query.fields
        self.rows = self.warehouse.run(query.sql).fetchall()

    def run_delete(self):
        self.need("DELETE")
        self.take("FROM")
        target = self.table()
        self.scope = [target]
        if not self.peek("WHERE"):
            raise self.wrong("DELETE must have a WHERE clause")
        where = self.condition("WHERE")
        self.ended()
        done = self.warehouse.run(f"DELETE FROM {target.sql} AS {name_sql(target.alias)} WHERE {where.sql}")
        self.affected["deletedRowCount"] = done.rowcount

    def run_insert(self):
        self.need("INSERT")
        self.take("INTO")
        target = self.table(alias=False)
        columns = self.column_list(target)
        query = self.query()
        self.ended()
        if len(query.fields) != len(columns):
            raise self.wrong(f"INSERT has {len(query.fields)} values for {len(columns)} columns")
        for field, column in zip(query.fields, columns):
            self.assignable(Expr("", field["type"]), column)
        done = self.warehouse.run(f"INSERT INTO {target.sql} ({', '.join(name_sql(c['name']) for c in columns)}) {query.sql}")
        self.affected["insertedRowCount"] = done.rowcount

    def column_list(self, target):
        if not self.take("("):
            return target.fields
        columns = self.many(lambda: self.field_of(target, self.identifier()))
        self.need(")")
        return columns

    def run_merge(self):
        run = self.warehouse.run
        self.need("MERGE")
        self.take("INTO")
        target = self.table()
        self.need("USING")
        source = self.relation()
        self.scope = [target, source]
        on = self.condition("ON")
        for table in ("merge_source", "merge_pairs", "merge_done"):
            run(f"DROP TABLE IF EXISTS temp.{table}")
        s = name_sql(source.alias)
        t = name_sql(target.alias)
        run(f"CREATE TEMP TABLE merge_source AS SELECT * FROM {source.sql}")
        run(f"CREATE TEMP TABLE merge_pairs AS SELECT {t}.rowid AS t, {s}.rowid AS s FROM {target.sql} AS {t} JOIN merge_source AS {s} ON {on.sql}")
        run("CREATE TEMP TABLE merge_done (t, s)")
        pairs = f"merge_pairs AS p JOIN {target.sql} AS {t} ON {t}.rowid = p.t JOIN merge_source AS {s} ON {s}.rowid = p.s"
        effects = []
        while self.take("WHEN"):
            effects.append(self.merge_clause(target, source, pairs))
        self.ended()
        if not effects:
            raise self.wrong("MERGE without WHEN")
        if run("SELECT 1 FROM merge_done WHERE t IS NOT NULL GROUP BY t HAVING COUNT(*) > 1").fetchone():
            raise Problem("invalidQuery", "UPDATE/MERGE must match at most one source row for each target row", "query")
        for effect in effects:
            effect()

    def merge_clause(self, target, source, pairs):
        """What it will do is worked out now, from the tables as they were; the function returned does it."""
        run = self.warehouse.run
        t, s = name_sql(target.alias), name_sql(source.alias)
        by_source = False
        if self.take("MATCHED"):
            rows, both = pairs, True
            free = "NOT EXISTS (SELECT 1 FROM merge_done AS d WHERE d.t = p.t AND d.s = p.s)"
            ids = "p.t, p.s"
        else:
            self.phrase("NOT", "MATCHED")
            both = False
            by_source = bool(self.take("BY")) and self.need("SOURCE", "TARGET") == "SOURCE"
            side, alias, relation = ("t", t, target.sql) if by_source else ("s", s, "merge_source")
            rows = f"{relation} AS {alias}"
            free = (f"NOT EXISTS (SELECT 1 FROM merge_pairs AS p WHERE p.{side} = {alias}.rowid) AND "
                    f"NOT EXISTS (SELECT 1 FROM merge_done AS d WHERE d.{side} = {alias}.rowid)")
            ids = f"{alias}.rowid, NULL" if by_source else f"NULL, {alias}.rowid"
        self.scope = [target, source] if both else [target] if by_source else [source]
        condition = self.boolean("AND").sql if self.take("AND") else "TRUE"
        self.need("THEN")
        where = f"{free} AND ({condition})"
        number = self.at
        work = f"temp.merge_{number}"
        action = self.need("UPDATE", "DELETE", "INSERT")
        if (action == "INSERT") == (both or by_source):
            raise self.wrong(f"{action} cannot stand here")
        chosen = []
        if action == "UPDATE":
            self.need("SET")
            chosen = self.many(lambda: self.assignment(target, source, by_source))
        elif action == "INSERT":
            chosen = self.inserted_values(target, source)
        run(f"DROP TABLE IF EXISTS {work}")
        made = "".join(f", {value.sql} AS c{i}" for i, (_, value) in enumerate(chosen))
        id_t, id_s = ids.split(", ")
        run(f"CREATE TEMP TABLE merge_{number} AS SELECT {id_t} AS t, {id_s} AS s{made} FROM {rows} WHERE {where}")
        run(f"INSERT INTO merge_done SELECT t, s FROM {work}")

        def effect():
            columns = [name_sql(column["name"]) for column, _ in chosen]
            if action == "DELETE":
                done = run(f"DELETE FROM {target.sql} WHERE rowid IN (SELECT t FROM {work})")
                self.affected["deletedRowCount"] += done.rowcount
            elif action == "UPDATE":
                sets = ", ".join(f"{column} = w.c{i}" for i, column in enumerate(columns))
                done = run(f"UPDATE {target.sql} AS {t} SET {sets} FROM {work} AS w WHERE w.t = {t}.rowid")
                self.affected["updatedRowCount"] += done.rowcount
            else:
                done = run(f"INSERT INTO {target.sql} ({', '.join(columns)}) SELECT {', '.join(f'c{i}' for i in range(len(columns)))} FROM {work} ORDER BY s")
                self.affected["insertedRowCount"] += done.rowcount
        return effect

    def assignment(self, target, source, by_source):
        before, self.scope = self.scope, [target]
        name = self.identifier()
        if self.take("."):
            name = self.identifier()
        column = self.field_of(target, name)
        self.scope = before
        self.need("=")
        return column, self.assignable(self.expression(), column)

    def inserted_values(self, target, source):
        if self.take("ROW"):
            if len(source.fields) != len(target.fields):
                raise self.wrong("INSERT ROW: the source has other columns")
            return [(column, self.assignable(self.column(source, field["name"]), column)) for column, field in zip(target.fields, source.fields)]
        columns = self.column_list(target)
        self.phrase("VALUES", "(")
        made = self.many(self.expression)
        self.need(")")
        if len(made) != len(columns):
            raise self.wrong(f"INSERT has {len(made)} values for {len(columns)} columns")
        return [(column, self.assignable(value, column)) for column, value in zip(columns, made)]

    def assignable(self, value, column):
        if values.is_repeated(column) or value.type == "NULL" or value.type == column["type"] or (value.type, column["type"]) == ("INTEGER", "FLOAT"):
            return value
        raise self.wrong(f"Value of type {value.type} cannot be assigned to {column['name']}, which has type {column['type']}")

    # Queries.

    def query(self):
        self.need("SELECT")
        if self.take("DISTINCT"):
            raise not_done("SELECT DISTINCT")
        items_at = self.at
        depth = 0
        while depth > 0 or not self.peek("FROM"):  # the FROM clause says what the items mean
            if self.tokens[self.at][0] == "end":
                break
            depth += self.peek("(") - self.peek(")")
            if depth < 0:
                break
            self.at += 1
        outer = self.scope
        relation = self.relation() if self.take("FROM") else None
        self.scope = [relation] if relation else []
        behind, self.at = self.at, items_at
        items = [item for some in self.many(lambda: self.item(relation)) for item in some]
        if relation and not self.peek("FROM"):
            raise self.wrong(f"unexpected {self.tokens[self.at][1]!r}")
        self.at = behind
        where = self.condition("WHERE").sql if self.peek("WHERE") else "TRUE"
        groups = self.group(items)
        having = self.condition("HAVING").sql if self.peek("HAVING") else None
        if groups is not None or any(item.aggregate for item in items):
            for item in items:
                if left := item.columns - {column for group in groups or [] for column in group.columns}:
                    raise self.wrong(f"SELECT list expression references column {sorted(left)[0]} which is neither grouped nor aggregated")
        names = [item.name or f"f{i}_" for i, item in enumerate(items)]
        if len({name.lower() for name in names}) != len(names):
            raise self.wrong("Duplicate column names in the result are not supported")
        selected = ", ".join(f"{item.sql} AS {name_sql(name)}" for item, name in zip(items, names))
        qualify = self.condition("QUALIFY") if self.peek("QUALIFY") else None
        sql = f"SELECT {selected}{f', {qualify.sql} AS qualify_' if qualify else ''}"
        if relation:
            sql += f" FROM {relation.sql} AS {name_sql(relation.alias)} WHERE {where}"
        if groups:
            sql += " GROUP BY " + ", ".join(group.sql for group in groups)
        if having:
            sql += f" HAVING {having}"
        if qualify:
            sql = f"SELECT {', '.join(name_sql(name) for name in names)} FROM ({sql}) WHERE qualify_"
        if self.take("ORDER"):
            self.need("BY")
            sql += " ORDER BY " + ", ".join(self.many(lambda: self.ordered(items, names)))
        if self.take("LIMIT"):
            kind, text = self.tokens[self.at]
            if kind != "number":
                raise self.wrong("LIMIT needs a number")
            self.at += 1
            sql += f" LIMIT {int(text)}"
        self.scope = outer
        return Query(sql, [{"name": name, "type": item.type if item.type != "NULL" else "INTEGER", "mode": "NULLABLE"} for item, name in zip(items, names)])

    def item(self, relation):
        if self.take("*"):
            left = set()
            if self.take("EXCEPT"):
                self.need("(")
                left = {name.lower() for name in self.many(self.identifier)}
                self.need(")")
            return [self.column(relation, field["name"]) for field in relation.fields if field["name"].lower() not in left]
        expression = self.expression()
        expression.name = self.alias() or expression.name
        return [expression]

    def group(self, items):
        if not self.take("GROUP"):
            return None
        self.need("BY")

        def one():
            kind, text = self.tokens[self.at]
            if kind == "number":
                self.at += 1
                return items[int(text) - 1]
            for item in items:
                if item.name and text.lower() == item.name.lower() and not item.aggregate:
                    self.at += 1
                    return item
            return self.expression()
        return self.many(one)

    def ordered(self, items, names):
        kind, text = self.tokens[self.at]
        if kind == "number":
            self.at += 1
            key = text
        elif text.strip("`").lower() in [name.lower() for name in names]:
            self.at += 1
            key = name_sql(text.strip("`"))
        else:
            key = self.expression().sql
        return key + (f" {word}" if (word := self.take("ASC", "DESC")) else "")

    def relation(self):
        if not self.peek("("):
            return self.table()
        self.need("(")
        query = self.query()
        self.need(")")
        return Relation(f"({query.sql})", query.fields, self.alias() or "_subquery")

    def table(self, alias=True):
        parts = self.identifier().split(".")
        while self.take("."):
            parts += self.identifier().split(".")
        table = self.warehouse.table_of_query(parts)
        found = Relation(table.sql_name, table.fields, (self.alias() if alias else None) or parts[-1], table)
        self.scanned.append(found)
        return found

    # Expressions.

    def condition(self, word):
        self.need(word)
        return self.boolean(word)

    def boolean(self, where):
        start = self.at
        found = self.expression()
        if found.type != "BOOLEAN":
            raise self.wrong(f"{where} clause should return type BOOL, but returns {found.type}")
        if where in ("ON", "WHERE"):
            self.note_bounds(start)
        return found

    def note_bounds(self, start):
        """Comparisons of a column with a constant that are parts of one AND at the top: what prunes partitions."""
        end, self.at = self.at, start
        try:
            if not any(kind == "name" and text.upper() == "OR" for kind, text in self.tokens[start:end]):
                while self.at < end:
                    left = self.additive()
                    if operator := self.take("=", "<", "<=", ">", ">="):
                        self.bound(left, operator, self.additive())
                    elif self.take("BETWEEN"):
                        self.bound(left, ">=", self.additive())
                        self.need("AND")
                        self.bound(left, "<=", self.additive())
                    else:
                        break
                    if not self.take("AND"):
                        break
        finally:
            self.at = end

    def bound(self, left, operator, right):
        for relation in self.scope:
            for field in relation.fields:
                if right.constant and left.sql == f"{name_sql(relation.alias)}.{name_sql(field['name'])}":
                    relation.bounds.append((field["name"], operator, right.sql))

    def expression(self):
        return self.chain(("OR",), lambda: self.chain(("AND",), self.negation))

    def chain(self, words, one):
        left = one()
        while word := self.take(*words):
            right = one()
            for side in (left, right):
                if side.type not in ("BOOLEAN", "NULL"):
                    raise self.wrong(f"No matching signature for operator {word} for {side.type}")
            left = self.both(f"({left.sql} {word} {right.sql})", "BOOLEAN", left, right)
        return left

    def both(self, sql, type, *parts):
        return Expr(sql, type, None, set().union(*(part.columns for part in parts)), any(part.aggregate for part in parts),
                    any(part.window for part in parts))

    def negation(self):
        if self.take("NOT"):
            inner = self.negation()
            return self.both(f"(NOT {inner.sql})", "BOOLEAN", inner)
        return self.comparison()

    def comparable(self, left, right, operator):
        if "NULL" in (left.type, right.type) or {left.type, right.type} <= NUMBERS:
            return
        if left.type != right.type or left.type in ("RECORD", "JSON", "NUMERIC", "BIGNUMERIC"):
            raise self.wrong(f"No matching signature for operator {operator} for argument types: {left.type}, {right.type}")

    def comparison(self):
        left = self.additive()
        if operator := self.take("=", "!=", "<>", "<", "<=", ">", ">="):
            right = self.additive()
            self.comparable(left, right, operator)
            return self.both(f"({left.sql} {operator} {right.sql})", "BOOLEAN", left, right)
        if self.take("IS"):
            not_ = " NOT" if self.take("NOT") else ""
            if self.take("DISTINCT"):
                self.need("FROM")
                right = self.additive()
                self.comparable(left, right, "IS DISTINCT FROM")
                return self.both(f"({left.sql} IS{'' if not_ else ' NOT'} {right.sql})", "BOOLEAN", left, right)
            word = self.need("NULL", "TRUE", "FALSE")
            return self.both(f"({left.sql} IS{not_} {word})", "BOOLEAN", left)
        not_ = "NOT " if self.peek("NOT") and self.take("NOT") else ""
        if self.take("IN"):
            self.need("(")
            inside = self.many(self.expression)
            self.need(")")
            for one in inside:
                self.comparable(left, one, "IN")
            return self.both(f"({left.sql} {not_}IN ({', '.join(one.sql for one in inside)}))", "BOOLEAN", left, *inside)
        if self.take("BETWEEN"):
            low = self.additive()
            self.need("AND")
            high = self.additive()
            self.comparable(left, low, "BETWEEN")
            self.comparable(left, high, "BETWEEN")
            return self.both(f"({left.sql} {not_}BETWEEN {low.sql} AND {high.sql})", "BOOLEAN", left, low, high)
        return left

    def additive(self):
        left = self.factor()
        while operator := self.take("+", "-"):
            left = self.arithmetic(left, operator, self.factor())
        return left

    def factor(self):
        left = self.unary()
        while operator := self.take("*", "/"):
            left = self.arithmetic(left, operator, self.unary())
        return left

    def arithmetic(self, left, operator, right):
        if not {left.type, right.type} <= NUMBERS:
            raise self.wrong(f"No matching signature for operator {operator} for argument types: {left.type}, {right.type}")
        type = "FLOAT" if operator == "/" or "FLOAT" in (left.type, right.type) else "INTEGER"
        first = f"CAST({left.sql} AS REAL)" if operator == "/" else left.sql
        return self.both(f"({first} {operator} {right.sql})", type, left, right)

    def unary(self):
        if self.take("-"):
            inner = self.unary()
            made = self.both(f"(-{inner.sql})", inner.type, inner)
            made.constant = inner.constant
            return made
        return self.primary()

    def primary(self):
        kind, text = self.tokens[self.at]
        if self.take("("):
            inner = self.expression()
            self.need(")")
            return inner
        if kind == "number":
            self.at += 1
            return Expr(text, "INTEGER" if text.isdigit() else "FLOAT", constant=True)
        if kind == "text":
            self.at += 1
            return Expr(text_sql(self.unescaped(text)), "STRING", constant=True)
        if kind == "param":
            self.at += 1
            return self.parameter(text[1:])
        if word := self.take("NULL", "TRUE", "FALSE"):
            return Expr(word, "NULL" if word == "NULL" else "BOOLEAN", constant=True)
        following = self.tokens[self.at + 1]
        if self.peek("TIMESTAMP", "DATE", "DATETIME") and following[0] == "text":
            type = text.upper()
            self.at += 2
            try:
                value = values.FROM_JSON[type](self.unescaped(following[1]))
            except values.Misfit as misfit:
                raise self.wrong(str(misfit)) from None
            return Expr(str(value) if type == "TIMESTAMP" else text_sql(value), type, constant=True)
        if self.peek("CASE"):
            return self.case()
        if kind == "name" and following == ("op", "("):
            return self.function(text.upper())
        name = self.identifier()
        if self.take("."):
            for relation in self.scope:
                if relation.alias.lower() == name.lower():
                    return self.column(relation, self.identifier())
            raise Problem("invalidQuery", f"Unrecognized name: {name}", "query")
        found = [relation for relation in self.scope if any(field["name"].lower() == name.lower() for field in relation.fields)]
        if len(found) != 1:
            raise Problem("invalidQuery", f"{'Column name is ambiguous' if found else 'Unrecognized name'}: {name}", "query")
        return self.column(found[0], name)

    def unescaped(self, text):
        return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1]) or self.refuse_escape(found[0]), text[1:-1])

    def refuse_escape(self, text):
        raise self.wrong(f"Illegal escape sequence: {text}")

    def field_of(self, relation, name):
        for field in relation.fields:
            if field["name"].lower() == name.lower():
                return field
        raise Problem("invalidQuery", f"Name {name} not found inside {relation.alias}", "query")

    def column(self, relation, name):
        field = self.field_of(relation, name)
        sql = f"{name_sql(relation.alias)}.{name_sql(field['name'])}"
        return Expr(sql, field["type"], field["name"], {sql})

    def parameter(self, name):
        if name not in self.params:
            raise self.wrong(f"Query parameter '{name}' not found")
        type, value = self.params[name]
        if value is None:
            return Expr("NULL", type, constant=True)
        stored = values.FROM_JSON[type](value)
        return Expr(text_sql(stored) if isinstance(stored, str) else str(stored), type, constant=True)

    def case(self):
        self.need("CASE")
        sql, parts = "CASE", []
        while self.take("WHEN"):
            condition = self.boolean("CASE")
            self.need("THEN")
            value = self.expression()
            parts += [condition, value]
            sql += f" WHEN {condition.sql} THEN {value.sql}"
        outcomes = parts[1::2]
        if self.take("ELSE"):
            outcomes.append(self.expression())
            sql += f" ELSE {outcomes[-1].sql}"
        self.need("END")
        return self.both(f"({sql} END)", self.common(outcomes, "CASE"), *parts, *outcomes)

    def common(self, parts, what):
        types = {part.type for part in parts} - {"NULL"}
        if len(types) > 1:
            raise self.wrong(f"No matching signature for {what}: {', '.join(sorted(types))}")
        return types.pop() if types else "NULL"

    def function(self, name):
        self.at += 2
        if name == "COUNT":
            if self.take("*"):
                self.need(")")
                return Expr("COUNT(*)", "INTEGER", aggregate=True)
            distinct = "DISTINCT " if self.take("DISTINCT") else ""
            return Expr(f"COUNT({distinct}{self.arguments(1)[0].sql})", "INTEGER", aggregate=True)
        if name == "ROW_NUMBER":
            self.need(")")
            return self.over()
        if name in ("CAST", "SAFE_CAST"):
            return self.cast(name)
        if name == "TIMESTAMP_TRUNC":
            value = self.expression()
            self.need(",")
            unit = self.need(*UNITS)
            self.need(")")
            if value.type != "TIMESTAMP":
                raise self.wrong("TIMESTAMP_TRUNC needs a TIMESTAMP")
            return self.both(f"floor_to({value.sql}, {UNITS[unit]})", "TIMESTAMP", value)
        if name in ("MIN", "MAX", "SUM", "COUNTIF"):
            inner = self.arguments(1)[0]
            if name == "COUNTIF":
                return Expr(f"COUNT(CASE WHEN {inner.sql} THEN 1 END)", "INTEGER", aggregate=True)
            if inner.type not in NUMBERS and (name == "SUM" or inner.type in ("RECORD", "JSON", "NUMERIC", "BIGNUMERIC")):
                raise self.wrong(f"No matching signature for aggregate function {name} for {inner.type}")
            return Expr(f"{name}({inner.sql})", inner.type, aggregate=True)
        if name in ("COALESCE", "IFNULL", "GREATEST", "LEAST"):
            parts = self.arguments(None)
            sqlite = {"IFNULL": "COALESCE", "GREATEST": "MAX", "LEAST": "MIN"}.get(name, name)
            return self.both(f"{sqlite}({', '.join(part.sql for part in parts)})", self.common(parts, name), *parts)
        if name == "CURRENT_TIMESTAMP":
            self.need(")")
            return Expr("now_micros()", "TIMESTAMP")
        if name == "DATE":
            inner = self.arguments(1)[0]
            if inner.type != "TIMESTAMP":
                raise self.wrong(f"No matching signature for DATE({inner.type})")
            return self.both(f"date_of({inner.sql})", "DATE", inner)
        raise not_done(f"the function {name}")

    def arguments(self, count):
        found = self.many(self.expression)
        self.need(")")
        if count is not None and len(found) != count:
            raise self.wrong(f"expected {count} arguments")
        return found

    def over(self):
        self.phrase("OVER", "(")
        sql, parts = "", []
        if self.take("PARTITION"):
            self.need("BY")
            parts += self.many(self.expression)
            sql += "PARTITION BY " + ", ".join(part.sql for part in parts) + " "
        self.phrase("ORDER", "BY")
        sql += "ORDER BY " + ", ".join(self.many(lambda: self.ordered([], [])))
        self.need(")")
        return Expr(f"ROW_NUMBER() OVER ({sql})", "INTEGER", None, set().union(*(part.columns for part in parts)), window=True)

    def cast(self, name):
        value = self.expression()
        self.need("AS")
        type = SQL_TYPES.get(self.identifier().upper())
        self.need(")")
        if value.type == type or value.type == "NULL":
            return self.both(value.sql, type, value)
        if (value.type, type) in (("INTEGER", "STRING"), ("INTEGER", "FLOAT")):
            return self.both(f"CAST({value.sql} AS {'TEXT' if type == 'STRING' else 'REAL'})", type, value)
        raise not_done(f"{name} from {value.type} to {type}")
