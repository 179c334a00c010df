"""The return value of a task: complete, as long as Airflow can store it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from airflow_provider_ops.core.gate import REDACTED, REPLACEMENT, RESULT, clean, cut_text, is_clean_id
from airflow_provider_ops.exceptions import InvalidArgument

T = TypeVar("T", bound="Mapping[str, Any] | list[Any]")

#: What stands for an answer in its raw form that was left out.
RAW_LEFT_OUT = "[left out: the result would be larger than 1 MB]"
#: How many fields an error names.
_MOST_NAMED = 3


def checked(result: T, *, succeeded: str) -> T:
    """Return the return value of a task, cleaned, when Airflow can store it.

    Documented fields are never cut: half a kubeconfig is none. What is too large in all loses its raw answers first.

    :param succeeded: what it is the result of, for the error.
    :raises InvalidArgument: names the field that is too large, or the id that is none.
    """
    value: T = clean(result)
    for name, text in _texts(value, ""):
        if _is_bad_id(name.rpartition(".")[2], text):
            raise InvalidArgument(
                f"{succeeded} succeeded, but {name} of its result is {cut_text(text, 200)!r}, which cannot be an id: "
                "look up what it has made at the API"
            )
    if _size(value) > RESULT.total:
        value = _without_raw(value)
    sizes = {name: len(text.encode()) for name, text in _texts(value, "")}
    largest = sorted(sizes, key=lambda name: -sizes[name])
    if largest and sizes[largest[0]] > RESULT.text:
        raise _too_large(succeeded, f"field {largest[0]} has {sizes[largest[0]]} bytes, {RESULT.text} are possible")
    if (size := _size(value)) > RESULT.total:
        names = ", ".join(f"{name} ({sizes[name]})" for name in largest[:_MOST_NAMED])
        raise _too_large(succeeded, f"it has {size} bytes, {RESULT.total} are possible; the largest fields: {names}")
    return value


def _is_bad_id(field: str, text: str) -> bool:
    if field in ("operation_id", "resource_id"):
        return not is_clean_id(text)
    # what else an API calls an id may have any form, but not one that something was taken out of
    return field == "id" and (REPLACEMENT in text or REDACTED in text)


def _too_large(succeeded: str, why: str) -> InvalidArgument:
    return InvalidArgument(
        f"{succeeded} succeeded, but its result is too large for a return value: {why}. "
        "Nothing was removed; read it with the hook, in the task that needs it"
    )


def _without_raw(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: RAW_LEFT_OUT if name == "raw" else _without_raw(item) for name, item in value.items()}
    return [_without_raw(item) for item in value] if isinstance(value, list) else value


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, f"{place}[{number}]")


def _size(value: Any) -> int:
    """Return the bytes of a JSON value, roughly: its texts and names, and some for everything else."""
    if isinstance(value, str):
        return len(value.encode()) + 2
    if isinstance(value, Mapping):
        return sum(len(name.encode()) + 4 + _size(item) for name, item in value.items())
    return sum(map(_size, value)) + 2 if isinstance(value, list) else 8
