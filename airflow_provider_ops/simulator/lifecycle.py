"""How an operation gets from queued to settled: a time table, written once when the operation starts.

Nothing runs in the background. The time table says what is true at any time, and the world looks it up.
"""

from __future__ import annotations

from dataclasses import dataclass

from .records import Phase, Stage, Step

QUEUED_SHARE = 0.1
"""Part of its duration that an operation spends queued."""

JITTER = 0.1
"""An operation takes the configured duration, give or take this part of it."""


@dataclass(frozen=True)
class Script:
    """What an API wants one kind of operation to go through: its phases while running, and the one it ends in."""

    phases: tuple[Phase, ...]
    final: Phase | None = None
    queued_share: float = QUEUED_SHARE
    """Zero for an API that knows no queued state."""


@dataclass(frozen=True)
class Fate:
    """What the fault plan has in store for one operation, decided when it is created."""

    stage: Stage = "succeeded"
    reason: str | None = None
    code: str | None = None
    advice: tuple[bool | None, float | None] = (None, None)
    endless: bool = False
    unknown_word: str | None = None
    unknown_seconds: float = 0.0
    hidden_reads: int = 0
    cancel_seconds: float | None = None
    list_lag: float = 0.0
    dates_early: float = 0.0
    hides_end: bool = False


def timetable(start: float, duration: float, script: Script, fate: Fate) -> list[Step]:
    """Return the steps of an operation in order of time."""
    running_from = start + duration * script.queued_share
    running_for = start + duration - running_from
    steps = [Step(start, "queued")] if script.queued_share else []
    if fate.unknown_word is not None:
        # The word is shown first and the known phases follow it, so the operation takes that much longer.
        steps.append(Step(running_from, "running", script.phases[0], fate.unknown_word))
        running_from += fate.unknown_seconds
    share = running_for / len(script.phases)
    steps += [Step(running_from + share * n, "running", phase) for n, phase in enumerate(script.phases)]
    if not fate.endless:
        # A failed or cancelled operation stays at the phase in which it ended.
        last = script.final if fate.stage == "succeeded" and script.final else script.phases[-1]
        steps.append(Step(running_from + running_for, fate.stage, last))
    return steps


def cancelled_at(at: float, phase: Phase | None) -> list[Step]:
    """Return what is left of the time table of an operation that a cancel ends at that time."""
    return [Step(at, "cancelled", phase)]
