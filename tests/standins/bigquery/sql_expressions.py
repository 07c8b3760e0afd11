"""The expressions of the SQL that leat sends, and the words that all of it is made of. Types are checked as BigQuery does: nothing is
compared that needs a cast.
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


class Expressions:
    """What statements are parsed with; query() is theirs."""

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
        if name == "MOD":
            parts = self.arguments(2)
            if {part.type for part in parts} != {"INTEGER"}:
                raise self.wrong(f"No matching signature for function MOD for {', '.join(part.type for part in parts)}")
            return self.both(f"({parts[0].sql} % {parts[1].sql})", "INTEGER", *parts)
        if name == "CURRENT_TIMESTAMP":
            self.need(")")
            return Expr("now_micros()", "TIMESTAMP")
        if name == "DATE":
            inner = self.arguments(1)[0]
            if inner.type != "TIMESTAMP":
                raise self.wrong(f"No matching signature for DATE({inner.type})")
            return self.both(f"date_of({inner.sql})", "DATE", inner)
        if name in ("UNIX_MICROS", "IS_NAN"):
            inner = self.arguments(1)[0]
            if inner.type != ("TIMESTAMP" if name == "UNIX_MICROS" else "FLOAT"):
                raise self.wrong(f"No matching signature for function {name} for {inner.type}")
            return self.both(*((inner.sql, "INTEGER") if name == "UNIX_MICROS" else (f"({inner.sql} = 'NaN')", "BOOLEAN")), inner)
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
