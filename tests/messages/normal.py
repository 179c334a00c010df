"""The same text on every machine: ids, addresses and times of a run are replaced."""

from __future__ import annotations

import re
from typing import Final

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_MADE_UP: Final = re.compile(rf"\b(op|clu|ins|mch|req|dep)_(?:{_UUID}|[0-9a-z]{{16}})\b|\b{_UUID}\b")
_KEY: Final = re.compile(r"\bairflow-[0-9a-f]{6}[0-9a-f-]*")
_REPLACED: Final = (
    (re.compile(r"127\.0\.0\.1:(?!9/)\d+"), "localhost:8099"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z| UTC)?"), "2026-03-01 08:00:00 UTC"),
    # what a library or the system says is theirs, and changes with them
    (re.compile(r"\(\[(?:Errno|SSL|X509)[^()]*(?:\([^()]*\)[^()]*)*\)"), "(...)"),
    (
        re.compile(r"\((?:All connection attempts failed|the server has closed [^()]*|record layer failure[^()]*)\)"),
        "(...)",
    ),
    (re.compile(r"(release,?) \d+\.\d+[0-9a-z.]*"), r"\1 X.Y.Z"),
    (re.compile(r"0x[0-9a-f]{6,}"), "0x..."),
    (re.compile(r"(not JSON compliant): \S+"), r"\1"),
    # DAGs are named after the test that plays the row
    (re.compile(r"\btest_\w+"), "my_dag"),
    # how long an operation took hangs on the second in which it began
    (re.compile(r"after \d+ minutes?(?: \d+ seconds?)?"), "after 10 minutes"),
    (re.compile(r"(belong into|the spec|the spec in) /\S+/operations\b"), r"\1 ~/airflow/operations"),
    (re.compile(r"another \d+ s"), "another 600 s"),
)


def normal(text: str) -> str:
    """Return a message without what is of one run only."""
    for pattern, by in _REPLACED:
        text = pattern.sub(by, text)
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        kind = match[1] or "id"
        count = sum(known.startswith(f"{kind}_") for known in names.values())
        return names.setdefault(match[0], f"{kind}_{count + 1}")

    return _KEY.sub("airflow-0123456789ab", _MADE_UP.sub(name, text)).rstrip()
