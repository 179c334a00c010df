"""What people read when something goes wrong, all of it: ``table.md`` has the texts, and these tests keep it.

``UPDATE_MESSAGES=1 pytest tests/messages`` writes the table anew, and
``make docs/reference/troubleshooting.md`` the page that is made of it.
"""

from __future__ import annotations

import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import stamina

from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.testing import SimulatorServer, VirtualClock
from dev.messages import TABLE, read_table, write_table
from tests.messages.areas import AREAS
from tests.messages.normal import normal
from tests.messages.scene import Scene
from tests.messages.sites import Line, Site, note_raised, noted, sites
from tests.old_airflow import HAS_QUEUES_OF_WATCHERS, needs_async_connections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.messages.table import Row

ROWS: Final = {(area.title, row.situation): row for area in AREAS for row in area.rows}
IDS: Final = [f"{area}: {situation}" for area, situation in ROWS]
_SECRETS: Final = ("test-key", "a-key", "pass-7")

#: Places that no row reaches, and why.
UNREACHED: Final = {
    "retry_policy.py: raise final.with_traceback": "the same error once more, on an Airflow before 3.3",
    "http/async_client.py: raise located(refused": "a library refuses what our checks let pass",
    "http/async_client.py: InvalidConnection(f'it{through} cannot": "the same",
    "http/blocking_client.py: ": "the same as in portal_call.py",
    "http/portal_call.py: PortalClosed": "the process, or the thread of the task, is ending: nobody reads it",
    "http/transport.py: TransportError('the connection held an answer": "bytes sent before the request",
    "apis/lenient.py: raise unreadable(self._name, error)": "no shape has a rule about more than one of its fields",
    "spec/expressions.py: raise ValueError(f'expression {text[:40]!r}...": "templates.py has refused so long a text",
    "spec/expressions.py: is no expression: begin with $response": "such a text is a constant, which parts.py refuses",
    "spec/model.py: raise refuse(problems)": "all mistakes that were found, each of which has its row",
    "lifecycle/fence.py: HeldBack": "a request that is held back; the error that ends the attempt says more",
    "lifecycle/fence.py: raise HeldBack": "the same",
    "lifecycle/fence.py: NotConfirmed": "the same",
    "lifecycle/fence.py: raise NotConfirmed": "the same",
}


@dataclass
class Told:
    """What a row came to, and the lines of the package that it went through.

    :param beside: errors of ours that Python shows as causes of the one that counts.
    """

    text: str
    lines: set[Line]
    beside: list[str]


_TOLD: dict[tuple[str, str], Told] = {}


@pytest.fixture(scope="session")
def _clock() -> VirtualClock:
    return VirtualClock(start=time.time())


@pytest.fixture(scope="session")
def _world(_clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=600.0, clock=_clock) as world:
        yield world


@pytest.fixture
def tell(
    _world: SimulatorServer, _clock: VirtualClock, run_dag: Any, a_dag: Any, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Play a row, once in a session."""
    monkeypatch.setattr("airflow_provider_ops.hooks.base.default_clock", lambda: _clock)

    def play(key: tuple[str, str]) -> Told:
        if key not in _TOLD:
            with pytest.MonkeyPatch.context() as patch, stamina.set_testing(True, attempts=3, cap=True):
                _world.reset()
                # pauses that an earlier row brought on are over
                _clock.advance(4000)
                for name, value in _world.environ().items():
                    patch.setenv(name, value)
                patch.setenv("COLUMNS", "200")
                scene = Scene(_world, _clock, patch, run_dag, a_dag)
                _TOLD[key] = _played(ROWS[key], scene)
        return _TOLD[key]

    return play


def _played(row: Row, scene: Scene) -> Told:
    lines: set[Line] = set()
    try:
        with noted(lines), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            said = row.play(scene)
            note_raised(lines, scene.ended_by)
    except OpsError as error:
        note_raised(lines, error)
        return Told(normal(f"{type(error).__name__}: {error}"), lines, _beside(error))
    finally:
        scene.close()
    assert isinstance(said, str), f"{row.situation}: no error, but {said!r}"
    return Told(normal(said), lines, [])


def _beside(error: BaseException | None) -> list[str]:
    """Return the errors of ours that a traceback shows with one."""
    found: list[str] = []
    while error is not None:
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if isinstance(error, OpsError):
            found.append(f"{type(error).__name__}: {error}")
    return found


def _one(key: tuple[str, str], name: str) -> Any:
    """Return a parameter: what only an Airflow before 3.4 refuses is no situation of a later one."""
    is_past = HAS_QUEUES_OF_WATCHERS and key[1].endswith("before Airflow 3.4")
    mark = pytest.mark.skipif(is_past, reason="this Airflow has queues of watchers")
    return pytest.param(key, marks=mark, id=name)


@pytest.mark.parametrize("key", [_one(key, name) for key, name in zip(ROWS, IDS, strict=True)])
def test_a_situation_is_told_as_the_table_has_it(tell: Any, key: tuple[str, str]) -> None:
    told = tell(key).text
    assert not any(secret in told for secret in _SECRETS)
    if not os.environ.get("UPDATE_MESSAGES"):
        assert told == read_table(TABLE.read_text(encoding="utf-8")).get(key)


@pytest.mark.timeout(900)
def test_what_counts_stands_alone(tell: Any) -> None:
    """A log that shows causes last would otherwise end with advice about something else."""
    found = {key: told.beside for key in ROWS if (told := tell(key)).beside}
    assert not found, "\n".join(map(str, found.items()))


@pytest.mark.timeout(900)
def test_the_table_has_these_rows_in_this_order(tell: Any) -> None:
    if os.environ.get("UPDATE_MESSAGES"):
        write_table({key: tell(key).text for key in ROWS})
    assert list(read_table(TABLE.read_text(encoding="utf-8"))) == list(ROWS)


@needs_async_connections
@pytest.mark.skipif(HAS_QUEUES_OF_WATCHERS, reason="this Airflow has queues of watchers, which others refuse")
@pytest.mark.timeout(900)
def test_every_place_that_raises_an_error_of_ours_has_a_row(tell: Any) -> None:
    lines = set[Line]().union(*(tell(key).lines for key in ROWS))
    missing = [site for site in sites() if not _is_reached(site, lines)]
    without = [str(site) for site in missing if not _is_excused(site)]
    assert not without, "\n".join(without)
    assert [reason for reason in UNREACHED if not any(_excuses(reason, site) for site in missing)] == []


def _is_reached(site: Site, lines: set[Line]) -> bool:
    return any((site.file, line) in lines for line in range(site.first, site.last + 1))


def _is_excused(site: Site) -> bool:
    return any(_excuses(reason, site) for reason in UNREACHED)


def _excuses(reason: str, site: Site) -> bool:
    file, _, text = reason.partition(": ")
    is_meant = site.file.startswith(file) if file.endswith("/") else site.file == file
    return is_meant and text in site.text


def test_the_docs_are_made_of_the_table() -> None:
    from dev.messages import PAGE, page  # noqa: PLC0415

    assert Path(PAGE).read_text(encoding="utf-8") == page(), "make docs/reference/troubleshooting.md"
