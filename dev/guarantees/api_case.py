"""What the guarantees table must know about an API: what to create, and what may be expected of it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from airflow_provider_ops import specs
from airflow_provider_ops.core.identity import run_prefix
from airflow_provider_ops.spec.requests import parse_line

TASK: Final = "op"
#: A status word that no provider knows.
UNKNOWN_STATUS: Final = "warming-up"
CASES: Final = Path(__file__).parent / "cases"


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
    :param can_delete: whether what a create has made can be deleted.
    :param ending: method and route of the call that cancels, else of that which deletes; nothing where there is none.
    :param method: of the create call.
    :param is_described: whether a spec describes it: one of the catalogue, else `<name>.yaml` among the cases.
    :param makes_resources: whether each create makes a resource; else it starts an operation on what is there.
    :param has_all_rows: whether it has more rows than CI runs.
    :param reads: route of a read of an operation, or a glob over its paths.
    :param status: status word of an operation that takes longer, unknown to the provider where its API may have any.
    :param derives_name: whether the provider derives the name of the resource from the task run.
    """

    name: str
    operator: tuple[str, str]
    arguments: Mapping[str, Any]
    create: str
    finds: Literal["search", "key", "no"] = "search"
    can_cancel: bool = False
    can_delete: bool = False
    ending: tuple[str, str] | None = None
    method: str = "POST"
    derives_name: bool = False
    is_described: bool = False
    makes_resources: bool = True
    has_all_rows: bool = True
    reads: str = "*operations*"
    status: str = UNKNOWN_STATUS

    @property
    def is_there(self) -> bool:
        """Return whether the provider and its simulator have this API."""
        try:
            return self.operator_class() is not None
        except (ImportError, AttributeError):
            return False

    @property
    def spec(self) -> str | None:
        """Return the name of its spec in the catalogue, or the path of its file; `None` where code describes it."""
        if not self.is_described:
            return None
        return self.name if self.name in specs.names() else str(CASES / f"{self.name}.yaml")

    def is_ending(self, method: str, path: str) -> bool:
        """Return whether a request cancels or deletes."""
        if method == "DELETE" or "cancel" in path:
            return True
        local = path.removeprefix(f"/{self.name}")
        return self.ending is not None and parse_line(" ".join(self.ending)).match(method, local) is not None

    def operator_class(self) -> Any:
        """Return the operator."""
        module, name = self.operator
        return getattr(importlib.import_module(f"airflow_provider_ops.operators.{module}"), name)

    def name_of(self, dag_id: str, run_id: str) -> str:
        """Return what the resources of a run are called, as a pattern for `fnmatch`."""
        if not self.derives_name:
            return run_id
        # the digits that a short key has as well
        return f"*{run_prefix(dag_id, run_id, TASK, -1).removeprefix('airflow-')[:16]}*"

    def rules(self, dag_id: str, run_id: str, rule: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a fault for this run alone: on its create calls, unless the rule names another place."""
        place = {"method": self.method, "route": self.create, **rule, "api": self.name}
        word = {"word": self.status} if rule.get("word") == UNKNOWN_STATUS else {}
        return [{**place, **word, "name": self.name_of(dag_id, run_id)}]
