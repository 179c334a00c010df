"""What the guarantees table must know about an API: what to create, and what may be expected of it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from airflow_provider_ops import specs
from airflow_provider_ops.core.identity import run_prefix

TASK: Final = "op"
_CASES: Final = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class ApiCase:
    """
    One API and the operator that creates something on it.

    :param operator: module below `airflow_provider_ops.operators`, and class.
    :param arguments: of the operator; `{{ run_id }}` where the API takes a name.
    :param create: route of the create call at the simulator.
    :param finds: how the outcome of a submit is found out whose answer is lost: by search, by an idempotency `key`, or
        not at all.
    :param can_cancel: whether the API cancels.
    :param ending: method and route of the call that ends what was created; nothing where there is none.
    :param is_described: whether a spec describes it: one of the catalogue, else `<name>.yaml` beside its case.
    :param makes_resources: whether each create makes a resource; else it starts an operation on what is there.
    :param is_in_ci: whether CI runs rows of it.
    :param reads: glob over the paths at which operations are read.
    :param derives_name: whether the provider derives the name of the resource from the task run.
    """

    name: str
    operator: tuple[str, str]
    arguments: Mapping[str, Any]
    create: str
    finds: Literal["search", "key", "no"] = "search"
    can_cancel: bool = False
    ending: tuple[str, str] | None = None
    derives_name: bool = False
    is_described: bool = False
    makes_resources: bool = True
    is_in_ci: bool = True
    reads: str = "*operations*"

    @property
    def is_there(self) -> bool:
        """Return whether the provider and its simulator have this API."""
        try:
            return self.operator_class() is not None
        except (ImportError, AttributeError):
            return False

    @property
    def can_delete(self) -> bool:
        """Return whether what a create has made can be deleted."""
        return self.makes_resources and self.ending is not None

    @property
    def spec(self) -> str | None:
        """Return the name of its spec in the catalogue, or the path of its file; `None` where code describes it."""
        if not self.is_described:
            return None
        return self.name if self.name in specs.names() else str(_CASES / f"{self.name}.yaml")

    def is_ending(self, method: str, path: str) -> bool:
        """Return whether a request cancels or deletes."""
        changes = self.ending is not None and method == self.ending[0] != "POST"
        return changes or method == "DELETE" or "cancel" in path

    def operator_class(self) -> Any:
        """Return the operator."""
        module, name = self.operator
        return getattr(importlib.import_module(f"airflow_provider_ops.operators.{module}"), name)

    def name_of(self, dag_id: str, run_id: str) -> str:
        """Return what the resources of a run are called, as a pattern for `fnmatch`."""
        return f"{run_prefix(dag_id, run_id, TASK, -1)}-*" if self.derives_name else run_id

    def rules(self, dag_id: str, run_id: str, rule: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a fault for this run alone: on its create calls, unless the rule names another place."""
        place = {"method": "POST", "route": self.create, **rule, "api": self.name}
        return [{**place, "name": self.name_of(dag_id, run_id)}]
