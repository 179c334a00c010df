"""Sessions, notebooks, jobs and job runs: calls, and their own status seen as an operation.

The reference names the paths. The methods of all but the lists, the bodies, and the shape of single answers are not in
the text that could be read: the methods are inferred, bodies are sent as they are given, answers are read in any of
the shapes LakeSail has elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from airflow_provider_ops.apis.calls import Call, Paged, Request, Response, drop_none, path
from airflow_provider_ops.apis.lakesail.models import Camel, Job, JobRun, Notebook, Session, read_time
from airflow_provider_ops.apis.lakesail.operations import NAME, OVER, STATES, word
from airflow_provider_ops.apis.lakesail.shapes import body_of, by_marker, by_number, models, one_object, single
from airflow_provider_ops.apis.submits import SubmitCall, Submitted
from airflow_provider_ops.apis.wire_models import read
from airflow_provider_ops.exceptions import InvalidArgument, TransportError
from airflow_provider_ops.operation import Operation, OperationError, OperationState

SessionStatus = Literal["pending", "active", "idle", "closed", "failed"]
EndpointType = Literal["spark_connect"]
JobSort = Literal["jobKey", "createdAt"]
SortDirection = Literal["asc", "desc"]

SESSIONS, SESSION = "/workloads/sessions", "/workloads/sessions/{session}"
NOTEBOOKS, NOTEBOOK = "/workloads/notebooks", "/workloads/notebooks/{notebook}"
JOBS, JOB = "/workloads/jobs", "/workloads/jobs/{job}"
RUNS, RUN = f"{JOB}/runs", f"{JOB}/runs/{{run}}"
START, READY = f"{NOTEBOOK}/start", f"{RUN}/ready"

_ID = re.compile(r"[A-Z0-9]{1,20}")
_LONGEST_NAME, _LONGEST_DESCRIPTION = 255, 1023

# What each of their words means for a wait. Only those of sessions are listed by the reference.
_COMMON = {**STATES, **dict.fromkeys(OVER, OperationState.SUCCEEDED)}
_WORDS: Mapping[str, Mapping[str, OperationState]] = {
    # waits for a session that can be used; `active` comes only with the first request through the proxy
    "session": {
        "pending": OperationState.PENDING,
        "active": OperationState.SUCCEEDED,
        "idle": OperationState.SUCCEEDED,
        "closed": OperationState.CANCELLED,
        "failed": OperationState.FAILED,
    },
    # waits for the end of a session
    "closed_session": {
        "pending": OperationState.RUNNING,
        "active": OperationState.RUNNING,
        "idle": OperationState.RUNNING,
        "closed": OperationState.SUCCEEDED,
        "failed": OperationState.FAILED,
    },
    # waits for a notebook that runs; it is `starting` as soon as its start was accepted
    "notebook": {
        "starting": OperationState.RUNNING,
        "running": OperationState.SUCCEEDED,
        "stopping": OperationState.RUNNING,
        "stopped": OperationState.CANCELLED,
        "failed": OperationState.FAILED,
        "error": OperationState.FAILED,
    },
    # waits for the end of a run
    "job_run": {**_COMMON, "ready": OperationState.PENDING, "active": OperationState.RUNNING},
}
#: What can be waited for by its own status, written ``session:ID``, ``notebook:ID``, ``job_run:JOB.RUN``.
KINDS = tuple(_WORDS)
_SINGULARS = {"session": "session", "closed_session": "session", "notebook": "notebook", "job_run": "jobRun"}
_MODELS: Mapping[str, type[Camel]] = {
    "session": Session,
    "closed_session": Session,
    "notebook": Notebook,
    "job_run": JobRun,
}
_RESOURCES = {kind: "session" if kind == "closed_session" else kind for kind in KINDS}


def list_sessions(
    *,
    team_id: str | None = None,
    endpoint_type: EndpointType | None = None,
    status: SessionStatus | None = None,
) -> Paged[Session]:
    """``GET /workloads/sessions``, all pages."""
    query = drop_none(teamId=team_id, endpoint_type=endpoint_type, status=status)
    return by_marker(SESSIONS, SESSIONS, query, models(Session, "sessions"))


def get_session(session_id: str) -> Call[Session]:
    """``GET /workloads/sessions/{session}`` (method inferred); its owner also gets ``connection_info``."""
    return single(_request("GET", SESSION, session=session_id), Session, "session", session_id)


def create_session_token(session_id: str, body: Mapping[str, Any] | None = None) -> Call[Mapping[str, Any]]:
    """``POST /workloads/sessions/{session}/token`` (method inferred): a JWT of some minutes for the gRPC proxy.

    Neither body nor answer is documented. What comes opens the session: keep it out of XCom and logs.
    """
    request = _request("POST", f"{SESSION}/token", body=body or {}, session=_own_id("session_id", session_id))
    return Call(request, body_of)


def list_notebooks() -> Paged[Notebook]:
    """``GET /workloads/notebooks``; the first 100, the reference shows no way to the next."""
    return by_marker(NOTEBOOKS, NOTEBOOKS, {}, models(Notebook, "notebooks"))


def get_notebook(notebook_id: str) -> Call[Notebook]:
    """``GET /workloads/notebooks/{notebook}`` (method inferred)."""
    return single(_request("GET", NOTEBOOK, notebook=notebook_id), Notebook, "notebook", notebook_id)


def create_notebook(body: Mapping[str, Any]) -> Call[Notebook]:
    """``POST /workloads/notebooks`` (method inferred): the notebook, ``stopped``. The body is not documented."""
    return single(_request("POST", NOTEBOOKS, body=body), Notebook, "notebook")


def update_notebook(notebook_id: str, body: Mapping[str, Any]) -> Call[Notebook]:
    """``PATCH /workloads/notebooks/{notebook}`` (method inferred). The workload config changes only when stopped."""
    return single(_request("PATCH", NOTEBOOK, body=body, notebook=notebook_id), Notebook, "notebook", notebook_id)


def delete_notebook(notebook_id: str) -> Call[None]:
    """``DELETE /workloads/notebooks/{notebook}`` (method inferred); LakeSail stops it first."""
    return Call(_request("DELETE", NOTEBOOK, notebook=notebook_id), _nothing)


def list_my_jobs(*, sort_by: JobSort | None = None, sort_direction: SortDirection | None = None) -> Paged[Job]:
    """``GET /me/jobs``, all pages."""
    query = drop_none(sortBy=sort_by, sortDirection=sort_direction)
    return by_number("/me/jobs", query, models(Job, "jobs", "jobId"))


def list_jobs() -> Paged[Job]:
    """``GET /workloads/jobs`` (method inferred); the first 100, the reference shows no way to the next."""
    return by_marker(JOBS, JOBS, {}, models(Job, "jobs", "jobId"))


def get_job(job_id: str) -> Call[Job]:
    """``GET /workloads/jobs/{job}`` (method inferred)."""
    return single(_request("GET", JOB, job=job_id), Job, "job", job_id)


def create_job(body: Mapping[str, Any]) -> Call[Job]:
    """``POST /workloads/jobs`` (method inferred). Needs an active cluster and a team; the body is not documented."""
    return single(_request("POST", JOBS, body=body), Job, "job")


def update_job(job_id: str, body: Mapping[str, Any]) -> Call[Job]:
    """``PATCH /workloads/jobs/{job}`` (method inferred); the body is not documented."""
    return single(_request("PATCH", JOB, body=body, job=job_id), Job, "job", job_id)


def delete_job(job_id: str) -> Call[None]:
    """``DELETE /workloads/jobs/{job}`` (method inferred); LakeSail cancels its active and pending runs."""
    return Call(_request("DELETE", JOB, job=job_id), _nothing)


def list_my_job_runs() -> Paged[JobRun]:
    """``GET /me/jobs/runs`` (method inferred), all pages."""
    return by_marker("/me/jobs/runs", "/me/jobs/runs", {}, models(JobRun, "jobRuns", "jobRunId"))


def list_job_runs(job_id: str) -> Paged[JobRun]:
    """``GET /workloads/jobs/{job}/runs`` (method inferred), all pages."""
    return by_marker(RUNS, path(RUNS, job=job_id), {}, models(JobRun, "jobRuns", "jobRunId"))


def get_job_run(job_id: str, job_run_id: str) -> Call[JobRun]:
    """``GET /workloads/jobs/{job}/runs/{jobRun}`` (method inferred)."""
    return single(_request("GET", RUN, job=job_id, run=job_run_id), JobRun, "jobRun", job_run_id)


def delete_job_run(job_id: str, job_run_id: str) -> Call[None]:
    """``DELETE /workloads/jobs/{job}/runs/{jobRun}`` (method inferred); refused while the run is not over."""
    return Call(_request("DELETE", RUN, job=job_id, run=job_run_id), _nothing)


def create_session(body: Mapping[str, Any] | None = None) -> SubmitCall:
    """``POST /workloads/sessions`` (method inferred): the session, ``pending``."""
    _check_bounds(body)
    return _starting("session.create", _request("POST", SESSIONS, body=body or {}), "session", creates=True)


def close_session(session_id: str) -> SubmitCall:
    """``DELETE /workloads/sessions/{session}`` (method inferred): ``closed`` at once."""
    request = _request("DELETE", SESSION, session=_own_id("session_id", session_id))
    return _starting("session.close", request, "closed_session", session_id, at_once="closed")


def start_notebook(notebook_id: str) -> SubmitCall:
    """``POST /workloads/notebooks/{notebook}/start`` (method inferred): ``starting`` at once, then ``running``."""
    request = _request("POST", START, notebook=_own_id("notebook_id", notebook_id))
    return _starting("notebook.start", request, "notebook", notebook_id)


def create_job_run(job_id: str, body: Mapping[str, Any] | None = None) -> SubmitCall:
    """``POST /workloads/jobs/{job}/runs`` (method inferred): the run, ``pending`` until released or dispatched."""
    request = _request("POST", RUNS, body=body, job=_own_id("job_id", job_id))
    return _starting("job_run.create", request, "job_run", parent=job_id)


def ready_job_run(job_id: str, job_run_id: str) -> SubmitCall:
    """``POST /workloads/jobs/{job}/runs/{jobRun}/ready`` (method inferred): ``pending`` becomes ``ready``."""
    request = _request("POST", READY, job=_own_id("job_id", job_id), run=_own_id("job_run_id", job_run_id))
    return _starting("job_run.ready", request, "job_run", job_run_id, parent=job_id)


def read_workload(kind: str, reference_id: str) -> Request:
    """Return the request that reads what a reference names.

    :raises InvalidArgument: the reference of a run has no job in it.
    """
    if kind == "job_run":
        job, dot, run = reference_id.partition(".")
        if not (dot and job and run):
            msg = f"operation_id 'job_run:{reference_id}' needs both ids: job_run:<job id>.<job run id>"
            raise InvalidArgument(msg)
        return _request("GET", RUN, job=job, run=run)
    if kind == "notebook":
        return _request("GET", NOTEBOOK, notebook=reference_id)
    return _request("GET", SESSION, session=reference_id)


def get_workload(kind: str, reference_id: str) -> Call[Operation]:
    """Read what a reference names, as an operation."""
    request = read_workload(kind, reference_id)
    return Call(request, lambda response: as_operation(kind, reference_id, workload_of(kind, response, reference_id)))


def workload_of(kind: str, response: Response, reference_id: str | None = None) -> dict[str, Any]:
    """Return the JSON of a session, notebook or run in an answer about it."""
    return one_object(response, _SINGULARS[kind], (reference_id or "").rpartition(".")[2])


def as_operation(kind: str, reference_id: str, data: Mapping[str, Any]) -> Operation:
    """Return a session, notebook or run as an operation whose id is the reference to it."""
    read(_MODELS[kind], {**data, "id": reference_id})
    raw_state = data.get("status") or "missing"
    state = _WORDS[kind].get(word(raw_state), OperationState.UNKNOWN)
    return Operation(
        id=f"{kind}:{reference_id}",
        api=NAME,
        kind=kind,
        state=state,
        raw_state=raw_state,
        resource_type=_RESOURCES[kind],
        resource_id=reference_id.rpartition(".")[2],
        error=_why(state, data),
        created_at=read_time(data.get("createdAt")),
        started_at=read_time(data.get("startedAt")),
        updated_at=read_time(data.get("updatedAt")),
        ended_at=read_time(data.get("completedAt")),
        raw=data,
    )


def _why(state: OperationState, data: Mapping[str, Any]) -> OperationError | None:
    if state not in (OperationState.FAILED, OperationState.CANCELLED):
        return None
    said = [str(data[name]) for name in ("statusMessage", "terminationReason") if data.get(name)]
    return OperationError(": ".join(said)) if said else None


def _starting(
    kind: str,
    request: Request,
    what: str,
    own_id: str | None = None,
    *,
    parent: str | None = None,
    at_once: str | None = None,
    creates: bool = False,
) -> SubmitCall:
    def parse(response: Response) -> Submitted:
        data = _body_if_any(what, response, own_id)
        found = own_id or data.get("id")
        if not isinstance(found, str) or not found:
            msg = f"the answer (HTTP {response.status}) has no id of the {_RESOURCES[what].replace('_', ' ')}"
            raise TransportError(msg, reason="unreadable")
        if at_once:
            data = {"status": at_once, **data}
        mine = f"{parent}.{found}" if parent else found
        return Submitted(f"{what}:{mine}", kind, _RESOURCES[what], found, _readable(what, mine, data))

    return SubmitCall(request, parse, kind=kind, creates=creates)


def _readable(what: str, reference_id: str, data: Mapping[str, Any]) -> Operation | None:
    try:
        return as_operation(what, reference_id, data) if data.get("status") else None
    except TransportError:
        # its id is known, and the next poll may be readable
        return None


def _body_if_any(what: str, response: Response, own_id: str | None) -> dict[str, Any]:
    """Return the workload in the answer; empty where the answer has none and the id is known anyway."""
    try:
        return workload_of(what, response, own_id)
    except TransportError:
        if own_id is None:
            raise
        return {}


def _request(method: str, route: str, *, body: Mapping[str, Any] | None = None, **ids: str) -> Request:
    return Request(method, path(route, **ids), route, json=dict(body) if body is not None else None)


def _nothing(_response: Response) -> None:
    """Ignore the answer: its content is not documented."""


def _own_id(name: str, value: object) -> str:
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    msg = f"{name} {value!r} cannot be an id of LakeSail: 1 to 20 of A-Z and 0-9, exactly as the API gave it"
    raise InvalidArgument(msg)


def _check_bounds(body: Mapping[str, Any] | None) -> None:
    for name, longest in (("name", _LONGEST_NAME), ("description", _LONGEST_DESCRIPTION)):
        value = (body or {}).get(name)
        least = 1 if name == "name" else 0
        if isinstance(value, str) and not least <= len(value) <= longest:
            msg = f"{name} has {len(value)} characters: LakeSail takes {least} to {longest}"
            raise InvalidArgument(msg)
