"""Which extras of this package are installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

#: What each extra brings, by the names under which it is imported.
_MODULES: Final = {"redis": ("redis", "throttled"), "socks": ("socksio",)}


def missing_extra(name: str) -> str | None:
    """Return what to install for an extra, with the modules that are missing; ``None`` where all are there."""
    missing = [module for module in _MODULES[name] if find_spec(module) is None]
    return f"airflow-provider-ops[{name}]: install it (missing: {', '.join(missing)})" if missing else None
