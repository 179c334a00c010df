"""The simulator, but with networks that are made of two hundred parts: `python -m dev.browser.crowd --port ...`."""

from __future__ import annotations

import sys
from typing import Final

from airflow_provider_ops.simulator.__main__ import main
from airflow_provider_ops.simulator.lakesail import infrastructure
from airflow_provider_ops.simulator.records import Phase

PARTS: Final = 200
STANDS_IN_FOR: Final = "airflow_provider_ops.simulator"
_KINDS: Final = ("subnet", "route-table", "nat-gateway", "security-group", "endpoint")


def crowd() -> tuple[Phase, ...]:
    """Return the phases, each of which the API shows as a resource of its own."""
    names = (f"{_KINDS[number % len(_KINDS)]}-{number:03}" for number in range(PARTS))
    return tuple(Phase(name, f"Creating {name}") for name in names)


if __name__ == "__main__":
    infrastructure._PHASES["network"] = crowd()  # noqa: SLF001 - only this scene needs it
    sys.exit(main())
