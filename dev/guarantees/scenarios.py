"""The rows of the guarantees table, written once and made for each API and mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from dev.guarantees import acts, attempts, poison
from dev.guarantees.apis import APIS, ApiCase
from dev.guarantees.crash import Crash
from dev.guarantees.expected import (
    ADOPTED_OR_FINISHED,
    BOTH,
    ENDLESS,
    FINISHED,
    LONG,
    LONGER,
    SUCCEEDED,
    UNKNOWN,
    WITHIN_PAUSE,
    WORKER_LONG,
    D,
    S,
    after_clear,
    after_kill,
    found_out,
)
from dev.guarantees.model import Expect, Phase, Scenario

#: What CI runs: one row for each way to lose something.
QUICK: Final = frozenset(
    {
        *("before-submit", "answer-lost", "before-stored", "on-resume", "while-polling"),
        *("failed", "failed-delete"),
        *("odd-nul", "odd-surrogate", "odd-key", "odd-none"),
        *("cleared", "paused", "paused-over", "machine", "mismatch"),
    }
)

#: The same for APIs that a spec describes: what differs by API, since the rest is one code.
QUICK_DESCRIBED: Final = ("before-submit", "answer-held", "answer-lost", "failed", "failed-delete", "cleared")
#: Each of these APIs has one of them.
QUICK_PAUSED: Final = ("paused", "paused-over")


def is_quick(row: Scenario) -> bool:
    """Return whether CI runs a row."""
    if not row.api.is_described:
        return row.key in QUICK
    turn = sum(row.api.name.encode())
    if row.key in QUICK_PAUSED:
        return row.key == QUICK_PAUSED[turn % 2]
    if row.key not in QUICK_DESCRIBED:
        return False
    # two processes carry out kill policies, the worker's and the triggerer's; the rest is the same in both modes
    return row.key == "failed" or row.mode == BOTH[(turn + QUICK_DESCRIBED.index(row.key)) % 2]


Rows = Callable[[ApiCase], Iterator[Scenario]]


def submit_interrupted(api: ApiCase) -> Iterator[Scenario]:
    """Yield rows in which the worker dies between two instructions of the submit, or the network is cut."""
    intent, answer = Crash("HandleStore.save_intent", "leave"), Crash("SubmitRunner.record_handle")
    hang = {"fault": "hang", "seconds": 40, "execute": True, "count": 1}
    lost, cut = {"fault": "accept_then_drop", "count": 1}, {"fault": "reset", "count": 1}
    held: dict[str, Any] = {"rules": (hang,), "act": acts.worker_killed_once_created}
    for mode in BOTH:
        rows: list[tuple[str, str, bool, dict[str, Any]]] = [
            ("before-submit", "worker killed after the intent, before the request", False, {"crash": intent}),
            ("answer-held", "worker killed while the API, which has accepted, holds its answer back", True, held),
            ("answer-lost", "network cut after the API accepted, before its answer", True, {"rules": (lost,)}),
            ("request-lost", "network cut before the request arrives", False, {"rules": (cut,)}),
            ("before-stored", "worker killed after the answer, before the handle is stored", True, {"crash": answer}),
        ]
        for key, title, accepted, more in rows:
            yield Scenario(key, title, api, mode, found_out(api, key, accepted=accepted), **more)
        if api.finds == "no":
            yield Scenario(
                "lost-cleared",
                "network cut after the API accepted, nothing can be found out; cleared by the user",
                api,
                mode,
                Expect("(?i)the task was cleared since", created=2, settled="2 succeeded", tries=(2, 5)),
                rules=(lost,),
                act=acts.cleared_after_failure,
            )


def worker_dies(api: ApiCase) -> Iterator[Scenario]:
    """Yield rows in which the worker dies where nothing has to be reconciled."""
    joins = Expect(ADOPTED_OR_FINISHED, tries=(2, 3))
    for mode in BOTH:
        first, stored = Crash("HandleStore.save_intent"), Crash("HandleStore.save", "leave")
        fresh = Expect(SUCCEEDED, tries=(2, 3))
        yield Scenario("before-intent", "worker killed before anything is stored", api, mode, fresh, crash=first)
        yield Scenario("after-stored", "worker killed after the handle is stored", api, mode, joins, crash=stored)
    yield Scenario("before-defer", "worker killed right before it defers", api, D, joins, crash=Crash("Waiter._defer"))
    yield Scenario("on-resume", "worker killed on resume", api, D, joins, crash=Crash("TaskAttempt._resume"))
    result = Crash("ResultBuilder.result", "leave")
    yield Scenario("after-result", "worker killed with the result in hand", api, D, joins, crash=result)
    joined: dict[str, Any] = {"expect": joins, "rules": WORKER_LONG, "api": api, "mode": S}
    polling, stopped = acts.worker_killed_while_waiting, acts.worker_restarted
    yield Scenario("while-polling", "worker killed while polling", act=polling, **joined)
    yield Scenario("rolling-restart", "worker asked to stop (SIGTERM), killed 4 s later", act=stopped, **joined)


def user_acts(api: ApiCase) -> Iterator[Scenario]:
    """Yield rows in which a user, or Airflow in the user's name, ends the wait."""
    cancelled, deleted = after_kill(api, "cancel"), after_kill(api, "delete")
    left = Expect("waiting until", state="failed", tries=(1, 1))
    failed, success = acts.marked("failed"), acts.marked("success")
    for mode in BOTH:
        where: dict[str, Any] = {"api": api, "mode": mode, "rules": LONG if mode == D else WORKER_LONG}
        good = replace(cancelled, state="success")
        yield Scenario("failed", "marked failed, on_kill=cancel", expect=cancelled, act=failed, **where)
        yield Scenario("success", "marked success, on_kill=cancel", expect=good, act=success, **where)
        where["variant"] = "delete"
        yield Scenario("failed-delete", "marked failed, on_kill=delete", expect=deleted, act=failed, **where)
        yield Scenario(
            "cleared-delete", "cleared, on_kill=delete", expect=after_clear(api, "delete"), act=acts.cleared, **where
        )
        where["variant"] = "leave"
        yield Scenario("failed-leave", "marked failed, on_kill=leave", expect=left, act=failed, **where)
        where["variant"] = "plain"
        yield Scenario(
            "cleared", "cleared, on_kill=cancel", expect=after_clear(api, "cancel"), act=acts.cleared, **where
        )
        where |= {"variant": "run_timeout", "rules": LONGER}
        skipped = replace(deleted, state="skipped", settled=deleted.settled.replace("succeeded", "(running|succeeded)"))
        yield Scenario("run-timeout", "DAG run timeout, on_kill=delete", expect=skipped, **where)
        if api.ending is not None:
            yield from _slow_endings(api, mode)


