"""An operator in Airflow: what its tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer


RETRY = {"retries": 2}
FAST: dict[str, Any] = {"poll_interval": 0.05}


class Create(OnveraCreateDeploymentOperator):
    """Notes the events of its triggers. Keeps the start of the try, which Airflow does and ``dag.test`` does not."""

    events: list[Any] = []  # noqa: RUF012
    starts_at: dict[Any, Any] = {}  # noqa: RUF012

    def execute(self, context: Any) -> Any:
        ti = context["ti"]
        Create.starts_at[ti.id, ti.try_number] = ti.start_date
        return super().execute(context)

    def execute_complete(self, context: Any, event: Any) -> Any:
        Create.events.append(event)
        self.keep_start(context)
        return super().execute_complete(context, event)

    def keep_start(self, context: Any) -> None:
        context["ti"].start_date = Create.starts_at[context["ti"].id, context["ti"].try_number]


def created(world: SimulatorServer) -> int:
    return int(world.stats()["by_api"]["onvera"]["created"])


def operations(world: SimulatorServer) -> int:
    return int(world.stats()["by_api"]["onvera"]["operations"])
