"""Bodies of Akua."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator
from typing_extensions import Self

from airflow_provider_ops.simulator.validation import Strict

Id = Annotated[str, StringConstraints(min_length=1, max_length=55)]
Protocol = Literal["http", "websocket", "grpc"]
RoutingMode = Literal["through_dispatcher", "bypass_dispatcher"]
SemVer = Annotated[str, StringConstraints(max_length=128, pattern=r"^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$")]
Oci = Annotated[str, StringConstraints(max_length=2048, pattern="^oci://")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


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
    compute_config_id: Id | None = None
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
    version: SemVer


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


class CreateRender(Strict):
    """Body of POST /installs/{id}/renders."""

    message: Annotated[str, Field(max_length=255)] | None = None
    skip_unchanged: bool | None = True
    extra_annotations: dict[str, str] | None = None


class AutomaticUpdates(Strict):
    """Body of PATCH /installs/{id}/automatic_updates."""

    automatic_updates_enabled: bool


class Helm(Strict):
    """A chart behind an oci:// URL."""

    kind: Literal["helm"]
    repo_url: Oci
    target_revision: Annotated[str, Field(min_length=1, max_length=256)]
    chart: Annotated[str, Field(max_length=255)] | None = None
    path: Annotated[str, Field(max_length=2048)] | None = None
    values: dict[str, Any] | None = None


class Hosted(Strict):
    """A repository that POST /repositories has made."""

    kind: Literal["hosted"]
    repository_id: Id
    ref: Annotated[str, Field(min_length=1, max_length=512)]


class CreatePackage(Strict):
    """Body of POST /packages."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    sources: Annotated[list[Annotated[Helm | Hosted, Field(discriminator="kind")]], Field(min_length=1, max_length=1)]
    display_image_url: Annotated[str, Field(max_length=2048)] | None = None
    keep_source_repository: bool = False


class CreateVersion(Strict):
    """Body of POST /packages/{id}/versions."""

    semver: SemVer
    ref: Annotated[str, Field(min_length=1, max_length=512)]
    input_schema: dict[str, Any]
    compatibility: dict[str, Any] | None = None


class ImportPackage(Strict):
    """Body of POST /packages:import."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    oci_ref: Oci
    version: CreateVersion
    description: Annotated[str, Field(max_length=1000)] | None = None
    display_image_url: Annotated[str, Field(max_length=2048)] | None = None


class BindPinned(Strict):
    """Body of POST /installs/{id}/preview_hostnames:bindPinned."""

    render_id: Id
    protocol: Protocol = "http"
    routing_mode: RoutingMode = "through_dispatcher"


class BindFloating(BindPinned):
    """Body of POST /installs/{id}/preview_hostnames:bindFloating."""

    track: Annotated[str, Field(min_length=1, max_length=100)]


class ImportCluster(Strict):
    """Body of POST /clusters:import."""

    name: Name
    region_id: Id
    kubeconfig: Annotated[str, Field(min_length=1)]


class CreateBootstrap(Strict):
    """Body of POST /clusters/{id}/worker_bootstraps."""

    ttl_seconds: Annotated[int, Field(ge=60, le=86400)] = 3600


class CreateRegion(Strict):
    """Body of POST /regions."""

    name: Name
    icon: Annotated[str, Field(max_length=256)] | None = None


class UpdateRegion(Strict):
    """Body of PATCH /regions/{id}."""

    name: Name | None = None
    icon: Annotated[str, Field(max_length=256)] | None = None


class CreateToken(Strict):
    """Body of POST /api_tokens."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    expires_at: Annotated[int, Field(ge=0)] | None = None


class CancelSubscription(Strict):
    """Body of POST /workspaces/{id}/subscription:cancel."""

    effective: Literal["period_end"]


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