def _slow_endings(api: ApiCase, mode: str) -> Iterator[Scenario]:
    method, route = api.ending or ("", "")
    policy = "cancel" if api.can_cancel else "delete"
    slow = {"fault": "trickle", "seconds": 4, "method": method, "route": route}
    refused = {"fault": "status", "status": 409, "count": 2, "method": method, "route": route}
    where: dict[str, Any] = {"api": api, "mode": mode, "variant": "delete" if policy == "delete" else "plain"}
    done = after_kill(api, policy)
    title = f"marked failed, on_kill={policy}"
    yield Scenario(
        "slow", f"{title}, the API takes 4 s", expect=done, rules=(*LONG, slow), act=acts.marked("failed"), **where
    )
    if policy == "delete" and mode == D:
        expect = replace(done, endings=(3, 10))
        yield Scenario(
            "not-yet",
            f"{title}, refused twice at first",
            expect=expect,
            rules=(*LONG, refused),
            act=acts.marked("failed"),
            **where,
        )


def time_passes(api: ApiCase) -> Iterator[Scenario]:
    """Yield rows in which a deadline passes."""
    left = Expect(r"(?i)operation \S+ .*continues remotely", settled="1 running", state="failed", tries=(1, 1))
    gone = replace(left, sentence="(?i)is being deleted", settled="1 cancelled", endings=(1, 13))
    for mode in BOTH:
        where: dict[str, Any] = {"api": api, "mode": mode, "rules": ENDLESS}
        yield Scenario("no-time", "wait timeout, on_timeout=leave", expect=left, variant="no_time", **where)
        yield Scenario("execution-timeout", "execution_timeout", expect=left, variant="execution_timeout", **where)
        if api.can_delete:
            title = "wait timeout, on_timeout=delete"
            yield Scenario("no-time-delete", title, expect=gone, variant="no_time_delete", **where)
    again = Expect("because TaskDeferralTimeout")
    act = acts.time_is_up_in_airflow
    yield Scenario("backstop", "Airflow's own deferral timeout strikes", api, D, again, rules=WORKER_LONG, act=act)


def without_store(api: ApiCase) -> Iterator[Scenario]:
    """Yield rows in which the answer cannot be stored, since the API server is away; its try continues if it may."""
    title = f"API server killed before the handle is stored, started again {acts.AWAY_SECONDS:.0f} s later"
    expect = Expect(f"{ADOPTED_OR_FINISHED}|found operation", or_else=SUCCEEDED, tries=(1, 6))
    if api.finds == "no":
        expect = replace(expect, or_else=UNKNOWN, state="success|failed")
    hold = Crash("HandleStore.save", do="hold")
    for mode in BOTH:
        yield Scenario("no-store", title, api, mode, expect, variant="patient", rules=LONG, crash=hold)


