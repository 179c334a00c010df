"""The rows of the table of messages: a situation, how it comes about, and what else helps in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Row:
    """One situation.

    :param play: brings it about; raises the error that a user meets, or returns the text that one reads.
    :param advice: what the docs add to the message.
    """

    situation: str
    play: Callable[[Any], object]
    advice: str = ""


@dataclass
class Area:
    """Situations that belong together.

    :param intro: what the docs say first.
    :param is_brief: whether the docs show the messages only.
    """

    title: str
    intro: str = ""
    is_brief: bool = False
    rows: list[Row] = field(default_factory=list)

    def row(self, situation: str, advice: str = "") -> Callable[[Callable[[Any], object]], Callable[[Any], object]]:
        """Add the decorated function as a row."""

        def add(play: Callable[[Any], object]) -> Callable[[Any], object]:
            self.rows.append(Row(situation, play, advice))
            return play

        return add

    def add(self, plays: Mapping[str, Callable[[Any], object]]) -> None:
        """Add rows of which the message says all."""
        self.rows += [Row(situation, play) for situation, play in plays.items()]
