"""Sensors for what LakeSail lets follow by its own status only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import Unpack

from airflow_provider_ops.apis.calls import check_id
from airflow_provider_ops.operators.arguments import SensorArguments, Templated
from airflow_provider_ops.operators.fitting import check_declared
from airflow_provider_ops.retry_policy import enforce_retry_policy
from airflow_provider_ops.sensors.operation import OperationSensor


class _WorkloadSensor(OperationSensor):
    """An :class:`OperationSensor` that takes ids and waits for the reference made of them."""

    #: What the reference begins with.
    kind: str

    def __init__(self, *, ids: dict[str, Any], conn_id: Templated[str], **kwargs: Unpack[SensorArguments]) -> None:
        with enforce_retry_policy(self):
            self.check_arguments(ids)
        super().__init__(conn_id=conn_id, operation_id=f"{self.kind}:later", **kwargs)
        self._ids_of = tuple(ids)
        for name, value in ids.items():
            setattr(self, name, value)

    @classmethod
    def check_arguments(cls, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that cannot work, each by itself and as far as it is known; without I/O.

        :raises InvalidArgument: names the argument and what is allowed.
        """
        super().check_arguments(arguments)
        check_declared(dict.fromkeys(cls.template_fields, str), arguments)

    @classmethod
    def _hands_on(cls, parent: type) -> set[str]:
        """Return the ids of the reference, and the connection."""
        return set(vars(parent)["template_fields"]) if "kind" in vars(parent) else set()

    def declared(self, name: str) -> Any:  # noqa: ARG002
        """Return the type of a template field."""
        return str

    def operation_ids(self) -> str:
        """Return the reference, made of the rendered ids."""
        return f"{self.kind}:{'.'.join(check_id(name, self.rendered_field(name)) for name in self._ids_of)}"


class LakeSailSessionSensor(_WorkloadSensor):
    """Wait until a session can be used: ``active`` or ``idle`` [tags/sessions; reading one is inferred].

    A session becomes ``active`` only with the first request through its proxy, so something else has to connect.
    Fails when the session failed or was closed.

    :param session_id: id of the session.
    """

    kind = "session"
    template_fields = ("conn_id", "session_id")

    def __init__(
        self,
        *,
        session_id: Templated[str],
        conn_id: Templated[str] = "lakesail_default",
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        super().__init__(ids={"session_id": session_id}, conn_id=conn_id, **kwargs)


class LakeSailNotebookSensor(_WorkloadSensor):
    """Wait until a started notebook is ``running`` [tags/notebooks; reading one is inferred].

    Fails when it is ``stopped``: nothing leads from there to ``running`` but a start, and a start shows at once.

    :param notebook_id: id of the notebook.
    """

    kind = "notebook"
    template_fields = ("conn_id", "notebook_id")

    def __init__(
        self,
        *,
        notebook_id: Templated[str],
        conn_id: Templated[str] = "lakesail_default",
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        super().__init__(ids={"notebook_id": notebook_id}, conn_id=conn_id, **kwargs)


class LakeSailJobRunSensor(_WorkloadSensor):
    """Wait until a run is ``completed``; fail when it ``failed`` or was ``cancelled`` [tags/job-runs].

    Reading one run, and the words of its status but those named there, are inferred.

    :param job_id: id of the job.
    :param job_run_id: id of the run.
    """

    kind = "job_run"
    template_fields = ("conn_id", "job_id", "job_run_id")

    def __init__(
        self,
        *,
        job_id: Templated[str],
        job_run_id: Templated[str],
        conn_id: Templated[str] = "lakesail_default",
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        super().__init__(ids={"job_id": job_id, "job_run_id": job_run_id}, conn_id=conn_id, **kwargs)
