"""What Akua's reads answer about workspaces, their subscriptions, names and tokens. All but the ids may be absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field
from typing_extensions import deprecated

from airflow_provider_ops.apis.akua.metadata import DomainTarget
from airflow_provider_ops.apis.akua.models import Tracked
from airflow_provider_ops.apis.akua.times import Time
from airflow_provider_ops.apis.wire_models import WireModel


class Plan(WireModel):
    """The tier of a workspace, and who bills it: ``platform`` or ``seller``."""

    tier: str | None = None
    billed_by: str | None = None


class Workspace(WireModel):
    """A workspace; ``workspace_class`` is ``standard``, ``platform`` or ``sandbox``."""

    id: str
    name: str | None = None
    slug: str | None = None
    plan: Plan | None = None
    workspace_class: str | None = None
    etag: str | None = None
    created_at: Time = None
    updated_at: Time = None

    @property
    @deprecated("use Workspace.id")
    def workspace_id(self) -> str:
        """Return the id of the workspace."""
        return self.id

    @property
    @deprecated("Akua does not say whether an operation on a workspace is in progress: list its operations")
    def reconciling(self) -> None:
        """Return ``None``, always."""


class AkuaSubscription(WireModel):
    """The subscription of a workspace. The contract does not say in what form its period ends."""

    id: str
    workspace_id: str | None = None
    tier: str | None = None
    status: str | None = None
    cancellation_scheduled: bool | None = None
    current_period_end: str | None = None
    billed_by: str | None = None
    created_at: Time = None


class SubscriptionChangeRequest(WireModel):
    """A change of tier that was asked for. The contract does not say in what form it takes effect."""

    id: str
    workspace_id: str | None = None
    requested_tier: str | None = None
    status: str | None = None
    effective_at: str | None = None
    created_at: Time = None


class Subdomain(Tracked):
    """The name of a workspace; ``status`` is ``active``, ``propagating`` or ``reserved``."""

    name: str | None = None
    fqdn: str | None = None
    status: str | None = None
    name_changed_at: Time = None


class Certificate(WireModel):
    """The certificate of a custom domain; ``status`` is ``pending_validation``, ``active`` or ``failed``."""

    status: str | None = None
    validation_records: Sequence[Mapping[str, str]] | None = None


class CustomDomain(Tracked):
    """A domain of yours; ``status`` is ``provisioning``, ``active``, ``failed`` or ``releasing``."""

    hostname: str | None = None
    target: DomainTarget | None = None
    protocol: str | None = None
    routing_mode: str | None = None
    ssl: Certificate | None = None
    status: str | None = None


class ApiToken(WireModel):
    """A token of the workspace, as lists show it: never the token itself."""

    id: str
    workspace_id: str | None = None
    name: str | None = None
    prefix: str | None = None
    created_at: Time = None
    last_used_at: Time = None
    expires_at: Time = None


class NewApiToken(WireModel):
    """A token that was just minted. ``repr`` never shows it."""

    id: str
    workspace_id: str | None = None
    name: str | None = None
    token: str = Field(repr=False)

    @property
    @deprecated("the answer to a new token does not say when it expires: list_api_tokens() does")
    def expires_at(self) -> None:
        """Return ``None``, always."""
