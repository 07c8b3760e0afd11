import sqlite3
import subprocess

other = None


def change(*statements):
    database = sqlite3.connect("a.db", isolation_level=None)
    for statement in statements:
        database.execute(statement)
    database.close()


def before(number):
    global other
    if number == 2:
        change("UPDATE visitors_per_day SET hits = hits + 1")
    if number == 4:
        change("DELETE FROM _leat_distinct_visitors_per_day_visitors WHERE value = '192.0.2.1'", "DROP TABLE pages_per_day")
    if number == 14:  # another process runs the pipeline
        other = subprocess.Popen([LEAT, "run", "web.toml", "logs"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL)
        for line in other.stderr:
            if b"event=start" in line:
                break
        while True:
            database = sqlite3.connect("a.db")
            if database.execute("SELECT ended_at IS NULL FROM _leat_pipelines").fetchone()[0]:
                break
            database.close()
    if number == 15:
        other.terminate()
        other.communicate(timeout=30)
