"""Client and simulator beside the contracts: what there is, not what goes over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from airflow_provider_ops.apis.akua import install_models, metadata, models, results, starts, workspace_models
from airflow_provider_ops.apis.akua import schemas as wire
from airflow_provider_ops.apis.nirvana import account, tenants
from airflow_provider_ops.apis.nirvana import resources as nirvana_resources
from airflow_provider_ops.simulator.app import Simulator
from airflow_provider_ops.simulator.routing import shape
from dev.conform.kept import names_operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_ops.apis.wire_models import WireModel
    from dev.conform.contract import Contract
    from dev.conform.trim import Json

#: Calls about an operation, not calls that start one.
_ABOUT_OPERATIONS = {"POST /operations/{id}:wait", "POST /operations/{id}:cancel"}
#: Types of operations that no call of the contract starts.
UNSTARTABLE = {
    "cluster.capability.ensure",
    "cloudflare.private_origin_route.prepare",
    "cloudflare.private_origin_route.release",
    "repository.delete",
    "repository_change_request.expire",
}
#: Our kinds of calls whose operation is that of a render, or has no type in the contract.
_KINDS_OF_OURS = {
    "install.update",
    "install.restore",
    "install.automatic_updates",
    "workspace.subscription.reactivate",
    "workspace.subscription.change_tier",
}

NIRVANA_MODELS: Mapping[type[WireModel], str] = {
    nirvana_resources.OperationWire: "Operation",
    nirvana_resources.VM: "VM",
    nirvana_resources.Volume: "Volume",
    nirvana_resources.VPC: "VPC",
    nirvana_resources.Subnet: "Subnet",
    nirvana_resources.FirewallRule: "FirewallRule",
    nirvana_resources.ConnectConnection: "ConnectConnection",
    nirvana_resources.NKSCluster: "NKSCluster",
    nirvana_resources.NKSNodePool: "NKSNodePool",
    nirvana_resources.NKSNode: "NKSNode",
    nirvana_resources.NKSController: "NKSController",
    nirvana_resources.NKSLoadBalancer: "NKSLoadBalancer",
    nirvana_resources.PersistentVolumeClaim: "PersistentVolumeClaim",
    nirvana_resources.NKSVolume: "NKSNodeVolume",
    nirvana_resources.Kubeconfig: "Kubeconfig",
    nirvana_resources.VMMetrics: "VMMetrics",
    nirvana_resources.MetricDescriptor: "VMMetricDescriptor",
    account.OSImage: "OSImage",
    account.InstanceType: "InstanceType",
    account.Region: "Region",
    account.Quota: "Quota",
    account.Cost: "CostQuote",
    account.CostChange: "CostQuoteUpdate",
    account.CostDifference: "CostQuoteUpdate.Diff",
    account.DimensionChange: "CostQuoteUpdate.Diff.UsageDimension",
    account.BillingSummary: "OrganizationBillingSummary",
    account.AuditLogEntry: "AuditLog",
    account.KubernetesVersion: "KubernetesVersion",
    account.ConnectRoute: "ConnectRoute",
    tenants.User: "User",
    tenants.Project: "Project",
    tenants.Organization: "Organization",
    tenants.Usage: "Usage",
    tenants.UsageItem: "UsageDimension",
}
MODELS: Mapping[type[WireModel], str] = {
    wire.AkuaOperation: "MachineOperation",
    models.AkuaCluster: "Cluster",
    models.ClusterCapabilities: "ClusterCapabilities",
    models.AkuaKubeconfig: "Kubeconfig",
    models.WorkerBootstrap: "WorkerBootstrap",
    models.Machine: "Machine",
    models.SuspensionEvent: "SuspensionEvent",
    models.AkuaRegion: "Region",
    models.ComputeConfig: "ComputeConfig",
    models.AkuaQuota: "QuotaInfo",
    workspace_models.Workspace: "Workspace",
    workspace_models.AkuaSubscription: "WorkspaceSubscription",
    workspace_models.SubscriptionChangeRequest: "SubscriptionChangeRequest",
    workspace_models.Subdomain: "WorkspaceSubdomain",
    workspace_models.CustomDomain: "CustomDomain",
    workspace_models.ApiToken: "ApiToken",
    workspace_models.NewApiToken: "CreatedApiToken",
    install_models.Install: "Install",
    install_models.InstallStatus: "InstallStatus",
    install_models.InstallRender: "InstallRender",
    install_models.InstallChange: "InstallLifecycleMutation",
    install_models.Pod: "Pod",
    install_models.PreviewHostname: "PreviewHostname",
    install_models.Package: "Package",
    install_models.PackageVersion: "PackageVersion",
    install_models.Product: "Product",
    install_models.Repository: "Repository",
    install_models.ChangeRequest: "RepositoryChangeRequest",
    install_models.ChangeRequestAccepted: "AcceptRepositoryChangeRequestResponse",
    install_models.ChangeRequestToken: "CreateRepositoryChangeRequestTokenResponse",
}


def problems(api: str, contract: Contract) -> list[str]:
    """Return every difference, a line each."""
    if api == "nirvana":
        return [*_models(contract, NIRVANA_MODELS), *_routes(api, contract)]
    return [
        *_uncovered(contract),
        *_starts(contract),
        *_types(contract),
        *_models(contract, MODELS),
        *_routes(api, contract),
    ]


def _uncovered(contract: Contract) -> Iterator[str]:
    ours = {f"{start.method} {shape(start.route)}" for start in starts.STARTS.values()}
    for name, call in contract.calls.items():
        starting = not name.startswith("GET ") and names_operation(call, contract.facts["schemas"])
        if starting and name not in _ABOUT_OPERATIONS and shape(name) not in ours:
            yield f"{name}: starts an operation and is none of our calls"


def _starts(contract: Contract) -> Iterator[str]:
    theirs = {shape(name): call for name, call in contract.calls.items()}
    for start in starts.STARTS.values():
        name = f"{start.method} {shape(start.route)}"
        if name not in theirs:
            yield f"{name}: no such call"
            continue
        declared = theirs[name].get("header", {})
        if start.keyed != ("idempotency-key" in declared):
            yield f"{name}: takes a key: {not start.keyed}"
        if (start.etag_of is not None) != ("if-match" in declared):
            yield f"{name}: wants an etag: {start.etag_of is None}"
        read = theirs.get(f"GET {shape(start.etag_of)}") if start.etag_of else None
        if start.etag_of and (read is None or "etag" not in _fields(contract, read["answers"]["200"])):
            yield f"{name}: {start.etag_of} has no etag to read"


def _types(contract: Contract) -> Iterator[str]:
    for name, union, known in (
        ("OperationMetadata", metadata.Metadata, metadata.KNOWN_TYPES),
        ("OperationResponse", results.Result, metadata.KNOWN_TYPES),
    ):
        schema = contract.facts["schemas"][name]
        members = schema.get("oneOf") or schema.get("anyOf")
        types: dict[str, set[str]] = {}
        for properties in [member["properties"] for member in members if "properties" in member]:
            types.setdefault(properties["type"]["enum"][0], set()).update(properties)
        if set(types) != known:
            yield f"{name}: types {sorted(set(types) ^ known)} are not known on both sides"
        fields = _fields_by_type(union)
        for kind, needed in types.items():
            if missing := needed - fields.get(kind, set()):
                yield f"{name} of {kind}: no fields {sorted(missing)}"
    kinds = {start.kind for start in starts.STARTS.values()} - _KINDS_OF_OURS
    if kinds | UNSTARTABLE != metadata.KNOWN_TYPES:
        yield f"operation types {sorted((kinds | UNSTARTABLE) ^ metadata.KNOWN_TYPES)} have no call or no type"


def _fields_by_type(union: Any) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    left = [union]
    while left:
        part = left.pop()
        if isinstance(part, type) and "type" in getattr(part, "model_fields", {}):
            names: dict[str, Any] = part.model_fields  # type: ignore[attr-defined]
            for word in get_args(names["type"].annotation):
                found.setdefault(word, set()).update(names)
        else:
            left += get_args(part)
    return found


def _models(contract: Contract, compared: Mapping[type[WireModel], str]) -> Iterator[str]:
    for model, name in compared.items():
        ours, theirs = set(model.model_fields), _fields(contract, {"$ref": f"#/$defs/{name}"})
        if missing := theirs - ours:
            yield f"model {model.__name__}: lacks {sorted(missing)}"
        if surplus := ours - theirs:
            yield f"model {model.__name__}: can never have {sorted(surplus)}"


def _fields(contract: Contract, schema: Json) -> set[str]:
    if "$ref" in schema:
        return _fields(contract, contract.facts["schemas"][schema["$ref"].rpartition("/")[2]])
    inside = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    return set(schema.get("properties", ())).union(*(_fields(contract, part) for part in inside))


def _routes(api: str, contract: Contract) -> Iterator[str]:
    theirs = {shape(name): call for name, call in contract.calls.items()}
    for route in Simulator().apis[api].routes():
        name = f"{route.method} {route.template}"
        call = theirs.get(shape(name))
        if call is None:
            yield f"simulator: {name} is no call of the contract"
        elif api == "akua":
            query, declared = set(route.query.model_fields), set(call.get("query", {}))
            if query != declared:
                yield f"simulator: {name} differs in the query: {sorted(query ^ declared)}"
            if (route.body is not None) != ("body" in call):
                yield f"simulator: {name} takes a body: {route.body is not None}"
