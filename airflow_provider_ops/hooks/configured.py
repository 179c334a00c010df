"""What Airflow's configuration says for all connections."""

from __future__ import annotations

from airflow_provider_ops._compat import conf
from airflow_provider_ops.exceptions import InvalidConnection
from airflow_provider_ops.http.budget_home import DEFAULT_PROCESSES, BudgetHome


def configured_budget() -> BudgetHome:
    """Return where connections keep a budget that all processes share; without a URL where there is none.

    :raises InvalidConnection: a setting cannot be used.
    """
    url = str(conf.get("operations", "budget_url", fallback="") or "").strip()
    said = str(conf.get("operations", "budget_processes", fallback="") or DEFAULT_PROCESSES).strip()
    if not said.isdecimal() or int(said) < 1:
        raise InvalidConnection(f"[operations] budget_processes must be a whole number from 1, not {said!r}")
    return BudgetHome(url, int(said))
