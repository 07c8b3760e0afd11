import os

LINE = b'203.0.113.7 - - [22/Nov/2026:13:39:28 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/7.88.1"\n'
with open(b"bad\xff\x1b[31m\nname.log", "wb") as file:
    file.write(b"\x1b]0;title\x07no log\n" * 100)
with open(b"good\xff\x1b[31m\nname.log", "wb") as file:
    file.write(LINE)
os.mkdir(b"no\x1b[31m.db")
