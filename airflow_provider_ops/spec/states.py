"""From the words of an API to the states of an operation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.spec.templates import as_text

ANY_OTHER = "*"
_STATES = {state.value: state for state in OperationState}


class StateTable:
    """Look up words as text, in any case.

    :param lists: the words of each state; ``None`` for a value that is not there, ``*`` for any other.
    """

    def __init__(self, lists: Iterable[tuple[str, Iterable[str | None]]]) -> None:
        self._states = {_folded(word): name for name, words in lists for word in words}

    def __getitem__(self, value: Any) -> str | None:
        """Return the name of the state that a value stands for, ``None`` where it is not listed."""
        if value.__class__ is str and (known := self._states.get(value)) is not None:
            # as it is written in the table
            return known
        word = None if value is None or isinstance(value, (dict, list)) else _folded(as_text(value))
        if isinstance(value, (dict, list)):
            # an error object is there, whatever it says
            return self._states.get(ANY_OTHER)
        found = self._states.get(word)
        return self._states.get(ANY_OTHER) if found is None and word is not None else found


def _folded(word: str | None) -> str | None:
    return None if word is None else word.strip().casefold()


def twice(lists: Mapping[str, Iterable[str | None]]) -> Iterator[tuple[str, str, str | None]]:
    """Yield the name of the list, the earlier list, and the word, for each word that stands in two places."""
    seen: dict[str | None, str] = {}
    for name, words in lists.items():
        for word in words:
            folded = _folded(word)
            if folded in seen:
                yield name, seen[folded], word
            seen.setdefault(folded, name)


def to_state(name: str | None) -> OperationState:
    """Return the state of that name; one that is not listed keeps the wait going."""
    return OperationState.UNKNOWN if name is None else _STATES[name]
