"""Stores in the task state store what is shown of a try in later ones: the next try deletes the XComs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow_provider_ops.apis.terminate import Termination
from airflow_provider_ops.core.gate import fit, ids_in, share
from airflow_provider_ops.core.history import TRIES

log = logging.getLogger(__name__)

_MOST_TRIES = 10
_LIMITS = share(2 * _MOST_TRIES)


def keep_entry(store: Any, entry: Mapping[str, Any]) -> None:
    """Store the entry of a try in place of what was stored of it before."""
    others = [one for one in store.get(TRIES) or () if one["try_number"] != entry["try_number"]]
    store.set(TRIES, [*others, _fitted(entry)][-_MOST_TRIES:])


def note_settled(store: Any, operation_id: str | None, ended: Termination, try_number: int | None) -> None:
    """Add to the latest try with an operation what a later try has done about that; where this fails, do nothing.

    :param store: the task state store, ``None`` where there is none.
    :param ended: what became of the operation.
    :param try_number: of the later try.
    """
    try:
        entries = [] if store is None else list(store.get(TRIES) or ())
        mine = [at for at, one in enumerate(entries) if operation_id in _ids(one) and one["try_number"] != try_number]
        if not mine or operation_id is None:
            return
        deletion = ended.deletion.to_dict() if ended.deletion else None
        since = {"try_number": try_number, "text": ended.text, "deletion": deletion}
        entries[mine[-1]] = _fitted({**entries[mine[-1]], "since": since})
        store.set(TRIES, entries)
    except Exception:
        log.debug("what became of the operation of an earlier try cannot be shown", exc_info=True)


def _fitted(entry: Mapping[str, Any]) -> Any:
    return fit(entry, _LIMITS, [*ids_in(entry), *ids_in(entry.get("first"))]).value


def _ids(entry: Mapping[str, Any]) -> tuple[object, ...]:
    first = entry.get("first")
    return entry.get("operation_id"), first.get("operation_id") if isinstance(first, Mapping) else None
