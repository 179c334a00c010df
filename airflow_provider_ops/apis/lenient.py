"""Reading what a wait depends on: what an operation says beside it must not hide it."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from airflow_provider_ops.apis.base import WireModel, read

M = TypeVar("M", bound=WireModel)


def read_leniently(model: type[M], data: Any, *needed: str) -> M:
    """``data`` as a wire model, without the fields that are of another type than documented.

    An API that changes the shape of its progress would else look like one that cannot be read at all, and a wait would
    go on to its deadline over an operation that has long succeeded.

    :param needed: names on the wire of fields that are never left out.
    :raises TransportError: reason ``unreadable`` when one of ``needed`` is what cannot be read.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        odd = {item["loc"][0] for item in error.errors(include_input=False) if item["loc"]}
    if not isinstance(data, dict) or odd & set(needed):
        return read(model, data)
    return read(model, {name: value for name, value in data.items() if name not in odd})
