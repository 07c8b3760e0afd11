"""What a careful Python program needs for the rows that bench/parse_xml makes: iterparse, each element dropped when it
is read; lxml where it is installed, else xml.etree.   iterparse_xml.py FILE
"""

import datetime
import sys
import time

try:
    from lxml import etree
    NAME = "lxml"
except ImportError:
    import xml.etree.ElementTree as etree
    NAME = "xml.etree"

INTEGERS = ("UNIQUE_VULN_ID", "QID", "SEVERITY", "PORT", "TIMES_FOUND")
TEXTS = ("TYPE", "PROTOCOL", "RESULTS", "STATUS")
BOOLEANS = ("SSL", "IS_IGNORED", "IS_DISABLED")
TIMES = ("FIRST_FOUND_DATETIME", "LAST_FOUND_DATETIME", "LAST_TEST_DATETIME", "LAST_UPDATE_DATETIME",
         "LAST_PROCESSED_DATETIME")


def row_of(detection, host, address):
    found = {child.tag: child.text for child in detection}
    row = [host, address]
    row += [int(found[name]) if found.get(name) else None for name in INTEGERS]
    row += [found.get(name) for name in TEXTS]
    row += [found.get(name) == "1" for name in BOOLEANS]
    row += [datetime.datetime.fromisoformat(found[name][:-1]) if found.get(name) else None for name in TIMES]
    return row


def main():
    began = time.process_time()
    rows = 0
    host = address = None
    for _, element in etree.iterparse(sys.argv[1], events=("end",)):
        if element.tag == "ID":
            host = int(element.text)
        elif element.tag == "IP":
            address = element.text
        elif element.tag == "DETECTION":
            rows += len(row_of(element, host, address)) > 0
            element.clear()
        elif element.tag == "HOST":
            element.clear()
    seconds = time.process_time() - began
    print(f"rows {rows}  {NAME}_cpu_seconds {seconds:.4f}")


if __name__ == "__main__":
    main()
