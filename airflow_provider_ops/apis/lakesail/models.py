"""Wire models of LakeSail's reads: camelCase on the wire, snake_case here.

The reference prints generated samples: field names and JSON types, nothing about what is required, may be null or is
one of a list of words. So every field is optional, words stay text, and times are read leniently. Tags in brackets
name the pages below docs.lakesail.com/platform/tags.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from airflow_provider_ops.apis.times import in_utc
from airflow_provider_ops.apis.wire_models import WireModel

#: What Go writes for a time that was never set.
_NEVER = "0001-01-01"


def read_time(value: object) -> datetime | None:
    """Read a time in UTC, where it is written in ISO 8601; ``None`` for anything else: the format is not documented."""
    if not isinstance(value, str) or not value or value.startswith(_NEVER):
        return None
    try:
        # Python 3.10 knows neither "Z" nor fractions of other lengths than 3 and 6
        return in_utc(datetime.fromisoformat(_plain(value)))
    except ValueError:
        return None


def _plain(value: str) -> str:
    text = value[:-1] + "+00:00" if value.endswith(("Z", "z")) else value
    whole, dot, rest = text.partition(".")
    if not dot:
        return text
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{whole}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}"


Time = Annotated[datetime | None, BeforeValidator(read_time)]


class Camel(WireModel):
    """Base: ``externalClusterId`` on the wire is ``external_cluster_id`` here."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class ProviderConfig(Camel):
    """Where a connection leads: account, region and roles in AWS [connections]."""

    account_id: str | None = None
    region: str | None = None
    role_arn: str | None = None
    external_id_secret_arn: str | None = None
    stack_arn: str | None = None


class Connection(Camel):
    """A cloud account [connections]. ``status`` is ``active`` when it can be used; other words are not listed."""

    id: str
    name: str | None = None
    provider: str | None = None
    provider_config: ProviderConfig | None = None
    status: str | None = None
    status_message: str | None = None
    last_used_at: Time = None
    template_synced_at: Time = None
    template_sync_message: str | None = None
    created_at: Time = None
    created_by: str | None = None
    updated_at: Time = None
    updated_by: str | None = None


class Cluster(Camel):
    """A cluster that the current user can reach [clusters].

    ``operation_id`` may be the creating, the latest or only a running operation: that is not documented, nor is
    which of ``id`` and ``external_cluster_id`` other paths expect.
    """

    id: str
    name: str | None = None
    external_cluster_id: str | None = None
    external_status: str | None = None
    region: str | None = None
    connection_id: str | None = None
    network_id: str | None = None
    operation_id: str | None = None
    #: The cloud account the cluster is in, where the answer includes it.
    connection: Connection | None = None
    created_at: Time = None
    created_by: str | None = None
    updated_at: Time = None
    updated_by: str | None = None


class ProviderNetwork(Camel):
    """A VPC of the cloud account, made by any user [networks]."""

    provider: str | None = None
    vpc_id: str | None = None
    cidr: str | None = None
    name: str | None = None
    az_count: int | None = None
    state: str | None = None
    tags: dict[str, str | None] | None = None


class NetworkConfig(Camel):
    """Addresses of a network."""

    cidr: str | None = None


class IacState(Camel):
    """Names in LakeSail's infrastructure-as-code engine."""

    project_name: str | None = None
    stack_name: str | None = None


class Network(Camel):
    """A network [networks]."""

    id: str
    connection_id: str | None = None
    name: str | None = None
    region: str | None = None
    provider_network_id: str | None = None
    config: NetworkConfig | None = None
    iac_state: IacState | None = None
    iac_outputs: dict[str, str | None] | None = None
    status: str | None = None


class ConnectionInfo(Camel):
    """Where a Spark client connects; only the owner of a session sees it."""

    proxy_auth_url: str | None = None
    grpc_endpoint: str | None = None


class Session(Camel):
    """A session [sessions]. ``status`` is ``pending``, ``active``, ``idle``, ``closed`` or ``failed``."""

    id: str
    endpoint_type: str | None = None
    name: str | None = None
    status: str | None = None
    status_message: str | None = None
    termination_reason: str | None = None
    workload_id: str | None = None
    team_id: str | None = None
    member_id: str | None = None
    service_account_id: str | None = None
    notebook_id: str | None = None
    compute_instance_id: str | None = None
    connection_info: ConnectionInfo | None = None
    last_activity_at: Time = None
    idle_since: Time = None
    #: Not among the fields that could be read; nearly all others have it.
    created_at: Time = None


class Notebook(Camel):
    """A notebook [notebooks]. ``status`` is ``stopped``, ``starting`` or ``running``; other words are not listed."""

    id: str
    member_id: str | None = None
    workload_config_id: str | None = None
    name: str | None = None
    description: str | None = None
    status: str | None = None
    status_message: str | None = None
    idle_timeout_seconds: int | None = None
    detached_timeout_seconds: int | None = None
    last_active_at: Time = None
    session_id: str | None = None
    created_at: Time = None
    created_by: str | None = None
    updated_at: Time = None
    updated_by: str | None = None


class Job(Camel):
    """A job, which is a definition; what runs are its job runs [jobs]."""

    id: str
    job_key: str | None = None
    member_id: str | None = None
    # no sample value is known of these three
    version: int | str | None = None
    current_version: int | str | None = None
    draft_version: int | str | None = None
    based_on_version: int | str | None = None
    status: str | None = None
    cluster_id: str | None = None
    description: str | None = None
    config: dict[str, Any] | None = None
    latest_job_run_id: str | None = None
    team_ids: list[str] | None = None


class JobRun(Camel):
    """A run of a job [job-runs].

    No field of it is documented but the words of its status: ``pending``, ``ready``, ``completed``, ``failed`` and
    ``cancelled``. The other names are those of the sibling resources.
    """

    id: str
    job_id: str | None = None
    status: str | None = None
    status_message: str | None = None
    created_at: Time = None
    started_at: Time = None
    completed_at: Time = None


class Permission(Camel):
    """A relation that can be granted [one-page]."""

    relation: str | None = None
    description: str | None = None
    valid_object_types: list[list[str]] | None = None
    system_only: bool | None = None


class Dcr(Camel):
    """Dynamic client registration of an identity provider type."""

    supported: bool | None = None
    requires_token: bool | None = None


class Capabilities(Camel):
    """What an identity provider type can do."""

    dcr: Dcr | None = None


class IdentityProviderType(Camel):
    """A kind of identity provider [one-page]."""

    id: str
    name: str | None = None
    description: str | None = None
    provider_type: str | None = None
    capabilities: Capabilities | None = None
