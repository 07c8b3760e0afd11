"""script/bench postgres: network flows into PostgreSQL, beside `\\copy … (FORMAT binary)` of the same rows into the same table.

  script/bench postgres [--rows 10000000] [--rounds 3] [--build build/release]

Both go to one server, started here with fsync and checkpoints as Debian sets them. leat reads and parses the text, numbers the rows, keeps its
positions and commits every 131,072 rows; \\copy sends a file that the server has written, in one transaction.
Exit status: 0 measured, 1 a run failed or counted wrong, 77 there is no PostgreSQL here.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "sinks"))

from postgres_server import Server, binaries

PIPELINE = """[sources.flows]
type = "file"
include = "flows.txt"
[sources.flows.format]
type = "csv"
header = false
row_number = "id"
columns = ["time:integer", "duration:integer", "src_comp", "src_port", "dst_comp", "dst_port", "protocol:integer", "packet_count:integer", "byte_count:integer"]

[sinks.db]
type = "postgres"
url = "postgresql://leat@127.0.0.1:{port}/postgres"

[pipelines.flows]
from = "flows"
to = "db.flows"
raw = false
"""


def timed(command):
    begun = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    options = parser.parse_args()
    if binaries() is None:
        print("there is no PostgreSQL here: script/setup --tests installs it", file=sys.stderr)
        return 77
    leat = options.build / "leat"
    with tempfile.TemporaryDirectory(prefix="leat-bench-") as top:
        folder = pathlib.Path(top)
        with open(folder / "flows.txt", "wb") as flows:
            subprocess.run([leat, "generate", "flows", "--rows", str(options.rows), "--quiet"], stdout=flows, check=True)
        server = Server()
        try:
            server.end()
            if not server.launch(["fsync=on", "full_page_writes=on", "autovacuum=on", "shared_buffers=128MB"]):
                raise RuntimeError("postgres does not start")
            (folder / "p.toml").write_text(PIPELINE.format(port=server.port))
            psql = [binaries() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(server.port), "-U", "leat", "-d", "postgres"]
            times = {"leat run": [], "\\copy": []}
            for _ in range(options.rounds):
                server.psql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
                times["leat run"].append(timed([leat, "run", folder / "p.toml", "--once", "--quiet"]))
                if int(server.copy("SELECT count(*) FROM flows", "postgres")[0][0]) != options.rows:
                    print("leat: not all rows are there", file=sys.stderr)
                    return 1
                subprocess.run([*psql, "-c", f"\\copy flows TO '{folder}/flows.copy' (FORMAT binary)"], check=True)
                server.psql("CREATE TABLE copied (LIKE flows INCLUDING ALL); DROP TABLE flows; CHECKPOINT")
                times["\\copy"].append(timed([*psql, "-c", f"\\copy copied FROM '{folder}/flows.copy' (FORMAT binary)"]))
        finally:
            server.close()
    best = {name: min(seconds) for name, seconds in times.items()}
    for name, seconds in times.items():
        print(f"{name:10} {best[name]:6.1f} s  {options.rows / best[name] / 1000:6.0f} k rows/s   ({', '.join(f'{each:.1f}' for each in seconds)})")
    print(f"leat takes {best['leat run'] / best[chr(92) + 'copy']:.2f} times as long as \\copy of its rows, of {options.rounds} rounds each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
