"""The button on a task instance that leads to the remote resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

from airflow_provider_ops.operation import web_address

if TYPE_CHECKING:
    from airflow.sdk.bases.operator import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

#: XCom key of the operation's own page, pushed before the wait where the API gives one.
OPERATION_URL = "operation_url"


class OperationLink(BaseOperatorLink):
    """Lead to the resource, or to the operation while the resource has no address yet."""

    name = "Remote resource"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the address, or an empty text. Airflow calls it on the worker after each leg; nothing is read."""
        return web_address(getattr(operator, "remote_url", None)) or ""