def poisoned(api: ApiCase) -> Iterator[Scenario]:
    """Yield rows with answers that Airflow cannot store; beside them one with ordinary answers."""
    good = Expect(SUCCEEDED, tries=(1, 1))
    # Nirvana gives no reasons
    bad = Expect("no room|gives no reason", settled="1 failed", state="failed", tries=(1, 1))
    for mode in BOTH:
        for key, (title, rules) in poison.TOLERATED.items():
            yield Scenario(f"odd-{key}", title, api, mode, good, rules=rules)
        title = "all of it in the reason of a failure"
        yield Scenario("odd-reason", title, api, mode, bad, rules=poison.FAILURE, variant="once")
        yield Scenario("odd-none", "a bystander: ordinary answers", api, mode, good)


def disturbed(key: str, title: str, expect: Expect, *modes: str, **more: Any) -> Rows:
    """Return the rows of a phase that disturbs the stack; a kill by mistake would delete what they made."""

    def make(api: ApiCase) -> Iterator[Scenario]:
        for mode in modes:
            yield Scenario(key, title, api, mode, expect, **{"rules": LONG, "variant": "delete", **more})

    return make


def phases(apis: tuple[ApiCase, ...] = APIS) -> list[Phase]:
    """Return all phases for the APIs that the provider has."""
    there = [api for api in apis if api.is_there]

    def rows(*makers: Rows) -> tuple[Scenario, ...]:
        made = (scenario for api in there for make in makers for scenario in make(api))
        return tuple(scenario for scenario in made if scenario.api.has_all_rows or is_quick(scenario))

    untouched = Expect(SUCCEEDED, tries=(1, 1))
    # Airflow did call on_kill, and the trigger found out that no user was behind it
    spared = replace(untouched, sentence="the task continues without this trigger, nothing is cancelled here")
    finished = replace(untouched, sentence="is over already .*: nothing is cancelled or deleted", or_else=SUCCEEDED)
    paused = "triggerer stopped for 60 s and continued, another took over"
    perhaps_retried = Expect(ADOPTED_OR_FINISHED, or_else=SUCCEEDED)
    retried = Expect(ADOPTED_OR_FINISHED, tries=(2, 3))
    hold_defer = Crash("Waiter._defer", do="hold")
    return [
        # First, while there is only one triggerer: if it dies of an answer, the run ends with that.
        Phase("answers that cannot be kept", rows(poisoned), disturb=acts.triggerer_lives, two_triggerers=False),
        # Likewise: it then has all the waits, and another one has to be started.
        Phase(
            "the triggerer is paused for a minute",
            rows(
                disturbed("paused", paused, spared, D, rules=LONGER, variant="plain"),
                disturbed("paused-over", f"{paused} and finished", finished, D, rules=WITHIN_PAUSE),
            ),
            disturb=acts.triggerer_paused,
            needs_postgres=True,
            two_triggerers=False,
        ),
        Phase(
            "workers die, users act, time passes",
            # those that take longest first
            rows(
                attempts.superseded,
                attempts.owing,
                submit_interrupted,
                worker_dies,
                attempts.killed,
                user_acts,
                time_passes,
            ),
        ),
        Phase(
            "each of two triggerers dies",
            rows(
                disturbed("one-killed", "one of two triggerers killed, then the other", untouched, D, rules=WORKER_LONG)
            ),
            disturb=acts.each_triggerer_killed,
            needs_postgres=True,
        ),
        Phase(
            "all triggerers die",
            rows(disturbed("all-killed", "all triggerers killed, started again", untouched, D)),
            disturb=acts.triggerers_killed,
        ),
        Phase(
            "rolling restart of the triggerers",
            rows(disturbed("restarted", "all triggerers restarted (SIGTERM)", untouched, D)),
            disturb=acts.triggerers_restarted,
        ),
        Phase(
            "the scheduler dies",
            rows(disturbed("scheduler", "scheduler killed, its workers continue", perhaps_retried, *BOTH)),
            disturb=acts.scheduler_killed,
        ),
        Phase(
            "scheduler and workers die",
            rows(disturbed("machine", "scheduler killed with all workers", perhaps_retried, *BOTH)),
            disturb=acts.machine_lost,
        ),
        Phase(
            "the API server dies",
            rows(without_store),
            disturb=acts.api_server_away,
        ),
        Phase(
            "the scheduler stalls",
            rows(
                disturbed(
                    "mismatch",
                    "failed by the scheduler's stale-success race",
                    replace(retried, sentence=FINISHED),
                    D,
                    crash=hold_defer,
                    rules=(),
                )
            ),
            disturb=acts.stale_success,
        ),
    ]
