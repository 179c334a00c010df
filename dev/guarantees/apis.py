"""The APIs of the guarantees table: all that the provider has a connection type for."""

from __future__ import annotations

import importlib
from typing import Final

from airflow_provider_ops.provider_info import typed_apis
from dev.guarantees.api_case import TASK, ApiCase

__all__ = ["APIS", "TASK", "ApiCase", "case"]


def _case(name: str) -> ApiCase:
    found: ApiCase = importlib.import_module(f"dev.guarantees.cases.{name}").CASE
    return found


APIS: Final = tuple(map(_case, typed_apis()))


def case(name: str) -> ApiCase:
    """Return the API of this name."""
    return next(api for api in APIS if api.name == name)
