"""Tells from a worker: while it waits itself, and how the wait has ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from airflow_provider_ops._compat import pull_plain, push_plain
from airflow_provider_ops.core.gate import fit, share
from airflow_provider_ops.core.history import KEY, TRIES, OperationHistory, WaitHistory, digest
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import Outcome, WaitState
from airflow_provider_ops.http.clock import Clock

log = logging.getLogger(__name__)

#: Seconds between two records: of two hundred operations each may change on its own.
_BETWEEN = 2.0
_MOST_TRIES = 10


class WorkerReporter:
    """The story of one try, kept beside its task instance.

    :param ti: the task instance.
    :param deadline: epoch seconds.
    :param resumes: whether an earlier leg of this try may have kept something.
    :param store: ``context["task_state_store"]``, which outlives the try; absent before Airflow 3.3.
    """

    def __init__(
        self,
        ti: Any,
        clock: Clock,
        *,
        api: str,
        conn_id: str,
        deadline: float | None,
        wait_for: str = "all",
        resumes: bool = False,
        store: Any = None,
    ) -> None:
        self._ti = ti
        self._clock = clock
        self._store = store
        self._history = WaitHistory(api, conn_id, ti.try_number, "worker", wait_for, deadline)
        self._digest: int | None = None
        self._pushed_at = float("-inf")
        # asking for what is not there makes Airflow write an error into its log
        self._has_read = not resumes

    @property
    def last_reported_digest(self) -> int | None:
        """What was told last, so that the triggerer does not tell it again."""
        return self._digest

    @property
    def histories(self) -> Collection[OperationHistory]:
        """The story of each operation, as far as it is known here."""
        return self._history.operations.values()

    def log_and_report(self, watches: Sequence[WaitState], say: Callable[[str], None]) -> Callable[[str], None]:
        """A log for waits that also keeps the story: waits speak when something has changed, and now and then."""

        def tell(line: str) -> None:
            say(line)
            self._quietly(lambda: self._record(watches))

        return tell

    def paused(self, watches: Sequence[WaitState], *, is_over: bool) -> None:
        """Keep what is known at the end of this leg.

        :param is_over: whether nobody waits on.
        """
        if is_over:
            self.ended({watch.operation_id: (watch.outcome, watch.timeline) for watch in watches})
        else:
            self._quietly(lambda: self._record(watches, at_once=True))

    def submitted(self, operation_id: str, operation: Any) -> None:
        """Keep what was started and is not waited for."""

        def work() -> None:
            self._history.is_over = True
            self._history.operation(operation_id).on_result(operation, self._clock.time())
            self._push()

        self._quietly(work)

    def ended(self, waits: Mapping[str, tuple[Outcome | None, Timeline | None]], told: object = None) -> None:
        """Keep how the wait has ended.

        :param told: what the trigger's event carries for this.
        """
        self._quietly(lambda: self._end(waits, told))

    def _record(self, watches: Sequence[WaitState], *, at_once: bool = False) -> None:
        now = self._clock.time()
        self._history.is_over = False
        self._history.record(watches, now)
        seen = digest(watches)
        pushed_for = self._clock.monotonic() - self._pushed_at
        if seen != self._digest and (at_once or pushed_for >= _BETWEEN):
            self._push()
            self._digest, self._pushed_at = seen, self._clock.monotonic()

    def _end(self, waits: Mapping[str, tuple[Outcome | None, Timeline | None]], told: object) -> None:
        now = self._clock.time()
        self._read_earlier()
        self._history.merge(told)
        for operation_id, (outcome, timeline) in waits.items():
            self._history.operation(operation_id).ended(outcome, timeline, now)
        self._history.is_over = True
        self._push()
        self._keep_for_later_tries(now)

    def _keep_for_later_tries(self, now: float) -> None:
        """Keep what this try came to where a later one finds it: XComs are gone with the next try.

        Of a success as well, because a clear begins anew and leaves what there was.
        """
        chapters = list(self._history.operations.values())
        if self._store is None or not chapters:
            return
        decisive = next((chapter for chapter in chapters if not chapter.has_succeeded), chapters[0])
        operation = chapters[0].operation
        this = {
            "try_number": self._history.try_number,
            "operation_id": decisive.operation_id,
            "said": decisive.summary,
            "ended_at": round(now, 1),
            # what the task has submitted comes before what it waited for afterwards
            "first": {
                "operation_id": chapters[0].operation_id,
                "kind": operation.kind if operation else "",
                "resource_type": operation.resource_type if operation else None,
                "resource_id": operation.resource_id if operation else None,
            },
        }
        before = [entry for entry in self._store.get(TRIES) or () if entry["try_number"] != this["try_number"]]
        entry = fit(this, share(2 * _MOST_TRIES)).value
        self._store.set(TRIES, [*before, entry][-_MOST_TRIES:])

    def _push(self) -> None:
        self._read_earlier()
        push_plain(self._ti, KEY, self._history.to_record(self._clock.time()))

    def _read_earlier(self) -> None:
        """Go on where an earlier leg of this try has stopped."""
        if not self._has_read:
            self._has_read = True
            self._history.continue_from(pull_plain(self._ti, KEY))

    @staticmethod
    def _quietly(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            log.debug("the progress of this wait cannot be shown", exc_info=True)
