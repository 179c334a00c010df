"""Answers that Airflow cannot keep, and an API that sends the key back: what is sent, and where it must not be."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy

#: The key of all connections of the stack.
KEY: Final = "sk-any/0123456789+abcdefgh"
FORMS: Final[Mapping[str, str]] = {
    "plain": KEY,
    "URL-encoded": quote(KEY, safe=""),
    **{f"base64 at offset {at}": base64.b64encode(b"x" * at + KEY.encode() + b"yy").decode() for at in range(3)},
}
_ECHO: Final = f"invalid key: {' '.join(FORMS.values())}"
#: What operations and resources are known by, and what a wait depends on.
_KEPT: Final = ["id", "*.id", "*_id", "*Id", "status", "*.status", "state", "*.state", "done", "*.name", "name"]
_READS: Final[Mapping[str, Any]] = {"fault": "poison", "method": "GET", "route": "*", "but": _KEPT}
_OPERATIONS: Final[Mapping[str, Any]] = {**_READS, "route": "*operations*"}

#: Title and rules by row; with these the operation succeeds all the same.
TOLERATED: Final[Mapping[str, tuple[str, tuple[Mapping[str, Any], ...]]]] = {
    "nul": ("NUL characters in every text", ({**_READS, "value": r'"a\u0000b"'},)),
    "surrogate": ("lone surrogates in every text", ({**_READS, "value": r'"a\ud800b"'},)),
    "lines": ("line ends, colours and groups in every text", ({**_READS, "value": r'"a\n::group::b\u001b[31m"'},)),
    "nan": ("NaN in every field", ({**_OPERATIONS, "value": "NaN"},)),
    "number": ("numbers of 400 digits in every field", ({**_OPERATIONS, "value": "1" + "0" * 400},)),
    "depth": ("lists nested 900 deep in every field", ({**_OPERATIONS, "value": "[" * 900 + "]" * 900},)),
    "large": ("texts of 300 kB in every field", ({**_OPERATIONS, "value": json.dumps("x" * 300_000)},)),
    "key": (
        "the key in every text and in the request id",
        ({**_READS, "value": json.dumps(_ECHO), "headers": {"x-request-id": KEY}},),
    ),
    "key-in-error": (
        "the key in errors of the API",
        (
            {"fault": "status", "status": 503, "message": f"{_ECHO}\0", "count": 3, "method": "GET", "route": "*"},
            {"fault": "unknown_status", "word": "warming-up", "seconds": 8},
        ),
    ),
}
FAILURE: Final = ({"fault": "operation_fails", "reason": f"no room\0 {_ECHO}\n::group::"},)


def leaks(address: str, home: Path) -> Iterator[str]:
    """Yield where the key, or a form of it, is in the database or in a log, a sentence each."""
    for place, content in [*_tables(address), *_files(home)]:
        yield from (f"the key ({name}) is in {place}" for name, form in FORMS.items() if _core(form) in content)


def _core(form: str) -> str:
    # what base64 makes of the ends depends on the neighbours
    return form[4:-6]


def _tables(address: str) -> Iterator[tuple[str, str]]:
    engine = sqlalchemy.create_engine(address)
    metadata = sqlalchemy.MetaData()
    try:
        metadata.reflect(engine)
        with engine.connect() as connection:
            for table in metadata.sorted_tables:
                yield f"table {table.name}", str([tuple(row) for row in connection.execute(table.select())])
    finally:
        engine.dispose()


def _files(home: Path) -> Iterator[tuple[str, str]]:
    for file in sorted((home / "logs").rglob("*")):
        if file.is_file():
            yield str(file.relative_to(home)), file.read_text(errors="replace")
