"""Calls that share a kind: an operation is known by its kind only, so what a call says of its own must be the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_ops.exceptions import SpecProblem
from airflow_provider_ops.spec.description import Description
from airflow_provider_ops.spec.sections import CallSpec

#: What is looked up by the kind of an operation.
_OWN = ("timeout", "cancel", "result", "poll")


def kinds(spec: Description) -> Iterator[SpecProblem]:
    """Find calls of one kind with different settings."""
    first: dict[str, int] = {}
    for index, call in enumerate(spec.calls):
        earlier = first.setdefault(call.kind, index)
        other = spec.calls[earlier]
        different = [name for name in _OWN if _setting(spec, call, name) != _setting(spec, other, name)]
        if different:
            said = f"{call.kind!r} is the kind of {other.request} too, and {' and '.join(different)} of the two differ"
            yield SpecProblem(
                ("calls", index, "kind"), f"{said}: give one of them another kind, or both the same {different[0]}"
            )


def _setting(spec: Description, call: CallSpec, name: str) -> Any:
    return call.timeout if name == "timeout" else spec.inherited(call, name)


def call_of_kind(spec: Description, kind: str) -> CallSpec | None:
    """Return the call whose operations have a kind, ``None`` where there is none, or not one only.

    :param kind: empty in handles that an earlier release has stored for a call without ``kind``.
    """
    found = [call for call in spec.calls if (call.kind == kind if kind else not call.has("kind"))]
    # of several with one kind the settings are the same
    return found[0] if len(found) == 1 or (found and kind) else None
