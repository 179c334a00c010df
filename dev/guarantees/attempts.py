"""Rows in which an attempt is killed at a held point, is superseded, or dies while it owes a policy.

Each kind is made for each API in one of the modes, in turn, so that any two of kind, API and mode meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from dev.guarantees import acts
from dev.guarantees.apis import APIS, ApiCase
from dev.guarantees.crash import Crash
from dev.guarantees.expected import ADOPTED_OR_FINISHED, LONG, SEARCHING, WORKER_LONG, D, S, after_kill, found_out
from dev.guarantees.model import Expect, Scenario

_HANGS: Final = {"fault": "hang", "seconds": 40}
_AWAY: Final = {"fault": "status", "status": 503}


def _mode(api: ApiCase, kind: int) -> str:
    turn = APIS.index(api) if api in APIS else 0
    return (D, S)[(turn + kind) % 2]


def killed(api: ApiCase) -> Iterator[Scenario]:
    """Yield rows in which a user marks the task failed while its worker is held, or while no read is answered."""
    policy, variant = ("cancel", "plain") if api.can_cancel else ("delete", "delete")
    ended = after_kill(api, policy)
    title = f"on_kill={policy}, marked failed while"
    there = acts.marked_failed_there(1)
    # lists know no name, so that no rule for one run applies to them
    reads = {"method": "GET", "route": api.reads}
    held: dict[str, Any] = {"api": api, "variant": variant, "rules": LONG, "act": there}

    def slow(key: str, place: str, during: str, kind: int, expect: Expect, **more: Any) -> Scenario:
        crash = Crash(place, do="slow")
        return Scenario(key, f"{title} {during}", mode=_mode(api, kind), expect=expect, crash=crash, **{**held, **more})

    yield slow("held-store", "HandleStore.save", "the store takes the handle", 0, ended)
    yield Scenario(
        "held-read",
        f"{title} a retry waits for the read of what it is about to adopt",
        mode=_mode(api, 1),
        expect=replace(ended, tries=(2, 2)),
        crash=Crash("HandleStore.save", "leave", "die"),
        again=Crash("sender.read_operation", do="note"),
        **{**held, "rules": (*WORKER_LONG, {**reads, **_HANGS, "count": 1}), "act": acts.marked_failed_there(2)},
    )
    nothing = Expect("nothing was sent", created=0, settled="none", state="failed", tries=(1, 1))
    yield slow("sent-after-kill", "Sender.send_first", "the request is about to leave", 1, nothing)
    if api.finds == "search":
        lost = {"fault": "accept_then_drop", "count": 1}
        searched = "what a lost answer started is searched"
        yield slow("held-search", "SubmitRunner.search", searched, 0, ended, rules=(*LONG, lost))
    if api.ending is not None:
        mode = _mode(api, 0)
        unread = (*LONG, {**reads, **(_AWAY if mode == D else _HANGS)})
        failed = acts.marked("failed")
        yield Scenario(
            "unread",
            f"{title} no read is answered",
            expect=ended,
            mode=mode,
            **{**held, "rules": unread, "act": failed},
        )


def superseded(api: ApiCase) -> Iterator[Scenario]:
    """Yield rows in which an attempt continues after the next one has begun: it must do nothing any more."""
    begun = found_out(api, "before-submit", accepted=False)
    # a process without its worker has no way to its log
    said = f"another attempt of this task has begun|This worker is stopped, not the task|{begun.sentence}"
    expect = begun if api.finds == "no" else replace(begun, sentence=said, or_else=SEARCHING)
    rows = (
        ("stopped", "worker and task stopped (SIGSTOP) before the request, continued after the next try", "stop"),
        ("orphaned", "worker killed alone before the request, its task continues after the next try", "orphan"),
    )
    for number, (key, title, do) in enumerate(rows):
        crash = Crash("Sender.send_first", do=do)  # type: ignore[arg-type]
        yield Scenario(key, title, api, _mode(api, number), expect, crash=crash, act=acts.superseded)
    joins = Expect(ADOPTED_OR_FINISHED, tries=(2, 3))
    title, act = "worker killed alone while its task polls", acts.supervisor_killed
    yield Scenario("orphaned-polling", title, api, S, joins, rules=WORKER_LONG, act=act)


def owing(api: ApiCase) -> Iterator[Scenario]:
    """Yield rows in which the worker dies after it has stored the policy that it is about to carry out."""
    if not api.can_delete:
        return
    fails = {"fault": "operation_fails", "reason": "no room", "count": 1}
    endless = {"fault": "endless", "count": 1}
    rows = (
        ("owes-failure", "the operation failed; worker killed before on_failure=delete", fails, "1 failed"),
        ("owes-timeout", "time is up; worker killed before on_timeout=delete", endless, "1 cancelled"),
    )
    for number, (key, title, rule, settled) in enumerate(rows):
        yield Scenario(
            key,
            title,
            api,
            _mode(api, number),
            Expect(
                f"an earlier attempt owed on_{key.removeprefix('owes-')}=delete",
                created=2,
                settled=f"{settled}, 1 succeeded",
                endings=(1, 10),
                tries=(2, 3),
            ),
            variant=key.replace("-", "_"),
            crash=Crash("OperationsHook.run", by="carry_out"),
            rules=(rule,),
        )
