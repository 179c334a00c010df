"""The rows: what happens to a task, and what it must have created afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from dev.guarantees.apis import ApiCase, case
from dev.guarantees.crash import Crash
from dev.guarantees.expected import ADOPTED_OR_FINISHED, SUCCEEDED
from dev.guarantees.model import Act, Expect, Scenario
from dev.identity.acts import cleared, ended, retried, run_again, waiting
from dev.identity.specs import ITERATIONS, SPECS, row_id

KEPT: Final = "-kept"
_TWICE: Final = (2, 2)
#: The process of the task ends, and its worker reports that.
_DIES: Final = Crash("HandleStore.save", "leave", "die")
#: The first operation outlasts what a busy machine needs to change a DAG, or to start the next try.
_LONG: Final = {"rules": ({"fault": "unknown_status", "word": "warming-up", "seconds": 120, "count": 1},)}
_FAILS: Final = ({"fault": "operation_fails", "reason": "no room", "count": 1},)
#: A second more than a submit is repeated within one attempt.
_BUSY: Final = ({"fault": "status", "status": 429, "retry_after": 301, "method": "POST", "count": 1},)

_STORED: Final = r"the task was cleared .*: submitting a new one"
_STILL_OURS: Final = "nothing ends its operation .* still ours: adopting it"
#: What a task logs that adopts where Airflow does not show whether it was cleared.
_WARNS: Final = "Airflow does not show whether this task was cleared or is retried"
#: The same where nothing is stored.
_FOUND: Final = r"nothing is stored of earlier tries, but \S+ has operation .* continuing with it"


@dataclass(frozen=True)
class Row(Scenario):
    """
    One row for one API in one mode.

    :param needs_34: whether Airflow before 3.4 has nothing of the kind.
    """

    needs_34: bool = False

    @property
    def dag_id(self) -> str:
        """Return the DAG that only this row uses."""
        return self.run_id

    @property
    def run_id(self) -> str:
        """Return the run id, also the name of what it creates, where the API wants one."""
        return row_id(self.api.name, self.mode, self.key)


@dataclass(frozen=True)
class Kind:
    """
    What the rows with one key have in common.

    :param expect: of an API, and whether what was stored of the task was discarded by a clear.
    :param act: called with fields of the request that clears.
    :param more: of the row.
    """

    title: str
    expect: Callable[[ApiCase, bool], Expect]
    act: Callable[..., Act] | None = None
    more: Mapping[str, Any] | None = None


def rows(*, discards: bool) -> Iterator[Row]:
    """
    Return all rows.

    :param discards: whether a clear of a task discards what is stored of it, as that of Airflow 3.4 does.
    """
    for key, spec in SPECS.items():
        is_kept = key.endswith(KEPT)
        kind = KINDS[key.removesuffix(KEPT)]
        options = {"keep_task_state": True} if is_kept else {}
        for name, mode in spec.apis:
            api = case(name)
            yield Row(
                key,
                kind.title + (", its state kept" if is_kept else ""),
                api,
                mode,
                kind.expect(api, discards and not is_kept),
                act=kind.act(**options) if kind.act else None,
                needs_34=is_kept or spec.loops,
                **(kind.more or {}),
            )


def _anew(first: str = "succeeded", *, is_changed: bool = False) -> Callable[[ApiCase, bool], Expect]:
    """
    Expect a second resource, the operation of the first being over.

    :param is_changed: whether the DAG has another version since, so that what is found may belong to anyone.
    """
    settled = "2 succeeded" if first == "succeeded" else f"1 {first}, 1 succeeded"

    def expect(api: ApiCase, discarded: bool) -> Expect:
        sentence = _STORED
        if discarded and api.finds == "key":
            sentence = "cannot be searched for it"
        elif discarded:
            sentence = "before the task was cleared, and stays as it is" + ("|left alone" if is_changed else "")
        return Expect(sentence, created=2, settled=settled, tries=_TWICE)

    return expect


def _ended(_api: ApiCase, discarded: bool) -> Expect:
    """Expect a second resource, after the kill policy, in either process, has ended the first operation."""
    return Expect(
        "clearing ends its operation|nothing is cancelled or deleted here|left alone"
        if discarded
        else "submitting a new one",
        created=2,
        settled="1 cancelled, 1 succeeded",
        endings=(1, 10),
        tries=_TWICE,
        or_else=SUCCEEDED if discarded else "",
    )


def _joins(stored: str, *, tries: tuple[int, int] = _TWICE) -> Callable[[ApiCase, bool], Expect]:
    """Expect the same resource, whatever is logged of it where something is stored."""
    return lambda _api, discarded: Expect(_FOUND if discarded else stored, tries=tries)


def _always(expect: Expect) -> Callable[[ApiCase, bool], Expect]:
    return lambda _api, _discarded: expect


_JOINED: Final = _always(Expect(ADOPTED_OR_FINISHED, tries=_TWICE))
_RETRIED: Final = {"crash": _DIES, **_LONG}


def _retried(title: str, expect: Callable[[ApiCase, bool], Expect], **change: Any) -> Kind:
    """Return a kind in which something changes between two tries, and the automatic retry follows."""
    return Kind(title, expect, lambda: retried(**change), _RETRIED)


KINDS: Final[Mapping[str, Kind]] = {
    "success": Kind("cleared after success", _anew(), partial(cleared, ended)),
    "failure": Kind("cleared after the operation failed", _anew("failed"), partial(cleared, ended), {"rules": _FAILS}),
    "deferred": Kind("cleared while deferred", _ended, partial(cleared, waiting), _LONG),
    "deferred-leave": Kind(
        "cleared while deferred, on_kill=leave", _joins(_STILL_OURS), partial(cleared, waiting), _LONG
    ),
    "running": Kind("cleared while running", _ended, partial(cleared, waiting), _LONG),
    "running-leave": Kind(
        "cleared while running, on_kill=leave",
        # of a task that still runs, Airflow does not always distinguish a clear from a retry; it may store once more
        _always(Expect(f"{_STILL_OURS}|{ADOPTED_OR_FINISHED}|{_FOUND}", tries=(2, 3))),
        partial(cleared, waiting),
        _LONG,
    ),
    "retry": Kind("automatic retry", _JOINED, None, _RETRIED),
    "lowered-retry": _retried("retries lowered from 2 to 0, automatic retry", _JOINED, retries=0),
    "lowered-exactly": _retried(
        "retries lowered by the tries that were used, automatic retry",
        _always(Expect(_WARNS, tries=_TWICE)),
        retries=1,
    ),
    "lowered-success": Kind(
        "retries lowered from 1 to 0, cleared after success",
        _anew(is_changed=True),
        partial(cleared, ended, retries=0),
    ),
    "lowered-deferred": Kind(
        "retries lowered from 1 to 0, cleared while deferred", _ended, partial(cleared, waiting, retries=0), _LONG
    ),
    "lowered-leave": Kind(
        "retries lowered from 1 to 0, cleared while deferred, on_kill=leave",
        _joins(_STILL_OURS),
        partial(cleared, waiting, retries=0),
        _LONG,
    ),
    "lowered-unreset": Kind(
        "retries lowered from 1 to 0, cleared with reset_dag_runs=false while deferred, on_kill=leave",
        _joins(_WARNS),
        partial(cleared, waiting, retries=0, reset_dag_runs=False),
        _LONG,
    ),
    "raised-success": Kind(
        "retries raised from 0 to 2, cleared after success",
        _anew(is_changed=True),
        partial(cleared, ended, retries=2),
    ),
    "raised-retry": _retried("retries raised from 1 to 3, automatic retry", _JOINED, retries=3),
    "other": _retried("another task of the run cleared, automatic retry", _JOINED, clears_other=True),
    "other-lowered": _retried(
        "another task of the run cleared and retries lowered by the tries that were used, automatic retry, "
        "on_kill=leave",
        _always(Expect(f"{_STILL_OURS}|{ADOPTED_OR_FINISHED}", tries=_TWICE)),
        retries=1,
        clears_other=True,
    ),
    "again": Kind(
        "run deleted and made again under its id",
        _always(Expect(SUCCEEDED, created=2, settled="2 succeeded", tries=(1, 1))),
        lambda: run_again,
    ),
    "refused": Kind(
        "refused with 429 for longer than a task waits, then accepted",
        lambda _api, waits_without_retry: Expect(SUCCEEDED, tries=(1, 1) if waits_without_retry else _TWICE),
        None,
        {"rules": _BUSY},
    ),
    "loop": Kind(
        f"loop of {ITERATIONS} iterations",
        _always(Expect(SUCCEEDED, created=ITERATIONS, settled=f"{ITERATIONS} succeeded", tries=(1, 1))),
    ),
    "loop-cleared": Kind(
        f"loop of {ITERATIONS} iterations, its task cleared after success",
        _always(
            Expect(
                "before the task was cleared, and stays as it is",
                created=2 * ITERATIONS,
                settled=f"{2 * ITERATIONS} succeeded",
                tries=_TWICE,
            )
        ),
        partial(cleared, ended),
    ),
}
