"""Tells from a worker: while it waits itself, and how the wait has ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from airflow_provider_ops._compat import pull_plain, push_plain
from airflow_provider_ops.core.gate import fit, share
from airflow_provider_ops.core.history import KEY, TRIES, Chapter, Story, mark
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import Outcome, Watch
from airflow_provider_ops.http.clock import Clock

log = logging.getLogger(__name__)

#: Seconds between two records: of two hundred operations each may change on its own.
_BETWEEN = 2.0
_MOST_TRIES = 10


class WorkerReport:
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
        self._story = Story(api, conn_id, ti.try_number, "worker", wait_for, deadline)
        self._mark: int | None = None
        self._pushed_at = float("-inf")
        # asking for what is not there makes Airflow write an error into its log
        self._has_read = not resumes

    @property
    def mark(self) -> int | None:
        """What was told last, so that the triggerer does not tell it again."""
        return self._mark

    @property
    def chapters(self) -> Collection[Chapter]:
        """The story of each operation, as far as it is known here."""
        return self._story.chapters.values()

    def telling(self, watches: Sequence[Watch], say: Callable[[str], None]) -> Callable[[str], None]:
        """A log for waits that also keeps the story: waits speak when something has changed, and now and then."""

        def tell(line: str) -> None:
            say(line)
            self._quietly(lambda: self._note(watches))

        return tell

    def paused(self, watches: Sequence[Watch], *, is_over: bool) -> None:
        """Keep what is known at the end of this leg.

        :param is_over: whether nobody waits on.
        """
        if is_over:
            self.ended({watch.operation_id: (watch.outcome, watch.timeline) for watch in watches})
        else:
            self._quietly(lambda: self._note(watches, at_once=True))

    def submitted(self, operation_id: str, operation: Any) -> None:
        """Keep what was started and is not waited for."""

        def work() -> None:
            self._story.is_over = True
            self._story.chapter(operation_id).saw(operation, self._clock.time())
            self._push()

        self._quietly(work)

    def ended(self, waits: Mapping[str, tuple[Outcome | None, Timeline | None]], told: object = None) -> None:
        """Keep how the wait has ended.

        :param told: what the trigger's event carries for this.
        """
        self._quietly(lambda: self._end(waits, told))

    def _note(self, watches: Sequence[Watch], *, at_once: bool = False) -> None:
        now = self._clock.time()
        self._story.is_over = False
        self._story.note(watches, now)
        seen = mark(watches)
        pushed_for = self._clock.monotonic() - self._pushed_at
        if seen != self._mark and (at_once or pushed_for >= _BETWEEN):
            self._push()
            self._mark, self._pushed_at = seen, self._clock.monotonic()

    def _end(self, waits: Mapping[str, tuple[Outcome | None, Timeline | None]], told: object) -> None:
        now = self._clock.time()
        self._read_earlier()
        self._story.heard(told)
        for operation_id, (outcome, timeline) in waits.items():
            self._story.chapter(operation_id).ended(outcome, timeline, now)
        self._story.is_over = True
        self._push()
        self._keep_for_later_tries(now)

    def _keep_for_later_tries(self, now: float) -> None:
        """Keep what this try came to where a later one finds it: XComs are gone with the next try.

        Of a success as well, because a clear begins anew and leaves what there was.
        """
        chapters = list(self._story.chapters.values())
        if self._store is None or not chapters:
            return
        decisive = next((chapter for chapter in chapters if not chapter.has_succeeded), chapters[0])
        operation = chapters[0].operation
        this = {
            "try_number": self._story.try_number,
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
        push_plain(self._ti, KEY, self._story.to_record(self._clock.time()))

    def _read_earlier(self) -> None:
        """Go on where an earlier leg of this try has stopped."""
        if not self._has_read:
            self._has_read = True
            self._story.go_on_from(pull_plain(self._ti, KEY))

    @staticmethod
    def _quietly(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            log.debug("the progress of this wait cannot be shown", exc_info=True)
