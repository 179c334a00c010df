"""Jobs, which are definitions, and their runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.api import Reply
from airflow_provider_ops.simulator.clock import rfc3339
from airflow_provider_ops.simulator.lifecycle import Script
from airflow_provider_ops.simulator.records import Phase
from airflow_provider_ops.simulator.routing import Route

from . import bodies, shapes
from .workloads import Workload

if TYPE_CHECKING:
    from airflow_provider_ops.simulator.api import Call, SimulatedApi
    from airflow_provider_ops.simulator.records import Operation, Resource

_RUN = Script((Phase("running", "Running"),))
_ENDS = {"succeeded": "completed", "failed": "failed", "cancelled": "cancelled"}


class Jobs(Workload):
    """Its routes, on the world of the API."""

    def __init__(self, api: SimulatedApi) -> None:
        super().__init__(api)
        self._jobs = shapes.Alphabet()

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "workloads:read", "workloads:write"
        jobs, run = "/workloads/jobs", "/workloads/jobs/{job}/runs/{id}"
        return [
            Route("GET", "/me/jobs", self._list_my_jobs, read, query=bodies.ListMyJobs),
            Route("GET", jobs, self._list_jobs, read, query=bodies.Limited),
            Route("POST", jobs, self._create_job, write, body=bodies.CreateJob),
            Route("GET", f"{jobs}/{{id}}", self._get_job, read),
            Route("PATCH", f"{jobs}/{{id}}", self._update_job, write, body=bodies.UpdateJob),
            Route("DELETE", f"{jobs}/{{id}}", self._delete_job, write),
            Route("GET", "/me/jobs/runs", self._list_my_runs, read, query=bodies.Marked),
            Route("GET", f"{jobs}/{{job}}/runs", self._list_runs, read, query=bodies.Marked),
            Route("POST", f"{jobs}/{{job}}/runs", self._create_run, write, body=bodies.Empty, body_optional=True),
            Route("GET", run, self._get_run, read),
            Route("DELETE", run, self._delete_run, write),
            Route("POST", f"{run}/ready", self._ready_run, write),
        ]

    # Jobs

    def _list_my_jobs(self, call: Call) -> Reply:
        query: bodies.ListMyJobs = call.query
        if query.sort_by == "jobKey":
            rows, total = self._jobs.page(query.page, query.limit, query.sort_direction)
        else:
            newest = query.sort_direction == "desc"
            page = self._world.resources.select(
                (query.page - 1) * query.limit, query.limit, {"kind": "job", "deleted": False}, newest_first=newest
            )
            rows, total = page.items, page.total
        return Reply(200, {"total": total, **_jobs_json(rows)})

    def _list_jobs(self, call: Call) -> Reply:
        rows = self._world.resources.select(0, call.query.limit, {"kind": "job", "deleted": False})
        return Reply(200, {"total": rows.total, **_jobs_json(rows.items)})

    def _create_job(self, call: Call) -> Reply:
        body: bodies.CreateJob = call.body
        if shapes.find(self._world, "cluster", body.cluster_id).status != "active":
            raise shapes.conflict("the cluster is not active")
        details = {
            "clusterId": body.cluster_id,
            "teamIds": body.team_ids,
            "description": body.description,
            "config": body.config or {},
            "open": {},
            "latest": None,
        }
        row = self._world.add("job", self._world.ids.upper(10), body.job_key, "active", details)
        self._jobs.add(row.name, row)
        return Reply(201, _job_json(row))

    def _get_job(self, call: Call) -> Reply:
        return Reply(200, _job_json(self.find("job", call.params["id"])))

    def _update_job(self, call: Call) -> Reply:
        row = self.find("job", call.params["id"])
        row.details.update(call.body.model_dump(exclude_none=True))
        self._world.update(row)
        return Reply(200, _job_json(row))

    def _delete_job(self, call: Call) -> Reply:
        row = self.find("job", call.params["id"])
        for run in list(row.details["open"].values()):
            self._world.cancel(run.operation, "the job was deleted")
        self._world.update(row, deleted=True)
        self._jobs.remove(row.name, row)
        return Reply(204)

    # Runs

    def _list_my_runs(self, call: Call) -> Reply:
        return Reply(200, shapes.marked(self._world, call.query, {"kind": "job_run"}, _runs_json))

    def _list_runs(self, call: Call) -> Reply:
        job = self.find("job", call.params["job"])
        return Reply(200, shapes.marked(self._world, call.query, {"kind": "job_run", "job": job.id}, _runs_json))

    def _create_run(self, call: Call) -> Reply:
        job = self.find("job", call.params["job"])
        details = {"jobId": job.id}
        row = self._world.add("job_run", self._world.ids.upper(10), job.name, "pending", details)
        job.details["open"][row.id], job.details["latest"] = row, row.id
        self.start(call, "job_run.create", row, _RUN, self._run_settled)
        return Reply(201, _run_json(row))

    def _run(self, call: Call) -> Resource:
        row = self.find("job_run", call.params["id"])
        if row.details["jobId"] != call.params["job"]:
            raise shapes.not_found("job_run")
        return row

    def _get_run(self, call: Call) -> Reply:
        return Reply(200, _run_json(self._run(call)))

    def _delete_run(self, call: Call) -> Reply:
        row = self._run(call)
        if row.operation is not None:
            raise shapes.conflict("the run is not over")
        self._world.update(row, deleted=True)
        return Reply(204)

    def _ready_run(self, call: Call) -> Reply:
        row = self._run(call)
        if _run_status(row) != "pending":
            raise shapes.conflict(f"the run is {_run_status(row)}, not pending")
        self._world.update(row, status="ready")
        return Reply(200, _run_json(row))

    def _run_settled(self, operation: Operation) -> None:
        row = operation.resource
        row.details["message"] = operation.reason if operation.stage != "succeeded" else None
        row.details["started"], row.details["ended"] = operation.started_at, operation.ended_at
        self._world.update(row, status=_ENDS[operation.stage], at=operation.ended_at)
        job = self._world.resources.get(row.details["jobId"])
        if job is not None:
            job.details["open"].pop(row.id, None)


def _job_json(row: Resource) -> dict[str, Any]:
    return {
        "id": row.id,
        "memberId": shapes.MEMBER,
        "jobKey": row.name,
        "version": 1,
        "currentVersion": 1,
        "status": row.status,
        "clusterId": row.details["clusterId"],
        "description": row.details["description"],
        "config": row.details["config"],
    }


def _jobs_json(rows: list[Resource]) -> dict[str, Any]:
    items = [
        {"jobId": row.id, "latestJobRunId": row.details["latest"], "teamIds": row.details["teamIds"]} for row in rows
    ]
    return {"items": items, "included": {"jobs": [_job_json(row) for row in rows]}}


def _run_status(row: Resource) -> str:
    return "running" if row.operation is not None and row.operation.stage == "running" else row.status


def _run_json(row: Resource) -> dict[str, Any]:
    moving = row.operation
    started = moving.started_at if moving else row.details.get("started")
    ended = row.details.get("ended")
    return {
        "id": row.id,
        "jobId": row.details["jobId"],
        "status": moving.word if moving and moving.word else _run_status(row),
        "statusMessage": row.details.get("message"),
        "createdAt": rfc3339(row.created_at),
        "startedAt": None if started is None else rfc3339(started),
        "completedAt": None if ended is None else rfc3339(ended),
    }


def _runs_json(rows: list[Resource]) -> dict[str, Any]:
    return {"items": [_run_json(row) for row in rows]}
