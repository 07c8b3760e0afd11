import shutil


# What has happened to the files between two plans.
def before(number):
    if number == 2:
        with open("in.log", "a", encoding="utf-8") as log:
            log.write('203.0.113.9 - - [12/Oct/2026:00:00:01 +0000] "GET / HTTP/1.1" 200 512 "-" "curl/8.5.0"\n')
    if number == 3:
        shutil.copy("in.log", "new.log")
