import sqlite3


def before(number):
    if number == 1:
        with sqlite3.connect("a.db") as database:
            database.execute("UPDATE _leat_meta SET version = 99")
