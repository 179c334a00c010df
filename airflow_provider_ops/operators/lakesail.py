"""Operators of LakeSail's workloads. What is provisioned is started with ``OperationRequestOperator``.

None of these calls answers an operation: sessions, notebooks and runs are followed by their own status, and
``operation_id`` in the result is a reference to them, like ``session:A1B2C3D4E5``. The reference names the paths; the
methods and the bodies are inferred, so bodies are sent as they are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import Unpack

from airflow_provider_ops.apis import lakesail
from airflow_provider_ops.hooks.lakesail import LakeSailHook
from airflow_provider_ops.operators.arguments import OperatorArguments, Templated
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.declared import request_fields


class LakeSailCreateSessionOperator(OperationOperator):
    """Create a session; by default it does not wait [tags/sessions; method POST inferred, body not documented].

    A session becomes ``active`` only with the first request a Spark client makes through its proxy. So a task that
    waited here, with the client in a later task, would wait in vain: give ``wait_for_completion=True`` only where a
    client connects meanwhile, or wait later with ``LakeSailSessionSensor``.

    :param body: what is sent. With a ``name`` that no other session has, a create whose answer was lost can be found
        again; without one it ends in ``AmbiguousSubmission``. That the body takes a name is inferred.
    """

    hook_class = LakeSailHook
    build_request = staticmethod(lakesail.create_session)

    def __init__(
        self, *, body: Templated[Mapping[str, Any]] | None = None, **kwargs: Unpack[OperatorArguments]
    ) -> None:
        kwargs.setdefault("wait_for_completion", False)
        super().__init__(fields={"body": body}, **kwargs)


class LakeSailCloseSessionOperator(OperationOperator):
    """Close a session: ``closed`` at once, its infrastructure goes later [tags/sessions; method DELETE inferred].

    :param session_id: id of the session.
    """

    hook_class = LakeSailHook
    build_request = staticmethod(lakesail.close_session)

    @request_fields
    def __init__(self, *, session_id: Templated[str], **kwargs: Unpack[OperatorArguments]) -> None: ...


class LakeSailStartNotebookOperator(OperationOperator):
    """Start a stopped notebook and wait until it runs [tags/notebooks; method POST inferred].

    A notebook that is stopped again before it runs ends the task as cancelled.

    :param notebook_id: id of the notebook.
    """

    hook_class = LakeSailHook
    build_request = staticmethod(lakesail.start_notebook)

    @request_fields
    def __init__(self, *, notebook_id: Templated[str], **kwargs: Unpack[OperatorArguments]) -> None: ...


class LakeSailCreateJobRunOperator(OperationOperator):
    """Run a job and wait for the end of the run [tags/job-runs; method POST inferred, body not documented].

    A run is ``pending`` until it is released or dispatched; one that waits for its release needs
    ``wait_for_completion=False`` here and a ``LakeSailReadyJobRunOperator`` later.

    :param job_id: id of the job.
    :param body: what is sent; default is no body.
    """

    hook_class = LakeSailHook
    build_request = staticmethod(lakesail.create_job_run)

    @request_fields
    def __init__(
        self,
        *,
        job_id: Templated[str],
        body: Templated[Mapping[str, Any]] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class LakeSailReadyJobRunOperator(OperationOperator):
    """Release a pending run and wait for its end [tags/job-runs; method POST inferred].

    :param job_id: id of the job.
    :param job_run_id: id of the run.
    """

    hook_class = LakeSailHook
    build_request = staticmethod(lakesail.ready_job_run)

    @request_fields
    def __init__(
        self, *, job_id: Templated[str], job_run_id: Templated[str], **kwargs: Unpack[OperatorArguments]
    ) -> None: ...
