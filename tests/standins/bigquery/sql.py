"""The SQL that leat sends, as SQLite understands it; all else is refused.

SELECT [* [EXCEPT (…)]] FROM table|(query) WHERE GROUP BY HAVING QUALIFY ORDER BY LIMIT · INSERT … SELECT · DELETE · MERGE ·
ALTER TABLE … ADD COLUMN.
Types are checked as BigQuery does: nothing is compared or assigned that needs a cast. A statement is parsed and run in one go.
"""

from problem import Problem, not_done
from sql_expressions import Expr, Expressions, Query, Relation, name_sql
import values


class Statement(Expressions):
    """Parses one statement; `warehouse` says what tables there are and runs SQLite."""

    def run(self):
        for word, run in (("SELECT", self.run_select), ("DELETE", self.run_delete), ("INSERT", self.run_insert), ("MERGE", self.run_merge),
                          ("ALTER", self.run_alter)):
            if self.peek(word):
                self.kind = word
                return run()
        raise not_done(f"the statement {self.tokens[self.at][1]!r} (there are SELECT, INSERT, DELETE, MERGE, ALTER)")

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

    def run_alter(self):
        self.phrase("ALTER", "TABLE")
        target = self.table(alias=False)

        def added():
            self.phrase("ADD", "COLUMN")
            if_new = bool(self.take("IF")) and not self.phrase("NOT", "EXISTS")
            return if_new, {"name": self.identifier(), "type": self.identifier()}
        columns = self.many(added)
        self.ended()
        known = {field["name"].lower() for field in target.fields}
        for if_new, field in columns:
            if field["name"].lower() in known and not if_new:
                raise self.wrong(f"Column already exists: {field['name']}")
        self.warehouse.add_fields(target.table, [field for _, field in columns if field["name"].lower() not in known])

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
