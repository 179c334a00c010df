"""The APIs of the guarantees table: one for each module and spec in `cases`, and for each spec of the catalogue."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Final

from airflow_provider_ops import specs
from airflow_provider_ops.spec import ApiSpec
from dev.guarantees import cases
from dev.guarantees.api_case import CASES, TASK, ApiCase
from dev.guarantees.described import case_of

__all__ = ["APIS", "TASK", "ApiCase", "all_apis", "case"]


def _case(name: str) -> ApiCase:
    found: ApiCase = importlib.import_module(f"{cases.__name__}.{name}").CASE
    return found


def all_apis() -> list[ApiCase]:
    """Return what has rows."""
    classes = [_case(module.name) for module in pkgutil.iter_modules(cases.__path__)]
    own = [case_of(ApiSpec.from_yaml(file)) for file in CASES.glob("*.yaml")]
    # one that has a class of its own as well has its rows with that
    known = {api.name for api in classes}
    return [*classes, *own, *(case_of(specs.load(name)) for name in specs.names() if name not in known)]


#: Those of a class of their own first.
APIS: Final = tuple(sorted(all_apis(), key=lambda api: (api.is_described, api.name)))


def case(name: str) -> ApiCase:
    """Return the API of this name."""
    return next(api for api in APIS if api.name == name)
