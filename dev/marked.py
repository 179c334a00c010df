"""Tables that a program writes into a page of the docs, between two marks."""

from __future__ import annotations

from pathlib import Path


def put(page: Path, name: str, text: str) -> None:
    """Write a text between ``<!-- name -->`` and ``<!-- end of name -->`` of a page.

    :raises ValueError: the page lacks one of them.
    """
    page.write_text(replaced(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def replaced(page: str, name: str, text: str) -> str:
    """Return a page with another text between its marks.

    :raises ValueError: it lacks one of them.
    """
    first, last = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, begin, rest = page.partition(first)
    _, end, after = rest.partition(last)
    if not (begin and end):
        raise ValueError(f"the page lacks one of the lines {first!r} and {last!r}")
    return f"{before}{begin}\n{text.strip()}\n\n{end}{after}"
