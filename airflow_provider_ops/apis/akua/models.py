"""What Akua's reads answer about clusters, machines and workspaces. All but the ids may be absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field
from typing_extensions import deprecated

from airflow_provider_ops.apis.akua.times import Time
from airflow_provider_ops.apis.wire_models import WireModel


class Tracked(WireModel):
    """What most resources have in common: ``etag`` is what writes want as ``if-match``."""

    id: str
    workspace_id: str | None = None
    etag: str | None = None
    created_at: Time = None
    updated_at: Time = None


class AkuaCluster(Tracked):
    """``state`` is ``pending``, ``provisioning``, ``active``, ``suspended`` or ``deleting``.

    ``provider`` is ``managed_kaas`` or ``imported_byoc``.
    """

    name: str | None = None
    html_url: str | None = None
    state: str | None = None
    provider: str | None = None
    #: Whether an operation is in progress.
    reconciling: bool | None = None

    @property
    @deprecated("Akua does not say in which region a cluster is: Cluster.region_id is always None")
    def region_id(self) -> None:
        """Return ``None``, always."""


class ClusterCapabilities(WireModel):
    """What a cluster can do, as of ``freshness["last_successful_at"]``."""

    api_groups: Sequence[str] | None = None
    storage_classes: Sequence[Mapping[str, Any]] | None = None
    gateway_classes: Sequence[str] | None = None
    gateways: Sequence[Mapping[str, Any]] | None = None
    default_gateway: Mapping[str, Any] | None = None
    ingress_classes: Sequence[str] | None = None
    nodes: Sequence[Mapping[str, Any]] | None = None
    freshness: Mapping[str, Any] | None = None


class AkuaKubeconfig(WireModel):
    """Access to a cluster. ``repr`` never shows it."""

    kubeconfig: str = Field(repr=False)


class ActiveOperation(WireModel):
    """The operation in progress on a worker bootstrap."""

    id: str
    type: str | None = None
    started_at: Time = None


class WorkerBootstrap(WireModel):
    """What lets a worker join a cluster; ``status`` is ``active``, ``revoked`` or ``expired``.

    Only the answer to its creation has the token and the ways to use it. ``repr`` never shows them.
    """

    id: str
    cluster_id: str | None = None
    status: str | None = None
    etag: str | None = None
    reconciling: bool | None = None
    active_operation: ActiveOperation | None = None
    created_at: Time = None
    updated_at: Time = None
    expires_at: Time = None
    token: str | None = Field(default=None, repr=False)
    command: str | None = Field(default=None, repr=False)
    cloud_init: str | None = Field(default=None, repr=False)
    artifacts: Mapping[str, Any] | None = Field(default=None, repr=False)


class FloatingIP(WireModel):
    """An address that stays when its machine is suspended and resumed."""

    id: str
    ipv4: str | None = None


class ProviderResource(WireModel):
    """The machine at its cloud; ``identity_kind`` is ``recyclable`` or ``persistent``."""

    identity_kind: str | None = None
    public_ip: str | None = None
    floating_ip: FloatingIP | None = None


class AkuaSnapshot(WireModel):
    """The disk of a suspended machine."""

    provider: str | None = None
    snapshot_id: int | None = None
    size_gb: float | None = None


class Suspension(WireModel):
    """Why and until when a machine is suspended, and what that costs a month in cents."""

    event_id: str | None = None
    snapshot_ref: AkuaSnapshot | None = None
    expires_at: Time = None
    monthly_cost_cents: int | None = None
    reason: str | None = None


class SuspensionEvent(WireModel):
    """One suspension of a machine; ``state`` is ``in_progress``, ``completed``, ``resumed`` or ``expired``."""

    id: str
    machine_id: str | None = None
    state: str | None = None
    started_at: Time = None
    resumed_at: Time = None
    expires_at: Time = None
    snapshot_ref: AkuaSnapshot | None = None
    monthly_cost_cents: int | None = None
    total_cost_cents: int | None = None
    reason: str | None = None
    etag: str | None = None


class Machine(Tracked):
    """``state`` in upper case: ``ACTIVE``, ``PROVISIONING``, ``SUSPENDING``, ``SUSPENDED``, ``RESUMING``, ``DELETING``.

    The id is stable; the public IP usually changes with suspend and resume unless there is a floating IP.
    ``compute_config_id`` is ``None`` for a machine that Akua manages itself.
    """

    name: str | None = None
    state: str | None = None
    reconciling: bool | None = None
    cluster_id: str | None = None
    compute_config_id: str | None = None
    provider_id: str | None = None
    provider_resource: ProviderResource | None = None
    node_name: str | None = None
    current_suspension: Suspension | None = None

    @property
    @deprecated("Akua does not say which type a machine has: Machine.instance_type is always None")
    def instance_type(self) -> None:
        """Return ``None``, always."""


class AkuaRegion(WireModel):
    """Where clusters and installs live. ``etag`` is inferred: updates want one."""

    id: str
    name: str | None = None
    icon: str | None = None
    workspace_id: str | None = None
    etag: str | None = None
    created_at: Time = None


class AkuaProviderConfig(WireModel):
    """What a compute config asks of its cloud."""

    region: str | None = None
    image: str | None = None
    machine_type_filter: str | None = None


class CredentialScope(WireModel):
    """Whose account a compute config uses: ``kind`` is ``system`` or ``byom`` (a secret of yours)."""

    kind: str | None = None
    secret_id: str | None = None
    secret_version_id: str | None = None


class ComputeConfig(Tracked):
    """What machines are made with."""

    name: str | None = None
    provider: str | None = None
    provider_config: AkuaProviderConfig | None = None
    credential_scope: CredentialScope | None = None


class AkuaQuota(WireModel):
    """A limit: ``type`` is ``allocation`` (per workspace), ``rate`` (per user) or ``concurrency`` (per cluster)."""

    metric: str
    type: str | None = None
    display_name: str | None = None
    unit: str | None = None
    limit: float | None = None
    usage: float | None = None
    remaining: float | None = None
    resets_at: Time = None
