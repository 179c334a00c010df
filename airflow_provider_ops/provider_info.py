"""What Airflow discovers. Imports nothing but the version: Airflow reads this in every process it starts."""

from __future__ import annotations

from functools import cache
from typing import Any

from airflow_provider_ops import __version__

PACKAGE = "airflow_provider_ops"


def _field(label: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": schema}


#: One row per API: connection type, hook class, title, documented base URL, fields only this API has.
_APIS: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("onvera", "OnveraHook", "Onvera", "https://api.onvera.io/api/v1", {}),
    (
        "nirvana",
        "NirvanaHook",
        "Nirvana",
        "https://api.nirvanalabs.io",
        {
            "project_id": _field(
                "Project id",
                "Project of calls that name none, a UUID. Default: none, so that each call must name its project.",
                type=["string", "null"],
            )
        },
    ),
    ("lakesail", "LakeSailHook", "LakeSail", "https://platform.lakesail.com/api/v1", {}),
    (
        "akua",
        "AkuaHook",
        "Akua",
        "https://api.akua.dev/v1",
        {
            "workspace_id": _field(
                "Workspace id",
                "Sent as akua-context with every call, such as ws_a1. Needed by tokens that are good for several "
                "workspaces.",
                type=["string", "null"],
            )
        },
    ),
)

#: The connection type for APIs that a spec describes, and the fields that only it has.
_DESCRIBED = (
    "operations",
    "OperationsApiHook",
    "Operations API",
    "",
    {
        "api": _field(
            "API",
            "Name of a registered spec (airflow operations specs), or the spec itself as YAML or JSON.",
            type=["string", "null"],
            format="multiline",
        ),
        "variables": _field(
            "Variables",
            'Values for the variables of the spec as JSON, such as {"project": "main"}. Default: those of the spec.',
            type=["string", "null"],
        ),
        "auth": _field(
            "Authentication",
            "Type of authentication where the spec knows several, such as bearer. Default: its first.",
            type=["string", "null"],
        ),
    },
)

_TYPES = (*_APIS, _DESCRIBED)

