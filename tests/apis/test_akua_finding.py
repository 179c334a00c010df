"""What an unanswered submit of Akua has started, and how it is found."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ops.apis.akua import (
    API,
    clusters,
    installs,
    workspaces,
)
from airflow_provider_ops.apis.submits import Intent, SubmitCall
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
)
from tests.apis.akua_calls import running, started
from tests.apis.answers import drive, sent_just_now
from tests.apis.test_akua import listed


def found(submit: SubmitCall, *rows: Any) -> list[str]:
    flow = API.find_submitted(Intent(submit, "our-key", sent_just_now, is_exact=True))
    assert flow is not None
    return [match.operation_id for match in drive(flow, listed(*rows))]


def test_a_create_is_found_by_its_key_alone() -> None:
    submit = started(installs.create_package, name="p", sources=[{"kind": "hosted"}])
    ours = running("package.create", "package", "pkg_1", metadata={"idempotency_key": "our-key"})
    theirs = running("package.create", "package", "pkg_2", "op_2", metadata={"idempotency_key": "other"})
    nobodys = running("package.create", "package", "pkg_3", "op_3")
    assert found(submit, theirs, ours, nobodys) == ["op_a1"]


def test_what_does_not_tell_who_asked_is_not_guessed() -> None:
    for submit in (
        started(clusters.create_cluster, name="c", region_id="r"),
        started(clusters.create_machine, cluster_id="c", instance_type="m"),
        started(installs.update_install, "inst_a1", "pkv_a1"),
    ):
        assert API.find_submitted(Intent(submit, "our-key")) is None


def test_a_change_is_found_by_what_it_acts_on() -> None:
    submit = started(clusters.suspend_machine, "mch_a1")
    ours = running("machine.suspend", "machine", "mch_a1", metadata={"machine_id": "mch_a1"})
    old = {**ours, "id": "op_2", "started_at": 1786000000 - 600}
    other = running("machine.resume", "machine", "mch_a1", "op_3")
    assert found(submit, other, ours, old) == ["op_a1"]
    assert found(submit, {**ours, "metadata": {"type": "machine.suspend", "machine_id": "mch_b2"}}) == []


def test_two_deletions_of_one_thing_are_one() -> None:
    submit = started(workspaces.delete_custom_domain, "ws_a1", "cdm_a1")
    facts = {"custom_domain_id": "cdm_a1", "idempotency_key": "other"}
    assert found(submit, running("custom_domain.delete", "workspace", "ws_a1", metadata=facts)) == ["op_a1"]
    other = {**facts, "custom_domain_id": "cdm_b2"}
    assert found(submit, running("custom_domain.delete", "workspace", "ws_a1", metadata=other)) == []
    update = started(workspaces.update_custom_domain, "ws_a1", "cdm_a1", protocol="grpc")
    assert found(update, running("custom_domain.update", "workspace", "ws_a1", metadata=facts)) == []


def test_a_call_without_a_key_is_found_by_a_type_that_no_other_call_has() -> None:
    submit = started(workspaces.change_tier, "ws_a1", "pro")
    tier = running("workspace.subscription.tier_changed", "workspace", "ws_a1", metadata={"tier": "pro"})
    assert found(submit, tier) == ["op_a1"]
    others = [
        running("workspace.delete", "workspace", "ws_a1", "op_2"),
        running("workspace.subscription.reactivate", "workspace", "ws_a1", "op_3"),
        running("workspace.subscription.change_tier", "workspace", "ws_a1", "op_4", metadata={"tier": "free"}),
    ]
    assert found(submit, *others) == []
    assert found(started(workspaces.reactivate_subscription, "ws_a1"), *others) == ["op_3"]


def test_the_one_documented_type_for_all_changes_of_a_subscription_is_not_guessed_at() -> None:
    theirs = running("workspace.subscription.cancel", "workspace", "ws_a1", "op_2")
    for submit in (
        started(workspaces.change_tier, "ws_a1", "pro"),
        started(workspaces.reactivate_subscription, "ws_a1"),
    ):
        with pytest.raises(AmbiguousSubmission, match="op_2") as caught:
            found(submit, theirs)
        assert caught.value.candidates == ("operation op_2",)


def test_the_search_ends_with_the_first_that_is_too_old() -> None:
    submit = started(clusters.suspend_cluster, "clu_a1")
    old = running("cluster.suspend", "cluster", "clu_a1", started_at=1786000000 - 600)
    flow = API.find_submitted(Intent(submit, "our-key", sent_just_now, is_exact=True))
    assert flow is not None
    assert drive(flow, listed(old, cursor="more")) == []
