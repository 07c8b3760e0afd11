"""The places in docs/performance.md that script/bench --write fills."""

import pathlib

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def put(what, text):
    """Replaces what stands between the two marks of `what`. ValueError: they are not there once."""
    begin, end = f"<!-- script/bench {what}: begin -->", f"<!-- script/bench {what}: end -->"
    page = PAGE.read_text(encoding="utf-8")
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"{PAGE.name} has not one '{begin}' and one '{end}'")
    head, rest = page.split(begin)
    PAGE.write_text(f"{head}{begin}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")
