import subprocess

other = subprocess.Popen([LEAT, "logs", "in.log", "--to", "a.db"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         stdout=subprocess.DEVNULL)
for line in other.stderr:
    if b"event=commit" in line:
        break


def after():
    other.terminate()
    other.communicate(timeout=30)
