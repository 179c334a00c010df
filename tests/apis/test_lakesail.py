"""LakeSail's workloads, lists and errors: words, all shapes of answers, paging, what can be found out."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis import lakesail
from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.apis.lakesail import models, operations, workloads
from airflow_provider_ops.apis.submits import Intent, SubmitCall
from airflow_provider_ops.exceptions import CancelNotSupported, InvalidArgument, NotFound, TransportError
from airflow_provider_ops.operation import OperationState
from tests.apis.answers import answer, dated, drive, pages, sent_just_now
from tests.apis.test_lakesail_operations import OPERATION

if TYPE_CHECKING:
    from collections.abc import Callable

API = lakesail.API
SINCE = datetime(2026, 1, 5, 10, tzinfo=timezone.utc)


class TestWorkloads:
    @pytest.mark.parametrize(
        ("kind", "status", "expected"),
        [
            ("session", "pending", "pending"),
            ("session", "active", "succeeded"),
            ("session", "idle", "succeeded"),
            ("session", "closed", "cancelled"),
            ("session", "failed", "failed"),
            ("session", "hibernating", "unknown"),
            ("session", None, "unknown"),
            ("closed_session", "active", "running"),
            ("closed_session", "closed", "succeeded"),
            ("closed_session", "failed", "failed"),
            ("notebook", "starting", "running"),
            ("notebook", "running", "succeeded"),
            ("notebook", "stopped", "cancelled"),
            ("notebook", "failed", "failed"),
            ("notebook", "napping", "unknown"),
            ("job_run", "pending", "pending"),
            ("job_run", "ready", "pending"),
            ("job_run", "running", "running"),
            ("job_run", "active", "running"),
            ("job_run", "completed", "succeeded"),
            ("job_run", "failed", "failed"),
            ("job_run", "cancelled", "cancelled"),
            ("job_run", "napping", "unknown"),
        ],
    )
    def test_words(self, kind: str, status: str | None, expected: str) -> None:
        bare = "J1.R1" if kind == "job_run" else "A1"
        call = API.get_operation(f"{kind}:{bare}")
        operation = call.parse(answer({"id": bare[-2:], "status": status}))
        assert (operation.id, operation.kind, operation.state) == (f"{kind}:{bare}", kind, expected)
        assert operation.resource_id == bare[-2:]

    @pytest.mark.parametrize(
        ("reference", "path"),
        [
            ("session:A1", "/workloads/sessions/A1"),
            ("closed_session:A1", "/workloads/sessions/A1"),
            ("notebook:A1", "/workloads/notebooks/A1"),
            ("job_run:J1.R1", "/workloads/jobs/J1/runs/R1"),
            ("A1", "/operations/A1"),
        ],
    )
    def test_references_are_read_where_they_lead(self, reference: str, path: str) -> None:
        assert API.get_operation(API.validate_operation_id(reference)).request.path == path

    @pytest.mark.parametrize("reference", ["job_run:R1", "job_run:.R1", "cluster:A1", "session:", "a/b"])
    def test_references_that_lead_nowhere_are_refused(self, reference: str) -> None:
        with pytest.raises(InvalidArgument):
            API.validate_operation_id(reference)

    @pytest.mark.parametrize(
        "body",
        [
            {"id": "A1", "status": "active"},
            {"session": {"id": "A1", "status": "active"}},
            {"items": [{"id": "A1"}], "included": {"sessions": [{"id": "A1", "status": "active"}, {"id": "B2"}]}},
        ],
    )
    def test_single_answers_are_read_in_every_shape(self, body: Any) -> None:
        assert API.get_operation("session:A1").parse(answer(body)).raw_state == "active"
        assert lakesail.get_session("A1").parse(answer(body)).status == "active"

    def test_why_a_workload_ended_is_told(self) -> None:
        body = {"id": "A1", "status": "closed", "statusMessage": "idle", "terminationReason": "idle timeout"}
        operation = API.get_operation("session:A1").parse(answer(body))
        assert str(operation.error) == "idle: idle timeout"

    def test_closing_is_over_with_its_answer(self) -> None:
        body: Any
        for body in (None, {"id": "S1"}, {"id": "S1", "status": "closed"}, []):
            found = lakesail.close_session("S1").parse(answer(body))
            assert found.operation is not None
            assert found.operation.state is OperationState.SUCCEEDED

    def test_a_created_workload_without_id_is_unreadable(self) -> None:
        for body in (None, {}, {"id": None}, {"name": "a"}):
            with pytest.raises(TransportError):
                lakesail.create_session({}).parse(answer(body))

    def test_a_known_id_survives_an_unreadable_status(self) -> None:
        found = lakesail.create_session({}).parse(answer({"id": "S1", "status": 5}))
        assert (found.operation_id, found.operation) == ("session:S1", None)

    @pytest.mark.parametrize(
        ("build", "names"),
        [
            (lambda: lakesail.close_session("a1"), "session_id"),
            (lambda: lakesail.start_notebook("A" * 21), "notebook_id"),
            (lambda: lakesail.create_job_run("J/1"), "job_id"),
            (lambda: lakesail.ready_job_run("J1", ""), "job_run_id"),
            (lambda: lakesail.create_session({"name": ""}), "name"),
            (lambda: lakesail.create_session({"name": "n" * 256}), "name"),
            (lambda: lakesail.create_session({"description": "d" * 1024}), "description"),
        ],
    )
    def test_what_the_sheet_bounds_is_checked(self, build: Callable[[], Any], names: str) -> None:
        with pytest.raises(InvalidArgument, match=names):
            build()

    def test_there_is_no_cancel(self) -> None:
        with pytest.raises(CancelNotSupported):
            API.cancel_operation("session:S1")


def find(sent: SubmitCall, *answers: Response | Exception) -> list[Any]:
    flow = API.find_submitted(Intent(sent, "key", sent_just_now, is_exact=True))
    assert flow is not None
    return list(drive(flow, *answers))


class TestFind:
    def test_a_named_session(self) -> None:
        sessions = [
            {"id": "S1", "name": "mine", "status": "pending"},
            {"id": "S2", "name": "mine", "status": "closed"},
            {"id": "S3", "name": "other", "status": "active"},
            {"id": "S4", "name": "mine", "status": "active", "createdAt": "2026-01-05T09:00:00Z"},
        ]
        shown = {"items": [{"id": one["id"]} for one in sessions], "included": {"sessions": sessions}}
        listed = answer(shown, date=dated(SINCE))
        assert [one.operation_id for one in find(lakesail.create_session({"name": "mine"}), listed)] == ["session:S1"]
        assert find(lakesail.create_session({"name": "nobody's"}), listed) == []

    @pytest.mark.parametrize("body", [None, {}, {"teamId": "T1"}])
    def test_a_session_without_name_cannot_be_found(self, body: Any) -> None:
        assert API.find_submitted(Intent(lakesail.create_session(body), "key")) is None

    def test_a_run_cannot_be_found(self) -> None:
        assert API.find_submitted(Intent(lakesail.create_job_run("J1"), "key")) is None

    @pytest.mark.parametrize(
        ("sent", "before", "after", "reference"),
        [
            (lakesail.close_session("S1"), "idle", "closed", "closed_session:S1"),
            (lakesail.start_notebook("N1"), "stopped", "starting", "notebook:N1"),
            (lakesail.ready_job_run("J1", "R1"), "pending", "running", "job_run:J1.R1"),
        ],
    )
    def test_a_change_shows_on_what_is_changed(self, sent: SubmitCall, before: str, after: str, reference: str) -> None:
        assert find(sent, answer({"id": "X", "status": before})) == []
        (found,) = find(sent, answer({"id": "X", "status": after}))
        assert (found.operation_id, found.operation.raw_state) == (reference, after)

    def test_a_session_that_is_gone_is_closed(self) -> None:
        gone = NotFound(404, None, "gone")
        (found,) = find(lakesail.close_session("S1"), gone)
        assert found.operation.state is OperationState.SUCCEEDED
        with pytest.raises(NotFound):
            find(lakesail.start_notebook("N1"), gone)


class TestLists:
    def test_clusters_come_in_numbered_pages_and_joined(self) -> None:
        item = {"id": "W5", "externalClusterId": "P2", "connectionId": "C3"}
        included = {
            "clusters": [{"id": "W5", "name": "analytics", "externalStatus": "x", "operationId": "K4"}],
            "connections": [{"id": "C3", "name": "main", "providerConfig": {"accountId": "1"}}],
        }
        first = answer({"total": 101, "items": [item] * 100, "included": included})
        last = answer({"total": 101, "items": [{"id": "W6", "connectionId": "C9"}], "included": {}})
        found, queries = pages(lakesail.list_clusters(), first, last)
        assert queries == [{"limit": 100, "page": 1}, {"limit": 100, "page": 2}]
        assert len(found) == 101
        assert (found[0].name, found[0].external_cluster_id, found[0].operation_id) == ("analytics", "P2", "K4")
        assert found[0].connection.provider_config.account_id == "1"
        assert (found[-1].id, found[-1].name, found[-1].connection) == ("W6", None, None)

    def test_markers_are_followed_to_the_end(self) -> None:
        found, queries = pages(
            lakesail.list_networks(),
            answer({"items": [{"id": "N1"}], "marker": "m1"}),
            answer({"items": [], "marker": "m2"}),
            answer({"items": [{"id": "N2"}], "marker": ""}),
        )
        assert [one.id for one in found] == ["N1", "N2"]
        assert queries == [{"limit": 100}, {"limit": 100, "marker": "m1"}, {"limit": 100, "marker": "m2"}]

    def test_a_marker_that_does_not_move_ends_the_list(self) -> None:
        same = answer({"items": [{"id": "N1"}], "marker": "m"})
        assert len(pages(lakesail.list_networks(), same, same)[0]) == 2

    def test_sessions_have_their_filters(self) -> None:
        paged = lakesail.list_sessions(team_id="T1", endpoint_type="spark_connect", status="idle")
        items = [{"id": "S1", "computeInstanceId": "I1"}]
        sessions = [{"id": "S1", "status": "idle", "connectionInfo": {"grpcEndpoint": "h:443"}}]
        (found,), queries = pages(
            paged, answer({"items": items, "included": {"sessions": sessions}}, date=dated(SINCE))
        )
        assert queries == [{"teamId": "T1", "endpoint_type": "spark_connect", "status": "idle", "limit": 100}]
        assert (found.compute_instance_id, found.connection_info.grpc_endpoint) == ("I1", "h:443")

    def test_jobs_are_joined_by_their_own_reference(self) -> None:
        body = {
            "items": [{"jobId": "J1", "latestJobRunId": "R1", "teamIds": ["T1"]}],
            "included": {"jobs": [{"id": "J1", "jobKey": "daily", "version": 3}]},
        }
        (job,), _ = pages(lakesail.list_jobs(), answer(body))
        assert (job.id, job.job_key, job.version, job.latest_job_run_id, job.team_ids) == (
            "J1",
            "daily",
            3,
            "R1",
            ["T1"],
        )

    def test_bare_ids_are_references_too(self) -> None:
        body = {"items": ["N1", "N2"], "included": {"notebooks": [{"id": "N1", "status": "running"}]}}
        found, _ = pages(lakesail.list_notebooks(), answer(body))
        assert [(one.id, one.status) for one in found] == [("N1", "running"), ("N2", None)]

    def test_operations_that_connections_include(self) -> None:
        body = {"items": [{"id": "C3", "status": "active"}], "included": {"operations": [OPERATION]}}
        (operation,), _ = pages(lakesail.list_connection_operations(), answer(body))
        assert operation == operations.to_operation(OPERATION)
        (connection,), _ = pages(lakesail.list_connections(), answer(body))
        assert connection.status == "active"


class TestReadResource:
    @pytest.mark.parametrize(
        ("resource_type", "body"),
        [
            ("Cluster", {"items": [{"id": "W5"}], "included": {"clusters": [{"id": "W5", "name": "a"}]}}),
            ("infra_network", {"items": [{"id": "W4"}, {"id": "W5", "name": "a"}]}),
            ("CONNECTION", {"items": [{"id": "W5", "name": "a"}]}),
        ],
    )
    def test_is_looked_up_in_its_list(self, resource_type: str, body: Any) -> None:
        operation = operations.to_operation({"id": "K4", "resourceType": resource_type, "resourceId": "W5"})
        assert drive(API.read_resource(operation), answer(body))["name"] == "a"
        assert drive(API.read_resource(operation), answer({"items": []})) is None

    @pytest.mark.parametrize(
        "fields", [{}, {"resourceType": "cluster"}, {"resourceType": "catalog", "resourceId": "X"}]
    )
    def test_what_no_list_shows_is_not_read(self, fields: Any) -> None:
        assert drive(API.read_resource(operations.to_operation({"id": "K4", **fields}))) is None

    def test_a_workload_is_what_was_last_seen_or_read_again(self) -> None:
        data = {"id": "R1", "status": "completed"}
        seen = workloads.as_operation("job_run", "J1.R1", data)
        assert drive(API.read_resource(seen)) == data
        from_event = type(seen).from_dict(seen.to_dict())
        assert drive(API.read_resource(from_event), answer(data)) == data
        with pytest.raises(NotFound):
            drive(API.read_resource(from_event), NotFound(404, None, "gone"))

    def test_only_a_session_can_be_deleted(self) -> None:
        flow = API.delete_resource("session", "S1")
        assert flow is not None
        assert drive(flow, answer(None)).operation_id == "closed_session:S1"
        for other in ("cluster", "network", "notebook", "job_run", ""):
            assert API.delete_resource(other, "W5") is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"code": "NO", "message": "no", "errorType": "t", "details": {}}', ("NO", "no")),
        (b'{"message": "no"}', (None, "no")),
        (b'{"error": {"code": "NO", "message": "no"}}', ("NO", "no")),
        (b'{"error": "no"}', (None, "no")),
        (b'{"error": null}', (None, '{"error": null}')),
        (b"<html>bad gateway</html>", (None, "<html>bad gateway</html>")),
        (b"[]", (None, "[]")),
        (b"null", (None, "null")),
        (b"", (None, "(no message)")),
    ],
)
def test_any_error_body_survives(body: bytes, expected: tuple[str | None, str]) -> None:
    error = API.error(Response(500, {}, body))
    assert (error.code, error.message) == expected


def test_the_key_is_a_bearer_token() -> None:
    assert API.authenticate("k") == {"Authorization": "Bearer k"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00+00:00"),
        ("2026-01-05T10:00:00.5Z", "2026-01-05T10:00:00.500000+00:00"),
        ("2026-01-05T10:00:00.123456789+02:00", "2026-01-05T08:00:00.123456+00:00"),
        ("2026-01-05 10:00:00", "2026-01-05T10:00:00+00:00"),
        ("yesterday", None),
        ("", None),
        (1767607200, None),
        ({}, None),
    ],
)
def test_times_are_read_leniently(text: Any, expected: str | None) -> None:
    time = models.read_time(text)
    assert (time and time.isoformat()) == expected
