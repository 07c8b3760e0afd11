import shutil
import sqlite3

DAMAGE = [
    None, None,
    "DELETE FROM access_log WHERE _row = 3",
    "INSERT INTO access_log SELECT time, remote_addr, remote_user, request_method, request_uri, server_protocol, status, "
    "body_bytes_sent, http_referer, http_user_agent, request, raw_log, _part, _offset, NULL FROM access_log WHERE _row = 3",
    "UPDATE access_log SET _offset = _offset + 1 WHERE _row = 3",
    "UPDATE visitors_per_day SET hits = hits + 1",
    "DELETE FROM _leat_rejects",
    "DELETE FROM _leat_ranges",
    "DELETE FROM _leat_parts",
    "DELETE FROM access_log WHERE _row = 3",
]


def before(number):
    if number == 1:
        shutil.copy("a.db", "good.db")
    if DAMAGE[number] is not None:
        shutil.copy("good.db", "a.db")
        database = sqlite3.connect("a.db", isolation_level=None)
        database.execute(DAMAGE[number])
        database.close()
