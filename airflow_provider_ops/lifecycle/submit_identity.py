"""Which task run, and which try of it, a submit belongs to."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_ops.apis.submits import SubmitCall
from airflow_provider_ops.core.clear_or_retry import Attempt
from airflow_provider_ops.core.identity import (
    NONCE,
    TaskRun,
    derived_nonce,
    key_prefix,
    possible_keys,
    start_digits,
    submission_key,
)
from airflow_provider_ops.core.submit_decision import AttemptContext, arguments_fingerprint, fingerprint
from airflow_provider_ops.lifecycle.options import AttemptOptions


def random_nonce(start: str = "") -> str:
    """Return a nonce that no other submit has.

    :param start: what it begins with, see :func:`start_digits`.
    """
    return (start + secrets.token_hex(NONCE))[:NONCE]


@dataclass(frozen=True, slots=True)
class SubmitIdentity:
    """Which task run this is, which try of it, and what it asks for.

    :param arguments: fingerprint of the user's arguments, ``fingerprint`` that of the request.
    :param start: what nonces begin with that were made up since the run began.
    :param derived_nonce: by generation, where a random one cannot be stored.
    :param most_generations: how many there may be where nothing is stored: a try begins one at most.
    :param earlier_key: by generation, what release 0.1.0 derived where nothing is stored.
    """

    run: TaskRun
    attempt: Attempt
    arguments: str
    fingerprint: str
    kill_policy_terminates: bool
    kill_policy: str = "leave"
    start: str = ""
    derived_nonce: Callable[[int], str] | None = None
    most_generations: int = 1
    earlier_key: Callable[[int], str] | None = None

    def attempt_context(self, api: str) -> AttemptContext:
        """Return what decides about the submit."""
        return AttemptContext(api, self.arguments, self.attempt, self.kill_policy_terminates)

    def nonce(self, generation: int) -> str:
        """Return the nonce of the next submit."""
        return self.derived_nonce(generation) if self.derived_nonce else random_nonce(self.start)

    def owns(self, key: str) -> bool:
        """Return whether a key is that of this task run in this Airflow, whatever became of its DAG meanwhile."""
        return self.run.owns(key) or self.run.began(key, self.start)

    def resembles(self, key: str) -> bool:
        """Return whether a key may be that of a task run with these ids, in this Airflow or another."""
        return self.run.resembles(key) or key in possible_keys(*self.run.coordinates)


def attempt_of(ti: Any, dag_run: Any, retries: int) -> Attempt:
    """Return what Airflow shows of this try.

    :param retries: of the task, as its DAG says now.
    """
    ti_id = getattr(ti, "id", None)
    clear_number = getattr(dag_run, "clear_number", None)
    return Attempt(None if ti_id is None else str(ti_id), ti.max_tries, clear_number, ti.try_number, retries)


def identify(
    options: AttemptOptions,
    ti: Any,
    dag_run: Any,
    submit: SubmitCall,
    *,
    stored: bool,
    kill_policy_terminates: bool,
) -> SubmitIdentity:
    """Return the identity of the submit of a task instance.

    :param dag_run: ``context["dag_run"]``.
    :param stored: whether a random nonce can be stored before the request leaves.
    """
    attempt, run, request = attempt_of(ti, dag_run, options.retries), _run_of(ti), submit.request
    asked = options.arguments() or {
        "method": request.method,
        "path": request.path,
        "query": dict(request.query),
        "json": request.json,
    }
    facts = SubmitIdentity(
        run,
        attempt,
        arguments_fingerprint(asked),
        fingerprint(request.method, request.path, request.query, request.json),
        kill_policy_terminates,
        options.kill_policy,
        start_digits(getattr(dag_run, "start_date", None)),
    )
    return facts if stored else _derived(facts, ti, dag_run, is_durable=options.durable)


def _derived(facts: SubmitIdentity, ti: Any, dag_run: Any, *, is_durable: bool) -> SubmitIdentity:
    """Return an identity whose keys every try of the task run finds again, or only this try unless it is durable."""
    began = getattr(dag_run, "start_date", None)
    alone = (facts.attempt.ti_id, ti.try_number)
    seed = (began, ti.max_tries, *(() if is_durable else alone))
    before = key_prefix(ti.max_tries, None)
    return replace(
        facts,
        derived_nonce=lambda generation: derived_nonce(*seed, generation),
        most_generations=ti.try_number if is_durable else 1,
        earlier_key=lambda generation: submission_key(*facts.run.coordinates, f"{before}{generation}"),
    )


def _run_of(ti: Any) -> TaskRun:
    def text(name: str) -> str | None:
        value = getattr(ti, name, None)
        return None if value is None else str(value)

    map_index = -1 if ti.map_index is None else ti.map_index
    region_index = getattr(ti, "region_index", None)
    return TaskRun(ti.dag_id, ti.run_id, ti.task_id, map_index, text("region_id"), region_index, text("dag_version_id"))
