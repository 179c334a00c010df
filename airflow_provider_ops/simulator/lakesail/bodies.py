"""Bodies and queries of LakeSail, camelCase on the wire. Those of writes are choices: only reads are documented."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from airflow_provider_ops.simulator.validation import QueryInt, Strict

Id = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}$")]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Description = Annotated[str, Field(max_length=1023)]
Direction = Literal["asc", "desc"]


class Camel(Strict):
    """Base: `networkId` on the wire is `network_id` here, and only that spelling is taken."""

    # by alias only: the snake_case spelling must be refused
    model_config = ConfigDict(alias_generator=to_camel)  # type: ignore[pydantic-alias]


class Limited(Camel):
    """Query of a list that shows no way to its second page."""

    limit: Annotated[QueryInt, Field(ge=0, le=100)] = 100


class Marked(Limited):
    """Query of a list that continues from a marker."""

    marker: str | None = None


class Numbered(Limited):
    """Query of a list with numbered pages."""

    page: Annotated[QueryInt, Field(ge=1)] = 1
    sort_direction: Direction = "asc"


class ListClusters(Numbered):
    """Query of GET /me/clusters."""

    sort_by: Literal["name"] = "name"


class ListMyJobs(Numbered):
    """Query of GET /me/jobs."""

    sort_by: Literal["jobKey", "createdAt"] = "createdAt"


class ListSessions(Marked):
    """Query of GET /workloads/sessions; `endpoint_type` is the one name in it that is not camelCase."""

    team_id: Id | None = None
    endpoint_type: Annotated[Literal["spark_connect"] | None, Field(alias="endpoint_type")] = None
    status: Literal["pending", "active", "idle", "closed", "failed"] | None = None


class ListProviderNetworks(Camel):
    """Query of GET /infra/connections/{connection}/provider-networks."""

    region: str | None = None


class NetworkConfig(Camel):
    """Part of CreateNetwork."""

    cidr: str


class CreateNetwork(Camel):
    """Body of POST /infra/networks."""

    name: Name
    connection_id: Id
    region: str | None = None
    config: NetworkConfig


class CreateCluster(Camel):
    """Body of POST /infra/clusters."""

    name: Name
    connection_id: Id
    network_id: Id | None = None
    region: str | None = None


class ProviderConfig(Camel):
    """Part of CreateConnection."""

    account_id: str
    region: str
    role_arn: str | None = None


class CreateConnection(Camel):
    """Body of POST /infra/connections."""

    name: Name
    provider: Literal["aws"]
    provider_config: ProviderConfig


class CreateSession(Camel):
    """Body of POST /workloads/sessions."""

    name: Name | None = None
    team_id: Id | None = None
    endpoint_type: Literal["spark_connect"] = "spark_connect"


class CreateNotebook(Camel):
    """Body of POST /workloads/notebooks."""

    name: Name
    description: Description | None = None


class UpdateNotebook(Camel):
    """Body of PATCH /workloads/notebooks/{notebook}."""

    name: Name | None = None
    description: Description | None = None
    workload_config_id: Id | None = None


class UpdateJob(Camel):
    """Body of PATCH /workloads/jobs/{job}."""

    description: Description | None = None
    config: dict[str, Any] | None = None


class CreateJob(Camel):
    """Body of POST /workloads/jobs."""

    job_key: Name
    cluster_id: Id
    team_ids: Annotated[list[Id], Field(min_length=1)]
    description: Description | None = None
    config: dict[str, Any] | None = None


class Empty(Camel):
    """A body without fields."""
