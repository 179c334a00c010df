"""Where the budget of a connection is kept that many processes share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from airflow_provider_ops.http.extras import missing_extra

#: Schemes of the addresses that lead to a Redis.
_SCHEMES: Final = ("redis", "rediss", "unix")
_EXAMPLE: Final = "redis://redis.example.com:6379/0"
#: Processes that share a budget where the configuration does not say how many.
DEFAULT_PROCESSES: Final = 32


class BudgetUnreachable(Exception):
    """The home of a shared budget did not answer, or not as it should."""


@dataclass(frozen=True, slots=True)
class BudgetHome:
    """Where a shared budget is kept. ``str`` never shows the password.

    :param url: of a Redis.
    :param processes: how many processes use the connection at most; each has that part of the budget without Redis.
    """

    url: str
    processes: int = DEFAULT_PROCESSES

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{host}{port}{parts.path}"

    __repr__ = __str__

    @property
    def problem(self) -> str | None:
        """Return what is wrong with it in one sentence."""
        try:
            parts = urlsplit(self.url)
            parts.port  # noqa: B018 - raises on a bad port
        except ValueError as error:
            return f"budget_url, its extra or of [operations], is not a URL ({error}): use one like {_EXAMPLE}"
        if parts.scheme not in _SCHEMES or not (parts.hostname or parts.scheme == "unix"):
            return f"budget_url, its extra or of [operations], must lead to a Redis: use one like {_EXAMPLE}"
        missing = missing_extra("redis")
        return f"budget_url needs {missing}" if missing else None
