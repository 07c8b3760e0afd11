import os
import sqlite3
with open("text.db", "w") as file:
    file.write("this is a text, not a database\n" * 100)
os.mkdir("folder")
os.chmod("folder", 0o777)
open("empty.db", "w").close()
open("web.log", "w").close()
for name in ("other.db", "plain.db"):
    with sqlite3.connect(name) as database:
        database.execute("CREATE TABLE access_log(mine TEXT)")
