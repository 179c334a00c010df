"""LakeSail's operation as it comes [tags/operations]: field names and JSON types are all that is documented."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from airflow_provider_ops.apis.lakesail.models import Camel, Time


class ErrorDetails(Camel):
    """What an error says about trying again; the unit of ``retry_after`` is not documented."""

    retryable: bool | None = None
    retry_after: float | None = None
    field_errors: dict[str, str | None] | None = None
    request_id: str | None = None
    caused_by: str | None = None


class LakeSailError(Camel):
    """Why an operation failed; the words of ``code`` and ``error_type`` are not listed."""

    code: str | None = None
    message: str | None = None
    error_type: str | None = None
    details: ErrorDetails | None = None


class ProgressResource(Camel):
    """One resource an operation works on; the unit of ``duration`` is not documented."""

    urn: str | None = None
    type: str | None = None
    name: str | None = None
    operation: str | None = None
    status: str | None = None
    duration: float | None = None


class ProgressSummary(Camel):
    """How many resources are how far."""

    total: int | None = None
    pending: int | None = None
    running: int | None = None
    succeeded: int | None = None
    failed: int | None = None
    unchanged: int | None = None


class LakeSailProgress(Camel):
    """How far an operation is; the words of ``stage`` are not listed."""

    stage: str | None = None
    message: str | None = None
    resources: list[ProgressResource] | None = None
    summary: ProgressSummary | None = None


class LakeSailInstanceType(Camel):
    """A size of machine that was discovered in a cloud account."""

    instance_type: str
    provider: str | None = None
    v_cpus: int | None = None
    memory_mib: Annotated[int | None, Field(alias="memoryMiB")] = None
    architecture: str | None = None
    gpu_count: int | None = None
    instance_family: str | None = None
    max_pods: int | None = None
    group: str | None = None
    allocatable_milli_cpu: int | None = None


class InstanceTypesMetadata(Camel):
    """What the platform itself takes of every node."""

    provider: str | None = None
    system_pods_per_node: int | None = None
    system_pods_per_system_node: int | None = None
    system_pods_fixed: int | None = None
    system_pods_per_node_margin: int | None = None
    system_pods_fixed_margin: int | None = None
    system_milli_cpu_per_node: Annotated[int | None, Field(alias="systemMilliCPUPerNode")] = None
    system_milli_cpu_fixed: Annotated[int | None, Field(alias="systemMilliCPUFixed")] = None
    karpenter_milli_cpu_per_replica: Annotated[int | None, Field(alias="karpenterMilliCPUPerReplica")] = None
    karpenter_replicas: int | None = None


class InstanceTypes(Camel):
    """The one result that the reference shows."""

    items: list[LakeSailInstanceType]
    metadata: InstanceTypesMetadata | None = None


class LakeSailOperation(Camel):
    """An operation as LakeSail shows it; a result of another shape than the one documented stays a plain dict."""

    id: str
    organization_id: str | None = None
    member_id: str | None = None
    operation: str | None = None
    status: str | None = None
    result: Annotated[InstanceTypes | dict[str, Any] | None, Field(union_mode="left_to_right")] = None
    error: LakeSailError | str | None = None
    progress: LakeSailProgress | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    created_at: Time = None
    updated_at: Time = None
    started_at: Time = None
    completed_at: Time = None
