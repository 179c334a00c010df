"""Nirvana Labs: VMs, volumes, VPCs, Connect, Kubernetes. Every mutation answers with an operation; no cancel."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_ops.simulator.api import Call, Principal, Reply, SimulatedApi, read_key
from airflow_provider_ops.simulator.clock import rfc3339
from airflow_provider_ops.simulator.nirvana import catalogue, shapes
from airflow_provider_ops.simulator.nirvana.choices import CHOICES
from airflow_provider_ops.simulator.nirvana.compute import VMs, Volumes
from airflow_provider_ops.simulator.nirvana.estate import FACETS, Estate
from airflow_provider_ops.simulator.nirvana.listing import listed, operations
from airflow_provider_ops.simulator.nirvana.networking import Connections, FirewallRules, VPCs
from airflow_provider_ops.simulator.nirvana.nks import (
    Claims,
    Clusters,
    Controllers,
    ControllerVolumes,
    LoadBalancers,
    Nodes,
    NodeVolumes,
    Pools,
)
from airflow_provider_ops.simulator.nirvana.queries import ListOperations, ListQuery, Metrics, epoch
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Kind, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from airflow_provider_ops.simulator.clock import Clock
    from airflow_provider_ops.simulator.records import Operation, Resource
    from airflow_provider_ops.simulator.world import Settings

_KINDS = (
    VMs, Volumes, VPCs, FirewallRules, Connections, Clusters, Pools,
    Nodes, LoadBalancers, Controllers, Claims, NodeVolumes, ControllerVolumes,
)  # fmt: skip
_BILLED = ("vm", "volume", "vpc", "connect_connection", "nks_cluster", "nks_node_pool", "nks_load_balancer")
_MOST_PERIODS = 1440


class Nirvana(SimulatedApi):
    """The simulated Nirvana API."""

    name = "nirvana"
    mount = "/nirvana"
    choices = CHOICES
    problems: ClassVar[Mapping[Kind, tuple[int, str | int]]] = {
        "malformed": (400, ""),
        "invalid": (422, ""),
        "unauthenticated": (401, ""),
        "forbidden": (403, ""),
        "no_route": (404, ""),
        "no_method": (405, ""),
        "rate_limited": (429, ""),
        "broken": (500, ""),
    }
    codes: ClassVar[Mapping[int, str | int]] = {400: "", 500: ""}
    connection_extra: ClassVar[Mapping[str, str]] = {"project_id": catalogue.PROJECT}
    operation_facets: ClassVar[Mapping[str, Callable[[Operation], Hashable]]] = {
        "object": lambda row: row.kind.partition(".")[0],
        "type": lambda row: row.kind.partition(".")[2],
        "word": lambda row: shapes.WORDS.get(row.shown, row.shown),
        "project": lambda row: row.details["project_id"],
    }
    resource_facets: ClassVar[Mapping[str, Callable[[Resource], Hashable]]] = FACETS

    def __init__(self, settings: Settings, clock: Clock) -> None:
        super().__init__(settings, clock)
        self.estate = Estate(self)
        self._kinds = [kind(self.estate) for kind in _KINDS]

    def routes(self) -> list[Route]:
        """Return all endpoints of the fact sheet."""
        catalogues: dict[str, Sequence[Mapping[str, Any]]] = {
            "/v1/compute/vms/os_images": catalogue.OS_IMAGES,
            "/v1/nks/kubernetes_versions": catalogue.KUBERNETES_VERSIONS,
            "/v1/instance_types": catalogue.instance_types(),
            "/v1/regions": catalogue.REGIONS,
            "/v1/organizations": [],
        }
        return [
            *(route for kind in self._kinds for route in kind.routes()),
            Route("GET", "/v1/operations", self._operations, query=ListOperations),
            Route("GET", "/v1/operations/{operation_id}", self._operation),
            *(Route("GET", path, _listing(rows), query=ListQuery) for path, rows in catalogues.items()),
            Route("GET", "/v1/instance_types/{region}/{name}", _one(catalogue.instance_types())),
            Route("GET", "/v1/regions/{name}", _one(catalogue.REGIONS)),
            Route("GET", "/v1/projects", lambda call: listed(self._projects(), call, dict), query=ListQuery),
            Route("GET", "/v1/projects/{id}", self._project),
            Route("GET", "/v1/compute/metric_descriptors", _descriptors),
            Route("GET", "/v1/usage", self._usages, query=ListQuery),
            Route("GET", "/v1/quotas", self._quotas, query=ListQuery),
            Route("GET", "/v1/quotas/{region}", self._quota),
            Route("GET", "/v1/user", lambda _: Reply(200, catalogue.USER)),
            Route("GET", "/v1/usage/{resource_id}", self._usage),
            Route("GET", "/v1/audit_logs", lambda call: listed(self._audit(), call, dict), query=ListQuery),
            Route("GET", "/v1/audit_logs/{id}", lambda call: _find(self._audit(), call)),
            Route("GET", "/v1/compute/vms/{vm_id}/metrics", self._metrics, "vm:read", query=Metrics),
        ]

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return who calls by the bearer token."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Problem("API key is missing", kind="unauthenticated")
        verdict = read_key(key.strip())
        if isinstance(verdict, str):
            raise Problem(f"API key is {verdict}", kind="unauthenticated")
        return verdict

    def envelope(self, status: int, code: str | int, problem: Problem) -> Any:  # noqa: ARG002
        """Return `{"message"}`."""
        return {"message": problem.message, **problem.extra}

    def find_subject(self, subject_id: str) -> Resource | None:
        """Return the resource, part, or resource of an operation with this id."""
        return super().find_subject(subject_id) or self.estate.parts.get(subject_id)

    def _operations(self, call: Call) -> Reply:
        return operations(self.world, call.query)

    def _operation(self, call: Call) -> Reply:
        found = self.read_operation(call.params["operation_id"])
        if found is None:
            raise Problem("operation not found", status=404)
        return Reply(200, shapes.operation(found))

    def _metrics(self, call: Call) -> Reply:
        vm, query, now = self.estate.get("vm", call.params["vm_id"]), call.query, self.world.now()
        width = catalogue.PERIODS[query.period]
        end = epoch(query.end_time, now) // width * width
        start = epoch(query.start_time, end - 3600) // width * width
        count = int(end - start) // width
        if not 0 <= count <= _MOST_PERIODS:
            raise Problem(f"the interval must have 0 to {_MOST_PERIODS} periods, not {count}", kind="invalid")
        names = query.metric.split(",") if query.metric else list(catalogue.METRICS)
        if unknown := set(names) - set(catalogue.METRICS):
            raise Problem(f"metric: there is no {', '.join(sorted(unknown))}", kind="invalid")
        times = [rfc3339(start + width * (number + 1)) for number in range(count)]
        shown = {
            "vm_id": vm.id,
            "start_time": rfc3339(start),
            "end_time": rfc3339(end),
            "period": query.period,
            "aggregation": query.aggregation,
            "metrics": [
                {
                    "metric": name,
                    "unit": catalogue.METRICS[name],
                    "points": [{"timestamp": time, "value": 0.5} for time in times],
                }
                for name in names
            ],
        }
        return Reply(200, shown)

    def _audit(self) -> list[dict[str, Any]]:
        return [shapes.audit_log(operation) for operation in reversed(list(self.world.operations))]

    def _projects(self) -> list[dict[str, Any]]:
        resources = catalogue.project_resources(self.estate.count)
        return [{**project, "resources": resources} for project in catalogue.PROJECTS]

    def _project(self, call: Call) -> Reply:
        return _find(self._projects(), call)

    def _usages(self, call: Call) -> Reply:
        rows = [row for row in self.world.resources if row.kind in _BILLED]
        return listed(rows[::-1], call, shapes.usage)

    def _usage(self, call: Call) -> Reply:
        row = self.estate.find(call.params["resource_id"])
        if row is None or row.kind not in _BILLED:
            raise Problem("usage not found", status=404)
        return Reply(200, shapes.usage(row))

    def _quotas(self, call: Call) -> Reply:
        return listed([self._quota_json()], call, dict)

    def _quota(self, call: Call) -> Reply:
        if call.params["region"] != catalogue.REGION:
            raise Problem("region not found", status=404)
        return Reply(200, self._quota_json())

    def _quota_json(self) -> dict[str, Any]:
        estate = self.estate
        used = Counter({kind: estate.count(kind) for kind in ("vpc", "nks_cluster", "connect_connection")})
        for vm in estate.rows("vm"):
            size = catalogue.INSTANCE_TYPES.get(vm.details["instance_type"], {})
            used.update({**size, "public_ip": int(vm.details["public_ip_enabled"])})
        for pool in estate.rows("nks_node_pool"):
            size = catalogue.INSTANCE_TYPES.get(pool.details["node_config"]["instance_type"], {})
            used.update({f"node_{name}": amount * pool.details["node_count"] for name, amount in size.items()})
        for volume in estate.rows("volume"):
            used[volume.details["type"]] += volume.details["size"]
        return catalogue.quota(used)


def _descriptors(_call: Call) -> Reply:
    items = catalogue.metric_descriptors()
    pagination = {"total_count": len(items), "next_cursor": None, "previous_cursor": None}
    return Reply(200, {"items": items, "pagination": pagination})


def _listing(rows: Sequence[Mapping[str, Any]]) -> Callable[[Call], Reply]:
    return lambda call: listed(rows, call, dict)


def _one(rows: Sequence[Mapping[str, Any]]) -> Callable[[Call], Reply]:
    return lambda call: _find(rows, call)


def _find(rows: Sequence[Mapping[str, Any]], call: Call) -> Reply:
    """Return the row whose fields are what the path says."""
    wanted = call.params.items()
    found = next((row for row in rows if all(row.get(name) == value for name, value in wanted)), None)
    if found is None:
        raise Problem("not found", status=404)
    return Reply(200, dict(found))