#: APIs that have sensors of their own beside the one for all.
_WITH_SENSORS = ("lakesail",)


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata (Airflow's ``provider_info.schema.json`` and ``provider.yaml.schema.json``)."""
    integrations = [{"integration-name": title, "tags": ["service"]} for _, _, title, _, _ in _TYPES]
    return {
        "package-name": "airflow-provider-ops",
        "name": "Long-running operations",
        "description": "Start something remote that takes minutes, and wait for its operation.",
        "versions": [__version__],
        "integrations": [*integrations, {"integration-name": "Operations", "tags": ["service"]}],
        "hooks": [_modules(title, f"{PACKAGE}.hooks.{name}") for name, _, title, _, _ in _TYPES],
        "operators": [_modules(title, f"{PACKAGE}.operators.{name}") for name, _, title, _, _ in _APIS],
        "sensors": [
            _modules("Operations", f"{PACKAGE}.sensors.operation"),
            *(_modules(title, f"{PACKAGE}.sensors.{name}") for name, _, title, _, _ in _APIS if name in _WITH_SENSORS),
        ],
        "triggers": [_modules("Operations", f"{PACKAGE}.triggers.operation", f"{PACKAGE}.triggers.events")],
        "connection-types": [
            {
                "connection-type": name,
                "hook-class-name": f"{PACKAGE}.hooks.{name}.{hook}",
                "hook-name": title,
                "ui-field-behaviour": ui_field_behaviour(name),
                "conn-fields": {**_COMMON_FIELDS, **fields},
            }
            for name, hook, title, _, fields in _TYPES
        ],
        "extra-links": [f"{PACKAGE}.links.OperationLink"],
        "task-decorators": [{"name": "operation", "class-name": f"{PACKAGE}.decorators.operation_task"}],
        "cli": [f"{PACKAGE}.cli.definition.get_commands"],
        "config": _CONFIG,
    }


def hook_class_name(conn_type: str) -> str | None:
    """Return the import path of the hook for a connection type, or ``None`` when it is not one of ours."""
    return next((f"{PACKAGE}.hooks.{name}.{hook}" for name, hook, *_ in _TYPES if name == conn_type), None)


def connection_types() -> tuple[str, ...]:
    """Return our connection types."""
    return tuple(name for name, *_ in _TYPES)


@cache
def typed_apis() -> tuple[str, ...]:
    """Return the APIs that have a connection type, a hook and operators of their own."""
    return tuple(name for name, *_ in _APIS)


def ui_field_behaviour(conn_type: str) -> dict[str, Any]:
    """Return which standard fields the connection form shows, and how."""
    base_url, title = next((url, title) for name, _, title, url, _ in _TYPES if name == conn_type)
    if conn_type == _DESCRIBED[0]:
        return {
            "hidden-fields": ["schema", "port", "extra"],
            "relabeling": {"host": "Base URL", "password": "API key or password"},
            "placeholders": {"host": "that of the spec", "login": "for HTTP basic authentication only"},
        }
    return {
        "hidden-fields": ["schema", "port", "login", "extra"],
        "relabeling": {"host": "Base URL", "password": "API key"},
        "placeholders": {"host": base_url, "password": f"{title} API key"},
    }


def _modules(title: str, *modules: str) -> dict[str, Any]:
    return {"integration-name": title, "python-modules": list(modules)}


# Airflow's form offers the examples of a text field as its options, so a field has some only where these are its usual
# values. Numbers are text here and are checked when the connection is used.
_COMMON_FIELDS: dict[str, Any] = {
    "verify": _field(
        "Verify TLS",
        "true, false, or the path of a CA file on the workers and triggerers. Default: true.",
        type=["string", "null"],
        examples=["true", "false"],
    ),
    "timeout": _field(
        "Request timeout (s)",
        "Seconds one HTTP request may take, from 0.1 to 600. Default: 30.",
        type=["string", "null"],
    ),
    "requests_per_second": _field(
        "Requests per second",
        "Budget of this connection in each process. Default: no limit of our own; Retry-After is always obeyed.",
        type=["string", "null"],
    ),
    "proxy": _field(
        "Proxy",
        "URL of an HTTP or SOCKS proxy, such as http://proxy.example.com:3128. Default: the environment's.",
        type=["string", "null"],
    ),
    "allow_http": _field(
        "Allow http://",
        "Send the key unencrypted to a host that is not this machine. Leave off.",
        type=["boolean", "null"],
        default=False,
    ),
}

_CONFIG: dict[str, Any] = {
    "operations": {
        "description": "Settings of the provider for long-running operations.",
        "options": {
            "event_hold": {
                "description": (
                    "Seconds after its deferral before which no trigger resumes a task. An event that comes sooner can "
                    "meet a race of Airflow's scheduler, which then fails the task although its operation succeeded. "
                    "``auto``: ``[workers] min_heartbeat_interval`` and 5 s more where the executor has the race "
                    "(LocalExecutor and KubernetesExecutor before Airflow 3.4, executors that are not known), else 0. "
                    "A number of seconds applies to all executors; 0 turns it off."
                ),
                "version_added": "0.2.0",
                "type": "string",
                "example": "18",
                "default": "auto",
            },
            "specs_folder": {
                "description": (
                    "Folder whose ``*.yaml`` files describe APIs for connections of type ``operations``. "
                    "Empty: ``$AIRFLOW_HOME/operations``."
                ),
                "version_added": "0.2.0",
                "type": "string",
                "example": "/opt/airflow/operations",
                "default": "",
            },
            "budget_url": {
                "description": (
                    "Redis in which all processes that use a connection share its ``requests_per_second``. Empty: each "
                    "process has the whole budget. Needs the extra ``redis`` of this package. A connection's extra "
                    "``budget_url`` goes first."
                ),
                "version_added": "0.2.0",
                "type": "string",
                "sensitive": True,
                "example": "redis://redis.example.com:6379/3",
                "default": "",
            },
            "budget_processes": {
                "description": (
                    "Processes that use one connection at the same time, at most: task processes and triggerers. "
                    "While Redis cannot be reached, each keeps to this part of the budget."
                ),
                "version_added": "0.2.0",
                "type": "integer",
                "example": "20",
                "default": "32",
            },
        },
    },
    "operations_view": {
        "description": "Settings of the tab Operation.",
        "options": {
            "live": {
                "description": (
                    "Whether the API server reads an open operation itself where its record is older than ten seconds. "
                    "Turn it off where API servers must not reach the remote API."
                ),
                "version_added": "0.1.0",
                "type": "boolean",
                "example": "False",
                "default": "True",
            },
        },
    },
}
