"""Bodies and queries of Akua."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator
from typing_extensions import Self

from airflow_provider_ops.simulator.validation import QueryInt, Strict

Id = Annotated[str, StringConstraints(min_length=1, max_length=55)]
Protocol = Literal["http", "websocket", "grpc"]
RoutingMode = Literal["through_dispatcher", "bypass_dispatcher"]
OwnerType = Literal["install", "repository_change_request", "repository", "workspace", "machine", "cluster", "package"]


class Empty(Strict):
    """`{}`."""


class CreateCluster(Strict):
    """Body of POST /clusters."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    region_id: Id
    network_profile: Literal["linux_cilium", "mixed_os_calico"] = "linux_cilium"


class CreateMachine(Strict):
    """Body of POST /machines."""

    cluster_id: Id
    instance_type: Annotated[str, Field(min_length=1)]
    compute_config_id: Id
    name: Annotated[str, Field(max_length=120)] | None = None
    node_claim: dict[str, Any] | None = None


class SuspendMachine(Strict):
    """Body of POST /machines/{id}:suspend."""

    reason: Literal["manual", "downgrade"] | None = None


class Latest(Strict):
    """The newest version."""

    kind: Literal["latest"]


class Pinned(Strict):
    """One version."""

    kind: Literal["pinned"]
    version: Annotated[str, Field(max_length=128)]


class CreateInstall(Strict):
    """Body of POST /installs: of a product, or of a package with a pin."""

    product_id: Id | None = None
    package_id: Id | None = None
    package_version_pin: Annotated[Latest | Pinned, Field(discriminator="kind")] | None = None
    region_id: Id
    cluster_id: Id | None = None
    initial_values: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.product_id is None) == (self.package_id is None):
            message = "exactly one of product_id and package_id is needed"
            raise ValueError(message)
        if (self.package_id is None) != (self.package_version_pin is None):
            message = "package_version_pin goes with package_id"
            raise ValueError(message)
        return self


class UpdateInstall(Strict):
    """Body of POST /installs/{id}:update."""

    package_version_id: Id


class RestoreInstall(Strict):
    """Body of POST /installs/{id}:restore."""

    render_id: Id


class AutomaticUpdates(Strict):
    """Body of PATCH /installs/{id}/automatic_updates."""

    automatic_updates_enabled: bool


class Helm(Strict):
    """A chart behind an oci:// URL."""

    kind: Literal["helm"]
    repo_url: Annotated[str, Field(pattern="^oci://")]
    target_revision: str
    chart: str | None = None
    path: str | None = None
    values: Any = None


class CreatePackage(Strict):
    """Body of POST /packages."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    sources: Annotated[list[Helm], Field(min_length=1, max_length=1)]
    display_image_url: str | None = None


class CreateVersion(Strict):
    """Body of POST /packages/{id}/versions."""

    version: Annotated[str, Field(min_length=1, max_length=128)]


class BindPinned(Strict):
    """Body of POST /installs/{id}/preview_hostnames:bindPinned."""

    render_id: Id
    protocol: Protocol = "http"
    routing_mode: RoutingMode = "through_dispatcher"


class BindFloating(BindPinned):
    """Body of POST /installs/{id}/preview_hostnames:bindFloating."""

    track: Annotated[str, Field(min_length=1, max_length=100)]


class CreateChangeRequest(Strict):
    """Body of POST /repository_change_requests."""

    parent_repository_id: Id


class RejectChangeRequest(Strict):
    """Body of POST /repository_change_requests/{id}:reject."""

    reason: Annotated[str, Field(min_length=1)] | None = None


class Import(Strict):
    """Body of POST /clusters:import and POST /packages:import."""

    name: Annotated[str, Field(min_length=1, max_length=100)]


class CreateToken(Strict):
    """Body of POST /api_tokens."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    expires_at: Annotated[int, Field(ge=0)] | None = None


class CancelSubscription(Strict):
    """Body of POST /workspaces/{id}/subscription:cancel."""

    effective: Literal["period_end"] = "period_end"


class ChangeTier(Strict):
    """Body of POST /workspaces/{id}/subscription:changeTier."""

    tier: str


class SetName(Strict):
    """Body of POST /workspaces/{id}/subdomain:setName."""

    name: Annotated[str, Field(min_length=1, max_length=63)]


class ToInstall(Strict):
    """Target of a custom domain."""

    kind: Literal["install"]
    install_id: Id


class ToCluster(Strict):
    """Target of a custom domain."""

    kind: Literal["cluster"]
    cluster_id: Id


class ToExternal(Strict):
    """Target of a custom domain."""

    kind: Literal["external"]
    endpoint: Annotated[str, Field(pattern="^[a-z]+://")]
    mtls_secret_id: Id | None = None


Target = Annotated[ToInstall | ToCluster | ToExternal, Field(discriminator="kind")]


class CreateDomain(Strict):
    """Body of POST /workspaces/{id}/custom_domains."""

    hostname: Annotated[str, Field(min_length=1, max_length=253)]
    target: Target
    protocol: Protocol = "http"
    routing_mode: RoutingMode = "through_dispatcher"


class UpdateDomain(Strict):
    """Body of PATCH /workspaces/{id}/custom_domains/{id}."""

    target: Target | None = None
    protocol: Protocol | None = None
    routing_mode: RoutingMode | None = None


class Paging(Strict):
    """Query of every list."""

    cursor: str | None = None
    limit: Annotated[QueryInt, Field(ge=1, le=100)] = 50


class ListOperations(Paging):
    """Query of GET /operations."""

    owner_type: OwnerType | None = None
    owner_id: str | None = None


class ListMachines(Paging):
    """Query of GET /machines."""

    cluster_id: str | None = None
    state: Literal["ACTIVE", "PROVISIONING", "SUSPENDING", "SUSPENDED", "RESUMING", "DELETING"] | None = None
    view: Literal["basic", "full"] = "basic"


class View(Strict):
    """Query of GET /machines/{id}."""

    view: Literal["basic", "full"] = "basic"


class ListInstalls(Paging):
    """Query of GET /installs."""

    product_id: str | None = None


class ListQuotas(Paging):
    """Query of GET /quotas."""

    cluster_id: str | None = None


class ListRepositories(Paging):
    """Query of GET /repositories."""

    purpose: Literal["deploy", "package", "repository_change_request"] | None = None


class Wait(Strict):
    """Query of POST /operations/{id}:wait."""

    timeout: Annotated[QueryInt, Field(ge=1, le=60)] = 30
