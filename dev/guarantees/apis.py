"""The APIs of the guarantees table: one for each module in `cases`."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Final

from dev.guarantees import cases
from dev.guarantees.api_case import TASK, ApiCase

__all__ = ["APIS", "TASK", "ApiCase", "case"]


def _case(name: str) -> ApiCase:
    found: ApiCase = importlib.import_module(f"{cases.__name__}.{name}").CASE
    return found


#: Those of a class of their own first.
APIS: Final = tuple(
    sorted(
        (_case(module.name) for module in pkgutil.iter_modules(cases.__path__)),
        key=lambda api: (api.is_described, api.name),
    )
)


def case(name: str) -> ApiCase:
    """Return the API of this name."""
    return next(api for api in APIS if api.name == name)
