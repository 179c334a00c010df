"""`make docs/reference/timeouts.md`: the default timeouts and poll intervals of all APIs, printed from the code."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.provider_info import hook_class_name, typed_apis

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "reference" / "timeouts.md"

_HEAD: Final = """\
# Default timeouts and intervals

How long operators and hooks wait for an operation when `timeout` is not given, and when they poll it when
`poll_interval` is not given. Sensors, and tasks that wait for ids, wait for a day by default. Printed from the code by
`make docs/reference/timeouts.md`.

The longest prefix of the operation's kind decides. Where the numbers come from stands next to them, in `timeouts` and
`polls` of each API's class below `airflow_provider_ops/apis`.

| API | kind of operation | timeout | polls after |
|---|---|---|---|
"""


def apis() -> list[Api]:
    """Return all APIs of the provider, in the order of the connection types."""
    return [pkgutil.resolve_name(str(hook_class_name(name))).api for name in typed_apis()]


def duration(seconds: float) -> str:
    """Return seconds as the docs write them: `45 min`, `24 h`."""
    minutes = seconds / 60
    return f"{minutes:g} min" if minutes < 120 else f"{minutes / 60:g} h"  # noqa: PLR2004 - two hours read better


def page() -> str:
    """Return the whole page."""
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for api in apis() for row in _rows(api))


def _rows(api: Api) -> Iterator[tuple[str, str, str, str]]:
    for kind in sorted({*api.timeouts, *api.polls}):
        poll = api.poll_policy(kind)
        polls = f"{poll.first:g} s, then up to every {poll.cap:g} s"
        yield api.title, f"`{kind}…`" if kind else "any other", duration(api.default_timeout(kind)), polls


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
