#!/usr/bin/env python3
"""script/demo bigquery: examples/api-to-bigquery.toml against stand-ins of the API and of BigQuery, killed once.

  demo.py LEAT
"""

import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RECORDS = 20_000
QUERY = "SELECT DATE(updated) AS day, COUNT(*) AS records, SUM(amount) AS amount FROM api.records GROUP BY day ORDER BY day DESC LIMIT 5"


def stand_in(folder, *arguments):
    """(process, address)"""
    process = subprocess.Popen([sys.executable, ROOT / "tests/standins" / folder / "server.py", *arguments], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().removeprefix("listening on ").strip()


def main():
    sys.path.insert(0, str(ROOT / "tests/standins/bigquery"))
    from standin import BigQuery

    with tempfile.TemporaryDirectory() as folder, BigQuery() as warehouse:
        scenario = pathlib.Path(folder) / "api.toml"
        scenario.write_text(f'records = {RECORDS}\nsize = 500\nwindow = "time"\n')
        api, address = stand_in("api", "--scenario", scenario)
        try:
            config = pathlib.Path(folder) / "api-to-bigquery.toml"
            text = (ROOT / "examples/api-to-bigquery.toml").read_text().replace("127.0.0.1:8081", address).replace("../spool", f"{folder}/spool")
            config.write_text(text.replace('project      = "test"', f'project      = "test"\nendpoint     = "{warehouse.url}"'))
            command = [sys.argv[1], "run", config, "--once"]
            print("An API has 20,000 records of two months; there is no table.\n\n$ leat run examples/api-to-bigquery.toml --once", flush=True)
            first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            try:
                first.wait(0.3)
            except subprocess.TimeoutExpired:
                first.kill()
                first.wait()
                print("-- kill -9; and again:", flush=True)
            subprocess.run(command, check=True)
            print("\nThree hours later 300 records have come and 200 have changed.\n\n$ leat run examples/api-to-bigquery.toml --once", flush=True)
            for moment in "seconds=10800&add=300&change=200", "seconds=600":
                warehouse.request("GET", f"http://{address}/_moment?{moment}")
            subprocess.run(command, check=True)
            asked = {"query": QUERY, "useLegacySql": False, "requestId": "demo"}
            while not (said := warehouse.api("POST", "/queries", asked)[1])["jobComplete"]:
                warehouse.ask("wait")
            print(f"\n{QUERY}")
            for row in said["rows"]:
                print("  ".join(cell["v"] for cell in row["f"]))
            rows = warehouse.ask("rows?table=api.records")
            versions = {row["id"]: row["updated"] for row in rows}
            billed = subprocess.run([sys.argv[1], "status", config], check=True, stdout=subprocess.PIPE, text=True).stdout
            print(f"\n{len(rows):,} rows of {len(versions):,} records\n\n$ leat status examples/api-to-bigquery.toml\n{billed}", flush=True)
            verified = subprocess.run([sys.argv[1], "verify", config], check=False).returncode
            return 0 if len(rows) == len(versions) == RECORDS + 300 and verified == 0 else 1
        finally:
            api.kill()
            api.wait()


if __name__ == "__main__":
    sys.exit(main())
