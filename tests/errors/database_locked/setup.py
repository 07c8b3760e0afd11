import sqlite3

held = []


def before(number):
    if number == 1:
        with open("in.log", "a") as log:
            log.write('203.0.113.9 - - [22/Nov/2026:13:39:28 +0000] "GET / HTTP/1.1" 200 1 "-" "x"\n')
        held.append(sqlite3.connect("a.db", isolation_level=None))
        held[0].execute("BEGIN IMMEDIATE")


def after():
    for database in held:
        database.close()
