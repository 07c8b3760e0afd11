import os

os.utime("a.log", (1_700_000_000, 1_700_000_000))  # the older one is read first

def before(line):
    """b.log goes away before its part is looked at again."""
    if line == 9:
        os.rename("b.log", "elsewhere.txt")
    if line == 13:
        os.rename("elsewhere.txt", "b.log")
