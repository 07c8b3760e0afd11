import os
import shutil
os.mkdir("locked", 0o755)
shutil.copy("in.log", "locked/in.log")
for name in ("secret.log", "secret.toml", "secret.db"):
    open(name, "w").close()
    os.chmod(name, 0)
os.chmod("locked", 0)
open("readonly.db", "w").close()
os.chmod("readonly.db", 0o444)


def after():
    os.chmod("locked", 0o755)
