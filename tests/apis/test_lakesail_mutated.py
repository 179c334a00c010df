"""Whatever LakeSail answers: there is a value, or it is said that there is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.apis import lakesail
from airflow_provider_ops.apis.calls import Paged
from airflow_provider_ops.apis.lakesail import models
from airflow_provider_ops.apis.wire_models import read
from tests.apis.answers import answer, mutated, value_or_unreadable
from tests.apis.test_lakesail_operations import API, OPERATION, submit

# Mutated answers: every model gives a value or says that it cannot be read.

SAMPLES: dict[type[models.Camel], dict[str, Any]] = {
    models.Connection: {"id": "C3", "providerConfig": {"accountId": "1", "region": "r"}, "status": "active"},
    models.Cluster: {
        "id": "W5",
        "name": "a",
        "operationId": "K4",
        "connection": {"id": "C3"},
        "createdAt": "2026-01-05",
    },
    models.ProviderNetwork: {"vpcId": "vpc-1", "azCount": 3, "tags": {"a": "b"}},
    models.Network: {"id": "N1", "config": {"cidr": "10.0.0.0/16"}, "iacState": {"stackName": "s"}, "iacOutputs": {}},
    models.Session: {
        "id": "S1",
        "status": "active",
        "connectionInfo": {"grpcEndpoint": "h"},
        "idleSince": "2026-01-05",
    },
    models.Notebook: {"id": "N1", "status": "running", "idleTimeoutSeconds": 3600, "sessionId": "S1"},
    models.Job: {"id": "J1", "version": 1, "config": {"sql": {"source": "s"}}, "teamIds": ["T1"]},
    models.JobRun: {"id": "R1", "status": "completed", "completedAt": "2026-01-05T10:00:00Z"},
    models.Permission: {"relation": "owner", "validObjectTypes": [["team"]], "systemOnly": True},
    models.IdentityProviderType: {"id": "P1", "capabilities": {"dcr": {"supported": True}}},
}


@pytest.mark.parametrize("model", SAMPLES)
@given(data=st.data())
def test_mutated_models(model: type[models.Camel], data: st.DataObject) -> None:
    value_or_unreadable(lambda: read(model, data.draw(mutated(SAMPLES[model]))))


@given(body=mutated(OPERATION))
def test_mutated_operations(body: Any) -> None:
    value_or_unreadable(lambda: API.get_operation("K4").parse(answer(body)))
    value_or_unreadable(lambda: submit().parse(answer(body)))
    value_or_unreadable(lambda: submit().parse(answer({"operation": body})))


LIST = {
    "total": 1,
    "marker": "m",
    "items": [{"id": "A1", "jobId": "A1", "connectionId": "C3", "status": "active"}],
    "included": {
        name: [{"id": "A1", "status": "active"}]
        for name in ("clusters", "connections", "sessions", "notebooks", "jobs", "jobRuns", "operations")
    },
}
READS: list[Paged[Any]] = [
    lakesail.list_clusters(),
    lakesail.list_networks(),
    lakesail.list_connections(),
    lakesail.list_connection_operations(),
    lakesail.list_provider_networks("C3"),
    lakesail.list_sessions(),
    lakesail.list_notebooks(),
    lakesail.list_jobs(),
    lakesail.list_my_jobs(),
    lakesail.list_job_runs("J1"),
    lakesail.list_my_job_runs(),
    lakesail.list_permissions(),
    lakesail.list_identity_provider_types(),
]


@given(body=mutated(LIST))
def test_mutated_lists(body: Any) -> None:
    for paged in READS:
        value_or_unreadable(lambda paged=paged: paged.first.parse(answer(body)))  # type: ignore[misc]
    value_or_unreadable(lambda: API.check().parse(answer(body)))


WRAPPED = {"id": "A1", "status": "active", "session": {"id": "A1"}, "included": {"sessions": [{"id": "A1"}]}}


@given(body=mutated(WRAPPED))
def test_mutated_workloads(body: Any) -> None:
    for reference in ("session:A1", "closed_session:A1", "notebook:A1", "job_run:J1.A1"):
        value_or_unreadable(lambda reference=reference: API.get_operation(reference).parse(answer(body)))  # type: ignore[misc]
    for sent in (lakesail.create_session(), lakesail.close_session("S1"), lakesail.create_job_run("J1")):
        value_or_unreadable(lambda sent=sent: sent.parse(answer(body)))  # type: ignore[misc]
